"""What of a foreign calendar is read at all: checked in bytes, before anything is parsed (SPEC C12).

The check is linear in the bytes and needs no more memory than one line and one piece. The codes of a refusal:
calendar-too-big, calendar-line-too-long, calendar-too-many-lines, calendar-too-deep, calendar-too-many-parts; each with
`allowed` and, where there is one, the `line`, counted after unfolding.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from booking.values.refusals import Reason, Refused
from ical.lines import BOM, unfold, with_line_feeds

MEBIBYTE = 1024 * 1024
_PIECE = 64 * 1024
_FENCE = re.compile(rb"\n(?:([Bb])[Ee][Gg][Ii][Nn]|[Ee][Nn][Dd])[ \t]*:[ \t]*([A-Za-z0-9-]*)")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is read. `components` counts events and their like, `parts` also zones, alarms and what they hold.

    `moments` is how many dates one RDATE or EXDATE list of an item may have, `zones` how many zones a feed may define
    by itself and use, `problems` how many of its problems are listed.
    """

    octets: int = 5 * MEBIBYTE
    line: int = MEBIBYTE
    lines: int = 400_000
    depth: int = 16
    components: int = 10_000
    parts: int = 40_000
    moments: int = 5_000
    zones: int = 200
    problems: int = 1_000


LIMITS = Limits()
NOT_COUNTED = frozenset({b"VCALENDAR", b"VTIMEZONE"})


@dataclass(slots=True)
class Gauge:
    """Measures a body piece by piece. Each call returns the refusal as soon as it is certain, else None."""

    limits: Limits = LIMITS
    octets: int = 0
    lines: int = 0
    parts: int = 0
    components: int = 0
    _open: list[bytes] = field(default_factory=list)
    _waiting: list[bytes] = field(default_factory=list)
    _waits: int = 0
    _rest: bytes | None = None

    def feed(self, piece: bytes) -> Refused | None:
        """The next bytes, in pieces of any length."""
        self.octets += len(piece)
        if self.octets > self.limits.octets:
            return too_many("calendar-too-big", self.limits.octets)
        self._waiting.append(piece)
        self._waits += len(piece)
        return self._settle(at_end=False) if self._waits >= _PIECE else None

    def finish(self) -> Refused | None:
        """No more bytes come."""
        return self._settle(at_end=True)

    def measure_lines(self, text: bytes) -> Refused | None:
        """How many and how long the logical lines are, each after its LF."""
        before = self.lines
        self.lines += text.count(b"\n")
        if self.lines > self.limits.lines:
            return too_many("calendar-too-many-lines", self.limits.lines)
        long = _long_line(text, self.limits.line)
        if long < 0:
            return None
        return too_many("calendar-line-too-long", self.limits.line, before + text.count(b"\n", 0, long + 1))

    def _measure(self, text: bytes) -> Refused | None:
        before = self.lines
        refused = self.measure_lines(text)
        if refused is not None:
            return refused
        for fence in _FENCE.finditer(text):
            code = self._begin(fence[2].upper()) if fence[1] else self._end(fence[2].upper())
            if code:
                line = before + text.count(b"\n", 0, fence.start() + 1)
                return too_many(code, self.limits.depth if code == "calendar-too-deep" else self._allowed(), line)
        return None

    def _settle(self, *, at_end: bool) -> Refused | None:
        """Measure all logical lines that are complete; the last one may go on in the next piece."""
        piece = b"".join(self._waiting)
        self._waiting, self._waits = [], 0
        raw = b"\n" + piece.lstrip(BOM) if self._rest is None else self._rest + piece
        held = raw[:-1] if raw.endswith(b"\r") and not at_end else raw
        text = unfold(with_line_feeds(held))
        last = len(text) if at_end else text.rfind(b"\n", 0, -1)
        self._rest = text[last:] + raw[len(held) :]
        refused = self._measure(text[:last])
        if refused is None and len(self._rest) > self.limits.line + 3:
            return too_many("calendar-line-too-long", self.limits.line, self.lines + 1)
        return refused

    def _begin(self, name: bytes) -> str:
        self._open.append(name)
        self.parts += 1
        if len(self._open) > self.limits.depth:
            return "calendar-too-deep"
        if len(self._open) <= 2 and name not in NOT_COUNTED:
            self.components += 1
        too_many = self.parts > self.limits.parts or self.components > self.limits.components
        return "calendar-too-many-parts" if too_many else ""

    def _end(self, name: bytes) -> str:
        """Close what is open down to the name; an END of nothing closes nothing."""
        if name in self._open:
            while self._open.pop() != name:
                pass
        return ""

    def _allowed(self) -> int:
        return self.limits.parts if self.parts > self.limits.parts else self.limits.components


def too_much(body: bytes | Iterable[bytes], limits: Limits = LIMITS) -> Refused | None:
    """The reason why a body, whole or in pieces, is not read; None where it is. Stops at the first."""
    gauge = Gauge(limits)
    for piece in [body] if isinstance(body, bytes) else body:
        refused = gauge.feed(piece)
        if refused is not None:
            return refused
    return gauge.finish()


def _long_line(text: bytes, longest: int) -> int:
    """Where a line longer than *longest* begins (its LF), or -1. Looks at one byte range for each *longest* bytes."""
    start = 0
    while len(text) - start > longest + 1:
        following = text.rfind(b"\n", start + 1, start + longest + 2)
        if following < 0:
            return start
        start = following
    return -1


def too_many(code: str, allowed: int, line: int | None = None) -> Refused:
    """The refusal with its fields."""
    return Refused((Reason(code, None, {"allowed": allowed} if line is None else {"allowed": allowed, "line": line}),))
