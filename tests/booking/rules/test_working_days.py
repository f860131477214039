"""Working days, deadlines, who answers the phone (SPEC S8, S14, S15, S18)."""

import dataclasses
import subprocess
import sys
from datetime import date, datetime, time

import pytest

from booking.rules.public_holidays import public_holiday_names, public_holidays
from booking.rules.working_days import (
    Answers,
    Who,
    is_working_day,
    mail_moment,
    next_working_day,
    review_deadline,
    short_notice,
    who_answers,
)
from booking.values.house import ClosingDay, Hours, OfficeTerms
from tests.booking.rules.houses import BRIDGE, CHRISTMAS, FRIDAY, MONDAY, OFFICE, SATURDAY, at, slot, utc

NOBODY = Answers(Who.NOBODY)
AT_OFFICE = Answers(Who.OFFICE, "0221 1")
AT_DESK = Answers(Who.DESK, "0221 2")


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("day", "works"),
    [
        (FRIDAY, True),
        (SATURDAY, False),
        (date(2026, 12, 6), False),
        (MONDAY, True),
        (date(2026, 12, 24), True),
        (date(2026, 12, 25), False),
        (date(2026, 12, 28), False),
        (date(2026, 12, 30), False),
        (date(2026, 12, 31), True),
    ],
)
def test_weekends_holidays_and_closing_days_are_no_working_days(day: date, *, works: bool) -> None:
    assert is_working_day(day, OFFICE, (BRIDGE,), CHRISTMAS) is works


@pytest.mark.rule("S8")
def test_saturday_hours_make_no_working_day_and_a_closing_of_the_rooms_alone_is_one() -> None:
    open_on_saturday = dataclasses.replace(OFFICE, hours=(*OFFICE.hours, Hours(5, time(9), time(12))))
    rooms_only = dataclasses.replace(BRIDGE, closes_office=False)
    assert not is_working_day(SATURDAY, open_on_saturday, (), frozenset())
    assert is_working_day(date(2026, 12, 28), OFFICE, (rooms_only,), frozenset())


def test_an_office_without_hours_is_taken_to_work_from_monday_to_friday() -> None:
    office = dataclasses.replace(OFFICE, hours=())
    assert next_working_day(FRIDAY, office, (), frozenset()) == MONDAY


def test_an_office_that_never_opens_again_still_has_a_deadline() -> None:
    for_good = ClosingDay(date(2026, 1, 1), date(9999, 12, 31), "for good")
    assert next_working_day(FRIDAY, OFFICE, (for_good,), frozenset()) == date(2027, 12, 5)


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("made_at", "deadline"),
    [
        (at(FRIDAY, 0), at(MONDAY, 12)),
        (at(FRIDAY, 23, 59), at(MONDAY, 12)),
        (at(date(2026, 12, 6), 23, 59), at(MONDAY, 12)),
        (at(MONDAY, 0), at(date(2026, 12, 8), 12)),
        (at(date(2026, 12, 24), 15), at(date(2026, 12, 31), 12)),
        (utc(2026, 12, 3, 23, 30), at(MONDAY, 12)),  # Friday already in Cologne
        (utc(2026, 3, 27, 12), utc(2026, 3, 30, 10)),  # clocks go forward between
        (utc(2026, 10, 23, 12), utc(2026, 10, 26, 11)),
    ],
)
def test_a_request_is_reviewed_on_the_next_working_day_by_the_set_hour(made_at: datetime, deadline: datetime) -> None:
    assert review_deadline(made_at, OFFICE, (BRIDGE,), CHRISTMAS) == deadline


@pytest.mark.rule("S15")
@pytest.mark.parametrize(("hour", "is_short"), [(11, True), (12, False), (13, False)])
def test_notice_is_short_when_the_time_begins_before_the_deadline(hour: int, *, is_short: bool) -> None:
    assert short_notice(slot(MONDAY, hour, hour + 2), at(MONDAY, 12)) is is_short


@pytest.mark.rule("S14", "S15")
@pytest.mark.parametrize(
    ("now", "answers"),
    [
        (at(FRIDAY, 6, 59), NOBODY),
        (at(FRIDAY, 7), AT_DESK),
        (at(FRIDAY, 8, 59), AT_DESK),
        (at(FRIDAY, 9), AT_OFFICE),
        (at(FRIDAY, 16, 59), AT_OFFICE),
        (at(FRIDAY, 17), AT_DESK),
        (at(FRIDAY, 22), NOBODY),
        (at(SATURDAY, 10), AT_DESK),
        (at(date(2026, 12, 6), 10), NOBODY),  # the desk has no Sunday hours
        (at(date(2026, 12, 25), 10), NOBODY),  # a Friday, but Christmas: the desk keeps Sunday hours
        (at(date(2026, 12, 28), 10), AT_DESK),  # only the office is closed
    ],
)
def test_the_office_answers_in_its_hours_else_the_desk_in_its_own(now: datetime, answers: Answers) -> None:
    assert who_answers(now, OFFICE, (BRIDGE,), CHRISTMAS) == answers


