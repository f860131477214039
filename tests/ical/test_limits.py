"""Limits in bytes: the same answer whole or in pieces, with what was too much and where, in linear time."""

import random
import time

import pytest

from booking.values.refusals import Refused
from ical.blocks import split
from ical.limits import Gauge, Limits, too_much
from tests.ical.hostile import HOSTILE, Hostile, calendar, event

SMALL = Limits(octets=20_000, line=100, lines=300, depth=4, components=5, parts=12)
AT_MOST = {
    "calendar-too-big": calendar("X-A:b\n" * 4_000),
    "calendar-line-too-long": calendar(event("SUMMARY:" + "x" * 93)),
    "calendar-too-many-lines": calendar("X-A:b\n" * 300),
    "calendar-too-deep": calendar("BEGIN:A\n" * 4 + "END:A\n" * 4),
    "calendar-too-many-parts": calendar(*[event(uid=str(number)) for number in range(5)]),
}
JUST_RIGHT = {
    "a line of 100": calendar(event("SUMMARY:" + "x" * 92)),
    "depth 4": calendar("BEGIN:A\n" * 3 + "END:A\n" * 3),
    "5 events": calendar(*[event(uid=str(number)) for number in range(4)]),
    "zones do not count as events": calendar(
        "BEGIN:VTIMEZONE\nEND:VTIMEZONE\n" * 3, *[event(uid=str(n)) for n in range(4)]
    ),
}


def codes(found: Refused | None) -> tuple[str, ...]:
    return found.codes if found is not None else ()


@pytest.mark.rule("C12")
@pytest.mark.parametrize("code", AT_MOST)
def test_one_more_than_allowed_is_refused_with_its_name(code: str) -> None:
    assert codes(too_much(AT_MOST[code], SMALL)) == (code,)
    found = split(AT_MOST[code], SMALL)
    assert isinstance(found, Refused)
    assert found.codes == (code,)
    assert found.reasons[0].values["allowed"] in {20_000, 100, 300, 4, 5}


@pytest.mark.parametrize("name", JUST_RIGHT)
def test_exactly_what_is_allowed_is_read(name: str) -> None:
    assert too_much(JUST_RIGHT[name], SMALL) is None
    assert not isinstance(split(JUST_RIGHT[name], SMALL), Refused)


def test_a_refusal_names_the_line() -> None:
    found = too_much(calendar(event("SUMMARY:" + "x" * 93)), SMALL)
    assert found is not None
    assert found.reasons[0].values["line"] == 6


@pytest.mark.rule("C12")
@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_pieces_of_any_length_give_the_answer_of_the_whole(case: Hostile) -> None:
    body = case.body()[:2_000_000]
    generator = random.Random(case.name)
    pieces, at = [], 0
    while at < len(body):
        step = generator.choice([1, 2, 100, 5_000, 200_000]) if len(pieces) < 50 else 300_000
        pieces.append(body[at : at + step])
        at += step
    assert codes(too_much(pieces)) == codes(too_much(body))


def test_a_fold_between_two_pieces_is_one_line() -> None:
    body = calendar(event("SUMMARY:" + "\n ".join(["y" * 60] * 3)))
    for cut in range(len(body)):
        gauge = Gauge(SMALL)
        gauge.feed(body[:cut])
        early = gauge._settle(at_end=False)  # as when a piece is full
        assert codes(early or gauge.feed(body[cut:]) or gauge.finish()) == ("calendar-line-too-long",), cut


@pytest.mark.rule("C12")
def test_a_body_that_never_ends_is_left_at_the_limit() -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield b"X-A:b\r\n" * 1_000

    assert codes(too_much(endless())) == ("calendar-too-many-lines",)  # type: ignore[arg-type] # it yields bytes
    assert taken < 420


def test_a_drip_of_single_bytes_costs_no_square() -> None:
    began = time.process_time()
    gauge = Gauge()
    for _ in range(200_000):
        assert gauge.feed(b"x") is None or gauge.octets > 65_536
    assert time.process_time() - began < 3
