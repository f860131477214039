"""Each way to fail has a word of its own, by which the link's page says what to do (SPEC C9, C12)."""

import pytest

from booking.values.links import LinkProblem
from outside.errors import BadAnswer, OutsideError, SiteUnreadable
from outside.http import guarded_session
from sync.problems import problem_of, problem_of_answer
from sync.remotes.credentials import Login
from sync.remotes.dav import Dav, dav_session
from sync.remotes.ics import IcsRemote
from tests.outside.server import Listener, answer, listening

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


def problem_at(url: str, listener: Listener) -> LinkProblem:
    with guarded_session(frozenset({listener.netloc})) as session, pytest.raises(OutsideError) as caught:
        IcsRemote(url, None, session=session).changes(None)
    return problem_of(caught.value)


@pytest.mark.rule("C12", "C15")
@pytest.mark.parametrize(
    ("there", "problem"),
    [
        ("http://calendar.example/a.ics", LinkProblem.UNFIT_REDIRECT),
        ("file:///etc/passwd", LinkProblem.UNFIT_REDIRECT),
        ("https://calendar.example:99999/", LinkProblem.UNFIT_REDIRECT),
        ("https://10.0.0.1/", LinkProblem.REFUSED_ADDRESS),
        ("/again", LinkProblem.ENDLESS_REDIRECT),
    ],
)
def test_where_an_address_leads_is_told_as_it_is(there: str, problem: LinkProblem) -> None:
    with listening(answer(b"", f"Location: {there}", status="302 Found")) as listener:
        assert problem_at(f"http://{listener.netloc}/a.ics", listener) is problem


@pytest.mark.rule("C12", "C15")
def test_an_endless_way_of_a_calendar_with_a_password_is_told_as_that() -> None:
    with (
        listening(answer(b"", "Location: /again", status="302 Found")) as listener,
        dav_session(frozenset({listener.netloc})) as session,
        pytest.raises(OutsideError) as caught,
    ):
        Dav(f"http://{listener.netloc}/", Login("u", "p"), session).ask("PROPFIND", f"http://{listener.netloc}/")
    assert problem_of(caught.value) is LinkProblem.ENDLESS_REDIRECT


@pytest.mark.rule("C12", "C15")
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://exa mple.com/", LinkProblem.UNFIT_ADDRESS),
        ("https://example.com:99999/", LinkProblem.UNFIT_ADDRESS),
        ("https://example.com:5232/", LinkProblem.UNFIT_ADDRESS),
        ("http://example.com/", LinkProblem.UNFIT_ADDRESS),
        ("https://192.168.1.1/", LinkProblem.REFUSED_ADDRESS),
    ],
)
def test_an_address_that_is_none_lies_in_no_private_network(url: str, problem: LinkProblem) -> None:
    with listening(answer(b"")) as listener:
        assert problem_at(url, listener) is problem
