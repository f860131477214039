"""Rows of the index keep all that the planner holds, and items come back from the database as they were (SPEC C7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from booking.values.slot import Slot
from ical.canon import canon, item_of
from ical.item import Details, Item, Moment, Recurrence, Status
from sync.remotes.protocol import CursorKind, Quirks
from sync.store import imported_time, item_link_of, own_uuid, quirks_of, quirks_stored, stored_of
from sync.values import Decision, DeletedBy, Hold, ItemLink, LinkState, Side
from tests.fixtures.soak import scale
from tests.sync.simulator import NOW, cancelled, item, moment, series

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 - made aware below
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
DAYS = INSTANTS.map(lambda at: Moment(at.replace(hour=0, minute=0, second=0, tzinfo=None), "", at))
MOMENTS = st.one_of(INSTANTS.map(moment), INSTANTS.map(lambda at: Moment(at.replace(tzinfo=None), "UTC", at)), DAYS)
DETAILS = st.builds(Details, MOMENTS, MOMENTS, TEXTS, TEXTS, TEXTS, TEXTS, st.sampled_from(Status), st.booleans())
SERIES = st.builds(
    Recurrence,
    st.sampled_from(["FREQ=WEEKLY", "FREQ=DAILY;COUNT=9"]),
    st.tuples(MOMENTS) | st.just(()),
    st.tuples(MOMENTS) | st.just(()),
)
OVERRIDES = st.dictionaries(MOMENTS.map(lambda one: one.key), DETAILS, max_size=2)
ITEMS = st.builds(Item, TEXTS, DETAILS, st.none() | SERIES, OVERRIDES, st.integers(0, 99), st.none() | TEXTS)
ROWS = st.builds(
    ItemLink,
    id=st.none() | st.integers(1, 99),
    local_id=st.none() | st.integers(-99, 99),
    href=TEXTS,
    uid=TEXTS,
    origin=st.sampled_from(Side),
    base=st.none() | ITEMS,
    base_remote=st.none() | ITEMS,
    base_revision=st.none() | st.integers(0, 99),
    base_etag=st.none() | TEXTS,
    state=st.sampled_from(LinkState),
    miss_count=st.integers(0, 9),
    missing_since=st.none() | INSTANTS,
    deleted_by=st.none() | st.sampled_from(DeletedBy),
    held=st.none() | st.sampled_from(Hold),
    decision=st.none() | st.sampled_from(Decision),
    flips=st.integers(0, 9),
    flips_since=st.none() | INSTANTS,
    last_written=st.none() | st.sampled_from(Side),
    error_count=st.integers(0, 9),
    next_try=st.none() | INSTANTS,
    problem=TEXTS,
)


@seed(20261122)
@settings(max_examples=scale(1_000), deadline=None, database=None)
@given(ROWS, st.integers(0, 99))
def test_a_row_comes_back_as_it_was(row: ItemLink, version: int) -> None:
    stored = stored_of(row, version)
    assert item_link_of(stored) == row
    assert stored.version == version


@seed(20261122)
@settings(max_examples=scale(1_000), deadline=None, database=None)
@given(ITEMS)
def test_an_item_comes_back_as_it_was_and_is_stored_in_one_way_only(one: Item) -> None:
    assert item_of(canon(one)) == one
    assert canon(item_of(canon(one))) == canon(one)


def test_quirks_come_back_as_they_were() -> None:
    quirks = Quirks(CursorKind.TAG, creates_guarded=False, etag_on_write=True, most_at_once=1, product="Radicale/3")
    assert quirks_of(quirks_stored(quirks)) == quirks
    assert quirks_of({}) is None
    assert quirks_of(quirks_stored(quirks) | {"a trait of later versions": 1}) == quirks


def test_a_single_item_takes_its_time_whenever_it_is_and_nothing_where_it_is_cancelled_or_free() -> None:
    far = item(starts_in=timedelta(days=900))
    assert far.master is not None
    until = NOW + timedelta(days=300)
    found = imported_time(far, NOW, until, "Europe/Berlin")
    assert found.slots == (Slot(far.master.start.instant, far.master.end.instant),)
    assert found.until is None
    assert imported_time(cancelled(far), NOW, until, "Europe/Berlin").slots == ()
    free = replace(far, master=replace(far.master, is_busy=False))
    assert imported_time(free, NOW, until, "Europe/Berlin").slots == ()


def test_a_series_that_is_too_much_takes_what_is_certain_and_says_so() -> None:
    many = series(rule="FREQ=SECONDLY")
    found = imported_time(many, NOW, NOW + timedelta(days=300), "Europe/Berlin")
    assert found.problem.startswith("series-")
    assert many.master is not None
    assert Slot(many.master.start.instant, many.master.end.instant) in found.slots


def test_only_a_uid_of_our_own_names_an_item_of_ours() -> None:
    name = "0190b6a1-6b00-7000-8000-000000000001"
    assert str(own_uuid(f"{name}@hall.example", "hall.example")) == name
    assert own_uuid(f"{name}@other.example", "hall.example") is None
    assert own_uuid("training@hall.example", "hall.example") is None
