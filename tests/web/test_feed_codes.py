"""Door codes in customers' own feeds: only where the operator chose it, in time, and nowhere else (SPEC C4)."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import update

from booking.actions.settings import change_house
from booking.reads.agenda import CodeLines, Whose, everything
from booking.reads.house import read_house
from booking.tables.bookings import Booking
from booking.values.refusals import Refused
from booking.values.states import BookingState, SubjectKind, Variant
from tests.builders import slot_in
from tests.season import OFFICE, TOOLS
from tests.web.code_feeds import HOUR, SECOND, SLOT, CodeFeeds, code_feeds, everything_stored, shown_in
from tests.web.feed_world import ask, within_a_second

DAY_BEFORE = SLOT.start - 24 * HOUR


@pytest.fixture
def feeds(database_url: str) -> Iterator[CodeFeeds]:
    yield from code_feeds(database_url)


@pytest.fixture
def booking(feeds: CodeFeeds) -> int:
    """Anna's booking, and her own feed."""
    made = feeds.book()
    feeds.token = feeds.feed(SubjectKind.CUSTOMER, feeds.customer_of(made))
    return made


@pytest.mark.rule("C4")
def test_a_house_that_chose_nothing_shows_no_code_at_any_time(feeds: CodeFeeds, booking: int) -> None:
    with feeds.database.read() as session:
        assert read_house(session, feeds.ids.organisation_id).feed_code_hours is None
    assert feeds.codes(booking)
    for moment in (feeds.now, DAY_BEFORE, SLOT.start - HOUR, SLOT.start, SLOT.end - SECOND, SLOT.end):
        assert feeds.at(moment).look() == set()
        assert feeds.tick() == 0


