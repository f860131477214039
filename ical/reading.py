"""Foreign calendars as items: tolerant, limited, and honest about what is missing (SPEC C9, C12).

Each block (`ical.blocks`) is read on its own, so that a broken one loses no other. A body that came to its end too
early is read as far as it goes, and says that it is not whole. Reading looks at no clock, no network and nothing that
an earlier file said.

Untrusted bodies are read in a child process with limits on memory and time: `sync.reading`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType

from booking.values.refusals import Refused
from ical.blocks import Block, Blocks, split
from ical.foreign_zones import FeedZones, feed_zones
from ical.item import Item
from ical.item_reading import ItemReader
from ical.limits import LIMITS, Limits
from ical.lines import normal, unescape
from ical.problems import Code, Problem
from ical.properties import Collector, Raw
from ical.values import duration_of

_NO_ZONES: Mapping[str, str] = MappingProxyType({})
_LONGEST_NAME = 200
_USUAL_HEAD = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says.

    `is_whole`: the file came to its proper end. `lost` are the UIDs of which something may be missing; at most
    `Limits.problems` of the problems are listed, `further` counts the others. `zones` tells for each TZID as written
    the zone of the tz database that it was taken for, "" where its own offsets were used and have no name, and "?"
    where nobody knows. `zone` is the calendar's own (X-WR-TIMEZONE), `refresh` how long it asks to wait.
    """

    items: tuple[Item, ...]
    problems: tuple[Problem, ...]
    is_whole: bool
    zones: Mapping[str, str] = field(default_factory=lambda: _NO_ZONES)
    lost: frozenset[str] = frozenset()
    further: int = 0
    events: int = 0
    name: str = ""
    zone: str = ""
    method: str = ""
    refresh: timedelta | None = None

    @property
    def is_complete(self) -> bool:
        """Whether a UID that is neither in the items nor among the lost is surely not in the file."""
        return self.is_whole and "" not in self.lost


def read(body: bytes, zone: str, limits: Limits = LIMITS, collector: Collector | None = None) -> Reading | Refused:
    """Read a file into the calendar whose zone is *zone*, an Olson name.

    *collector*: one that goes from file to file, where many small ones are read. Refused as `ical.blocks.split` says.
    Raises ValueError where *zone* is none.
    """
    blocks = split(body, limits)
    return blocks if isinstance(blocks, Refused) else read_blocks(blocks, blocks.events, zone, limits, collector)


def read_blocks(
    blocks: Blocks, chosen: Iterable[Block], zone: str, limits: Limits = LIMITS, collector: Collector | None = None
) -> Reading:
    """The same for some of a file's blocks; the problems of the file as a whole are among those found."""
    zones = feed_zones(zone, blocks.zones, limits.zones)
    reader = ItemReader(zones, blocks.lines, limits, collector=collector or Collector())
    reader.problems += of_the_file(blocks)
    items = []
    events = 0
    for block in chosen:
        events += len(block.starts)
        item = _item(reader, block)
        if item is not None:
            items.append(item)
    problems = reader.problems
    name, own_zone, method, refresh = (_known_head if len(blocks.head) <= _USUAL_HEAD else _head)(blocks.head)
    return Reading(
        items=tuple(items),
        problems=tuple(problems[: limits.problems]),
        is_whole=blocks.is_whole,
        zones=MappingProxyType(_found(zones)),
        lost=frozenset([problem.uid for problem in problems if problem.is_loss]),
        further=max(0, len(problems) - limits.problems),
        events=events,
        name=name,
        zone=own_zone,
        method=method,
        refresh=refresh,
    )


def _item(reader: ItemReader, block: Block) -> Item | None:
    """The last guard of one block against another: whatever a value does, it costs no more than its own UID."""
    if block.is_nameless:
        reader.problems.append(Problem(Code.NO_UID, block.uid, reader.lines.number(block.starts[0])))
    try:
        return reader.item(block)
    except (ValueError, OverflowError, LookupError) as error:
        line = reader.lines.number(block.starts[0])
        reader.problems.append(Problem(Code.UNREADABLE, block.uid, line, type(error).__name__))
        return None


def of_the_file(blocks: Blocks) -> list[Problem]:
    """What is wrong with a file beside its blocks."""
    broken = [
        Problem(Code.NOT_CLOSED if part.is_loss else Code.STRAY_END, part.uid, blocks.lines.number(part.start))
        for part in blocks.broken
    ]
    return broken + [Problem(Code.IGNORED_COMPONENT, "", 0, kind[:80]) for kind in sorted(blocks.ignored)]


def _found(zones: FeedZones) -> dict[str, str]:
    return {tzid: "?" if zone is None else zone.name for tzid, zone in sorted(zones.found.items())}


def _head(head: bytes) -> tuple[str, str, str, timedelta | None]:
    """Name, zone, method and refresh interval of the calendar itself; what is not readable is not there."""
    first = Collector().component(head.decode(errors="replace")).first
    name = _text(first.get("X-WR-CALNAME")) or _text(first.get("NAME"))
    refresh = _interval(first.get("REFRESH-INTERVAL")) or _interval(first.get("X-PUBLISHED-TTL"))
    return name, _text(first.get("X-WR-TIMEZONE")), _text(first.get("METHOD")).upper(), refresh


_known_head = lru_cache(maxsize=16)(_head)


def _text(raw: Raw | None) -> str:
    return normal(unescape(raw.value))[:_LONGEST_NAME] if raw is not None else ""


def _interval(raw: Raw | None) -> timedelta | None:
    try:
        length = sum(duration_of(raw.value), timedelta(0)) if raw is not None else timedelta(0)
    except (ValueError, OverflowError):
        return None
    return length if length > timedelta(0) else None
