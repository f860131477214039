"""Hostile words in every text field of every letter: no new element, no new line, no new header, no broken bytes."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from papers.letters import Letter
from papers.mails import Draft, Mailbox, compose, render
from papers.phrases import one_line

KINDS = tuple(kind.__name__ for kind in get_args(Letter))
OURS = {"language", "zone", "colour", "currency", "iban", "bic"}
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>Gewonnen</h1>",
    "' onmouseover='x",
    "&lt;b&gt;&#60;b&#62;",
    "{{ 7*7 }}{% for x in () %}${7*7}#{7*7}",
    "%(name)s %s %d %%",
    "a\r\nBcc: all@evil.example\r\n\r\nbody",
    "a\u2028Fällig\u2029b\x85c\x0bd\x0ce",
    "=?utf-8?q?=0ABcc:_all?=",
    "\x00\x01\x1b[31m\x7f",
    "\u202egnp.exe\u2066\u200f",
    "<!--",
    "]]><style>*{display:none}</style>",
    "x" * 300,
)
TOGETHER = (" ".join(PAYLOADS), " ".join(reversed(PAYLOADS)))
SEVERAL_LINES = {"reason", "purpose"}
Build = Callable[..., Letter]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(attrs)))

    def handle_comment(self, _data: str) -> None:
        self.seen.append(("comment", ()))


def _elements(html: str) -> list[tuple[str, tuple[tuple[str, str | None], ...]]]:
    parser = _Elements()
    parser.feed(html)
    return [(tag, attrs) for tag, attrs in parser.seen if tag not in {"br", "img"}]


def _texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every text that is not an address or a key of ours."""
    if type(value) is str:
        yield path
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    elif is_dataclass(value):
        for item in fields(value):
            if item.name not in OURS and not item.name.endswith("url"):
                yield from _texts(getattr(value, item.name), (*path, item.name))


def _put(value: Any, path: tuple[Any, ...], text: str) -> Any:
    if not path:
        return text
    head, *rest = path
    if isinstance(value, tuple):
        return tuple(_put(item, tuple(rest), text) if index == head else item for index, item in enumerate(value))
    return replace(value, **{head: _put(getattr(value, head), tuple(rest), text)})


def _send(draft: Draft) -> bytes:
    return compose(
        draft,
        sender=Mailbox("Haus", "buero@soccer.example"),
        recipient=Mailbox("Erika", "erika@kunden.example"),
        message_id="<1@book.example>",
        date=datetime(2026, 11, 22, tzinfo=UTC),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_field_reaches_markup_or_headers(build: Build, kind: str) -> None:
    letter = build(kind)
    paths = list(_texts(letter))
    assert len(paths) >= 6
    for path in paths:
        plain = render(_put(letter, path, "harmlos"))
        elements, headers = _elements(plain.html), message_from_bytes(_send(plain), policy=default).keys()
        for payload in PAYLOADS if path == ("customer",) else TOGETHER:
            draft = render(_put(letter, path, payload))
            assert _elements(draft.html) == elements, (path, payload)
            assert draft.subject.isprintable(), (path, payload)
            assert not {"\x00", "\x1b", "\x85", "\u2028", "\u202e", "\u2066", "\x0b"} & set(draft.text + draft.html)
            assert message_from_bytes(_send(draft), policy=default).keys() == headers


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_break_in_a_text_field_is_a_blank(build: Build, kind: str) -> None:
    letter = build(kind)
    for path in _texts(letter):
        if path[-1] not in SEVERAL_LINES:
            assert render(_put(letter, path, "A\r\n\u2028B")) == render(_put(letter, path, "A B")), path


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_a_person_is_in_an_address(build: Build, kind: str) -> None:
    letter = build(kind)
    links = [dict(attrs)["href"] for tag, attrs in _elements(render(letter).html) if tag == "a"]
    for path in _texts(letter):
        html = render(_put(letter, path, "Kanarienvogel")).html
        assert [dict(attrs)["href"] for tag, attrs in _elements(html) if tag == "a"] == links


def test_a_forged_line_in_a_name_stays_within_its_line(build: Build) -> None:
    letter = build("Confirmation", customer="Erika\n\nIBAN  DE00 0000\n\nZahlung")
    assert "Guten Tag Erika IBAN DE00 0000 Zahlung," in render(letter).text.splitlines()


def test_a_reason_of_several_lines_is_quoted_line_by_line(build: Build) -> None:
    text = render(build("Rejection", reason="Eins\r\n-- \r\nIBAN: DE00\u2028Zwei")).text
    assert "\n> Eins\n> --\n> IBAN: DE00\n> Zwei\n" in text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Jörg   O\u2019Neil ", "Jörg O\u2019Neil"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("a\x00b\x1bc\u202ed\ufeffe", "abcde"),
        ("ক\u200dষ", "ক\u200dষ"),
        ("\r\n", ""),
    ],
)
def test_one_line_keeps_letters_and_drops_what_steers(raw: str, clean: str) -> None:
    assert one_line(raw) == clean
