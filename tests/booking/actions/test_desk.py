"""The partner desk at the telephone: finds, issues, records; sees its doors and days only (SPEC S3, S16 to S18)."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.desk import (
    ISSUES,
    SEARCHES,
    Afterwards,
    Hit,
    Issued,
    Named,
    issue_code,
    mark_afterwards,
    mark_follow_up,
    search,
)
from booking.actions.endings import cancel_rental
from booking.actions.messages import MailKind
from booking.actions.reviews import Resting, bill_rental, decide_request
from booking.reads.doors import Reach, reach_of
from booking.rules import moving
from booking.rules.doorcodes import Pattern
from booking.tables.bookings import AuditEntry, Booking, CaseFile, Decision
from booking.tables.connections import Connection, RemoteBooking
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.houses import Room
from booking.tables.outgoing import Invoice, Outbox
from booking.values.codes import spoken
from booking.values.identity import new_uuid
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, CodeState, DecisionState, Role, Verdict
from tests.builders import NOW, Ids, build_house, change_house, contact, request, slot_in
from tests.season import OFFICE, TOOLS, confirmed, generate, house_of, mails, texts

DESK = Actor("Frau Desk", 3)
OTHER = Actor("Frau Owner", 1)
BY_CODE = Named(booking_code=True)
NAME = "Anna Müller"
NINE_ON_WEDNESDAY = datetime.fromisoformat("2026-11-25T08:00:00+00:00")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    """The house with its season's codes."""
    ids = database.write(build_house)
    generate(database, ids, Pattern.EACH_SLOT)
    return ids


def reach(database: Database, ids: Ids, role: Role = Role.DESK, now: datetime = NOW) -> Reach:
    found = reach_of(now, house_of(database, ids), role)
    assert found is not None
    return found


def asked(database: Database, ids: Ids, room_id: int, slot: Slot, name: str = NAME, **others: str) -> Booking:
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, room_id, slot, contact(name, **others)))
    return booking(database, made.booking_id)


def booking(database: Database, booking_id: int) -> Booking:
    with database.read() as session:
        return session.get_one(Booking, booking_id)


def looked_for(database: Database, ids: Ids, typed: str, actor: Actor = DESK) -> tuple[Hit, ...] | Refused:
    house, near = house_of(database, ids), reach(database, ids)
    return database.write(lambda session: search(session, NOW, house, near, typed, actor))


def found(database: Database, ids: Ids, typed: str) -> list[int]:
    hits = looked_for(database, ids, typed)
    assert not isinstance(hits, Refused), hits
    return [hit.entry.booking_id for hit in hits]


def issue(
    database: Database, ids: Ids, booking_id: int, named: Named = BY_CODE, actor: Actor = DESK, now: datetime = NOW
) -> Issued | Refused:
    house, near = house_of(database, ids), reach(database, ids, now=now)
    return database.write(lambda session: issue_code(session, now, TOOLS, house, near, booking_id, named, actor))


def spelled(issued: Issued | Refused) -> tuple[str, ...]:
    assert isinstance(issued, Issued), issued
    return tuple(code.text for code in issued.codes)


def why(verdict: object) -> tuple[str, ...]:
    assert isinstance(verdict, Refused), verdict
    return verdict.codes


@pytest.mark.rule("S16")
def test_a_request_is_found_by_name_phone_time_or_booking_code_however_typed(database: Database, ids: Ids) -> None:
    anna = asked(database, ids, ids.left, slot_in(1, 18, 19))
    boris = asked(
        database, ids, ids.right, slot_in(1, 20, 21), "Boris Groß", phone="0170 9876543", company="FC Süd e.V."
    )
    code = spoken(anna.code)
    for typed in ("müller", "MUELLER", "anna m", code, code.lower(), f" {anna.code} ", "555123", "0221-555123"):
        assert found(database, ids, typed) == [anna.id], typed
    for typed in ("+49 (0) 221 555123", "0049221555123", "18:00", "18 Uhr", "18"):
        assert found(database, ids, typed) == [anna.id], typed
    for typed in ("gross", "fc sued", "6543", "20.00", "+49 170 9876543"):
        assert found(database, ids, typed) == [boris.id], typed
    for typed in ("Carla", "19:00", "555124", "23456789"):
        assert found(database, ids, typed) == [], typed
    assert why(looked_for(database, ids, " a ")) == ("too-short",)


