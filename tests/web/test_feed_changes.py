"""The office's feed after changes: read by what changed, and the same as one that reads everything."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from sqlalchemy import event, update

from booking.actions.calendar_items import record, record_all
from booking.tables.calendars import CalendarItem
from booking.tables.houses import Organisation
from booking.values.feeds import FeedChoices
from booking.values.slot import Slot
from booking.values.states import SubjectKind, Variant
from tests.feed_house import NOW, cancelled, confirmed
from tests.web.feed_world import World, ask, events
from web.feed_cache import WHOLE_AFTER
from web.hot_feeds import FeedGate

DAY = timedelta(days=1)
EDITS = 40


@contextmanager
def statements(gate: FeedGate) -> Iterator[list[str]]:
    """What is asked of the database about items meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "calendar_item" in statement and statement.startswith("SELECT"):
            asked.append(statement)

    engine = gate._database._readers
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.rule("C2")
@pytest.mark.parametrize("values", [{}, {"months_back": 1, "months_ahead": 1, "cancelled_shown": False}])
def test_after_any_changes_a_calendar_is_what_a_new_process_makes_of_it(world: World, values: dict[str, Any]) -> None:
    """Changed, cancelled, confirmed, moved, moved out of what is shown and back, one at a time and several at once."""
    rng, facts = random.Random(13), [world.booked(world.house.left, start=NOW + n * DAY) for n in range(1, 9)]
    _, token = world.feed(**values)
    ask(world.gate, token)
    for number in range(EDITS):
        world.now += timedelta(seconds=rng.randrange(6))
        for _ in range(rng.choice((1, 1, 3))):
            at = rng.randrange(len(facts))
            start = NOW + rng.choice((-400, -90, 2, 5, 30)) * DAY + number * timedelta(minutes=1)
            facts[at] = rng.choice(
                [
                    replace(facts[at], title=f"Anders {number}"),
                    replace(facts[at], slot=Slot(start, start + timedelta(hours=1))),
                    replace(facts[at], room_id=world.house.club),
                    confirmed(facts[at]),
                    cancelled(facts[at], world.now),
                ]
            )
        if rng.random() < 0.2:
            facts.append(world.booked(world.house.hall, start=NOW + (40 + number) * DAY))
        world.database.write(lambda session: record_all(session, world.now, facts))
        fresh = world.another_gate()
        assert ask(world.gate, token) == ask(fresh, token)
        fresh.close()


def test_one_change_reads_one_item_and_compares_no_others(world: World) -> None:
    facts = [world.booked(world.house.left, start=NOW + n * DAY) for n in range(1, 30)]
    _, token = world.feed()
    ask(world.gate, token)
    with statements(world.gate) as asked:
        world.record(replace(facts[7], title="Anders"))
        rendered = world.gate.calendars.rendered
        assert "Angefragt: Anders · Anna Müller" in [str(one["SUMMARY"]) for one in events(ask(world.gate, token))]
    assert world.gate.calendars.rendered == rendered + 1
    read = [statement for statement in asked if "FOR UPDATE" not in statement and "starts_at" in statement]
    assert any("office_revision >" in statement for statement in read)
    assert not any("starts_at >" in statement for statement in read), "the whole calendar was compared"


def test_everything_is_compared_again_after_some_minutes_and_after_a_restore(world: World) -> None:
    """A change that no revision tells of, as somebody makes it by hand, does not stay hidden."""
    facts = world.booked(world.house.left)
    _, token = world.feed()
    ask(world.gate, token)

    def by_hand(title: str) -> None:
        change = update(CalendarItem).values(title=title, sequence=CalendarItem.sequence + 1)
        world.database.write(lambda session: session.execute(change.where(CalendarItem.booking_id == facts.booking_id)))
        world.booked(world.house.right, start=world.now + 9 * DAY)

    def titles() -> set[str]:
        return {str(one["SUMMARY"]) for one in events(ask(world.gate, token))}

    before = titles()
    by_hand("Heimlich")
    assert not any("Heimlich" in title for title in titles()), "this test proves nothing"
    world.now += WHOLE_AFTER
    world.booked(world.house.right, start=world.now + 8 * DAY)
    assert any("Heimlich" in title for title in titles() - before)
    by_hand("Anders")
    world.database.write(lambda session: session.execute(update(Organisation).values(epoch=Organisation.epoch + 1_000)))
    world.gate.drop(entry.feed.subject_id for entry in world.gate._entries.values() if entry.feed is not None)
    assert any("Anders" in title for title in titles())


