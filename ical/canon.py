"""Items as canonical JSON: how they are stored, compared and handed between processes (SPEC C7).

Keys are sorted, there is no white space, what has its default is left out, and times are `[wall, zone, instant]`. Equal
items have equal texts. The fields of a merge are the keys of an event (`FIELDS`, all but recurrence) and of the item
(recurrence); overrides are keyed by `Moment.key`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from ical.item import NO_PARTS, Details, Item, Moment, Recurrence, Status
from ical.times import basic

FIELDS = ("time", "recurrence", "summary", "location", "description", "url", "status", "is_busy")

_TEXTS = ("summary", "location", "description", "url")


def canon(item: Item) -> str:
    """The canonical text of an item."""
    if item.canonical is None:
        object.__setattr__(item, "canonical", _text(as_json(item)))
    return item.canonical or ""


def digest(item: Item) -> str:
    """What is the same for two items that say the same; SEQUENCE and our own mark are not part of it."""
    if item.digest is None:
        content = as_json(item)
        content.pop("sequence", None)
        content.pop("origin", None)
        object.__setattr__(item, "digest", sha256(_text(content).encode("utf-8", "surrogatepass")).hexdigest())
    return item.digest or ""


def item_of(text: str) -> Item:
    """The item of a canonical text. Raises ValueError (KeyError, TypeError for a wrong shape) on any other."""
    return from_json(json.loads(text))


def item_told(text: str, known_digest: str) -> Item:
    """As `item_of`, for a text and a digest that came from here: neither is worked out again."""
    item = item_of(text)
    object.__setattr__(item, "canonical", text)
    object.__setattr__(item, "digest", known_digest)
    return item


def as_json(item: Item) -> dict[str, Any]:
    """The same as values for JSON, to be put into a larger whole."""
    found: dict[str, Any] = {"uid": item.uid}
    if item.master is not None:
        found["master"] = _details(item.master)
    if item.recurrence is not None:
        found["recurrence"] = _recurrence(item.recurrence)
    if item.overrides:
        found["overrides"] = {key: _details(details) for key, details in item.overrides.items()}
    if item.sequence:
        found["sequence"] = item.sequence
    if item.origin is not None:
        found["origin"] = item.origin
    return found


def from_json(found: Mapping[str, Any]) -> Item:
    """The item of such values. Raises ValueError, KeyError or TypeError on a wrong shape."""
    overrides = found.get("overrides")
    return Item(
        found["uid"],
        _details_of(found["master"]) if "master" in found else None,
        _recurrence_of(found["recurrence"]) if "recurrence" in found else None,
        MappingProxyType({key: _details_of(overrides[key]) for key in sorted(overrides)}) if overrides else NO_PARTS,
        found.get("sequence", 0),
        found.get("origin"),
    )


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _details(details: Details) -> dict[str, Any]:
    found: dict[str, Any] = {"time": [_moment(details.start), _moment(details.end)]}
    for name in _TEXTS:
        text = getattr(details, name)
        if text:
            found[name] = text
    if details.status is not Status.CONFIRMED:
        found["status"] = details.status.value
    if not details.is_busy:
        found["is_busy"] = False
    return found


def _details_of(found: Mapping[str, Any]) -> Details:
    start, end = found["time"]
    return Details(
        _moment_of(start),
        _moment_of(end),
        found.get("summary", ""),
        found.get("location", ""),
        found.get("description", ""),
        found.get("url", ""),
        Status(found["status"]) if "status" in found else Status.CONFIRMED,
        found.get("is_busy", True),
    )


def _recurrence(recurrence: Recurrence) -> dict[str, Any]:
    found: dict[str, Any] = {"rule": recurrence.rule}
    if recurrence.added:
        found["added"] = [_moment(moment) for moment in recurrence.added]
    if recurrence.left_out:
        found["left_out"] = [_moment(moment) for moment in recurrence.left_out]
    return found


def _recurrence_of(found: Mapping[str, Any]) -> Recurrence:
    return Recurrence(
        found["rule"],
        tuple(_moment_of(moment) for moment in found.get("added", ())),
        tuple(_moment_of(moment) for moment in found.get("left_out", ())),
    )


def _moment(moment: Moment) -> list[str]:
    return [basic(moment.wall), moment.zone, basic(moment.instant)]


def _moment_of(found: list[str]) -> Moment:
    wall, zone, instant = found
    return Moment(datetime.fromisoformat(wall), zone, datetime.fromisoformat(instant).replace(tzinfo=UTC))
