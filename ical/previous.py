"""What stays of a calendar object that others wrote, when we write it again (SPEC C7).

A foreign program keeps there what we know nothing of: attendees, alarms, categories, marks of its own. All of it stays
as it was, but what a change of ours has made untrue (an HTML text beside a new description).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ical.lines import head_of, normal, split_line, unescape, unfold, with_line_feeds
from ical.text import CRLF, clean, fold

DEEPEST = 8
_NAME = re.compile(r"[A-Za-z0-9-]+")

# What `ical.item_writer` writes anew, or leaves out on purpose.
OWNED = frozenset(
    {
        *("UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION"),
        *("RRULE", "RDATE", "EXDATE", "SUMMARY", "LOCATION", "DESCRIPTION", "URL", "STATUS", "TRANSP"),
        "X-PLATZWART-ORIGIN",
    }
)
OWNED_BY_CALENDAR = frozenset({"VERSION", "PRODID", "CALSCALE", "METHOD"})
# What says the same as one of ours in another way, and so goes when ours has changed.
ECHOES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "DESCRIPTION": frozenset({"X-ALT-DESC", "STYLED-DESCRIPTION"}),
        "LOCATION": frozenset({"GEO", "X-APPLE-STRUCTURED-LOCATION"}),
        "STATUS": frozenset({"X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-CDO-INTENDEDSTATUS"}),
        "TRANSP": frozenset({"X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-CDO-INTENDEDSTATUS"}),
        "DTSTART": frozenset({"X-MICROSOFT-CDO-ALLDAYEVENT", "X-FUNAMBOL-ALLDAY"}),
    }
)
DEFAULTS: Mapping[str, str] = MappingProxyType({"STATUS": "CONFIRMED", "TRANSP": "OPAQUE"})


@dataclass(slots=True)
class Component:
    """A component as it was written: its own content lines unfolded, and the components in it."""

    name: str
    lines: list[str] = field(default_factory=list)
    parts: list["Component"] = field(default_factory=list)

    def line(self, name: str) -> str | None:
        """The first content line with this name."""
        return next((line for line in self.lines if name_of(line) == name), None)

    def text(self, name: str) -> str:
        """The value of a TEXT property, normal; its default, or "", where there is none."""
        line = self.line(name)
        split = split_line(line) if line is not None else None
        return normal(unescape(split[1])) if split else DEFAULTS.get(name, "")


def parsed(body: bytes) -> Component | None:
    """The first VCALENDAR of a body, as tolerantly as can be; None where there is none.

    What was never closed ends with the body; what is nested too deeply, or has no name, is left out.
    """
    root = Component("")
    open_ones, too_deep = [root], 0
    for line in unfold(with_line_feeds(body)).decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(":")
        match name.strip().upper():
            case "BEGIN" if len(open_ones) > DEEPEST:
                too_deep += 1
            case "BEGIN":
                _open(open_ones, value.strip().upper())
            case "END" if too_deep:
                too_deep -= 1
            case "END":
                _close(open_ones, value.strip().upper())
            case _ if not too_deep and _NAME.fullmatch(name_of(line)):
                open_ones[-1].lines.append(clean(line).replace("\n", " "))
    return next((part for part in root.parts if part.name == "VCALENDAR"), None)


def _open(open_ones: list[Component], kind: str) -> None:
    part = Component(kind)
    if _NAME.fullmatch(kind):
        open_ones[-1].parts.append(part)
    open_ones.append(part)


def _close(open_ones: list[Component], kind: str) -> None:
    if any(one.name == kind for one in open_ones[1:]):
        while open_ones.pop().name != kind:
            pass


def name_of(line: str) -> str:
    split = split_line(line)
    return head_of(split[0]).name if split else ""


def zone_named(line: str) -> str:
    """The TZID that a content line refers to, or ""."""
    split = split_line(line)
    return head_of(split[0]).parameters.get("TZID", "") if split else ""


def kept_lines(old: Component, is_changed: Callable[[str], bool]) -> list[str]:
    """The content lines of an event that stay; `is_changed` tells of one of our property names whether it differs."""
    untrue = frozenset[str]().union(*(echoes for name, echoes in ECHOES.items() if is_changed(name)))
    return [line for line in old.lines if name_of(line) not in OWNED | untrue]


def text_of(part: Component) -> str:
    """A component as content lines, folded anew."""
    inner = "".join(fold(line) + CRLF for line in part.lines) + "".join(text_of(one) for one in part.parts)
    return f"BEGIN:{part.name}\r\n{inner}END:{part.name}\r\n"


def all_lines(parts: Iterable[Component]) -> Iterator[str]:
    """Every content line in some components and in those within."""
    for part in parts:
        yield from part.lines
        yield from all_lines(part.parts)
