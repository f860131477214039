"""What foreign readers find in the series that we write, over two years (calendar.md, test 9)."""

from datetime import date, timedelta

import pytest

from booking.values.recurrence import Rule
from booking.values.states import Variant
from ical.feed import render_calendar
from ical.fragment import FeedOptions
from ical.series import Series
from ical.window import Window
from tests.fixtures.soak import SOAK, scale
from tests.ical.readers import READERS
from tests.ical.series_builders import HEAD, ZONES, generated, made, meant, utc

NOW = utc(2026, 5, 20)
ALL = Window(months_back=400)
START, END = utc(2026, 1, 1), utc(2028, 1, 1)
FORMS = {"master": FeedOptions(Variant.FULL, window=ALL), "expanded": FeedOptions(Variant.BUSY, "de", ALL, True)}


def rendered(series: Series, options: FeedOptions) -> bytes:
    return render_calendar(HEAD, [series], options, NOW)


@pytest.mark.soak
@pytest.mark.rule("C3")
@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("reader", list(READERS))
def test_every_reader_finds_the_same_instants_over_two_years(reader: str, form: str) -> None:
    series = [generated(zone, seed) for zone in ZONES for seed in range(scale(40))]
    found = READERS[reader]([rendered(one, FORMS[form]) for one in series], START, END)
    wrong = [one for one, rows in zip(series, found, strict=True) if rows != within(meant(one))]
    assert wrong == []


@pytest.mark.rule("C3")
@pytest.mark.parametrize("reader", list(READERS))
def test_a_series_that_runs_into_a_year_in_which_the_rule_does_not_hold_keeps_its_instants(reader: str) -> None:
    some = [
        made(zone=zone, first=first, rule=Rule(until=first + timedelta(days=300)))
        for zone, first in (
            ("America/New_York", date(2006, 9, 5)),
            ("America/Santiago", date(2028, 8, 1)),
            ("Asia/Jerusalem", date(2029, 8, 7)),
            ("Europe/Volgograd", date(2020, 9, 1)),
        )
    ]
    found = READERS[reader]([rendered(one, FORMS["master"]) for one in some], utc(2006, 1, 1), utc(2032, 1, 1))
    assert found == [meant(one) for one in some]


def within(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (START, END))
    return [row for row in rows if row[1] > start and row[0] < end]


@pytest.mark.rule("C2", "C3")
@pytest.mark.parametrize("form", list(FORMS))
def test_two_renders_of_one_series_are_the_same_bytes(form: str) -> None:
    for zone in ZONES:
        assert rendered(generated(zone, 1), FORMS[form]) == rendered(generated(zone, 1), FORMS[form])


def test_most_generated_series_have_a_master_where_the_zone_can_be_told() -> None:
    """Or the comparison above would be one of single events only."""
    bodies = [rendered(generated("Europe/Berlin", seed), FORMS["master"]) for seed in range(20)]
    assert sum(b"RRULE:FREQ=DAILY" in body or b"RRULE:FREQ=WEEKLY" in body for body in bodies) >= 15
    assert any(b"RECURRENCE-ID" in body for body in bodies)
    assert any(b"RELATED-TO" in body for body in bodies)


def test_a_whole_run_has_all_four_readers() -> None:
    assert {"icalendar", "dateutil"} <= READERS.keys()
    assert not SOAK or READERS.keys() == {"icalendar", "dateutil", "ical", "ical.js"}