@pytest.mark.rule("S14")
@pytest.mark.parametrize(
    ("office", "answers"),
    [
        (dataclasses.replace(OFFICE, office_phone=None), AT_DESK),
        (dataclasses.replace(OFFICE, office_phone=""), AT_DESK),
        (dataclasses.replace(OFFICE, office_phone=None, desk_phone=None), NOBODY),
        (dataclasses.replace(OFFICE, hours=()), AT_DESK),
        (dataclasses.replace(OFFICE, hours=(), desk_hours=()), NOBODY),
    ],
    ids=["no office number", "empty office number", "no numbers", "no office hours", "no hours"],
)
def test_no_number_is_named_that_nobody_answers(office: OfficeTerms, answers: Answers) -> None:
    assert who_answers(at(FRIDAY, 10), office, (), frozenset()) == answers


@pytest.mark.rule("S14")
def test_a_desk_that_works_through_the_night_answers_after_midnight() -> None:
    night = dataclasses.replace(OFFICE, desk_hours=(Hours(4, time(22), time(2)),))
    assert who_answers(at(SATURDAY, 1, 59), night, (), frozenset()) == AT_DESK
    assert who_answers(at(SATURDAY, 2), night, (), frozenset()) == NOBODY
    assert who_answers(at(FRIDAY, 1), night, (), frozenset()) == NOBODY


@pytest.mark.rule("S14")
def test_on_a_public_holiday_the_desk_keeps_its_sunday_hours() -> None:
    sunday = dataclasses.replace(OFFICE, desk_hours=(*OFFICE.desk_hours, Hours(6, time(10), time(12))))
    assert who_answers(at(date(2026, 12, 25), 11), sunday, (), CHRISTMAS) == AT_DESK
    assert who_answers(at(date(2026, 12, 25), 13), sunday, (), CHRISTMAS) == NOBODY


@pytest.mark.rule("S18")
@pytest.mark.parametrize(
    ("after", "moment"),
    [(at(SATURDAY, 20), at(MONDAY, 9, 30)), (at(MONDAY, 1), at(date(2026, 12, 8), 9, 30))],
)
def test_the_mail_goes_out_on_the_next_working_day_at_the_set_hour(after: datetime, moment: datetime) -> None:
    assert mail_moment(after, OFFICE, (), frozenset()) == moment


@pytest.mark.rule("S8")
def test_public_holidays_are_those_of_the_region() -> None:
    rhineland = public_holidays("DE", "NW", (2026, 2027))
    assert date(2026, 11, 1) in rhineland
    assert date(2027, 1, 1) in rhineland
    assert date(2026, 10, 31) not in rhineland
    assert date(2026, 10, 31) in public_holidays("DE", "BB", (2026,))
    assert public_holiday_names("DE", "NW", (2026,), "de")[date(2026, 12, 25)] == "Erster Weihnachtstag"


@pytest.mark.parametrize(
    ("country", "subdivision", "language", "number"),
    [("DE", "??", None, 9), ("??", None, None, 0), ("DE", "NW", "xx", 11)],
)
def test_an_unknown_region_costs_no_page(
    country: str, subdivision: str | None, language: str | None, number: int
) -> None:
    assert len(public_holiday_names(country, subdivision, (2026,), language)) == number


def test_one_country_is_loaded_without_all_others_and_says_the_same() -> None:
    code = (
        "import sys\nfrom booking.rules.public_holidays import public_holiday_names as ours\n"
        "wanted = [('DE', 'NW', 'de'), ('AT', '9', None), ('CH', 'ZH', 'fr'), ('FR', None, None), ('NL', None, 'nl')]\n"
        "found = [ours(country, region, (2026, 2027), tongue) for country, region, tongue in wanted]\n"
        "alone = 'holidays.countries' not in sys.modules\n"
        "import holidays.countries as every\n"
        "print(alone, *(dict(getattr(every, country)(subdiv=region, years=(2026, 2027), language=tongue)) == days\n"
        "    for (country, region, tongue), days in zip(wanted, found)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["True"] * 6
