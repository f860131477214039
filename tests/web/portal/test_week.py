"""The week of a room: what is free, what is taken and by nobody named, why a day is closed, and at what cost to us."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import partial

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from booking.actions.occupy import occupy
from booking.reads.free import Cell, DayPlan, cell_length, next_free, week_of
from booking.reads.house import House, read_house
from booking.rules.admission import admit
from booking.tables.houses import ClosingDay, OpeningHours, PriceList, PriceRule, Room
from booking.values.clock import instant_of
from booking.values.slot import Slot
from booking.values.states import OccupancyKind
from tests.builders import NOW, ZONE, change_house, contact, request, slot_in
from tests.web.conftest import Site
from tests.web.portal.conftest import TYPED, Customer

MONDAY = date(2026, 11, 23)
FRIDAY = date(2026, 11, 27)


def set_room(site: Site, room_id: int = 0, **columns: object) -> None:
    def work(db: Session) -> None:
        db.execute(update(Room).where(Room.id == (room_id or site.ids.hall)).values(**columns))
        change_house(db, site.ids)

    site.database.write(work)


def add(site: Site, *rows: object, **settings: object) -> None:
    def work(db: Session) -> None:
        db.add_all(rows)
        db.flush()
        change_house(db, site.ids, **settings)

    site.database.write(work)


def house(session: Session, site: Site) -> House:
    return read_house(session, site.ids.organisation_id)


def plans(site: Site, monday: date = MONDAY, room_id: int | None = None) -> dict[date, DayPlan]:
    with site.database.read() as session:
        here = house(session, site)
        found = week_of(session, site.now, here, here.room(room_id or site.ids.hall), monday)
    return {plan.day: plan for plan in found}


def cells(plan: DayPlan) -> list[tuple[str, Cell]]:
    return [(f"{piece.slot.start.astimezone(ZONE):%H:%M}", piece.cell) for piece in plan.pieces]


def block(site: Site, slot: Slot, kind: OccupancyKind, unit: int = 0) -> None:
    mine = site.ids
    site.database.write(
        lambda db: occupy(db, mine.organisation_id, mine.units[unit : unit + 1], slot, kind, 77, exclusive=False)
    )


@contextmanager
def counted(site: Site) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    engine = site.database._readers
    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.rule("S4", "S5")
@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (OccupancyKind.BOOKING, Cell.TAKEN),
        (OccupancyKind.EXTERNAL, Cell.TAKEN),
        (OccupancyKind.HELD, Cell.HELD),
        (OccupancyKind.CLOSURE, Cell.CLOSED),
    ],
)
@pytest.mark.parametrize("unit", [0, 1])
def test_whatever_takes_a_half_blocks_the_whole_in_the_week(
    site: Site, kind: OccupancyKind, cell: Cell, unit: int
) -> None:
    block(site, slot_in(3, 18, 20), kind, unit)
    shown = dict(cells(plans(site)[FRIDAY]))
    assert shown["18:00"] is cell
    assert "19:00" not in shown
    assert shown["17:00"] is Cell.FREE
    assert shown["20:00"] is Cell.FREE


@pytest.mark.parametrize(
    "columns",
    [
        {"longest_minutes": 180},
        {"grid_minutes": 30},
        {"grid_minutes": 120},
        {"slot_minutes": 30, "grid_minutes": 30, "shortest_minutes": 90},
        {"slot_minutes": 90, "grid_minutes": 60, "shortest_minutes": 90, "longest_minutes": 180},
        {"buffer_before_minutes": 15, "buffer_after_minutes": 30},
        {"notice_minutes": 3000, "horizon_days": 4},
        {"grid_minutes": 45, "shortest_minutes": 60},
    ],
)
def test_a_cell_is_free_exactly_where_some_admitted_time_covers_it(site: Site, columns: dict[str, int]) -> None:
    set_room(site, **columns)
    block(site, slot_in(2, 12, 14), OccupancyKind.BOOKING)
    block(site, Slot(slot_in(3, 9, 10).start + timedelta(minutes=20), slot_in(3, 10, 11).end), OccupancyKind.HELD)
    from booking.actions.occupy import taken
    from booking.rules.opening import open_between

    with site.database.read() as session:
        here = house(session, site)
        room = here.room(site.ids.hall)
        whole = Slot(instant_of(MONDAY, time(0), ZONE), instant_of(MONDAY + timedelta(days=8), time(0), ZONE))
        others = taken(session, room.unit_ids, whole)
        opened = open_between(MONDAY, MONDAY + timedelta(days=7), here.calendar(room))
        week = week_of(session, site.now, here, room, MONDAY)
    step, terms = cell_length(room.terms), room.terms
    admitted = [
        wish
        for stretch in opened
        for at in range(stretch.duration // step)
        for count in range(1, terms.longest // step + 1)
        for wish in [Slot(stretch.start + at * step, stretch.start + (at + count) * step)]
        if not hasattr(admit(wish, 1, site.now, terms, opened, others), "reasons")
    ]
    pieces = [piece for plan in week for piece in plan.pieces]
    free = {piece.slot for piece in pieces if piece.cell is Cell.FREE}
    every = {
        Slot(stretch.start + at * step, stretch.start + (at + 1) * step)
        for stretch in opened
        for at in range(stretch.duration // step)
    }
    expected = {cell for cell in every if any(wish.covers(cell) for wish in admitted)}
    assert expected
    assert free == {cell for cell in expected if cell.start < instant_of(MONDAY + timedelta(days=7), time(0), ZONE)}


def test_closing_days_and_holidays_show_their_reason(site: Site) -> None:
    mine = {"organisation_id": site.ids.organisation_id}
    day = date(2026, 12, 24)
    add(site, ClosingDay(**mine, first_day=day, last_day=day, reason="Heiligabend"), holidays_close_rooms=True)
    page = site.client().get(f"/rooms/halle?day={day}").text
    assert "Geschlossen: Heiligabend" in page
    assert "An Feiertagen geschlossen" in page


def test_a_weekday_without_hours_a_day_that_is_over_and_one_beyond_the_horizon_say_so(site: Site) -> None:
    def no_sundays(db: Session) -> None:
        for hours in db.scalars(select(OpeningHours).where(OpeningHours.weekday == 6)):
            db.delete(hours)
        change_house(db, site.ids)

    site.database.write(no_sundays)
    set_room(site, horizon_days=2)
    page = site.client().get("/rooms/halle").text
    assert "An diesem Tag nicht geöffnet" in page
    assert "Vorbei" in page
    assert "Anfragen ab Do, 26. November 2026 möglich" in page


def test_weeks_stay_within_what_can_be_booked(site: Site) -> None:
    visitor = site.client()
    first = visitor.get("/rooms/halle?week=2020-01-01").text
    assert "24.\N{EN DASH}30. Nov. 2026" in first
    assert "week=2026-11-17" not in first
    assert "week=2026-12-01" in first
    last = visitor.get("/rooms/halle?week=9999-12-31").text
    assert "18.\N{EN DASH}24. Mai 2027" in last
    assert "week=2027-05-25" not in last
    for nonsense in ("x", "2026-13-01", "", "99999999999"):
        assert visitor.get(f"/rooms/halle?week={nonsense}&day={nonsense}").status_code == 200


def test_the_seven_days_begin_today_and_on_a_sunday_too_none_is_over(site: Site) -> None:
    site.now = instant_of(date(2026, 11, 29), time(9), ZONE)
    page = site.client().get("/rooms/halle").text
    assert "29. Nov.\N{THIN SPACE}\N{EN DASH}\N{THIN SPACE}5. Dez. 2026" in page
    assert "23. November" not in page
    named = site.client().get("/rooms/halle?day=2026-12-08").text
    assert "6.\N{EN DASH}12. Dez. 2026" in named


def test_seven_days_with_nothing_free_open_the_next_ones(site: Site) -> None:
    mine, last = {"organisation_id": site.ids.organisation_id}, date(2026, 11, 30)
    add(site, ClosingDay(**mine, first_day=date(2026, 11, 24), last_day=last, reason="Umbau"))
    assert "1.\N{EN DASH}7. Dez. 2026" in site.client().get("/rooms/halle").text
    assert "24.\N{EN DASH}30. Nov. 2026" in site.client().get("/rooms/halle?week=2026-11-24").text


@pytest.mark.rule("S25")
def test_a_cell_shows_what_it_adds_without_the_minimum_of_the_whole(site: Site) -> None:
    site.database.write(lambda db: db.execute(update(PriceList).values(minimum=7000)))
    mine = {"organisation_id": site.ids.organisation_id, "price_list_id": site.ids.price_list_id}
    add(site, PriceRule(**mine, name="Abend", cents=8000, per_hour=True, from_time=time(18), to_time=time(0)))
    cents = {f"{piece.slot.start.astimezone(ZONE):%H}": piece.cents for piece in plans(site)[FRIDAY].pieces}
    assert (cents["17"], cents["18"]) == (5000, 8000)
    one = site.client().get("/rooms/halle/request?slot=2026-11-27T09:00Z").text
    assert "Mindestpreis" in one
    assert "70,00" in one


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2026, 10, 25)], ids=["spring forward", "fall back"])
def test_a_night_whose_clock_changes_is_cut_without_loss(site: Site, day: date) -> None:
    def nights(db: Session) -> None:
        for hours in db.scalars(select(OpeningHours)):
            hours.opens, hours.closes = time(0), time(6)
        change_house(db, site.ids)

    site.database.write(nights)
    site.now = datetime.combine(day - timedelta(days=20), time(8), NOW.tzinfo)
    plan = plans(site, day - timedelta(days=6))[day]
    hours = 5 if day.month == 3 else 7
    assert [piece.cell for piece in plan.pieces] == [Cell.FREE] * hours
    assert sum((piece.slot.duration for piece in plan.pieces), timedelta()) == timedelta(hours=hours)
    assert site.client().get(f"/rooms/halle?day={day}").status_code == 200


def test_taken_times_name_nobody_and_no_purpose(customer: Customer, evening: Slot) -> None:
    customer.ask(evening)
    page = customer.site.client().get(f"/rooms/halle?day={evening.start.date()}").text
    assert "Belegt" in page
    for told in (TYPED["name"], TYPED["company"], TYPED["purpose"], customer.bookings()[0].code):
        assert told not in page


def test_the_week_asks_the_database_as_often_however_much_is_booked(customer: Customer) -> None:
    site, visitor = customer.site, customer.site.client()

    def asked(path: str) -> int:
        visitor.get(path)
        with counted(site) as said:
            assert visitor.get(path).status_code == 200
        return len(said)

    paths = ("/", "/rooms/halle?week=2026-11-23", "/rooms/halle-links?week=2026-11-23")
    before = [asked(path) for path in paths]
    for hour in range(8, 20):
        who = contact(f"Gast Nr{hour}")
        slot = slot_in(3, hour, hour + 1)
        site.database.write(
            partial(
                request, now=site.now, tools=site.context.tools, ids=site.ids, room_id=site.ids.left, slot=slot, who=who
            )
        )
    assert [asked(path) for path in paths] == before
    assert max(before) <= 6
    with counted(site) as said:
        visitor.get(paths[1])
    assert sum("FROM occupancy" in statement for statement in said) == 1


@pytest.mark.rule("S5")
def test_the_list_of_rooms_offers_the_next_free_times_of_each(site: Site) -> None:
    block(site, slot_in(0, 10, 13), OccupancyKind.BOOKING, unit=0)
    with site.database.read() as session:
        here = house(session, site)
        free = next_free(session, site.now, here, here.rooms.values(), 14, 3)
    begins = {
        room_id: [f"{offer.slot.start.astimezone(ZONE):%d. %H:%M}" for offer in offers]
        for room_id, offers in free.items()
    }
    assert begins[site.ids.hall] == begins[site.ids.left] == ["24. 13:00", "24. 14:00", "24. 15:00"]
    assert begins[site.ids.right] == ["24. 10:00", "24. 11:00", "24. 12:00"]
    page = site.client().get("/").text
    assert page.index("Heute, Dienstag, 24. November") < page.index("13:00")
    links = re.findall(r"/rooms/halle-rechts/request\?time=([^\"]+)", page)
    assert links[0] == "2026-11-24T09:00Z/2026-11-24T10:00Z"
    assert site.client().get(f"/rooms/halle-rechts/request?time={links[0]}").status_code == 200


def test_an_archived_room_and_an_unknown_one_are_not_there(site: Site) -> None:
    set_room(site, archived_at=NOW)
    visitor = site.client()
    for path in ("/rooms/halle", "/rooms/halle/request", "/rooms/nirgends"):
        assert visitor.get(path).status_code == 404
    assert '/rooms/halle"' not in visitor.get("/").text


def test_a_house_without_rooms_still_has_a_front_page(site: Site) -> None:
    for room_id in (site.ids.hall, site.ids.left, site.ids.right):
        set_room(site, room_id, archived_at=NOW)
    assert "Noch keine Räume" in site.client().get("/").text