@pytest.mark.rule("S16")
def test_a_request_is_found_by_the_code_of_the_external_site(database: Database, ids: Ids) -> None:
    anna = asked(database, ids, ids.left, slot_in(1, 18, 19))

    def link(session: Session) -> None:
        mine = {"organisation_id": ids.organisation_id}
        connection = Connection(
            **mine,
            public_id=new_uuid(NOW),
            name="YCBM",
            base_url="https://ycbm.example",
            account_id="1",
            api_key_cipher=b"",
            api_key_id="",
            hook_secret_hash=b"",
            next_poll_at=NOW,
        )
        session.add(connection)
        session.flush()
        times = {"starts_at": NOW, "ends_at": NOW, "seen_at": NOW}
        session.add(
            RemoteBooking(
                **mine, **times, connection_id=connection.id, remote_id="x", ref="YC-77QX", booking_id=anna.id
            )
        )

    database.write(link)
    assert found(database, ids, "yc-77qx ") == [anna.id]


@pytest.mark.rule("S16", "S3")
def test_the_desk_finds_nothing_beyond_its_days_and_doors(database: Database, ids: Ids) -> None:
    inside = [asked(database, ids, ids.left, slot_in(days, 18, 19)).id for days in (0, 2)]
    beyond = asked(database, ids, ids.left, slot_in(3, 18, 19))
    without_door = asked(database, ids, ids.right, slot_in(1, 18, 19))

    def shut(session: Session) -> None:
        session.get_one(Room, ids.right).door_id = None
        change_house(session, ids)

    database.write(shut)
    assert found(database, ids, "Anna") == inside
    for one in (beyond, without_door):
        assert found(database, ids, one.code) == []
        assert why(issue(database, ids, one.id)) == ("not-found",)
        assert booking(database, one.id).state is BookingState.REQUESTED
    database.write(lambda session: change_house(session, ids, desk_days=4))
    assert found(database, ids, beyond.code) == [beyond.id]


@pytest.mark.rule("S16")
def test_the_desk_sees_the_findings_of_a_request(database: Database, ids: Ids) -> None:
    asked(database, ids, ids.left, slot_in(1, 18, 19), email="anna@mailinator.com")
    hits = looked_for(database, ids, "Anna")
    assert not isinstance(hits, Refused)
    assert hits[0].findings
    assert {finding.code for finding in hits[0].findings} == {
        stored["code"] for stored in booking(database, hits[0].entry.booking_id).findings
    }


@pytest.mark.rule("S16")
def test_searches_are_limited_for_each_person_and_logged_without_what_was_typed(database: Database, ids: Ids) -> None:
    anna = asked(database, ids, ids.left, slot_in(1, 18, 19))
    for _ in range(SEARCHES):
        assert found(database, ids, "Anna") == [anna.id]
    assert why(looked_for(database, ids, "Anna")) == ("too-many-tries",)
    assert not isinstance(looked_for(database, ids, "Anna", OTHER), Refused)
    with database.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "searched")).all()
    assert len(entries) == SEARCHES + 1
    assert entries[0].after == {"by": "name", "found": [anna.id]}
    assert entries[0].staff_id == DESK.staff_id


@pytest.mark.rule("S16")
def test_tries_to_issue_are_limited(database: Database, ids: Ids) -> None:
    anna = asked(database, ids, ids.left, slot_in(1, 18, 19))
    for _ in range(ISSUES):
        assert why(issue(database, ids, anna.id, Named(name=True))) == ("not-named",)
    assert why(issue(database, ids, anna.id)) == ("too-many-tries",)
    assert booking(database, anna.id).state is BookingState.REQUESTED
    assert isinstance(issue(database, ids, anna.id, actor=OTHER), Issued)


@pytest.mark.rule("S16")
@pytest.mark.parametrize("named", [Named(), Named(name=True), Named(phone=True)])
def test_no_code_without_booking_code_or_name_and_phone(database: Database, ids: Ids, named: Named) -> None:
    anna = asked(database, ids, ids.left, slot_in(1, 18, 19))
    assert why(issue(database, ids, anna.id, named)) == ("not-named",)
    assert texts(database, anna.id) == ()
    assert isinstance(issue(database, ids, anna.id, Named(name=True, phone=True)), Issued)


