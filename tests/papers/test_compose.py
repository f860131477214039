"""The envelope, parsed back by the standard library: structure, headers, and the same bytes for the same mail."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from papers.letters import Letter
from papers.mails import Attachment, CalendarPart, Draft, Mailbox, Method, UnwritableAddress, compose, render
from papers.phrases import one_line

KINDS = tuple(kind.__name__ for kind in get_args(Letter))
DATE = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Große Halle\r\nEND:VCALENDAR\r\n".encode()
PDF = Attachment("Rechnung 2026-0001.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")
HOUSE = Mailbox("Soccer-Kirche Krümpel, Büro", "buero@soccer.example")
CUSTOMER = Mailbox("Müßiggang, Erika (privat)", "erika@kunden.example")
DRAFT = Draft("de", "Große Halle", "Grüße\n", "<p>Grüße</p>", (), greets_by_name=True)
Build = Callable[..., Letter]


def _send(draft: Draft, **changes: object) -> bytes:
    envelope: dict[str, object] = {
        "sender": HOUSE,
        "recipient": CUSTOMER,
        "message_id": "<1.message.42@book.example>",
        "date": DATE,
        "attachments": (PDF,),
    }
    return compose(draft, **{**envelope, **changes})  # type: ignore[arg-type]  # each test changes one by its name


def _parse(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def _shape(part: EmailMessage) -> object:
    if part.is_multipart():
        return (part.get_content_subtype(), [_shape(child) for child in part.iter_parts()])
    return part.get_content_type()


@pytest.mark.rule("S11", "S12", "C5")
def test_the_one_mail_holds_text_page_picture_invoice_and_calendar(build: Build) -> None:
    message = _parse(_send(render(build("Confirmation")), calendar=CalendarPart(ICS, Method.REQUEST)))
    assert _shape(message) == (
        "mixed",
        [
            ("alternative", ["text/plain", ("related", ["text/html", "image/png"]), "text/calendar"]),
            "application/pdf",
            "application/ics",
        ],
    )
    picture, calendar = (
        next(p for p in message.walk() if p.get_content_type() == kind) for kind in ("image/png", "text/calendar")
    )
    html = message.get_body(("html",))
    assert html is not None
    assert f"cid:{picture['Content-ID'].strip('<>')}" in html.get_content()
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_content_charset() == "utf-8"
    assert calendar.get_payload(decode=True) == ICS
    assert [part.get_payload(decode=True) for part in message.iter_attachments()] == [PDF.content, ICS]


@pytest.mark.rule("S6", "C5")
def test_a_published_calendar_is_a_file_only(build: Build) -> None:
    calendar = CalendarPart(ICS.replace(b"REQUEST", b"PUBLISH"), Method.PUBLISH, "anfrage.ics")
    message = _parse(_send(render(build("Acknowledgement")), attachments=(), calendar=calendar))
    assert _shape(message) == ("mixed", [("alternative", ["text/plain", "text/html"]), "text/calendar"])
    (file,) = message.iter_attachments()
    assert file.get_filename() == "anfrage.ics"
    assert file.get_payload(decode=True) == calendar.content


def test_a_mail_without_files_is_text_and_page() -> None:
    assert _shape(_parse(_send(DRAFT, attachments=()))) == ("alternative", ["text/plain", "text/html"])


def test_the_headers_say_who_writes_and_that_a_machine_does(build: Build) -> None:
    draft = render(build("Confirmation"))
    message = _parse(_send(draft))
    assert message["From"].addresses[0].display_name == HOUSE.name
    assert message["To"].addresses[0].display_name == CUSTOMER.name
    assert message["To"].addresses[0].addr_spec == CUSTOMER.address
    assert message["Subject"] == draft.subject
    assert message["Date"].datetime == DATE
    assert message["Message-ID"] == "<1.message.42@book.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "de"


def test_headers_name_no_one_before_a_person_has_looked(build: Build) -> None:
    raw = _send(render(build("Acknowledgement")))
    assert _parse(raw)["To"].addresses[0].display_name == ""
    assert b"Erika" not in raw


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_ends_in_crlf_and_fits_and_all_is_ascii(build: Build, kind: str) -> None:
    raw = _send(render(build(kind)), calendar=CalendarPart(ICS, Method.CANCEL))
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("kind", KINDS)
def test_umlauts_come_back_as_they_were(build: Build, kind: str) -> None:
    draft = render(build(kind))
    message = _parse(_send(draft))
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == draft.text
    assert html.get_content().replace("\r\n", "\n").rstrip("\n") == draft.html.rstrip("\n")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_mail_is_the_same_bytes(build: Build, kind: str) -> None:
    first, second = (_send(render(build(kind)), calendar=CalendarPart(ICS, Method.REQUEST)) for _ in range(2))
    assert first == second
    assert first != _send(render(build(kind)), message_id="<2.message.42@book.example>")


def test_another_process_makes_the_same_bytes(build: Build) -> None:
    letter = build("Confirmation")
    script = (
        "import pickle, sys; from papers.mails import render; d = render(pickle.load(sys.stdin.buffer));"
        "sys.stdout.buffer.write((d.subject + d.text + d.html).encode() + d.pictures[0].png)"
    )
    draft = render(letter)
    here = (draft.subject + draft.text + draft.html).encode() + draft.pictures[0].png
    for seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", script],
            input=pickle.dumps(letter),
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
            timeout=60,
        )
        assert there.stdout == here


@settings(deadline=None, max_examples=60)
@given(name=st.text(max_size=120))
@example(name="a\r\nBcc: all@evil.example")
@example(name="a\u2028Bcc: all@evil.example\x00")
@example(name='"Müller", Erika <all@evil.example>, ')
@example(name="x" * 100 + ", " + "ü" * 100)
@example(name="=?utf-8?q?=0ABcc?=")
@example(name="==??utf-8?b?CkJjYzogYUBi?=")
def test_no_name_adds_a_header_or_a_second_reader(name: str) -> None:
    message = _parse(_send(DRAFT, recipient=Mailbox(name, CUSTOMER.address), sender=Mailbox(name, HOUSE.address)))
    assert len(message["To"].addresses) == len(message["From"].addresses) == 1
    assert message["To"].addresses[0].addr_spec == CUSTOMER.address
    assert message["Bcc"] is None
    assert len(message.keys()) == len(_parse(_send(DRAFT)).keys())


@settings(deadline=None, max_examples=60)
@given(name=st.text(st.sampled_from("abc äößé,.()<>@:;\"\\' -"), max_size=60))
def test_a_name_comes_back_as_it_was_typed(name: str) -> None:
    message = _parse(_send(DRAFT, recipient=Mailbox(name, CUSTOMER.address)))
    read = message["To"].addresses[0].display_name
    # Blanks apart: Python 3.11 reads a blank between two encoded words, which RFC 2047 section 6.2 says to ignore.
    assert read.replace(" ", "") == one_line(name).replace(" ", "")
    assert len(name) > 20 or read == one_line(name)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a@b.example\r\nBcc: c@d.example",
        "a\0@b.example",
        "a b@c.example",
        "a..b@c.example",
        "a@b@c.example",
        "<a@b.example>",
        "nobody",
        "@b.example",
        "a@",
        "müller@b.example",
        "\ud83d@b.example",
        "a@b.example, c@d.example",
        "x" * 5000,
        "x" * 65 + "@b.example",
        "a@" + "b" * 64 + ".example",
        "a@" + "b." * 130 + "example",
    ],
)
@pytest.mark.parametrize("whose", ["recipient", "sender"])
def test_an_address_that_is_none_is_an_error_that_says_whose(address: str, whose: str) -> None:
    with pytest.raises(UnwritableAddress) as caught:
        _send(DRAFT, **{whose: Mailbox("Ada", address)})
    assert caught.value.mailbox.address == address


def test_the_longest_address_there_is_can_be_written() -> None:
    domain = ".".join(("b" * 60, "b" * 60, "b" * 60, "example"))
    address = "x" * 62 + "@" + domain
    assert len(address) == 253
    assert _parse(_send(DRAFT, recipient=Mailbox("", address)))["To"].addresses[0].addr_spec == address


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nBcc: all@evil.example",
        "=?utf-8?q?=0D=0ABcc:_all=40evil.example?=",
        "==??utf-8?b?CkJjYzogYUBi?=",
        "a\u2028Bcc: b",
    ],
)
def test_no_subject_or_file_name_adds_a_header(text: str) -> None:
    raw = _send(replace(DRAFT, subject=text), attachments=(replace(PDF, filename=text),))
    message = _parse(raw)
    assert message.keys() == _parse(_send(DRAFT)).keys()
    assert next(message.iter_attachments()).keys() == next(_parse(_send(DRAFT)).iter_attachments()).keys()
    assert b"\nBcc" not in raw


def test_a_domain_with_umlauts_is_written_in_its_ascii_form() -> None:
    raw = _send(DRAFT, recipient=Mailbox("", "erika@müßig.example"))
    assert b"To: erika@xn--" in raw
    assert raw.isascii()
