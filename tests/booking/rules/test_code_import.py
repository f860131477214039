"""A lock's list of codes, in the forms in which it comes (SPEC S1, X7)."""

from datetime import timedelta
from itertools import pairwise
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.code_import import MOST_BYTES, Preview, Problem, read_codes_csv
from booking.rules.doorcodes import LockFormat
from booking.values.slot import Slot
from tests.booking.rules.houses import BERLIN, SATURDAY, at, slot, utc

EVENING = slot(SATURDAY, 18, 20)


def read(text: str, encoding: str = "utf-8") -> Preview:
    return read_codes_csv(text.encode(encoding), BERLIN)


def rows(preview: Preview) -> list[tuple[int, str, Slot]]:
    return [(row.line, row.code, row.window) for row in preview.rows]


@pytest.mark.rule("S1")
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("code,from,until\n4711,2026-12-05 18:00,2026-12-05 20:00\n", "utf-8"),
        ("code;from;until\r\n4711;2026-12-05T18:00;2026-12-05T20:00:00\r\n", "utf-8-sig"),
        ("Code;gültig ab;gültig bis\n4711;05.12.2026 18:00;05.12.2026 20:00\n", "utf-8-sig"),
        ("Code;gültig ab;gültig bis\n4711;05.12.2026 18:00;05.12.2026 20:00\n", "cp1252"),
        ("Code;gültig ab;gültig bis\n4711;5.12.26, 18 Uhr;5.12.26, 20 Uhr\n", "utf-16"),
        ("Bemerkung\tBis\tVon\tPIN\nx\t05.12.2026 20.00\t05.12.2026 18.00\t4711\n", "utf-8"),
        ("\n4711;05.12.2026 18:00;05.12.2026 20:00", "utf-8"),
        ('code,from,until\n"4711","2026-12-05T18:00+01:00","2026-12-05T19:00:00Z"', "utf-8"),
        ('code;von;bis\n="4711";2026-12-05 18:00;2026-12-05 20:00', "utf-8"),
        ("code;von;bis\n'4711; 2026-12-05 18:00 ;2026-12-05 20:00", "utf-8"),
    ],
    ids=["plain", "bom", "german", "ansi", "utf-16", "tabs", "no head", "offsets", "excel formula", "apostrophe"],
)
def test_the_list_is_read_in_every_usual_form(text: str, encoding: str) -> None:
    preview = read(text, encoding)
    assert preview.problems == ()
    assert [(code, window) for _, code, window in rows(preview)] == [("4711", EVENING)]


@pytest.mark.rule("S1")
def test_a_date_alone_means_the_whole_local_day() -> None:
    (row,) = read("code;von;bis\n4711;25.10.2026;25.10.2026").rows
    assert row.window == Slot(utc(2026, 10, 24, 22), utc(2026, 10, 25, 23))
    (midnight,) = read("code;von;bis\n4711;05.12.2026 22:00;05.12.2026 24:00").rows
    assert midnight.window == slot(SATURDAY, 22, 24)


@pytest.mark.rule("S1", "X7")
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (";05.12.2026;06.12.2026", Problem(2, "missing-column", "code")),
        ("4711;;06.12.2026", Problem(2, "missing-column", "from")),
        ("4711;05.12.2026", Problem(2, "missing-column", "until")),
        ("4711;tomorrow;06.12.2026", Problem(2, "bad-time", "from")),
        ("4711;31.02.2026;06.12.2026", Problem(2, "bad-time", "from")),
        ("4711;05.12.2026 25:00;06.12.2026", Problem(2, "bad-time", "from")),
        ("4711;05.12.2026;12/06/2026", Problem(2, "bad-time", "until")),
        ("4711;05.12.2026;31.12.9999", Problem(2, "bad-time", "until")),
        ("4711;29.03.2026 02:30;29.03.2026 04:00", Problem(2, "no-such-time", "from")),
        ("4711;05.12.2026 18:00;05.12.2026 18:00", Problem(2, "until-before-from", "until")),
        ("4711;05.12.2026 18:00;04.12.2026 18:00", Problem(2, "until-before-from", "until")),
    ],
)
def test_a_line_that_cannot_be_taken_says_where_and_why_and_stops_no_other(line: str, problem: Problem) -> None:
    preview = read(f"code;von;bis\n{line}\n0815;05.12.2026 18:00;05.12.2026 20:00\n")
    assert preview.problems == (problem,)
    assert rows(preview) == [(3, "0815", EVENING)]


@pytest.mark.rule("S1")
def test_one_code_twice_at_one_time_is_a_problem_and_at_two_times_is_not() -> None:
    lines = ["code;von;bis", "1;05.12.2026 18:00;05.12.2026 20:00", "1;05.12.2026 19:00;05.12.2026 21:00"]
    preview = read("\n".join([*lines, "1;05.12.2026 20:00;05.12.2026 21:00", "1;05.12.2026 10:00;05.12.2026 18:01"]))
    assert preview.problems == (Problem(3, "duplicate", "code"), Problem(5, "duplicate", "code"))
    assert [row.line for row in preview.rows] == [2, 4]


@pytest.mark.rule("S1")
def test_the_locks_format_is_checked_and_a_lost_leading_zero_shows() -> None:
    body = b"code;von;bis\n471;05.12.2026;05.12.2026\n0471;05.12.2026;05.12.2026"
    preview = read_codes_csv(body, BERLIN, LockFormat(length=4, no_leading_zero=False))
    assert preview.problems == (Problem(2, "bad-format", "code"),)
    assert [row.code for row in preview.rows] == ["0471"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", Problem(0, "empty")),
        (b"\n ; \n", Problem(0, "empty")),
        (b"x" * (MOST_BYTES + 1), Problem(0, "too-large")),
        (b'code;von;bis\n"4711;05.12.2026;06.12.2026', Problem(0, "unreadable")),
        (b"PK\x03\x04\x00\x00", Problem(0, "unreadable")),
        (b"\xff\xfea", Problem(0, "unreadable")),
        (b"\x81\x8d", Problem(0, "unreadable")),
        (b"code;von\n1;2", Problem(1, "missing-column", "until")),
        (b"a;b;c\n1;2;3", Problem(1, "missing-column", "code")),
    ],
)
def test_a_file_that_is_no_list_has_one_problem_and_no_rows(body: bytes, problem: Problem) -> None:
    assert read_codes_csv(body, BERLIN) == Preview((), (problem,))


def test_a_year_of_minutes_of_one_code_is_read_without_comparing_each_with_each() -> None:
    first = at(SATURDAY, 0)
    minutes = [(first + n * timedelta(minutes=1)).isoformat() for n in range(20_001)]
    lines = [f"1;{start};{end}" for start, end in pairwise(minutes)]
    began = monotonic()
    assert len(read("code;von;bis\n" + "\n".join(lines)).rows) == 20_000
    assert monotonic() - began < 5  # each with each takes minutes


def test_a_code_never_shows_in_the_text_of_a_row_or_problem() -> None:
    preview = read("code;von;bis\n4711;05.12.2026;05.12.2026\n4711;05.12.2026;05.12.2026")
    assert "4711" not in repr(preview)


@pytest.mark.rule("X7")
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_the_reader_fail(body: bytes) -> None:
    preview = read_codes_csv(b"code;von;bis\n" + body, BERLIN)
    assert all(row.window.start < row.window.end for row in preview.rows)
