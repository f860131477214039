"""How a feed shows series, as its owner chose: from the stored choice to the bytes (SPEC C3)."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from icalendar import Calendar

from booking.actions.feeds import lay_out_series
from booking.reads.feeds import FeedInfo, FoundFeed, find_feed
from booking.values.states import Variant
from booking.values.tokens import hash_token
from ical.feed import render_calendar
from ical.fragment import FeedOptions, options_of
from ical.window import Window
from tests.feed_house import NOW
from tests.ical.readers import READERS
from tests.ical.series_builders import HEAD, change, local, made, utc
from tests.web.feed_world import World, ask, within_a_second
from web.hot_feeds import FeedGate

WEEKLY = made(
    left_out=frozenset({utc(2026, 9, 15).date()}),
    changes={utc(2026, 9, 8, 18).replace(tzinfo=None): change(4, slot=local("Europe/Berlin", 2026, 9, 9, 19))},
)
WHEN = utc(2026, 8, 20)


def stored(world: World, token: str) -> FoundFeed:
    with world.database.read() as session:
        found = find_feed(session, hash_token(token))
    assert isinstance(found, FoundFeed)
    return found


def choose(world: World, feed: FeedInfo, expanded: bool) -> None:
    done = world.database.write(
        lambda session: lay_out_series(
            session,
            world.now,
            organisation_id=world.house.organisation_id,
            feed_id=feed.feed_id,
            expanded=expanded,
        )
    )
    assert isinstance(done, FeedInfo)
    assert done.choices.series_expanded is expanded


@pytest.mark.rule("C3")
def test_a_stored_choice_gives_one_master_or_single_events_of_the_same_instants(world: World) -> None:
    bodies = {}
    for expanded in (False, True):
        _, token = world.feed(series_expanded=expanded)
        options = options_of(stored(world, token).choices)
        bodies[expanded] = render_calendar(HEAD, [WEEKLY], options, WHEN)
    together, apart = (list(Calendar.from_ical(bodies[expanded]).walk("VEVENT")) for expanded in (False, True))
    master, override = together
    assert ("RRULE" in master, "EXDATE" in master, "RECURRENCE-ID" in override) == (True, True, True)
    assert len({str(event["UID"]) for event in together}) == 1
    assert len({str(event["UID"]) for event in apart}) == len(apart) == 11
    assert not any(name in event for event in apart for name in ("RRULE", "EXDATE", "RECURRENCE-ID"))
    for read in READERS.values():
        rows = read([bodies[False], bodies[True]], utc(2026, 1, 1), utc(2028, 1, 1))
        assert rows[0] == rows[1]
        assert len(rows[0]) == 11


@pytest.mark.rule("C1", "C3")
def test_every_choice_of_a_stored_feed_is_one_of_its_options(world: World) -> None:
    choices = {"language": "en", "cancelled_shown": False, "months_back": 5, "months_ahead": 7, "alarm_minutes": 45}
    _, token = world.feed(variant=Variant.TITLES, series_expanded=True, **choices)
    wanted = FeedOptions(Variant.TITLES, "en", Window(False, 5, 7), is_expanded=True, alarm=timedelta(minutes=45))
    assert options_of(stored(world, token).choices) == wanted


@pytest.mark.rule("C1", "C2", "C3")
def test_another_choice_is_rendered_everywhere_within_a_second(world: World, other: FeedGate) -> None:
    """Nothing of what was rendered by the former choice is used again, and a client that has a date alone asks anew."""
    for day in (2, 3, 4):
        world.booked(world.house.left, start=NOW + timedelta(days=day))
    feed, token = world.feed()
    first = ask(world.gate, token)
    assert ask(other, token) == first
    for minutes, expanded in ((5, True), (10, False)):
        world.now = NOW + timedelta(minutes=minutes)
        rendered = world.gate.calendars.rendered, other.calendars.rendered
        modified = ask(world.gate, token).headers["Last-Modified"]
        choose(world, feed, expanded)
        anew = ask(world.gate, token, if_modified_since=modified)
        assert anew.status == 200
        assert parsedate_to_datetime(anew.headers["Last-Modified"]) == world.now.replace(microsecond=0)
        assert within_a_second(lambda sent=modified: ask(other, token, if_modified_since=sent).status == 200)
        assert ask(other, token) == anew
        again = 3 if expanded else 0  # the calendar of the former choice is still there
        assert (world.gate.calendars.rendered, other.calendars.rendered) == (rendered[0] + again, rendered[1] + again)
        assert ask(world.gate, token, if_none_match=anew.headers["ETag"]).status == 304


@pytest.mark.rule("C2")
def test_a_choice_that_is_none_changes_nothing(world: World) -> None:
    world.booked(world.house.left)
    feed, token = world.feed(series_expanded=True)
    before = stored(world, token)
    world.now += timedelta(minutes=5)
    choose(world, feed, True)
    assert stored(world, token) == before
