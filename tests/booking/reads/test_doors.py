"""What office and desk see of a season's codes (SPEC S2, S3), on both databases."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from booking.actions.doors import reveal_codes
from booking.reads.door_days import DoorDay, door_days
from booking.reads.doors import code_lines, days_of, desk_reach, digest_lines, reach_of
from booking.rules.doorcodes import Pattern
from booking.tables.database import Database
from booking.values.slot import Slot
from booking.values.states import CodeState, Role
from tests.builders import NOW, ZONE, Ids, add_code, build_house, change_house, make_tools, request, slot_in
from tests.season import DAY, OFFICE, QUARTER, TOOLS, confirmed, generate, house_of, replace_first, texts

TODAY = date(2026, 11, 24)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


def window(days: int, first: int, last: int) -> Slot:
    return slot_in(days, first, last).widened(QUARTER, QUARTER)


@pytest.mark.rule("S3")
@pytest.mark.parametrize("desk_days", [1, 3, 5])
def test_the_desk_sees_the_codes_of_its_days_and_no_others(database: Database, ids: Ids, desk_days: int) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    database.write(lambda session: change_house(session, ids, desk_days=desk_days))
    house = house_of(database, ids)
    reach = reach_of(NOW, house, Role.DESK)
    assert reach is not None
    shown = database.write(lambda session: reveal_codes(session, NOW, TOOLS, house, reach, None, OFFICE))
    days = {(code.line.window.start + QUARTER).astimezone(ZONE).date() for code in shown}
    assert days == {TODAY + offset * DAY for offset in range(desk_days)}
    wider = database.write(
        lambda session: reveal_codes(session, NOW, TOOLS, house, reach, Slot(NOW, NOW + 90 * DAY), OFFICE)
    )
    assert {code.line.code_id for code in wider} <= {code.line.code_id for code in shown}


@pytest.mark.rule("S3")
def test_a_code_that_only_reaches_over_midnight_is_not_the_next_days(database: Database, ids: Ids) -> None:
    """The tolerance of a slot at midnight begins the evening before, beyond the desk's last day."""
    house = house_of(database, ids)
    midnight = Slot(slot_in(3, 0, 1).start - QUARTER, slot_in(3, 0, 1).end + QUARTER)
    database.write(lambda session: add_code(session, NOW, TOOLS, ids, "483920", midnight))
    with database.read() as session:
        assert code_lines(session, house, desk_reach(house, TODAY)) == ()
        assert len(code_lines(session, house, desk_reach(house, TODAY + DAY))) == 1
        assert len(code_lines(session, house, desk_reach(house, TODAY + 4 * DAY))) == 0


@pytest.mark.rule("S3")
def test_the_desk_sees_no_other_houses_doors(database: Database, ids: Ids) -> None:
    other = database.write(lambda session: build_house(session, NOW, "nachbar"))
    database.write(lambda session: add_code(session, NOW, TOOLS, other, "483920", window(1, 18, 19)))
    house = house_of(database, ids)
    for role in (Role.DESK, Role.OFFICE):
        reach = reach_of(NOW, house, role)
        assert reach is not None
        with database.read() as session:
            assert code_lines(session, house, reach) == ()


@pytest.mark.rule("S3")
def test_the_digest_tells_the_codes_of_the_desks_days_with_their_holders(database: Database, ids: Ids) -> None:

    def add(session: Session) -> None:
        for days, text in ((0, "483920"), (2, "592817"), (3, "617283")):
            add_code(session, NOW, TOOLS, ids, text, window(days, 18, 19))

    database.write(add)
    database.write(lambda session: add_code(session, NOW, TOOLS, ids, "728394", window(1, 18, 19), CodeState.RETIRED))
    booking_id = confirmed(database, ids, ids.left, slot_in(2, 18, 19))
    house = house_of(database, ids)
    with database.read() as session:
        lines = digest_lines(session, TOOLS.vault, house, TODAY)
    assert [(line.text, line.party) for line in lines] == [("483920", ""), ("592817", "Anna Müller")]
    assert lines[1].text == texts(database, booking_id)[0]
    assert "483920" not in repr(lines)


def test_a_vault_with_another_first_key_still_reads_the_codes(database: Database, ids: Ids) -> None:
    database.write(lambda session: add_code(session, NOW, TOOLS, ids, "483920", window(0, 18, 19)))
    rotated = make_tools((("k2", b"2" * 32), ("k1", b"1" * 32)))
    with database.read() as session:
        (line,) = digest_lines(session, rotated.vault, house_of(database, ids), TODAY)
    assert line.text == "483920"


def grid(database: Database, ids: Ids, first: int, last: int, later: timedelta = timedelta(0)) -> list[DoorDay]:
    with database.read() as session:
        return list(
            door_days(
                session, NOW + later, house_of(database, ids), ids.door_id, TODAY + first * DAY, TODAY + last * DAY
            )
        )


@pytest.mark.rule("S2")
def test_the_month_counts_free_given_used_and_retired_codes(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    booking_id = confirmed(database, ids, ids.left, slot_in(1, 10, 12))
    assert grid(database, ids, 1, 2) == [
        DoorDay(TODAY + DAY, free=26, given=2),
        DoorDay(TODAY + 2 * DAY, free=28),
    ]
    replace_first(database, ids, booking_id)
    assert grid(database, ids, 1, 1) == [
        DoorDay(TODAY + DAY, free=25, given=2, retired=1, short=1)
    ]  # the other half, 10 to 11
    assert grid(database, ids, 1, 1, later=2 * DAY) == [DoorDay(TODAY + DAY, used=2, retired=1)]


@pytest.mark.rule("S2", "S22")
def test_a_day_is_short_of_codes_where_a_booking_or_a_free_slot_finds_none(database: Database, ids: Ids) -> None:
    """Fourteen slots a day; one has a code. A requested booking without a code counts beside the slots left free."""
    database.write(lambda session: add_code(session, NOW, TOOLS, ids, "483920", window(1, 18, 19)))
    assert [day.short for day in grid(database, ids, 1, 2)] == [13, 14]
    database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(1, 18, 19)))
    assert [day.short for day in grid(database, ids, 1, 1)] == [13]
    database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(1, 19, 21)))
    assert [day.short for day in grid(database, ids, 1, 1)] == [12]
    generate(database, ids, Pattern.EACH_DAY, 1)
    assert [day.short for day in grid(database, ids, 1, 2)] == [0, 0]


@pytest.mark.parametrize(
    ("hours", "days"),
    [((-12, 12), [-1, 0]), ((0, 24), [0]), ((-0.25, 1.25), [0]), ((22.75, 24.25), [0]), ((23.75, 25.25), [1])],
    ids=["noon to noon", "a whole day", "first slot", "last slot", "next day's first slot"],
)
def test_a_code_counts_for_the_days_of_its_window_less_the_tolerance(
    hours: tuple[float, float], days: list[int]
) -> None:
    midnight = slot_in(0, 0, 1).start
    window = Slot(midnight + timedelta(hours=hours[0]), midnight + timedelta(hours=hours[1]))
    assert days_of(window, ZONE, QUARTER, QUARTER) == tuple(TODAY + day * DAY for day in days)
