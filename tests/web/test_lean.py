"""Programs pass by what guards browsers, and by nothing else."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from web.access import Way, access_of
from web.lean import ATTRIBUTE, PROVEN_BY_SECRET, Answer
from web.limits import is_limited

if TYPE_CHECKING:
    from tests.web.conftest import Site

FOREIGN = {"flask_wtf.csrf", "flask_limiter._extension", "flask_limiter._extension.Limiter"}


def test_only_hooks_of_forms_and_of_limits_by_address_are_left_out(site: "Site") -> None:
    hooks = [*site.app.before_request_funcs.get(None, ()), *site.app.after_request_funcs.get(None, ())]
    assert len(hooks) >= 7
    left_out = {getattr(hook, "func", hook).__module__ for hook in hooks if not hasattr(hook, ATTRIBUTE)}
    assert left_out <= FOREIGN, "mark the hook by @serves_programs, or say here why programs do without"


def test_nothing_but_the_limits_by_address_ends_with_a_request(site: "Site") -> None:
    ends = [hook for hooks in site.app.teardown_request_funcs.values() for hook in hooks]
    assert {hook.__module__ for hook in ends} == {"flask_limiter._extension"}


def test_no_part_for_programs_has_hooks_or_limits_of_its_own(site: "Site") -> None:
    for rule in site.app.url_map.iter_rules():
        access = access_of(site.app, rule.endpoint)
        if access is None or access.way not in PROVEN_BY_SECRET:
            continue
        part = rule.endpoint.rpartition(".")[0]
        assert part not in site.app.before_request_funcs
        assert part not in site.app.after_request_funcs
        assert not is_limited(site.app.view_functions[rule.endpoint]), "its headers would be missing"


def test_only_secrets_make_a_program() -> None:
    assert {Way.TOKEN, Way.HOOK} == PROVEN_BY_SECRET


def test_answers_to_programs_are_sealed_and_counted_as_all_others(site: "Site") -> None:
    client = site.app.test_client()
    refused = client.get("/api/v1/rooms")
    page = client.get("/login")
    assert refused.status_code == 401
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Cache-Control", "X-Frame-Options"):
        assert refused.headers.getlist(name) == page.headers.getlist(name)
        assert len(refused.headers.getlist(name)) == 1
    counted = client.get("/metrics").get_data(as_text=True)
    assert 'rule="/api/v1/rooms",status="401"' in counted


def test_a_session_is_read_where_a_cookie_came_and_made_where_none_did(site: "Site") -> None:
    client = site.app.test_client()
    with client.session_transaction() as session:
        session["language"] = "en"
    assert "Please log in." in client.get("/api/v1/rooms").get_json()["detail"]
    assert "Please log in." not in site.app.test_client().get("/api/v1/rooms").get_json()["detail"]


def handed_to_the_server(site: "Site", answer: Answer, method: str = "GET") -> Iterable[bytes]:
    with site.app.test_request_context("/", method=method) as context:
        return answer(context.request.environ, lambda *_: lambda _: None)


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [("GET", 200, [b"Platz"]), ("HEAD", 200, []), ("GET", 204, []), ("GET", 304, [])],
)
def test_an_answer_that_is_there_is_one_piece_and_closed(
    site: "Site", method: str, status: int, expected: list[bytes]
) -> None:
    closed: list[Any] = []
    answer = Answer(["Pl", "atz"], status=status)
    answer.call_on_close(lambda: closed.append(True))
    assert handed_to_the_server(site, answer, method) == expected
    assert closed == [True]


def test_an_answer_that_is_still_being_made_is_asked_piece_by_piece(site: "Site") -> None:
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(2):
            made.append(number)
            yield b"x"

    found = iter(handed_to_the_server(site, Answer(pieces())))
    assert next(found) == b"x"
    assert made == [0]


def test_pages_errors_and_the_api_are_answered_in_one_piece(site: "Site") -> None:
    environ = {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "REQUEST_METHOD": "GET"}
    for path in ("/", "/healthz", "/nothing", "/office/", "/api/v1/rooms"):
        with site.app.test_request_context(path) as context:
            found = site.app.wsgi_app(context.request.environ | environ, lambda *_: lambda _: None)
        assert isinstance(found, list), path
