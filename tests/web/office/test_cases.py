"""Cases: each way of deciding does what its button says, in one transaction, and is recorded."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.actions.audit import SYSTEM
from booking.actions.cases import open_case
from booking.actions.deciding_cases import WAYS, Way, decide_case
from booking.actions.occupy import hold, occupy
from booking.tables.bookings import CaseFile, Event, Occupancy
from booking.tables.connections import BlockWay, Connection, ConnectionRoom, RemoteBooking
from booking.tables.outgoing import Outbox
from booking.values.identity import new_uuid
from booking.values.refusals import NotFound
from booking.values.states import BookingState, MessageState, OccupancyKind, Role
from outside.errors import BadAnswer, SiteError, TooSlow, Unreachable
from tests.builders import build_house, slot_in
from tests.web.office.conftest import Desk
from web.office.cases import _value


def site_of(desk: Desk, made: Any, *, ours: bool = False, cancelled: bool = False) -> int:
    """A connection whose page stands for the left half, and what stands there for the booking."""

    def work(db: Any, _: object) -> int:
        mine = {"organisation_id": desk.ids.organisation_id}
        connection = Connection(
            **mine,
            public_id=new_uuid(desk.site.now),
            name="YCBM",
            base_url="http://127.0.0.1:1/v1",
            account_id="a",
            api_key_cipher=b"x",
            api_key_id="k1",
            hook_secret_hash=b"x",
            block_way=BlockWay.BOOKING,
            next_poll_at=desk.site.now,
        )
        db.add(connection)
        db.flush()
        db.add(ConnectionRoom(**mine, connection_id=connection.id, profile_id="p", room_id=desk.ids.left))
        row = RemoteBooking(
            **mine,
            connection_id=connection.id,
            remote_id="r1",
            ref="REF1",
            booking_id=made.booking_id,
            ours=ours,
            cancelled=cancelled,
            starts_at=made.slot.start,
            ends_at=made.slot.end,
            facts={"profile_id": "p"},
            seen_at=desk.site.now,
        )
        db.add(row)
        db.flush()
        return int(row.id)

    return desk.write(work)


def case(desk: Desk, kind: str, about: object, booking_id: int | None, **facts: Any) -> str:
    now = desk.site.now
    desk.write(lambda db, here: open_case(db, now, here.organisation_id, kind, str(about), booking_id, facts))
    found = desk.rows(select(CaseFile).where(CaseFile.kind == kind))[-1]
    return f"/office/cases/{found.id}"


def decide(desk: Desk, path: str, way: Way) -> int:
    return desk.visitor.post(path, {"way": way.value}, of=path).status_code


def resolution(desk: Desk, kind: str) -> str:
    return str(desk.rows(select(CaseFile.resolution).where(CaseFile.kind == kind))[0])


def row_of(desk: Desk) -> RemoteBooking:
    found: RemoteBooking = desk.rows(select(RemoteBooking))[0]
    return found


def errands(desk: Desk) -> int:
    return len(desk.rows(select(Outbox).where(Outbox.topic == "sites", Outbox.done_at.is_(None))))


def moved_there(desk: Desk) -> tuple[Any, str]:
    """A confirmed booking whose twin was moved; the new time is held beside its own."""
    made = desk.confirmed()
    row_id, there = site_of(desk, made), slot_in(11, 10, 12)

    def work(db: Any, here: Any) -> None:
        occupy(
            db, here.organisation_id, (desk.ids.units[0],), there, OccupancyKind.HELD, made.booking_id, exclusive=True
        )

    desk.write(work)
    facts = {"site": "YCBM", "ref": "REF1", "starts_at": there.start.isoformat(), "ends_at": there.end.isoformat()}
    return made, case(desk, "site-moved", row_id, made.booking_id, **facts, remote_booking_id=row_id)


@pytest.mark.rule("Y6")
def test_taking_over_the_new_time_moves_the_booking_with_code_and_mail(desk: Desk) -> None:
    made, path = moved_there(desk)
    page = desk.get(path)
    assert "Neue Zeit übernehmen" in page
    assert "Sa, 5. Dezember 2026, 10:00–12:00" in page
    assert decide(desk, path, Way.TAKE) == 422  # no code there: nothing was changed, the time there stays held
    assert {one.kind for one in desk.rows(select(Occupancy))} == {OccupancyKind.BOOKING, OccupancyKind.HELD}
    desk.code(slot_in(11, 10, 12), "9911")
    assert decide(desk, path, Way.TAKE) == 302
    assert desk.rows(select(Event.starts_at)) == [slot_in(11, 10, 12).start]
    assert [(one.kind, one.starts_at) for one in desk.rows(select(Occupancy))] == [
        (OccupancyKind.BOOKING, slot_in(11, 10, 12).start)
    ]
    assert row_of(desk).starts_at == slot_in(11, 10, 12).start
    assert [mail.state for mail in desk.mails("confirmation")] == [MessageState.SUPERSEDED, MessageState.QUEUED]
    assert resolution(desk, "site-moved") == "take"
    assert desk.audit("booking", "case-decided")[0].after == {"case": "site-moved", "way": "take"}
    assert desk.booking(made).state is BookingState.CONFIRMED


@pytest.mark.rule("Y6")
def test_keeping_ours_frees_the_time_there_and_asks_the_site_to_move_back(desk: Desk) -> None:
    made, path = moved_there(desk)
    before = errands(desk)
    assert decide(desk, path, Way.KEEP) == 302
    assert [(one.kind, one.starts_at) for one in desk.rows(select(Occupancy))] == [
        (OccupancyKind.BOOKING, made.slot.start)
    ]
    assert row_of(desk).starts_at == slot_in(11, 10, 12).start  # as it stands there, so that the errand is seen
    assert errands(desk) == before + 1
    assert len(desk.mails("confirmation")) == 1  # nothing new is to be told


@pytest.mark.rule("Y6")
@pytest.mark.parametrize("kind", ["site-cancelled", "site-vanished"])
def test_what_is_gone_there_is_cancelled_here_without_a_fee_or_kept(desk: Desk, kind: str) -> None:
    made = desk.confirmed(days=3)
    path = case(desk, kind, site_of(desk, made, cancelled=kind == "site-cancelled"), made.booking_id, site="YCBM")
    assert decide(desk, path, Way.KEEP) == 302
    assert desk.booking(made).state is BookingState.CONFIRMED
    assert len(desk.rows(select(Occupancy))) == 1
    path = case(desk, kind, row_of(desk).id, made.booking_id, site="YCBM")  # it happens again
    assert decide(desk, path, Way.CANCEL) == 302
    assert desk.booking(made).state is BookingState.CANCELLED
    assert desk.rows(select(Occupancy)) == []
    assert desk.mails("cancellation")[0].facts["fee_cents"] == 0


@pytest.mark.rule("Y8")
def test_a_block_that_was_removed_there_is_written_again(desk: Desk) -> None:
    made = desk.confirmed()
    path = case(desk, "site-block-gone", site_of(desk, made, ours=True, cancelled=True), made.booking_id, site="YCBM")
    before = errands(desk)
    assert decide(desk, path, Way.AGAIN) == 302
    assert row_of(desk).booking_id is None
    assert errands(desk) == before + 1


@pytest.mark.rule("S10")
def test_a_stuck_time_is_freed_anyway_or_tried_again(desk: Desk) -> None:
    made = desk.ask()
    row_id = site_of(desk, made)
    desk.write(lambda db, here: hold(db, here.organisation_id, made.booking_id))
    path = case(desk, "cancel-stuck", row_id, made.booking_id, site="YCBM", error="SiteUnavailable")
    before = errands(desk)
    assert decide(desk, path, Way.AGAIN) == 302
    assert errands(desk) == before + 1
    assert resolution(desk, "cancel-stuck") == ""  # the site's answer closes it
    assert [one.kind for one in desk.rows(select(Occupancy))] == [OccupancyKind.HELD]
    assert decide(desk, path, Way.FREE) == 302
    assert desk.rows(select(Occupancy)) == []
    assert resolution(desk, "cancel-stuck") == "free"
    assert row_of(desk).cancelled  # nothing more is tried there


@pytest.mark.parametrize("kind", sorted(WAYS))
def test_every_kind_has_a_page_with_all_its_ways(desk: Desk, kind: str) -> None:
    made = desk.confirmed()
    now = desk.site.now.isoformat()
    facts = {"starts_at": now, "ends_at": (desk.site.now + timedelta(hours=1)).isoformat(), "cents": 500, "takes": True}
    path = case(desk, kind, "1", made.booking_id, **facts)
    page = desk.get(path)
    assert re.findall(r'name="way" value="([a-z-]+)"', page) == [way.value for way in WAYS[kind]]
    assert kind not in re.sub(r"<[^>]*>", "", page)  # its name is in words
    assert path in desk.get("/office/")
    assert path in desk.get("/office/cases")


@pytest.mark.rule("S27")
def test_a_case_about_money_says_in_words_what_it_is_about(desk: Desk) -> None:
    made = desk.confirmed()
    told = {"invoice": "2026-00001", "issued_cents": 5000, "price_cents": 15000, "fee_cents": 0}
    told |= {"issued_day": "2026-12-04", "new_day": "2026-12-05", "issued_minutes": 60, "new_minutes": 180}
    page = desk.get(case(desk, "invoice-differs", "2026-00001", made.booking_id, **told))
    for words in ("50,00", "150,00", "0,00", "4. Dezember 2026", "5. Dezember 2026", "60 Minuten", "180 Minuten"):
        assert words in page.replace("\N{NO-BREAK SPACE}", " "), words
    lacking = {"cents": 5000, "lacking": ["tax-number", "buyer"]}
    page = desk.get(case(desk, "invoice-incomplete", made.booking_id, made.booking_id, **lacking))
    assert "Steuernummer oder USt-IdNr. des Hauses, Name und Anschrift des Kunden" in page
    assert "Rechnung jetzt schreiben" in page


def test_the_slower_of_two_is_told_and_nothing_is_decided_twice(desk: Desk) -> None:
    _, path = moved_there(desk)
    other = desk.site.logged_in(Role.OWNER)
    assert decide(desk, path, Way.KEEP) == 302
    desk.code(slot_in(11, 10, 12), "9911")
    answer = other.post(path, {"way": "take"}, of="/office/requests")
    assert answer.status_code == 409
    assert "schon jemand entschieden" in answer.text
    assert len(desk.mails("confirmation")) == 1


@pytest.mark.parametrize("way", ["free", "", "nonsense"])
def test_a_way_that_the_case_does_not_know_changes_nothing(desk: Desk, way: str) -> None:
    _, path = moved_there(desk)
    assert desk.visitor.post(path, {"way": way}, of=path).status_code == 422
    assert resolution(desk, "site-moved") == ""


@pytest.mark.rule("R1")
def test_another_organisations_case_is_not_there(desk: Desk) -> None:
    other = desk.site.database.write(lambda db: build_house(db, slug="andere"))
    now = desk.site.now
    desk.site.database.write(lambda db: open_case(db, now, other.organisation_id, "codes-low", "1", None, {}))
    path = f"/office/cases/{desk.rows(select(CaseFile.id))[0]}"
    assert desk.visitor.get(path).status_code == 404
    assert desk.visitor.post(path, {"way": "settled"}, of="/office/").status_code in {400, 404}
    assert path not in desk.get("/office/cases")
    assert resolution(desk, "codes-low") == ""


@pytest.mark.rule("R1")
def test_the_action_itself_decides_no_case_of_another_organisation(desk: Desk) -> None:
    other = desk.site.database.write(lambda db: build_house(db, slug="andere"))
    now, tools = desk.site.now, desk.site.context.tools
    desk.site.database.write(lambda db: open_case(db, now, other.organisation_id, "codes-low", "1", None, {}))
    theirs = desk.rows(select(CaseFile.id))[0]
    with pytest.raises(NotFound):
        desk.write(lambda db, here: decide_case(db, now, tools, here, theirs, Way.SETTLED, SYSTEM))


def leaves(kind: type[Exception]) -> list[type[Exception]]:
    below = kind.__subclasses__()
    return [leaf for each in below for leaf in leaves(each)] if below else [kind]


def test_each_fault_of_a_booking_site_is_told_in_words(desk: Desk) -> None:
    faults = {kind.__name__ for kind in (*leaves(SiteError), BadAnswer, TooSlow, Unreachable)}
    with desk.site.app.test_request_context("/"):
        told = {fault: _value("error", fault) for fault in faults}
    assert [fault for fault, words in told.items() if words == fault] == []
