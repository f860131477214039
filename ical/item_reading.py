"""One block, all VEVENTs of a UID, as an `Item`. What cannot be read is a problem, never an exception.

Where a rule is not expanded (several rules, more often than hourly, unreadable), or a series is in a zone that the tz
database does not have, the item is kept as its first occurrence and what its overrides and added dates say. The
problem is a loss, and the caller must not conclude from such an item that a time is free.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from ical.blocks import Block, Lines
from ical.foreign_zones import UTC_ZONE, FeedZones, Zone
from ical.item import NO_PARTS, Details, Item, Moment, Recurrence, Status
from ical.limits import LIMITS, Limits
from ical.lines import normal, unescape
from ical.moments import Note, Times
from ical.problems import Code, Problem
from ical.properties import Collector, Component, Raw
from ical.rules import BadRule, rule_of
from ical.text import uri

_FOUND = 80
_ORIGIN = 200
_SERIES = frozenset({"RRULE", "RDATE"})
_MOST_SEQUENCE = 2**31 - 1
_STATUSES = {status.value: status for status in Status}


class _Read(NamedTuple):
    """A component that could be read, with the zone of its start."""

    component: Component
    details: Details
    zone: Zone
    sequence: int


@dataclass(slots=True)
class ItemReader:
    """Reads the blocks of one file, one after the other. `problems` grows as it goes."""

    zones: FeedZones
    lines: Lines
    limits: Limits = LIMITS
    problems: list[Problem] = field(default_factory=list)
    collector: Collector = field(default_factory=Collector)
    _times: Times = field(init=False)
    _block: Block = field(init=False)
    _piece: int = 0
    _encoding_noted: bool = False

    def __post_init__(self) -> None:
        self._times = Times(self.zones)

    def item(self, block: Block) -> Item | None:
        """The item of a block, or None where no event of it could be read."""
        self._block = block
        if len(block.starts) == 1:
            return self._single(block.text)
        masters: list[tuple[int, _Read]] = []
        changes: list[tuple[int, _Read]] = []
        for self._piece, piece in enumerate(block.pieces):
            component = self.collector.component(self._decoded(piece))
            read = self._details(component)
            if component.bad or self._times.notes:
                self._settle(component)
            if read is not None:
                (changes if "RECURRENCE-ID" in component.first else masters).append((self._piece, read))
        if not masters and not changes:
            return None
        return self._item(self._one_master(masters), changes)

    def _single(self, text: bytes) -> Item | None:
        """The item of a block with one event."""
        self._piece = 0
        component = self.collector.component(self._decoded(text))
        read = self._details(component)
        if component.bad or self._times.notes:
            self._settle(component)
        if read is None:
            return None
        if "RECURRENCE-ID" in component.first:
            return self._item(None, [(0, read)])
        if not component.first.keys().isdisjoint(_SERIES):
            return self._item(read, [])
        return Item(self._block.uid, read.details, None, NO_PARTS, read.sequence, _origin([read]))

    def _item(self, master: _Read | None, changes: list[tuple[int, _Read]]) -> Item:
        recurrence: Recurrence | None = None
        overrides: dict[str, Details] = {}
        if master is not None and not master.component.first.keys().isdisjoint(_SERIES):
            recurrence, overrides = self._recurrence(master)
        if changes:
            overrides = {**overrides, **self._overrides(master, changes)}
        reads = [change for _, change in changes]
        if master is not None:
            reads.insert(0, master)
        return Item(
            self._block.uid,
            master.details if master else None,
            recurrence,
            MappingProxyType(dict(sorted(overrides.items()))) if overrides else NO_PARTS,
            max([read.sequence for read in reads]),
            _origin(reads),
        )

    def _details(self, component: Component) -> _Read | None:
        """One event; None, with a problem, where it has no start that can be read."""
        first = component.first
        raw = first.get("DTSTART")
        if raw is None:
            self._note(Code.NO_START, 0)
            return None
        if any(other.value.strip() != raw.value.strip() for other in component.further.get("DTSTART", ())):
            self._note(Code.START_TWICE, raw.line, raw.value)
            return None
        try:
            zone = self._times.zone_of(raw)
            start = self._times.moment(raw, zone)
        except (ValueError, OverflowError):
            self._note(Code.BAD_START, raw.line, raw.value)
            return None
        details = Details(
            start,
            self._end(component, start, zone),
            _text(first.get("SUMMARY")),
            _text(first.get("LOCATION")),
            _text(first.get("DESCRIPTION")),
            uri(normal(first["URL"].value.strip())) if "URL" in first else "",
            self._status(first.get("STATUS")),
            _is_busy(first),
        )
        return _Read(component, details, zone, self._sequence(first.get("SEQUENCE")))

    def _end(self, component: Component, start: Moment, zone: Zone) -> Moment:
        raw, length = component.first.get("DTEND"), component.first.get("DURATION")
        try:
            return self._times.end(raw, length, start, zone)
        except (ValueError, OverflowError):
            bad = raw or length
            self._note(Code.BAD_END, bad.line if bad else 0, bad.value if bad else "")
            return self._times.default_end(start)

    def _one_master(self, masters: list[tuple[int, _Read]]) -> _Read | None:
        """Of several events with one UID the one with the highest SEQUENCE, of equal ones the last."""
        if not masters:
            return None
        self._piece, chosen = masters[-1]
        if len(masters) == 1:
            return chosen
        self._piece, chosen = max(masters, key=lambda found: (found[1].sequence, found[0]))
        others = [read for _, read in masters if read.details != chosen.details]
        if others:
            self._note(Code.UID_TWICE, 0)
        return chosen

    def _overrides(self, master: _Read | None, changes: list[tuple[int, _Read]]) -> dict[str, Details]:
        found: dict[str, tuple[int, Details]] = {}
        for self._piece, read in changes:
            raw = read.component.first["RECURRENCE-ID"]
            key = self._key(raw, master)
            if not key:
                continue
            if "RANGE" in raw.parameters:
                self._note(Code.THIS_AND_FUTURE, raw.line, raw.parameters["RANGE"])
            if key in found and found[key][1] != read.details:
                self._note(Code.OVERRIDE_TWICE, raw.line, raw.value)
            if key not in found or found[key][0] <= read.sequence:
                found[key] = (read.sequence, read.details)
        return {key: details for key, (_, details) in found.items()}

    def _key(self, raw: Raw, master: _Read | None) -> str:
        try:
            moment = self._times.moment(raw, self._times.zone_of(raw, master.zone if master else None))
            if master is not None:
                moment = self._times.aligned(moment, master.details.start, raw.line)
        except (ValueError, OverflowError):
            self._note(Code.BAD_RECURRENCE_ID, raw.line, raw.value)
            return ""
        self._take_notes()
        return moment.key

    def _recurrence(self, master: _Read) -> tuple[Recurrence | None, dict[str, Details]]:
        """The recurrence of a master, and the overrides that added periods of another length are."""
        component, start = master.component, master.details.start
        rule = self._rule(component, start)
        if rule and start.zone == "UTC" and master.zone is not UTC_ZONE:
            self._note(Code.SERIES_ZONE_UNKNOWN, component.first["DTSTART"].line)
            rule = ""
        added, lengths = self._dates(master, "RDATE", Code.BAD_ADDED_DATE)
        if "EXRULE" in component.first:
            self._note(Code.EXCLUDING_RULE, component.first["EXRULE"].line)
        if not rule and not added:
            return None, {}
        left_out, _ = self._dates(master, "EXDATE", Code.BAD_LEFT_OUT_DATE)
        periods = {key: replace(master.details, start=added[key], end=end) for key, end in lengths.items()}
        return Recurrence(rule, _ordered(added), _ordered(left_out)), periods

    def _rule(self, component: Component, start: Moment) -> str:
        rules = {raw.value.strip().upper(): raw for raw in component.all("RRULE")}
        if len(rules) > 1:
            self._note(Code.SEVERAL_RULES, component.first["RRULE"].line)
        if len(rules) != 1:
            return ""
        (raw,) = rules.values()
        try:
            return rule_of(raw.value, partial(self._times.until, start=start)).text
        except BadRule as bad:
            self._note(Code.RULE_TOO_OFTEN if bad.code == "too-often" else Code.BAD_RULE, raw.line, raw.value)
            return ""

    def _dates(self, master: _Read, name: str, bad: Code) -> tuple[dict[str, Moment], dict[str, Moment]]:
        """The dates of all lists of a name by key, and by key the ends of those that are periods."""
        dates: dict[str, Moment] = {}
        ends: dict[str, Moment] = {}
        seen = 0
        for raw in master.component.all(name):
            zone = self._times.zone_of(raw, master.zone)
            for value in raw.value.split(","):
                seen += 1
                if seen > self.limits.moments:
                    self._note(Code.TOO_MANY_DATES, raw.line)
                    return dates, ends
                try:
                    moment, end = self._date(value, raw, zone, master)
                except (ValueError, OverflowError):
                    self._note(bad, raw.line, value)
                    continue
                dates[moment.key] = moment
                if end is not None:
                    ends[moment.key] = end
            self._take_notes()
        return dates, ends

    def _date(self, value: str, raw: Raw, zone: Zone, master: _Read) -> tuple[Moment, Moment | None]:
        begin, slash, finish = value.strip().partition("/")
        moment = self._times.moment(Raw(raw.parameters, begin, raw.line), zone)
        end = None
        if slash:
            is_length = finish.lstrip("+-").upper().startswith("P")
            there = Raw({}, finish, raw.line)
            end = self._times.end(None if is_length else there, there if is_length else None, moment, zone)
        return self._times.aligned(moment, master.details.start, raw.line), end

    def _status(self, raw: Raw | None) -> Status:
        if raw is None:
            return Status.CONFIRMED
        status = _STATUSES.get(raw.value) or _STATUSES.get(raw.value.strip().upper())
        if status is None:
            self._note(Code.BAD_VALUE, raw.line, raw.value)
        return status or Status.CONFIRMED

    def _sequence(self, raw: Raw | None) -> int:
        if raw is None:
            return 0
        digits = raw.value.strip()
        if digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= _MOST_SEQUENCE:
            return int(digits)
        self._note(Code.BAD_VALUE, raw.line, raw.value)
        return 0

    def _decoded(self, piece: bytes) -> str:
        try:
            return piece.decode()
        except UnicodeDecodeError:
            if not self._encoding_noted:
                self._note(Code.ENCODING, 0)
            self._encoding_noted = True  # the whole file will be like that
            return piece.decode("cp1252", errors="replace")

    def _settle(self, component: Component) -> None:
        for line in component.bad:
            self._note(Code.BAD_LINE, line)
        self._take_notes()

    def _take_notes(self) -> None:
        """Each assumption once for each item."""
        notes: dict[Code, Note] = {}
        for note in self._times.notes:
            notes.setdefault(note.code, note)
        self._times.notes.clear()
        for note in notes.values():
            self._note(note.code, note.line, note.found)

    def _note(self, code: Code, line: int, found: str = "") -> None:
        place = self._block.starts[self._piece]
        self.problems.append(Problem(code, self._block.uid, self.lines.number(place, line), normal(found[:_FOUND])))


def _text(raw: Raw | None) -> str:
    if raw is None:
        return ""
    value = raw.value
    return value.rstrip() if value.isascii() and value.isprintable() and "\\" not in value else normal(unescape(value))


def _is_busy(first: dict[str, Raw]) -> bool:
    """By TRANSP; where that is not there, by Outlook's own property."""
    raw = first.get("TRANSP")
    if raw is not None:
        return raw.value.strip().upper() != "TRANSPARENT"
    outlook = first.get("X-MICROSOFT-CDO-BUSYSTATUS")
    return outlook is None or outlook.value.strip().upper() != "FREE"


def _origin(reads: list[_Read]) -> str | None:
    for read in reads:
        raw = read.component.first.get("X-PLATZWART-ORIGIN")
        if raw is not None:
            return _text(raw)[:_ORIGIN] or None
    return None


def _ordered(moments: dict[str, Moment]) -> tuple[Moment, ...]:
    return tuple(moment for _, moment in sorted(moments.items()))
