"""The properties of one component, as raw values: the fast inner loop of the reading."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ical.lines import Head, head_of, split_line

KEPT = frozenset(
    [
        *("UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "SUMMARY", "LOCATION", "DESCRIPTION", "URL"),
        *("STATUS", "TRANSP", "SEQUENCE", "X-PLATZWART-ORIGIN", "X-MICROSOFT-CDO-BUSYSTATUS"),
        *("RRULE", "RDATE", "EXDATE", "EXRULE"),
        *("NAME", "X-WR-CALNAME", "X-WR-TIMEZONE", "METHOD", "REFRESH-INTERVAL", "X-PUBLISHED-TTL"),
    ]
)
_MOST_HEADS = 4_096
_UNKNOWN, _BEGIN, _END = Head("?", {}), Head("BEGIN", {}), Head("END", {})
_FENCES = {"BEGIN": _BEGIN, "END": _END}
_new = tuple.__new__  # a third of the time that the named tuple's own takes


class Raw(NamedTuple):
    """A value with its parameters; `line` counts the logical lines from the component's BEGIN, which is 0."""

    parameters: Mapping[str, str]
    value: str
    line: int


@dataclass(slots=True)
class Component:
    """The first value of each name, further values of the same name, and the lines that are no content lines."""

    first: dict[str, Raw] = field(default_factory=dict)
    further: dict[str, list[Raw]] = field(default_factory=dict)
    bad: list[int] = field(default_factory=list)

    def all(self, name: str) -> list[Raw]:
        first = self.first.get(name)
        return [] if first is None else [first, *self.further.get(name, ())]


@dataclass(slots=True)
class Collector:
    """Reads components. Remembers heads (DTSTART;TZID=Europe/Berlin), since a file repeats few of them often."""

    _heads: dict[str, Head | None] = field(default_factory=dict)

    def component(self, text: str) -> Component:
        """One component, with or without its BEGIN and END. What is inside it (alarms) is left out."""
        found = Component()
        first, heads = found.first, self._heads
        line = -1
        depth = -1 if text[:5].upper() == "BEGIN" else 0
        for content in text.split("\n"):
            line += 1
            head, _, value = content.partition(":")
            parsed = heads.get(head, _UNKNOWN)
            if parsed is _UNKNOWN:
                parsed, value = self._learn(content, found, line)
            if parsed is None:
                continue
            if parsed is _BEGIN or parsed is _END:
                depth += 1 if parsed is _BEGIN else -1
            elif depth == 0:
                raw = _new(Raw, (parsed.parameters, value, line))
                if first.setdefault(parsed.name, raw) is not raw:
                    found.further.setdefault(parsed.name, []).append(raw)
        return found

    def _learn(self, content: str, found: Component, line: int) -> tuple[Head | None, str]:
        """Head and value of a line with a new head; no head where the property is none that is kept.

        Not remembered where the head may go on after the colon, in quotes.
        """
        split = split_line(content)
        if split is None:
            if content.strip(" \t\x00\x1a"):
                found.bad.append(line)
            return None, ""
        head, value = split
        known = head_of(head)
        parsed = _FENCES.get(known.name) or (known if known.name in KEPT else None)
        if len(self._heads) < _MOST_HEADS and len(head) < 200 and '"' not in content.partition(":")[0]:
            self._heads[head] = parsed
        return parsed, value