@pytest.mark.rule("C1")
@pytest.mark.parametrize("kind", [SubjectKind.ROOM, SubjectKind.DESK])
def test_calendars_that_come_to_show_an_item_by_a_room_or_a_door_compare_everything(
    world: World, kind: SubjectKind
) -> None:
    world.booked(world.house.left)
    _, token = world.feed(kind, world.house.left if kind is SubjectKind.ROOM else None)
    ask(world.gate, token)
    facts = world.booked(world.house.left, start=NOW + 5 * DAY)
    with statements(world.gate) as asked:
        world.database.write(lambda session: record(session, world.now, confirmed(facts)))
        assert len(events(ask(world.gate, token))) == 2
    assert any("starts_at >" in statement for statement in asked)


@pytest.mark.rule("C1", "C2")
def test_an_entry_comes_and_leaves_by_itself_when_its_owner_chose_so(world: World) -> None:
    """An hour on 25 November is to come a month before and to stay for a month."""
    world.now = NOW - 60 * DAY
    facts = world.booked(world.house.left)
    _, token = world.feed(months_back=1, months_ahead=1)
    begin, end = facts.slot.start - 31 * DAY, facts.slot.end + 30 * DAY
    seen = []
    for moment in (begin - timedelta(seconds=1), begin, end - timedelta(seconds=1), end):
        world.now = moment
        for entry in list(world.gate._entries.values()):
            world.gate.drop([entry.feed.subject_id] if entry.feed is not None else [])
        fresh = world.another_gate()
        answer = ask(world.gate, token)
        assert answer == ask(fresh, token)
        fresh.close()
        seen.append((len(events(answer)), answer.headers["Last-Modified"]))
    assert [count for count, _ in seen] == [0, 1, 1, 0]
    told = [parsedate_to_datetime(text) for _, text in seen]
    assert told[1:] == [moment.replace(microsecond=0) for moment in (begin, begin, end)]
    assert told[0] < told[1]


@pytest.mark.rule("C1")
def test_a_feed_that_was_made_before_its_choices_shows_three_months_and_reminds_nobody(world: World) -> None:
    world.booked(world.house.left, start=NOW - 80 * DAY)
    world.booked(world.house.left, start=NOW - 100 * DAY)
    world.booked(world.house.left, start=NOW + 700 * DAY)
    _, token = world.feed()
    found = events(ask(world.gate, token))
    assert len(found) == 2
    assert not any(event.walk("VALARM") for event in found)


@pytest.mark.rule("C1")
def test_a_reminder_stands_in_the_feed_whose_owner_asked_for_it_and_in_no_other(world: World) -> None:
    world.record(confirmed(world.booked(world.house.left)))
    _, plain = world.feed()
    _, token = world.feed(alarm_minutes=90)
    (reminding,), (silent,) = events(ask(world.gate, token)), events(ask(world.gate, plain))
    (alarm,) = reminding.walk("VALARM")
    assert alarm["TRIGGER"].dt == timedelta(minutes=-90)
    assert silent.walk("VALARM") == []


@pytest.mark.parametrize(
    "values",
    [
        {"months_back": -1},
        {"months_back": 25},
        {"months_ahead": 0},
        {"months_ahead": 25},
        {"alarm_minutes": 4},
        {"alarm_minutes": 10_081},
    ],
)
def test_choices_have_bounds(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(values.values())))):
        FeedChoices(Variant.FULL, **values)  # type: ignore[arg-type]  # numbers alone
