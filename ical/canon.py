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

from ical.basic import basic
from ical.item import NO_PARTS, Details, Item, Moment, Recurrence, Status

FIELDS = ("time", "recurrence", "summary", "location", "description", "url", "status", "is_busy")

_quoted = json.encoder.encode_basestring
_decoded = json.JSONDecoder().decode


def canon(item: Item) -> str:
    """The canonical text of an item."""
    if item.canonical is None:
        object.__setattr__(item, "canonical", _text(item, is_whole=True))
    return item.canonical or ""


def digest(item: Item) -> str:
    """What is the same for two items that say the same; SEQUENCE and our own mark are not part of it."""
    if item.digest is None:
        is_all = not item.sequence and item.origin is None
        content = canon(item) if is_all else _text(item, is_whole=False)
        object.__setattr__(item, "digest", sha256(content.encode("utf-8", "surrogatepass")).hexdigest())
    return item.digest or ""


def item_of(text: str) -> Item:
    """The item of a canonical text. Raises ValueError (KeyError, TypeError for a wrong shape) on any other."""
    return _item_of(_decoded(text))


def item_told(text: str, known_digest: str) -> Item:
    """As `item_of`, for a text and a digest that came from here: neither is worked out again."""
    item = item_of(text)
    object.__setattr__(item, "canonical", text)
    object.__setattr__(item, "digest", known_digest)
    return item


def _item_of(found: Mapping[str, Any]) -> Item:
    overrides = found.get("overrides")
    return Item(
        found["uid"],
        _details_of(found["master"]) if "master" in found else None,
        _recurrence_of(found["recurrence"]) if "recurrence" in found else None,
        MappingProxyType({key: _details_of(overrides[key]) for key in sorted(overrides)}) if overrides else NO_PARTS,
        found.get("sequence", 0),
        found.get("origin"),
    )


def _text(item: Item, *, is_whole: bool) -> str:
    """Written piece by piece: to have a tree of values written by `json` takes three times as long."""
    parts = []
    if item.master is not None:
        parts.append(f'"master":{_details(item.master)}')
    if item.origin is not None and is_whole:
        parts.append(f'"origin":{_quoted(item.origin)}')
    if item.overrides:
        overrides = [f"{_quoted(key)}:{_details(details)}" for key, details in sorted(item.overrides.items())]
        parts.append(f'"overrides":{{{",".join(overrides)}}}')
    if item.recurrence is not None:
        parts.append(f'"recurrence":{_recurrence(item.recurrence)}')
    if item.sequence and is_whole:
        parts.append(f'"sequence":{item.sequence}')
    parts.append(f'"uid":{_quoted(item.uid)}')
    return f"{{{','.join(parts)}}}"


def _details(details: Details) -> str:
    text = f'"description":{_quoted(details.description)},' if details.description else ""
    if not details.is_busy:
        text += '"is_busy":false,'
    if details.location:
        text += f'"location":{_quoted(details.location)},'
    if details.status is not Status.CONFIRMED:
        text += f'"status":"{details.status.value}",'
    if details.summary:
        text += f'"summary":{_quoted(details.summary)},'
    text += f'"time":[{_moment(details.start)},{_moment(details.end)}]'
    return f'{{{text},"url":{_quoted(details.url)}}}' if details.url else f"{{{text}}}"


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


def _recurrence(recurrence: Recurrence) -> str:
    text = f'"rule":{_quoted(recurrence.rule)}'
    if recurrence.left_out:
        text = f'"left_out":[{",".join(map(_moment, recurrence.left_out))}],{text}'
    if recurrence.added:
        text = f'"added":[{",".join(map(_moment, recurrence.added))}],{text}'
    return f"{{{text}}}"


def _recurrence_of(found: Mapping[str, Any]) -> Recurrence:
    return Recurrence(
        found["rule"],
        tuple(_moment_of(moment) for moment in found.get("added", ())),
        tuple(_moment_of(moment) for moment in found.get("left_out", ())),
    )


def _moment(moment: Moment) -> str:
    return f'["{basic(moment.wall)}",{_quoted(moment.zone)},"{basic(moment.instant)}"]'


def _moment_of(found: list[str]) -> Moment:
    wall, zone, instant = found
    return Moment(datetime.fromisoformat(wall), zone, datetime.fromisoformat(instant).replace(tzinfo=UTC))
