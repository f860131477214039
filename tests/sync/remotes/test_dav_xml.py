"""Words of WebDAV, read and written."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outside.errors import SiteDenied, SiteDown, SiteMissing, SiteRefused, SiteThrottled
from sync.remotes.dav_xml import (
    DEEPEST,
    MOST_NODES,
    Unreadable,
    calendar_bytes,
    multiget,
    path_of,
    screen,
    sync_collection,
)
from sync.remotes.statuses import refusal


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/cal/a.ics", "/cal/a.ics"),
        ("/cal/a@b.ics", "/cal/a@b.ics"),
        ("/cal/a%40b.ics", "/cal/a@b.ics"),
        ("/cal/%61.ics", "/cal/a.ics"),
        ("/cal/a b.ics", "/cal/a%20b.ics"),
        ("/cal/a%2Fb.ics", "/cal/a%2Fb.ics"),
        ("/cal/a%2fb.ics", "/cal/a%2Fb.ics"),
        ("/cal/ü.ics", "/cal/%C3%BC.ics"),
        ("/cal/%FF.ics", "/cal/%FF.ics"),
        ("/cal/a%2540b.ics", "/cal/a%2540b.ics"),
        ("/cal/.hidden", "/cal/.hidden"),
        ("a.ics", "/cal/a.ics"),
        ("https://h.example:8443/cal/a.ics", "/cal/a.ics"),
        ("//h.example/cal/a.ics", "/cal/a.ics"),
        ("/cal/a.ics?x=1", "/cal/a.ics"),
        ("/cal/", "/cal/"),
    ],
)
def test_an_href_has_one_spelling(href: str, path: str) -> None:
    assert path_of(href, "/cal/") == path
    assert path_of(path, "/cal/") == path


@pytest.mark.rule("C12")
@pytest.mark.parametrize("href", ["/cal/../x", "/cal/%2e%2e/x", "/cal/./x", "..", "/cal/a%00.ics", "http://[x/cal/a"])
def test_an_href_that_climbs_or_is_none_is_refused(href: str) -> None:
    with pytest.raises(Unreadable):
        path_of(href, "/cal/")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(min_size=1, max_size=40), st.binary(max_size=200))
def test_whatever_comes_is_a_path_or_unreadable(text: str, body: bytes) -> None:
    for ask in (lambda: path_of(text, "/cal/"), lambda: screen(body)):
        with contextlib.suppress(Unreadable):
            ask()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_what_we_ask_is_always_well_formed(text: str) -> None:
    screen(sync_collection(text.replace("\ufffe", "").replace("\uffff", "")))
    screen(multiget([path_of(f"/cal/{text.replace('/', '')}.ics")]))


def test_calendar_data_gets_its_line_ends_back() -> None:
    for text in ("\nA\nB\n", "A\r\nB", "A\rB\n\n", "  A\nB "):
        assert calendar_bytes(text) == b"A\r\nB\r\n"
    assert calendar_bytes("A\n B") == b"A\r\n B\r\n"
    assert calendar_bytes(" \n") == b""


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (401, {}, b"", SiteDenied),
        (403, {}, b"no", SiteDenied),
        (403, {}, b'{"reason": "rateLimitExceeded"}', SiteThrottled),
        (403, {}, b"Calendar usage Quota exceeded", SiteThrottled),
        (403, {"Retry-After": "x"}, b"", SiteThrottled),
        (404, {}, b"", SiteMissing),
        (410, {}, b"", SiteMissing),
        (409, {}, b"", SiteRefused),
        (302, {}, b"", SiteRefused),
        (500, {}, b"", SiteDown),
        (507, {}, b"", SiteDown),
    ],
)
def test_a_status_means_one_error(status: int, headers: dict[str, str], body: bytes, kind: type[Exception]) -> None:
    assert type(refusal("https://h.example", status, headers, body)) is kind


@pytest.mark.parametrize(
    ("header", "seconds"), [("0", 1), ("-5", 60), ("1.5", 60), ("²", 60), ("9" * 30, 60), ("99999", 3600), (" 12 ", 12)]
)
def test_a_wait_is_bounded_whatever_is_asked(header: str, seconds: int) -> None:
    assert refusal("https://h.example", 429, {"Retry-After": header}).retry_after == seconds


def nested(depth: int, inside: bytes = b"x") -> bytes:
    return b"<a>" * depth + inside + b"</a>" * depth


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    "body",
    [
        nested(DEEPEST + 1),
        nested(DEEPEST + 1, b"<![CDATA[</a></a></a>]]>"),
        b"<a><!-- </a></a> -->" + nested(DEEPEST) + b"</a>",
        b'<a b="</a>"/>',
        b'<a b="/>">' + nested(DEEPEST) + b"</a>",
        b"<a>" + b"<b/>" * MOST_NODES + b"</a>",
        b"<a>" + b"<b c='1'/>" * (MOST_NODES // 2) + b"</a>",
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a><b></a></b>",
        b"<a>",
        b"\xff<a/>",
    ],
)
def test_xml_that_would_hurt_reaches_no_parser(body: bytes) -> None:
    with pytest.raises(Unreadable):
        screen(body)


@pytest.mark.parametrize(
    "body",
    [
        nested(DEEPEST),
        b"<a>" + b"<b/>" * (3 * DEEPEST) + b"</a>",
        b"<a><![CDATA[" + b"<b>" * (2 * DEEPEST) + b"]]></a>",
        b"<a>" + b"TZID=x " * MOST_NODES + b"</a>",
        b"<?xml version='1.0'?><a>x > y /></a>",
    ],
)
def test_xml_that_only_looks_so_is_read(body: bytes) -> None:
    screen(body)