@pytest.mark.rule("C4", "C2")
def test_the_code_appears_n_hours_before_and_goes_with_the_end(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    (code,) = feeds.codes(booking)
    assert feeds.at(DAY_BEFORE - SECOND).look() == set()
    ((first, _, _),) = feeds.last.values()
    assert feeds.at(DAY_BEFORE).look() == {code}
    assert feeds.at(SLOT.start).look() == {code}
    ((shown, _, text),) = feeds.last.values()
    assert f"Türcode: {code}" in text
    assert feeds.at(SLOT.end - SECOND).look() == {code}
    assert feeds.at(SLOT.end).look() == set()
    ((over, _, _),) = feeds.last.values()
    assert (first, shown, over) == (first, first + 1, first + 2)
    assert feeds.at(SLOT.end + 40 * HOUR).look() == set()


@pytest.mark.rule("C4", "C2")
def test_without_a_tick_a_code_never_comes_early_and_still_goes_in_time(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    assert feeds.at(DAY_BEFORE + HOUR, tick=False).look() == set()
    assert feeds.at(DAY_BEFORE + 2 * HOUR).look() == set(feeds.codes(booking))
    assert feeds.at(SLOT.end, tick=False).look() == set()
    told = dict(feeds.last)
    assert feeds.at(SLOT.end + HOUR).look() == set()
    assert feeds.last == told  # counted late, but as of the moment when it went
    assert feeds.tick() == 0


@pytest.mark.rule("C4")
def test_a_process_that_has_the_calendar_in_memory_lets_the_code_go_in_time(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    (code,) = feeds.codes(booking)
    feeds.at(SLOT.end - SECOND)
    assert code in ask(feeds.gate, feeds.token).body.decode()
    feeds.at(SLOT.end, tick=False)
    assert within_a_second(lambda: code not in ask(feeds.gate, feeds.token).body.decode())


@pytest.mark.rule("C4")
def test_no_other_feed_ever_shows_a_code(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=168)
    house, ids, anna = SubjectKind.OFFICE, feeds.ids, feeds.customer_of(booking)
    boris = feeds.customer_of(feeds.book(slot_in(3, 10, 11), "Boris Klein"))
    others = [
        feeds.feed(house, ids.organisation_id),
        feeds.feed(SubjectKind.DESK, ids.organisation_id),
        feeds.feed(SubjectKind.ROOM, ids.left),
        feeds.feed(SubjectKind.ROOM, ids.hall),
        feeds.feed(SubjectKind.BOOKING, booking),
        feeds.feed(SubjectKind.CUSTOMER, anna, Variant.TITLES),
        feeds.feed(SubjectKind.CUSTOMER, anna, Variant.BUSY),
    ]
    mine = set(feeds.codes(booking))
    theirs = feeds.feed(SubjectKind.CUSTOMER, boris)
    for moment in (feeds.now, DAY_BEFORE, SLOT.start - HOUR, SLOT.start):
        assert feeds.at(moment).look() == mine
        assert [shown_in(feeds.ask(token), feeds.all_codes()) for token in others] == [set()] * len(others)
        assert not shown_in(feeds.ask(theirs), mine)


@pytest.mark.rule("C4")
def test_a_calendar_of_anybody_else_reads_no_code_even_if_asked_to(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    feeds.at(SLOT.start)
    ids, told = feeds.ids, CodeLines(TOOLS.vault, lambda text, _window, _zone: f"Code {text}")
    targets = dict.fromkeys(SubjectKind, ids.organisation_id) | {
        SubjectKind.CUSTOMER: feeds.customer_of(booking),
        SubjectKind.ROOM: ids.left,
        SubjectKind.BOOKING: booking,
    }
    with feeds.database.read() as session:
        found = {
            kind: everything(session, Whose(ids.organisation_id, kind, target), feeds.now, codes=told)
            for kind, target in targets.items()
        }
    assert {kind for kind, entries in found.items() if not entries} == {SubjectKind.COURSE, SubjectKind.SERIES}
    assert {
        kind for kind, entries in found.items() if "Code " in str([one.details for _, one in entries.values()])
    } == {SubjectKind.CUSTOMER}


@pytest.mark.rule("C4", "C2")
def test_a_feed_that_shows_no_codes_does_not_turn_with_them(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    titles = feeds.feed(SubjectKind.CUSTOMER, feeds.customer_of(booking), Variant.TITLES)
    feeds.at(SLOT.start)
    before = feeds.ask(titles).body
    feeds.at(SLOT.end, tick=False)
    assert feeds.ask(titles).body == before


@pytest.mark.rule("C4")
@pytest.mark.parametrize("state", [one for one in BookingState if one is not BookingState.CONFIRMED])
def test_only_a_confirmed_booking_shows_a_code_whatever_its_codes_say(
    feeds: CodeFeeds, booking: int, state: BookingState
) -> None:
    feeds.choose(feed_code_hours=24)
    assert feeds.at(SLOT.start).look() == set(feeds.codes(booking))
    feeds.database.write(lambda db: db.execute(update(Booking).where(Booking.id == booking).values(state=state)))
    with closing(feeds.new_gate()) as gate:
        assert shown_in(feeds.ask(feeds.token, gate), feeds.all_codes()) == set()


@pytest.mark.rule("C4", "S22")
def test_a_replaced_code_gives_way_to_the_new_one_at_once(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    (old,) = feeds.codes(booking)
    assert feeds.at(DAY_BEFORE).look() == {old}
    assert feeds.replace(booking)
    (new,) = feeds.codes(booking)
    assert new != old
    assert feeds.look() == {new}
    feeds.replace_all()
    (newest,) = feeds.codes(booking)
    assert newest not in {old, new}
    assert feeds.look() == {newest}


@pytest.mark.rule("C4")
def test_a_cancelled_booking_shows_no_code(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    assert feeds.at(DAY_BEFORE).look() != set()
    feeds.cancel(booking)
    assert feeds.look() == set()
    assert feeds.at(SLOT.start).look() == set()


@pytest.mark.rule("C4")
def test_a_booking_that_is_not_confirmed_shows_no_code(feeds: CodeFeeds) -> None:
    feeds.choose(feed_code_hours=168)
    resting = feeds.request(SLOT)
    feeds.token = feeds.feed(SubjectKind.CUSTOMER, feeds.customer_of(resting))
    assert feeds.codes(resting)  # reserved by the resting decision, and given to nobody
    assert feeds.at(SLOT.start - HOUR).look() == set()


@pytest.mark.rule("C4")
def test_a_moved_booking_shows_the_code_of_its_new_time_when_that_is_near(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    (old,) = feeds.codes(booking)
    assert feeds.at(DAY_BEFORE).look() == {old}
    later = slot_in(6, 18, 19)
    assert feeds.move(booking, later)
    assert feeds.look() == set()
    (new,) = feeds.codes(booking)
    assert feeds.at(later.start - 24 * HOUR).look() == {new}
    for hour in (16, 16):  # the second time to the time that it has: another code, and nothing else
        assert feeds.move(booking, slot_in(6, hour, hour + 1))
        assert feeds.look() == set(feeds.codes(booking))
    ((sequence, _, _),) = feeds.last.values()
    feeds.move(booking, slot_in(6, 14, 15))
    feeds.look()
    assert [told for told, _, _ in feeds.last.values()] == [sequence + 1]


@pytest.mark.rule("C4", "S22")
def test_where_codes_wait_for_the_payment_feeds_wait_too(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24, code_after_payment=True)
    assert feeds.at(SLOT.start - HOUR).look() == set()
    feeds.pay(booking)
    assert feeds.look() == set(feeds.codes(booking))


@pytest.mark.rule("C4", "S22")
def test_a_feed_shows_no_code_before_a_mail_may_carry_it(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24, code_hours_before=3)
    opens = SLOT.start - 3 * HOUR
    assert feeds.at(DAY_BEFORE).look() == set()
    assert feeds.at(opens - SECOND).look() == set()
    assert feeds.at(opens).look() == set(feeds.codes(booking))


@pytest.mark.rule("C4", "C2")
def test_the_operators_choice_takes_effect_at_once(feeds: CodeFeeds, booking: int) -> None:
    code = set(feeds.codes(booking))
    assert feeds.at(SLOT.start - 30 * HOUR).look() == set()
    for wanted, shown in (
        ({"feed_code_hours": 48}, code),
        ({"feed_code_hours": 24}, set()),
        ({"feed_code_hours": 36}, code),
        ({"code_after_payment": True}, set()),
        ({"code_after_payment": False, "name": "Haus Neu"}, code),
        ({"code_hours_before": 2}, set()),
        ({"code_hours_before": None}, code),
        ({"feed_code_hours": None}, set()),
    ):
        feeds.choose(**wanted)
        assert feeds.look() == shown, wanted
        feeds.now += SECOND
        feeds.tick()
        assert feeds.look() == shown, wanted


@pytest.mark.rule("C2")
def test_a_code_that_the_operator_forbids_before_it_was_counted_is_no_change(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    assert feeds.look() == set()
    told = dict(feeds.last)
    feeds.at(DAY_BEFORE + HOUR, tick=False).choose(feed_code_hours=6)
    assert feeds.look() == set()
    assert feeds.last == told
    assert feeds.codes(booking)


@pytest.mark.rule("C4")
@pytest.mark.parametrize("hours", [0, 169, -1])
def test_only_one_hour_to_a_week_before_can_be_chosen(feeds: CodeFeeds, hours: int) -> None:
    mine = feeds.ids.organisation_id
    no = feeds.database.write(lambda db: change_house(db, feeds.now, mine, OFFICE, {"feed_code_hours": hours}))
    assert isinstance(no, Refused)
    assert [(reason.code, reason.at) for reason in no.reasons] == [("out-of-range", "feed_code_hours")]


@pytest.mark.rule("C4", "C2")
def test_codes_one_after_the_other_are_told_with_their_times_and_go_one_by_one(feeds: CodeFeeds) -> None:
    feeds.choose(feed_code_hours=24)
    long = slot_in(3, 18, 20)
    booking = feeds.book(long)
    feeds.token = feeds.feed(SubjectKind.CUSTOMER, feeds.customer_of(booking), language="en")
    first, second = feeds.codes(booking)
    assert feeds.at(DAY_BEFORE).look() == {first, second}
    ((_, _, text),) = feeds.last.values()
    unfolded = text.replace("\r\n ", "")
    assert (
        f"Door code (27/11 17:45 – 27/11 19:15): {first}\\nDoor code (27/11 18:45 – 27/11 20:15): {second}" in unfolded
    )
    gone = SLOT.end + timedelta(minutes=15)
    assert feeds.at(gone - SECOND, tick=False).look() == {first, second}
    assert feeds.at(gone, tick=False).look() == {second}
    told = dict(feeds.last)
    feeds.tick()
    assert feeds.look() == {second}
    assert feeds.last == told
    assert feeds.at(long.end, tick=False).look() == set()
    told = dict(feeds.last)
    feeds.tick()
    assert feeds.look() == set()
    assert feeds.last == told


@pytest.mark.rule("C4", "X4")
def test_a_code_that_a_feed_shows_lies_nowhere_in_plain(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    (code,) = feeds.codes(booking)
    assert feeds.at(SLOT.start).look() == {code}
    with feeds.database.read() as session:
        stored = list(everything_stored(session))
    assert any("Training der Altherren" in one for one in stored)  # we look closely
    assert [one.partition(":")[0] for one in stored if code in one] == []


@pytest.mark.rule("C4")
def test_a_process_without_the_key_answers_503_and_shows_nothing_wrong(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    assert feeds.at(SLOT.start).look() == set(feeds.codes(booking))
    assert feeds.answer_with_another_key(feeds.token).status == 503


def test_a_tick_that_has_nothing_to_count_writes_once_a_minute_only(feeds: CodeFeeds, booking: int) -> None:
    feeds.choose(feed_code_hours=24)
    seen = feeds.seen()
    assert feeds.at(feeds.now + 30 * SECOND).seen() == seen
    assert feeds.at(feeds.now + 31 * SECOND).seen() == feeds.now
    counted = feeds.now
    assert feeds.at(feeds.now - HOUR).seen() == counted  # never back, whatever another machine's clock says
    feeds.choose(feed_code_hours=25)
    assert feeds.seen() == counted
    assert feeds.codes(booking)
