"""The templates that the set-up page prints, and the bodies that come of them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outside.ycbm_templates import SECRET_HEADER, Hint, HookEvent, read_hint, webhook_templates

URL = "https://hall.example.org/hooks/ycbm/0190"
START = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


@pytest.mark.rule("Y2")
def test_there_is_a_template_for_each_trigger_with_own_address_and_secret_header() -> None:
    templates = webhook_templates(URL)
    assert [t.event.value for t in templates] == ["made", "rescheduled", "cancelled", "no-show"]
    assert {(t.url, t.header, t.method, t.content_type) for t in templates} == {
        (URL, "X-Platzwart-Secret", "POST", "application/json")
    }
    assert [json.loads(t.body)["event"] for t in templates] == [t.event.value for t in templates]
    assert all("{REF}" in t.body and "{START-MILLIS}" in t.body for t in templates)
    assert SECRET_HEADER == "X-Platzwart-Secret"


@pytest.mark.rule("Y5")
def test_no_template_holds_a_code_that_a_customer_can_type_into() -> None:
    codes = {code for t in webhook_templates(URL) for code in json.loads(t.body).values() if code.startswith("{")}
    assert codes == {"{REF}", "{START-ISO-8601}", "{START-MILLIS}"}


@pytest.mark.parametrize("event", HookEvent)
def test_a_body_made_of_a_template_is_read(event: HookEvent) -> None:
    body = next(t.body for t in webhook_templates(URL) if t.event is event)
    filled = body.replace("{REF}", "AB12").replace("{START-ISO-8601}", "2026-07-01T10:00:00+0000")
    assert read_hint(filled.encode()) == Hint(event, "AB12", START)
    millis = body.replace("{REF}", "AB12").replace("{START-MILLIS}", "1782900000000")
    assert read_hint(millis.encode()) == Hint(event, "AB12", START)


@pytest.mark.rule("Y5")
def test_a_quote_in_a_name_that_breaks_the_json_leaves_what_can_be_read() -> None:
    body = b'{"name": "Ann "the Arm" Lee", "event": "made", "ref": "AB12", "start": "2026-07-01T10:00:00Z"}'
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(body)
    assert read_hint(body) == Hint(HookEvent.MADE, "AB12", START)


@pytest.mark.rule("Y5")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"ref": {"a": 1}, "event": [], "start": {}}',
        b'{"ref": "{REF}", "event": "gone", "start": "{START-ISO-8601}", "millis": "x"}',
        b'{"ref": "' + b"x" * 65 + b'"}',
    ],
)
def test_a_body_that_says_nothing_is_an_empty_hint(body: bytes) -> None:
    assert read_hint(body) == Hint(None, "", None)


@given(st.binary(max_size=200))
def test_no_body_raises(body: bytes) -> None:
    read_hint(body)
