"""Each way to fail has a word of its own, by which the link's page says what to do (SPEC C9, C12)."""

import pytest

from booking.values.links import LinkProblem
from outside.errors import BadAnswer, SiteUnreadable
from sync.problems import problem_of, problem_of_answer

WHERE = "https://dav.example:443"


@pytest.mark.rule("C9", "C12")
@pytest.mark.parametrize(
    ("because", "problem"),
    [
        ("no bytes", LinkProblem.EMPTY),
        ("a web page", LinkProblem.NO_CALENDAR),
        ("calendar-none", LinkProblem.NO_CALENDAR),
        ("status 200 where a listing was asked for", LinkProblem.NO_CALENDAR),
        ("cut off before its end", LinkProblem.CUT_OFF),
        ("the listing was cut off", LinkProblem.CUT_OFF),
        ("calendar-too-big", LinkProblem.TOO_LARGE),
        ("calendar-too-deep", LinkProblem.TOO_MUCH),
        ("calendar-too-many-parts", LinkProblem.TOO_MUCH),
        ("calendar-line-too-long", LinkProblem.TOO_MUCH),
        ("XML with a DTD", LinkProblem.TOO_MUCH),
        ("XML with an endless tag", LinkProblem.TOO_MUCH),
        ("XML that is too deep or too large", LinkProblem.TOO_MUCH),
        ("status 206", LinkProblem.INCOMPLETE),
        ("paging does not end", LinkProblem.INCOMPLETE),
        ("", LinkProblem.INCOMPLETE),
    ],
)
def test_an_answer_that_proves_nothing_is_told_by_what_is_wrong_with_it(because: str, problem: LinkProblem) -> None:
    assert problem_of_answer(because) is problem
    usual = LinkProblem.UNREADABLE if problem is LinkProblem.INCOMPLETE else problem
    assert problem_of(SiteUnreadable(WHERE, because)) is usual


def test_an_answer_that_ends_too_early_on_its_way_is_cut_off_too() -> None:
    assert problem_of(BadAnswer(WHERE, "body ends early")) is LinkProblem.CUT_OFF
    assert problem_of(BadAnswer(WHERE, "http")) is LinkProblem.UNREADABLE
