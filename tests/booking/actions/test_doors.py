"""A season's codes: made, imported, replaced, watched (SPEC S1, S22), on both databases."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from booking.actions.cases import close_case
from booking.actions.code_lists import draw, keep
from booking.actions.doors import (
    LOW,
    announce_low_codes,
    apply_import,
    draw_season,
    generate_season,
    post_digest,
    reveal_codes,
)
from booking.actions.messages import MailKind, supersede
from booking.reads.code_texts import codes_for_mail
from booking.reads.doors import code_lines, reach_of, read_door, side_by_side
from booking.reads.house import read_house
from booking.rules.doorcodes import Pattern, is_accepted
from booking.tables.bookings import AuditEntry, CaseFile
from booking.tables.database import Database
from booking.tables.doors import Door, DoorCode
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import CodeState, Role
from tests.builders import NOW, Ids, add_code, build_house, make_tools, slot_in
from tests.season import (
    DAY,
    OFFICE,
    QUARTER,
    TOOLS,
    confirmed,
    drawn_by,
    generate,
    house_of,
    mails,
    opened,
    preview,
    replace_first,
    texts,
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


@pytest.mark.rule("S1")
@pytest.mark.parametrize(("pattern", "pool"), [(Pattern.EACH_SLOT, None), (Pattern.EACH_DAY, 5)])
def test_a_season_gets_a_code_for_each_party_of_each_window_and_no_two_are_equal_at_one_time(
    database: Database, ids: Ids, pattern: Pattern, pool: int | None
) -> None:
    count = generate(database, ids, pattern, pool, to_its_end=True)
    with database.read() as session:
        door = read_door(session, house_of(database, ids), ids.door_id)
        codes = session.scalars(select(DoorCode)).all()
        by_text: dict[str, list[Slot]] = defaultdict(list)
        per_window: dict[Slot, int] = defaultdict(int)
        for code in codes:
            text, window = opened(session, code), Slot(code.starts_at, code.ends_at)
            assert is_accepted(text, door.lock)
            assert not any(window.overlaps(other) for other in by_text[text])
            by_text[text].append(window)
            per_window[window] += 1
    days = 150  # the season has 149 days left after today, and its past gets none
    assert set(per_window.values()) == {pool or 2}
    assert side_by_side(door.rooms) == 2
    first_day = 13 if pattern is Pattern.EACH_SLOT else 1  # it is ten: the slots of 8 and 9 begin the day, 8 is over
    assert count == len(codes) == ((days - 1) * (14 if pattern is Pattern.EACH_SLOT else 1) + first_day) * (pool or 2)


@pytest.mark.rule("S1")
def test_drawn_codes_follow_no_pattern(database: Database, ids: Ids) -> None:
    """Each digit stands equally often on each place; six standard deviations leave chance no say."""
    generate(database, ids, Pattern.EACH_SLOT)
    with database.read() as session:
        drawn = [opened(session, code) for code in session.scalars(select(DoorCode))]
    for place, digits in ((0, "123456789"), (3, "0123456789"), (5, "0123456789")):
        counts = Counter(text[place] for text in drawn)
        expected = len(drawn) / len(digits)
        assert set(counts) == set(digits)
        assert all(abs(count - expected) < 6 * expected**0.5 for count in counts.values())


@pytest.mark.rule("S1")
def test_generating_twice_adds_only_what_is_missing(database: Database, ids: Ids) -> None:
    first = generate(database, ids, Pattern.EACH_DAY, 2)
    assert generate(database, ids, Pattern.EACH_DAY, 2) == 0
    assert generate(database, ids, Pattern.EACH_DAY, 3) == first // 2


def test_codes_drawn_before_others_came_are_not_kept(database: Database, ids: Ids) -> None:
    drawn, house = drawn_by(database, ids, Pattern.EACH_DAY, 1), house_of(database, ids)
    database.write(lambda session: add_code(session, NOW, TOOLS, ids, "483920", slot_in(1, 8, 22)))
    again = database.write(lambda session: generate_season(session, NOW, house, drawn, OFFICE))
    assert isinstance(again, Refused)
    assert again.codes == ("codes-changed",)
    with database.read() as session:
        assert session.scalar(select(func.count(DoorCode.id))) == 1


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), min_size=1, max_size=20),
    old=st.sampled_from([CodeState.FREE, CodeState.RETIRED]),
)
@pytest.mark.rule("S1", "S22")
def test_a_narrow_lock_reuses_codes_only_where_windows_are_apart(
    sqlite_url: str, spans: list[tuple[int, int]], old: CodeState
) -> None:
    """A lock of one digit: codes come back soon, and still two that overlap are never equal, retired ones included."""
    database = Database(sqlite_url)
    ids = database.write(lambda session: build_house(session, NOW, f"haus-{uuid4()}"))

    def narrow(session: Session) -> None:
        session.get_one(Door, ids.door_id).lock_format = {"length": 1, "longest_run": 0}
        add_code(session, NOW, make_tools((("k0", b"0" * 32),)), ids, "5", slot_in(1, 8, 22), old)

    database.write(narrow)
    tools = make_tools((("k1", b"1" * 32), ("k0", b"0" * 32)))
    windows = [Slot(NOW + first * QUARTER, NOW + (first + length) * QUARTER) for first, length in spans]
    windows = [*windows, slot_in(1, 9, 10), slot_in(1, 9, 10)]
    house = house_of(database, ids)
    with database.read() as session:
        drawn = draw(session, NOW, tools, read_door(session, house, ids.door_id), None, windows)
    if not isinstance(drawn, Refused):
        database.write(lambda session: keep(session, house, drawn))
        with database.read() as session:
            codes = session.scalars(select(DoorCode).where(DoorCode.door_id == ids.door_id)).all()
            found = [
                (tools.vault.unseal(code, f"door_code:{code.public_id}"), Slot(code.starts_at, code.ends_at))  # type: ignore[arg-type]  # see Opener
                for code in codes
            ]
        for index, (text, window) in enumerate(found):
            assert not any(text == other and window.overlaps(apart) for other, apart in found[:index])
    database.close()


@pytest.mark.rule("S1")
def test_a_lock_without_enough_codes_is_told_and_nothing_is_kept(database: Database, ids: Ids) -> None:
    def narrow(session: Session) -> None:
        session.get_one(Door, ids.door_id).lock_format = {"length": 1, "longest_run": 0}

    database.write(narrow)
    with database.read() as session:
        house = read_house(session, ids.organisation_id)
        drawn = draw_season(session, NOW, TOOLS, house, ids.door_id, ids.season_id, Pattern.EACH_DAY, 10)
    assert isinstance(drawn, Refused)
    assert drawn.codes == ("format-exhausted",)


@pytest.mark.rule("S1")
def test_two_parties_never_hold_one_code_at_one_time(database: Database, ids: Ids) -> None:
    """Both halves, hour after hour, and bookings over several windows: their needs overlap by the tolerance."""
    generate(database, ids, Pattern.EACH_SLOT)
    held: dict[str, list[tuple[int, Slot]]] = defaultdict(list)
    for room_id, first, last in ((ids.left, 10, 12), (ids.right, 10, 11), (ids.right, 11, 14), (ids.left, 12, 13)):
        booking_id = confirmed(database, ids, room_id, slot_in(2, first, last), f"Gast {room_id} {first}")
        with database.read() as session:
            codes = codes_for_mail(session, TOOLS.vault, booking_id)
        assert len(codes) == last - first
        assert codes[0].window.start == slot_in(2, first, last).start - QUARTER
        assert codes[-1].window.end == slot_in(2, first, last).end + QUARTER
        for code in codes:
            assert not any(other != booking_id and code.window.overlaps(window) for other, window in held[code.text])
            held[code.text].append((booking_id, code.window))


HOUR = timedelta(hours=1)
LIST = "Code;von;bis\n{}"


@pytest.mark.rule("S1")
def test_a_list_is_taken_over_as_its_preview_said(database: Database, ids: Ids) -> None:
    body = LIST.format("483920;26.11.2026 17:45;26.11.2026 19:15\n592817;27.11.2026;28.11.2026\n").encode()
    seen = preview(database, ids, body)
    assert (seen.count, seen.known, seen.over, seen.problems) == (2, 0, 0, ())
    house = house_of(database, ids)
    done = database.write(lambda session: apply_import(session, NOW, house, seen, seen.fingerprint, OFFICE))
    assert not isinstance(done, Refused)
    booking_id = confirmed(database, ids, ids.left, slot_in(2, 18, 19))
    assert texts(database, booking_id) == ("483920",)
    again = preview(database, ids, body)
    assert (again.count, again.known, again.problems) == (0, 2, ())


@pytest.mark.rule("S1")
def test_an_import_marks_long_windows_and_codes_in_use_and_takes_nothing(database: Database, ids: Ids) -> None:
    database.write(lambda session: add_code(session, NOW, TOOLS, ids, "483920", slot_in(2, 17, 20), CodeState.RETIRED))
    body = LIST.format(
        "592817;1.12.2026;1.12.2026\n"
        "483920;26.11.2026 19:00;26.11.2026 23:00\n"
        "617283;1.12.2026;31.1.2027\n"
        "817265;1.9.2026;2.9.2026\n"
    ).encode()
    seen = preview(database, ids, body)
    assert [(problem.line, problem.code) for problem in seen.problems] == [(3, "in-use"), (4, "too-long")]
    assert (seen.count, seen.over) == (1, 1)
    house = house_of(database, ids)
    done = database.write(lambda session: apply_import(session, NOW, house, seen, seen.fingerprint, OFFICE))
    assert isinstance(done, Refused)
    assert done.codes == ("has-problems",)
    with database.read() as session:
        assert session.scalar(select(func.count(DoorCode.id))) == 1


def test_an_import_of_another_preview_or_after_a_change_is_refused(database: Database, ids: Ids) -> None:
    first = preview(database, ids, LIST.format("483920;1.12.2026;1.12.2026").encode())
    other = preview(database, ids, LIST.format("592817;1.12.2026;1.12.2026").encode())
    house = house_of(database, ids)
    done = database.write(lambda session: apply_import(session, NOW, house, other, first.fingerprint, OFFICE))
    assert isinstance(done, Refused)
    assert done.codes == ("preview-changed",)
    database.write(lambda session: add_code(session, NOW, TOOLS, ids, "617283", slot_in(2, 17, 20)))
    late = database.write(lambda session: apply_import(session, NOW, house, other, other.fingerprint, OFFICE))
    assert isinstance(late, Refused)
    assert late.codes == ("codes-changed",)


@pytest.mark.rule("S22")
def test_codes_that_run_out_are_announced_once_fourteen_days_before(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_DAY, 2)
    with database.read() as session:
        last = session.scalars(select(func.max(DoorCode.starts_at))).one()

    def take(session: Session) -> None:
        for code in session.scalars(select(DoorCode).where(DoorCode.starts_at > last - 20 * DAY)):
            code.state = CodeState.RETIRED

    database.write(take)
    house = house_of(database, ids)
    ends = last - 20 * DAY  # the first code of the last day that has any
    early, late = ends - 14 * DAY, ends - 13 * DAY

    def announce(now: datetime) -> int:
        return database.write(lambda session: announce_low_codes(session, now, house))

    assert announce(early) == 0
    assert announce(late) == 1
    assert announce(late) == announce(late + HOUR) == announce(late + DAY) == 0
    (mail,) = mails(database, None, MailKind.CODES_LOW)
    assert (mail.facts["door"], mail.facts["season"]) == ("Haupteingang", "Winter")
    assert mail.facts["last_day"] == ends.date().isoformat()


def test_the_case_of_codes_that_run_out_closes_when_codes_come(database: Database, ids: Ids) -> None:
    house = house_of(database, ids)
    assert database.write(lambda session: announce_low_codes(session, NOW, house)) == 1
    generate(database, ids, Pattern.EACH_SLOT)
    assert database.write(lambda session: announce_low_codes(session, NOW + HOUR, house)) == 0
    with database.read() as session:
        case = session.scalars(select(CaseFile)).one()
    assert (case.kind, case.resolution) == ("codes-low", "codes-added")


@pytest.mark.rule("S22")
def test_a_case_settled_by_hand_comes_back_when_fewer_are_left_or_they_run_out_again(
    database: Database, ids: Ids
) -> None:
    house, hours = house_of(database, ids), iter(range(1, 20))

    def announce() -> int:
        now = NOW + next(hours) * HOUR
        return database.write(lambda session: announce_low_codes(session, now, house))

    def settle() -> None:
        about = f"{ids.door_id}-{ids.season_id}"
        given = {"resolution": "settled", "actor": OFFICE}
        assert database.write(lambda s: close_case(s, NOW, ids.organisation_id, LOW, about, **given))

    def retire(session: Session) -> None:
        session.execute(update(DoorCode).values(state=CodeState.RETIRED))

    for number, text in enumerate(("482915", "730164")):
        window = slot_in(1, 10 + number, 11 + number)
        database.write(lambda s, text=text, window=window: add_code(s, NOW, TOOLS, ids, text, window))
    assert announce() == 1
    settle()
    assert announce() == 0, "as many are left as the office knows"
    database.write(retire)
    assert announce() == 1, "fewer are left"
    settle()
    generate(database, ids, Pattern.EACH_SLOT)
    assert announce() == 0
    database.write(retire)
    assert announce() == 1, "a new shortage"


@pytest.mark.rule("S3")
def test_the_digest_is_posted_once_a_day_from_its_hour_on(database: Database, ids: Ids) -> None:
    house = house_of(database, ids)
    six = NOW.replace(hour=5, minute=59)  # 06:59 in Berlin

    def post(now: datetime) -> bool:
        return database.write(lambda session: post_digest(session, now, house))

    assert [post(six), post(six + QUARTER), post(NOW), post(NOW + DAY)] == [False, True, False, True]
    found = mails(database, None, MailKind.DESK_DIGEST)
    assert [mail.facts for mail in found] == [{"day": "2026-11-24"}, {"day": "2026-11-25"}]
    assert {mail.recipient for mail in found} == {house.desk_email}


@pytest.mark.rule("S2")
def test_the_office_sees_the_whole_season_and_each_look_is_logged(database: Database, ids: Ids) -> None:
    count = generate(database, ids, Pattern.EACH_DAY, 1)
    house = house_of(database, ids)
    reach = reach_of(NOW, house, Role.OFFICE)
    assert reach is not None
    shown = database.write(lambda session: reveal_codes(session, NOW, TOOLS, house, reach, None, OFFICE))
    assert len(shown) == count
    assert all(code.text.isdecimal() for code in shown)
    assert shown[0].text not in repr(shown[0])
    with database.read() as session:
        looks = session.scalars(select(AuditEntry).where(AuditEntry.action == "codes-shown")).all()
    assert [(look.actor, look.after) for look in looks] == [("Frau Office", {"count": count})]


def test_a_code_stands_in_no_column_in_plain_text(sqlite_url: str) -> None:
    """A canary goes through import, booking, confirmation, a look, replacement; no cell of the file holds it."""
    database = Database(sqlite_url)
    ids = database.write(build_house)
    canary, spare = "86420975", "97531864"
    slot = slot_in(2, 18, 19)

    def narrow(session: Session) -> None:
        session.get_one(Door, ids.door_id).lock_format = {"length": 8}

    database.write(narrow)
    cells = "26.11.2026 17:45;26.11.2026 19:15"
    seen = preview(database, ids, LIST.format(f"{canary};{cells}\n").encode())
    house = house_of(database, ids)
    database.write(lambda session: apply_import(session, NOW, house, seen, seen.fingerprint, OFFICE))
    booking_id = confirmed(database, ids, ids.left, slot)
    assert texts(database, booking_id) == (canary,)
    seen = preview(database, ids, LIST.format(f"{spare};{cells}\n").encode())
    database.write(lambda session: apply_import(session, NOW, house, seen, seen.fingerprint, OFFICE))
    reach = reach_of(NOW, house, Role.OFFICE)
    assert reach is not None
    database.write(lambda session: reveal_codes(session, NOW, TOOLS, house, reach, None, OFFICE))
    replace_first(database, ids, booking_id)
    database.write(lambda session: supersede(session, NOW, booking_id, [MailKind.CONFIRMATION]))
    database.close()
    cells_read = 0
    with closing(sqlite3.connect(str(make_url(sqlite_url).database))) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - names from the catalogue
                for cell in row:
                    raw = cell if isinstance(cell, bytes) else str(cell).encode()
                    assert canary.encode() not in raw, table
                    assert spare.encode() not in raw, table
                    cells_read += 1
    assert cells_read > 500


def test_only_one_module_opens_door_codes() -> None:
    """What a code is bound to is spelled in one place; who does not import that cannot open any."""
    root = Path(__file__).parents[3]
    spelled = {
        path.name
        for package in ("booking", "papers", "sync", "web", "workers", "platzwart", "outside", "ical", "config")
        for path in (root / package).rglob("*.py")
        if "door_code:" in path.read_text(encoding="utf-8")
    }
    assert spelled == {"code_texts.py"}


def test_the_lists_lines_tell_who_holds_a_code_but_not_the_code(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    booking_id = confirmed(database, ids, ids.left, slot_in(1, 18, 19))
    house = house_of(database, ids)
    reach = reach_of(NOW, house, Role.OFFICE)
    assert reach is not None
    with database.read() as session:
        lines = code_lines(session, house, reach, slot_in(1, 18, 19))
        (held,) = [line for line in lines if line.booking_id == booking_id]
    assert (held.party, held.state, held.door) == ("Anna Müller", CodeState.ISSUED, "Haupteingang")
    assert texts(database, booking_id)[0] not in repr(lines)