@pytest.mark.rule("S17")
def test_issuing_confirms_at_once_and_records_who_when_and_what_was_named(database: Database, ids: Ids) -> None:
    """The time is days away, so that the office's decision would rest; the desk's does not."""
    anna = asked(database, ids, ids.left, slot_in(2, 18, 20))
    assert not anna.short_notice
    issued = issue(database, ids, anna.id, Named(name=True, phone=True))
    assert isinstance(issued, Issued)
    assert (issued.again, issued.entry.state, issued.entry.code) == (False, BookingState.CONFIRMED, anna.code)
    assert spelled(issued) == texts(database, anna.id)
    assert len(issued.codes) == 2
    with database.read() as session:
        after = session.get_one(Booking, anna.id)
        decision = session.scalars(select(Decision)).one()
        codes = session.scalars(select(DoorCode).where(DoorCode.booking_id == anna.id)).all()
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "code-told")).one()
    assert (after.state, after.confirmed_at) == (BookingState.CONFIRMED, NOW)
    assert (decision.by_desk, decision.staff_id, decision.state) == (True, DESK.staff_id, DecisionState.FINAL)
    assert {(code.state, code.issued_at, code.issued_by, code.told_by_phone) for code in codes} == {
        (CodeState.ISSUED, NOW, DESK.staff_id, True)
    }
    assert (told.subject_id, told.actor, told.after) == (anna.id, "Frau Desk", {"named": ["name", "phone"]})
    assert not any(text in str(told.after) or text in repr(issued) for text in spelled(issued))


@pytest.mark.rule("S18")
def test_the_bill_goes_out_on_the_next_working_day_at_the_set_hour(database: Database, ids: Ids) -> None:
    anna = asked(database, ids, ids.left, slot_in(0, 18, 19))
    assert isinstance(issue(database, ids, anna.id), Issued)
    assert mails(database, anna.id, MailKind.CONFIRMATION) == []
    with database.read() as session:
        duty = session.scalars(select(Outbox).where(Outbox.topic == "booking.bill")).one()
        assert session.scalars(select(Invoice)).all() == []
    assert (duty.subject_id, duty.due_at) == (anna.id, NINE_ON_WEDNESDAY)
    house = house_of(database, ids)
    assert database.write(lambda session: bill_rental(session, duty.due_at, house, anna.id))
    assert len(mails(database, anna.id, MailKind.CONFIRMATION)) == 1


@pytest.mark.rule("S17")
def test_a_second_desk_gives_the_same_code_and_is_logged(database: Database, ids: Ids) -> None:
    anna = asked(database, ids, ids.left, slot_in(1, 18, 19))
    first = issue(database, ids, anna.id)
    later = NOW + timedelta(minutes=5)
    second = issue(database, ids, anna.id, actor=OTHER, now=later)
    assert spelled(first) == spelled(second)
    assert isinstance(second, Issued)
    assert second.again
    with database.read() as session:
        code = session.scalars(select(DoorCode).where(DoorCode.booking_id == anna.id)).one()
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "code-told")).all()
    assert (code.issued_at, code.issued_by) == (NOW, DESK.staff_id)
    assert [(entry.staff_id, entry.after.get("why")) for entry in told] == [(3, None), (1, ["again"])]


