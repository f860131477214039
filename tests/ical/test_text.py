from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Event

from ical.text import clean, duration, escape, fold, mailto, parameter, text_line, uri

# Slashes, separators, breaks and wide characters far more often than chance would give them.
AWKWARD = st.sampled_from('\\;,:"^\n\r\t \x00\x0b\x0c\x1c\x7f\x85\u2028\u2029\ufeff\ud800äß€😀e\u0301n')
TEXT = st.text(st.one_of(AWKWARD, st.characters()), max_size=300)


@pytest.mark.rule("C3")
@given(text=TEXT)
@example(text="\\" * 400)
@example(text="😀" * 100)
@example(text="x" * 62 + "\\" * 30)
@example(text="a\r\nBEGIN:VEVENT\r\n")
def test_what_a_reader_unfolds_and_unescapes_is_the_text_that_was_written(
    text: str, read: Callable[[bytes], list[tuple[str, str, str]]], plain: Callable[[str], str]
) -> None:
    body = (text_line("SUMMARY", text) + "\r\n").encode()
    [(name, params, value)] = read(body)
    assert (name, params) == ("SUMMARY", "")
    assert plain(value) == clean(text)
    event = Event.from_ical(b"BEGIN:VEVENT\r\n" + body + b"END:VEVENT\r\n")
    assert str(event["SUMMARY"]) == clean(text)


@given(text=TEXT)
@example(text="\\" * 100)
@example(text="x" * 62 + "," * 100)
@example(text="x" + "\n" * 100)
def test_no_line_is_cut_inside_an_escape(text: str) -> None:
    for piece in text_line("DESCRIPTION", text).split("\r\n "):
        assert (len(piece) - len(piece.rstrip("\\"))) % 2 == 0


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_lines_are_filled_up_to_75_octets(line: str) -> None:
    pieces = [piece.encode() for piece in fold(line.replace("\\", "/")).split("\r\n")]
    assert all(72 <= len(piece) <= 75 for piece in pieces[:-1])
    assert len(pieces[-1]) <= 75


@pytest.mark.parametrize(("length", "lines"), [(75, 1), (76, 2), (149, 2), (150, 3)])
def test_a_line_is_folded_from_the_76th_octet_on(length: int, lines: int) -> None:
    assert len(fold("x" * length).split("\r\n ")) == lines
    assert len(fold("ä" * (length // 2) + "x" * (length % 2)).encode().split(b"\r\n ")) >= lines


@given(text=TEXT)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_each_line_break_is_one_and_control_characters_go() -> None:
    assert clean("a\r\nb\rc\nd\u2028e\u2029f\x85g\x0bh") == "a\nb\nc\nd\ne\nf\ng\nh"
    assert clean("\x00a\x1b\x7f\x9fb\tc") == "ab\tc"
    assert clean("a\ud800") == "a\ufffd"
    assert escape("a;b,c\\d\ne:f") == r"a\;b\,c\\d\ne:f"


def test_an_address_with_a_line_break_cannot_start_a_line() -> None:
    assert uri("https://a.example/ü?x=1&y=a%20b\r\nATTENDEE:x\\") == (
        "https://a.example/%C3%BC?x=1&y=a%20b%0D%0AATTENDEE:x%5C"
    )
    assert mailto("a+b@example.org\r\nX:y") == "mailto:a+b@example.org%0D%0AX%3Ay"


def test_a_parameter_stays_inside_its_quotes() -> None:
    assert parameter('Ann "X" ^\r\n;PARTSTAT=ACCEPTED:') == "\"Ann 'X' ^^ ;PARTSTAT=ACCEPTED:\""


@pytest.mark.parametrize(
    ("minutes", "text"), [(1, "PT1M"), (30, "PT30M"), (60, "PT1H"), (90, "PT1H30M"), (1440, "PT24H")]
)
def test_a_duration_is_written_in_hours_and_minutes(minutes: int, text: str) -> None:
    assert duration(timedelta(minutes=minutes)) == text


def test_a_duration_below_a_minute_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least a minute"):
        duration(timedelta(seconds=59))
