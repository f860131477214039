"""A foreign calendar cut into blocks, one for each UID, so that only what changed since the last time is parsed.

A block is all VEVENTs of one UID, unfolded, with LF line ends. Its digest leaves out DTSTAMP, which many servers set
anew for each request, and takes in the VTIMEZONEs of the file, since they say what its times mean. A million events a
second, so the values are named tuples and the scan looks only at BEGIN and END.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate, pairwise
from typing import NamedTuple

from booking.values.refusals import Refused, refused
from ical.limits import LIMITS, NOT_COUNTED, Gauge, Limits, too_many
from ical.lines import unescape, unfold, with_line_feeds

NO_UID = "no-uid-"

_FENCE = re.compile(rb"\n(?:([Bb])[Ee][Gg][Ii][Nn]|[Ee][Nn][Dd])[ \t]*:[ \t]*([A-Za-z0-9-]*)[ \t]*(?=\n)")
_ODD = re.compile(rb"\n(?:[Bb][Ee][Gg][Ii][Nn]|[Ee][Nn][Dd])")
_UID = re.compile(rb"\nUID(?:;[^\n:]*)?:([^\n]*)", re.IGNORECASE)
_STAMP = re.compile(rb"\nDTSTAMP[;:][^\n]*", re.IGNORECASE)


_USUAL_BEGIN = 4_000
_FIRST, _LAST = b"\nBEGIN:VEVENT\n", b"\nEND:VEVENT\n"
_BETWEEN = _LAST + _FIRST[1:]
_TAIL = b"\nEND:VCALENDAR\n"
_new = tuple.__new__  # a third of the time that the named tuple's own takes
_WHOLE = (0,)


class Block(NamedTuple):
    """All events of one UID. Each begins at one of the `cuts` in the text, at one of the `starts` in the unfolded file.

    An event without a UID is a block of its own, with a UID made from its content, which begins with NO_UID.
    """

    uid: str
    text: bytes
    digest: str
    starts: tuple[int, ...]
    cuts: tuple[int, ...] = _WHOLE

    @property
    def is_nameless(self) -> bool:
        return self.uid.startswith(NO_UID)

    @property
    def pieces(self) -> list[bytes]:
        """The events one by one."""
        if len(self.cuts) == 1:
            return [self.text]
        ends = [cut - 1 for cut in self.cuts[1:]]
        return [self.text[start:end] for start, end in zip(self.cuts, [*ends, len(self.text)], strict=True)]


class Broken(NamedTuple):
    """A component that was never closed, or an END of nothing, at a place in the unfolded file.

    `is_loss`: it was an event, whose UID is `uid` where that can be told.
    """

    uid: str
    start: int
    is_loss: bool


@dataclass(frozen=True, slots=True)
class Blocks:
    """A whole file. `is_whole`: it has a calendar, and each calendar and all that is in it is closed (SPEC C9)."""

    head: bytes
    zones: tuple[bytes, ...]
    events: tuple[Block, ...]
    broken: tuple[Broken, ...]
    ignored: Mapping[str, int]
    is_whole: bool
    lines: "Lines"


@dataclass(slots=True)
class Lines:
    """Finds the line of the file, from 1, where a place in the unfolded text is. Built when first asked."""

    body: bytes
    text: bytes
    _places: list[int] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)

    def number(self, place: int, further: int = 0) -> int:
        """The line of the file of the logical line at the place, or of the one so many lines *further*."""
        if not self._places:
            self._build()
        index = bisect_right(self._places, place) - 1 + further
        return self._numbers[min(max(index, 0), len(self._numbers) - 1)]

    def _build(self) -> None:
        physical = with_line_feeds(self.body).split(b"\n")
        self._numbers = [
            number for number, line in enumerate(physical, 1) if line[:1] not in {b" ", b"\t"} or number == 1
        ]
        place = 0
        for line in self.text.split(b"\n")[1:]:
            self._places.append(place)
            place += len(line) + 1


def split(body: bytes, limits: Limits = LIMITS) -> Blocks | Refused:
    """The blocks of a file; refused as `ical.limits` says, or with calendar-none where there is no calendar in it.

    Nothing that is well formed is lost to what is not: an event that is never closed ends where the next one begins.
    """
    if len(body) > limits.octets:  # before any copy is made
        return too_many("calendar-too-big", limits.octets)
    text = b"".join((b"\n", unfold(with_line_feeds(body)).rstrip(b"\n\x00\x1a"), b"\n"))
    too_long = Gauge(limits).measure_lines(text[:-1])
    if too_long is not None:
        return too_long
    scan = _Scan(text, limits)
    code = scan.run()
    if code:
        return too_many(code, limits.depth if code == "calendar-too-deep" else limits.components)
    if not scan.calendars:
        return refused("calendar-none")
    zones = tuple(sorted(set(scan.zones)))
    salt = sha256(b"".join(zones)).digest() if zones else b""
    events = _blocks(text, scan.events, salt)
    return Blocks(scan.head(), zones, events, tuple(scan.broken), scan.ignored, scan.is_whole, Lines(body, text))


def selection(blocks: Blocks, chosen: Iterable[Block]) -> bytes:
    """A calendar with the head and the zones of a file, but of its events only the chosen ones, one after the other."""
    parts = [b"BEGIN:VCALENDAR", blocks.head, *blocks.zones, *(block.text for block in chosen), b"END:VCALENDAR\n"]
    return b"\n".join(part for part in parts if part)


@dataclass(slots=True)
class _Scan:
    """Walks through BEGIN and END. `stack` holds (name, start) of what is open; places are those of the LF before."""

    text: bytes
    limits: Limits
    stack: list[tuple[bytes, int]] = field(default_factory=list)
    events: list[tuple[int, int]] = field(default_factory=list)
    zones: list[bytes] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    heads: list[tuple[int, int]] = field(default_factory=list)
    calendars: int = 0
    components: int = 0
    parts: int = 0
    is_whole: bool = True
    head_from: int = 0

    def run(self, *, in_a_row: bool = True) -> str:
        """The code of the limit that is passed, or nothing. `in_a_row`: events in a row are not walked through."""
        run = _run_of_events(self.text) if in_a_row else []
        place = run[0][0] if run else 0
        code = self._begin(place + 1) if run else ""  # the LF before the first event ends a line
        if run and not code and self._pass(run):
            place, code = run[-1][1], self._excess()
        if not code and self.text[place:] == _TAIL and self.is_in_calendar():  # nearly always
            self.stack.pop()
            self.heads.append((self.head_from, place))
        else:
            code = code or self.walk(place, len(self.text))
        if self.stack and not code:
            self._drop(0)
            self.is_whole = False
        return code

    def _begin(self, end: int) -> str:
        """Walk to the first event; what servers put before each of many is remembered by each of its bytes."""
        known = _begun(self.text[:end]) if end <= _USUAL_BEGIN and self.limits is LIMITS else None
        if known is None:
            return self.walk(0, end)
        self.stack, self.zones, self.heads = [*known.stack], [*known.zones], [*known.heads]
        self.ignored, self.calendars, self.head_from = {**known.ignored}, known.calendars, known.head_from
        self.components, self.parts = known.components, known.parts
        return ""

    def is_in_calendar(self) -> bool:
        return len(self.stack) == 1 and self.stack[0][0] == b"VCALENDAR"

    def _pass(self, run: list[tuple[int, int]]) -> bool:
        """Take events that follow one another as they are, if they stand in a calendar and in nothing else."""
        if not self.is_in_calendar() or self.limits.depth < 2:
            return False
        if self.head_from != run[0][0]:
            self.heads.append((self.head_from, run[0][0]))
        self.components += len(run)
        self.parts += len(run)
        self.events += run
        self.head_from = run[-1][1]
        return True

    def walk(self, start: int, end: int) -> str:
        stack, events = self.stack, self.events
        for fence in _FENCE.finditer(self.text, start, end):
            begins, name = fence.groups()
            if begins:
                code = self._open(name.upper(), fence.start())
                if code:
                    return code
            elif name == b"VEVENT" and len(stack) == 2 and stack[1][0] == b"VEVENT":  # nearly always
                end = self.head_from = fence.end()
                events.append((stack.pop()[1], end))
            else:
                self._close(name.upper(), fence.end(), fence.start())
        return ""

    def head(self) -> bytes:
        """The properties of the calendars themselves."""
        text = b"".join([self.text[start:end] for start, end in self.heads])
        return (_known_head if len(text) <= _USUAL_BEGIN else _head_of)(text)

    def _open(self, name: bytes, place: int) -> str:
        """Begin a component at its place; what can hold none such has lost its end."""
        stack = self.stack
        if len(stack) > 1 and name == b"VEVENT":
            self._drop(1)
            self.head_from = place
        elif name == b"VCALENDAR":
            self._open_calendar(place)
        if len(stack) == 1:
            self.components += name not in NOT_COUNTED
            if self.head_from != place:
                self.heads.append((self.head_from, place))
        self.parts += 1
        stack.append((name, place))
        if len(stack) > self.limits.depth:
            return "calendar-too-deep"
        return self._excess()

    def _excess(self) -> str:
        too_many_parts = self.components > self.limits.components or self.parts > self.limits.parts
        return "calendar-too-many-parts" if too_many_parts else ""

    def _open_calendar(self, place: int) -> None:
        if self.stack:
            self._drop(0)
            self.is_whole = False
        self.calendars += 1
        self.head_from = self.text.index(b"\n", place + 1)

    def _close(self, name: bytes, end: int, place: int) -> None:
        names = [opened for opened, _ in self.stack]
        if name not in names:
            self.broken.append(Broken("", place, is_loss=name == b"VEVENT"))
            return
        depth = len(names) - 1 - names[::-1].index(name)
        if depth + 1 < len(names):
            self._drop(depth + 1)
            if depth == 0:  # the calendar ends inside an event
                self.is_whole = False
                self.head_from = place
        _, start = self.stack.pop()
        if depth == 0:
            self.heads.append((self.head_from, place))
        elif depth == 1:
            self._keep(name, start, end)
            self.head_from = end

    def _keep(self, name: bytes, start: int, end: int) -> None:
        if name == b"VTIMEZONE":
            self.zones.append(self.text[start + 1 : end])
        elif name == b"VEVENT":
            self.events.append((start, end))
        else:
            kind = name.decode()
            self.ignored[kind] = self.ignored.get(kind, 0) + 1

    def _drop(self, depth: int) -> None:
        """Give up what is open from this depth on."""
        for name, start in self.stack[depth:]:
            if name == b"VEVENT":
                following = _FENCE.search(self.text, start + 1)
                piece = self.text[start : following.start() if following else len(self.text)]
                self.broken.append(Broken(_name(_uid(piece)), start, is_loss=True))
            elif name != b"VCALENDAR":
                self.broken.append(Broken("", start, is_loss=False))
        del self.stack[depth:]


def _head_of(text: bytes) -> bytes:
    return _FENCE.sub(b"", text + b"\n").strip(b"\n")


_known_head = lru_cache(maxsize=64)(_head_of)


@lru_cache(maxsize=64)
def _begun(text: bytes) -> _Scan | None:
    """A calendar as far as its first event, if there is nothing odd in it."""
    scan = _Scan(text, LIMITS)
    code = scan.walk(0, len(text))
    is_plain = not (code or scan.broken or scan.events) and scan.is_whole and scan.is_in_calendar()
    return scan if is_plain else None


def _run_of_events(text: bytes) -> list[tuple[int, int]]:
    """All events of a text where they follow one another with nothing between and nothing in them, as most files are
    written; else nothing. Found without looking at their lines, which takes a third of the time.
    """
    first, last = text.find(_FIRST), text.rfind(_LAST)
    if first < 0 or last < first + len(_FIRST):
        return []
    pieces = text[first + len(_FIRST) : last].split(_BETWEEN)
    if _ODD.search(b"\n".join([b"", *pieces])) is not None:
        return []
    around = len(_FIRST) + len(_LAST) - 1
    places = list(accumulate([len(piece) + around for piece in pieces], initial=first))
    return list(pairwise(places))


def _blocks(text: bytes, events: list[tuple[int, int]], salt: bytes) -> tuple[Block, ...]:
    """Events by UID, each with its digest, in the order in which the UIDs first come."""
    find = text.find
    uids = []
    for start, end in events:
        at = find(b"\nUID:", start, end)
        is_usual = at >= 0 and find(b"\nBEGIN:", start + 1, at) < 0
        uid = text[at + 5 : find(b"\n", at + 5)] if is_usual else _uid(text[start:end])
        uids.append(uid or NO_UID.encode() + _digest(text[start:end], salt)[:24].encode())
    if len(set(uids)) == len(uids):
        return tuple(_singles(text, uids, events, salt))
    spans: dict[bytes, list[tuple[int, int]]] = {}
    for uid, span in zip(uids, events, strict=True):
        spans.setdefault(uid, []).append(span)
    alone = [uid for uid, its in spans.items() if len(its) == 1]
    singles = dict(zip(alone, _singles(text, alone, [spans[uid][0] for uid in alone], salt), strict=True))
    return tuple([singles.get(uid) or _block(text, uid, its, salt) for uid, its in spans.items()])


def _singles(text: bytes, uids: list[bytes], spans: list[tuple[int, int]], salt: bytes) -> list[Block]:
    """Blocks of one event each. What `_digest` does is done here as well: to call it costs as much as to do it."""
    find, found = text.find, []
    for name, span in zip(_names(uids), spans, strict=True):
        start, end = span
        at = find(b"\nDTSTAMP:", start, end)
        rest = find(b"\n", at + 1)
        if at < 0 or find(b"\nDTSTAMP", rest, end) >= 0:
            digest = _digest(text[start + 1 : end], salt)
        else:
            digest = sha256(text[start + 1 : at] + text[rest:end] + salt).hexdigest()
        found.append(_new(Block, (name, text[start + 1 : end], digest, (start,), _WHOLE)))
    return found


def _names(uids: list[bytes]) -> list[str]:
    """`_name` of each; all of them are looked at together, since nearly always each may stay as it is."""
    joined = b"\n".join(uids)
    if joined.isascii() and b" " not in joined and b"\\" not in joined and b"".join(uids).decode().isprintable():
        return joined.decode().split("\n") if uids else []
    return [_name(uid) for uid in uids]


def _block(text: bytes, uid: bytes, spans: list[tuple[int, int]], salt: bytes) -> Block:
    piece = b"".join([text[start:end] for start, end in spans])[1:]
    lengths = [end - start for start, end in spans[:-1]]
    return Block(
        _name(uid), piece, _digest(piece, salt), tuple([start for start, _ in spans]), (0, *accumulate(lengths))
    )


def _name(uid: bytes) -> str:
    name = uid.decode(errors="replace").strip()
    return unescape(name) if "\\" in name else name


def _digest(piece: bytes, salt: bytes) -> str:
    at = piece.find(b"\nDTSTAMP:")
    end = piece.find(b"\n", at + 1)
    is_usual = at >= 0 and piece.find(b"\nDTSTAMP", end) < 0
    rest = piece[:at] + piece[end:] if is_usual else _STAMP.sub(b"", piece)
    return sha256(rest + salt).hexdigest()


def _uid(event: bytes) -> bytes:
    """The UID of an event, not of an alarm in it; empty where it has none."""
    depth, start = 0, 0
    for fence in _FENCE.finditer(event + b"\n"):
        found = _UID.search(event, start, fence.start()) if depth == 1 else None
        if found is not None:
            return found[1].strip()
        depth += 1 if fence[1] else -1
        start = fence.end()
    found = _UID.search(event, start) if depth == 1 else None
    return found[1].strip() if found is not None else b""