@pytest.mark.rule("S17")
def test_two_desks_at_once_read_out_one_code(database: Database, ids: Ids) -> None:
    """Both start at the same moment, many times over; one confirms, the other finds it confirmed."""
    rooms = ((ids.left, "Anna Müller"), (ids.right, "Boris Klein"))
    wanted = [
        asked(database, ids, room, slot_in(1, hour, hour + 1), name) for hour in (12, 14, 16) for room, name in rooms
    ]
    for one in wanted:
        gate = threading.Barrier(2)
        answers: dict[str, Issued | Refused] = {}

        def call(
            actor: Actor,
            booking_id: int = one.id,
            gate: threading.Barrier = gate,
            answers: dict[str, Issued | Refused] = answers,
        ) -> None:
            gate.wait()
            answers[actor.name] = issue(database, ids, booking_id, actor=actor)

        callers = [threading.Thread(target=call, args=(actor,)) for actor in (DESK, OTHER)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert spelled(answers["Frau Desk"]) == spelled(answers["Frau Owner"]) == texts(database, one.id)
        assert sorted(isinstance(answer, Issued) and answer.again for answer in answers.values()) == [False, True]
    with database.read() as session:
        held = session.scalars(select(DoorCode.booking_id).where(DoorCode.state == CodeState.ISSUED)).all()
    assert sorted(code for code in held if code) == sorted(one.id for one in wanted)


@pytest.mark.rule("S17")
def test_a_customer_whom_the_office_confirmed_hears_the_code_of_the_mail(database: Database, ids: Ids) -> None:
    booking_id = confirmed(database, ids, ids.left, slot_in(1, 18, 19))
    (mailed,) = texts(database, booking_id)
    issued = issue(database, ids, booking_id, now=NOW + timedelta(minutes=5))
    assert spelled(issued) == (mailed,)
    assert isinstance(issued, Issued)
    assert issued.again


@pytest.mark.rule("S17")
def test_the_desk_takes_over_what_the_office_has_resting(database: Database, ids: Ids) -> None:
    house = replace(house_of(database, ids), grace=timedelta(minutes=10))
    approved, rejected = (asked(database, ids, room, slot_in(2, 18, 19)).id for room in (ids.left, ids.right))

    def decided(booking_id: int, verdict: Verdict) -> Resting | Refused:
        return database.write(
            lambda session: decide_request(session, NOW, house, booking_id, verdict, OFFICE, reason="No such club")
        )

    for booking_id, verdict in ((approved, Verdict.APPROVE), (rejected, Verdict.REJECT)):
        resting = decided(booking_id, verdict)
        assert isinstance(resting, Resting)
        assert not resting.is_final
    assert isinstance(issue(database, ids, approved), Issued)
    assert booking(database, approved).state is BookingState.CONFIRMED
    assert why(issue(database, ids, rejected)) == ("rejecting",)
    assert texts(database, rejected) == ()


@pytest.mark.rule("S17")
def test_what_has_ended_or_begun_unconfirmed_is_refused_with_its_reason(database: Database, ids: Ids) -> None:
    house = house_of(database, ids)
    gone = confirmed(database, ids, ids.left, slot_in(1, 18, 19))
    database.write(lambda session: cancel_rental(session, NOW, house, gone, moving.Actor.OFFICE, OFFICE))
    assert why(issue(database, ids, gone)) == ("cancelled",)
    begun = asked(database, ids, ids.left, slot_in(0, 18, 19))
    assert why(issue(database, ids, begun.id, now=slot_in(0, 18, 19).start)) == ("started",)
    done = confirmed(database, ids, ids.right, slot_in(0, 18, 19), "Boris Klein")
    assert why(issue(database, ids, done, now=slot_in(0, 20, 21).start)) == ("over",)
    with database.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "code-refused")).all()
    assert [entry.after["why"] for entry in entries] == [["cancelled"], ["started"], ["over"]]


@pytest.mark.rule("S17")
def test_the_desk_says_so_when_no_code_is_left(database: Database, ids: Ids) -> None:
    def retire(session: Session) -> None:
        for code in session.scalars(select(DoorCode)):
            code.state = CodeState.RETIRED

    anna = asked(database, ids, ids.left, slot_in(1, 18, 19))
    database.write(retire)
    assert why(issue(database, ids, anna.id)) == ("no-code",)
    assert booking(database, anna.id).state is BookingState.REQUESTED


@pytest.mark.rule("S18")
def test_after_the_start_a_rental_is_waived_charged_or_marked_only(database: Database, ids: Ids) -> None:
    anna = asked(database, ids, ids.left, slot_in(0, 18, 19))
    assert isinstance(issue(database, ids, anna.id), Issued)
    house, start = house_of(database, ids), slot_in(0, 18, 19).start

    def mark(now: datetime, what: Afterwards, text: str) -> Refused | None:
        return database.write(lambda session: mark_afterwards(session, now, house, anna.id, what, text, OFFICE))

    assert why(mark(start - timedelta(seconds=1), Afterwards.FOLLOW_UP, "Call")) == ("not-started",)
    assert why(mark(start, Afterwards.CHARGE, " ")) == ("no-reason",)
    cancelled = database.write(
        lambda session: cancel_rental(session, start, house, anna.id, moving.Actor.OFFICE, OFFICE)
    )
    assert isinstance(cancelled, Refused)
    assert mark(start, Afterwards.WAIVE, "Light was out") is None
    assert booking(database, anna.id).follow_up == "waive: Light was out"
    with database.read() as session:
        duty = session.scalars(select(Outbox).where(Outbox.topic == "booking.bill")).one()
    assert duty.done_at == start
    text = "Ask for the ball"
    assert database.write(lambda session: mark_follow_up(session, start, house, anna.id, text, OFFICE)) is None
    assert booking(database, anna.id).follow_up == text


@pytest.mark.rule("S18")
def test_a_waived_rental_that_was_billed_becomes_a_case(database: Database, ids: Ids) -> None:
    billed = confirmed(database, ids, ids.left, slot_in(0, 18, 19))
    house, start = house_of(database, ids), slot_in(0, 18, 19).start
    database.write(
        lambda session: mark_afterwards(session, start, house, billed, Afterwards.WAIVE, "Light was out", OFFICE)
    )
    with database.read() as session:
        case = session.scalars(select(CaseFile)).one()
    assert (case.kind, case.booking_id, case.facts["cents"]) == ("invoice-waived", billed, 5000)
