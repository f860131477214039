"""Questions to the content of an item: is it the same, is it over, what is it known by, what of it may pass."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from booking.values.links import LinkPolicy
from ical.item import Details, Item, Moment, Recurrence, Status
from sync.values import Field, Link, Side

TEXTS = {Field.SUMMARY: "summary", Field.LOCATION: "location", Field.DESCRIPTION: "description", Field.URL: "url"}
DETAILS = {Field.TIME: "", **TEXTS, Field.STATUS: "status", Field.BUSY: "is_busy"}

Fingerprint = tuple[str, str, str]
_UNTIL = re.compile(r"UNTIL=(\d{8})(?:T(\d{6}))?")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An occurrence that its series leaves out."""

    moment: Moment


Occurrence = Details | LeftOut


def time_key(details: Details, *, is_series: bool) -> tuple[object, ...]:
    """Equal where two times are the same: a single event by its instants, a series by wall time and zone too."""
    if is_series:
        return details.start.wall, details.start.zone, details.end.wall, details.end.zone
    return details.start.key, details.end.key


def details_key(details: Details | None, *, is_series: bool = False) -> tuple[object, ...] | None:
    if details is None:
        return None
    texts = (details.summary, details.location, details.description, details.url)
    return *time_key(details, is_series=is_series), *texts, details.status, details.is_busy


def occurrences(item: Item) -> Mapping[str, Occurrence]:
    """Each date that differs from its series, by key; what is left out and overridden too counts as left out."""
    left_out = item.recurrence.left_out if item.recurrence else ()
    return {**item.overrides, **{moment.key: LeftOut(moment) for moment in left_out}}


def occurrence_key(occurrence: Occurrence | None) -> tuple[object, ...] | None:
    return ("left out",) if isinstance(occurrence, LeftOut) else details_key(occurrence)


def content_key(item: Item) -> tuple[object, ...]:
    """Equal where nothing differs that is reconciled; UID, SEQUENCE and origin take no part."""
    series = item.recurrence
    added = sorted(moment.key for moment in series.added) if series else []
    dates = {key: occurrence_key(one) for key, one in occurrences(item).items()}
    return details_key(item.master, is_series=series is not None), series and series.rule, added, dates


def same(one: Item | None, other: Item | None) -> bool:
    if one is other:
        return True
    return one is not None and other is not None and content_key(one) == content_key(other)


def first_of(item: Item) -> Details:
    """The master, or of a series that is elsewhere the earliest override."""
    return item.master or min(item.overrides.values(), key=lambda details: details.start.instant)


def takes_time(item: Item) -> bool:
    """False where all of it is cancelled."""
    if item.master:
        return item.master.status is not Status.CANCELLED
    return any(details.status is not Status.CANCELLED for details in item.overrides.values())


def ends_at(item: Item) -> datetime | None:
    """When its last date is over; None where the rule has no UNTIL, since then only an expansion could tell."""
    if item.recurrence is None and item.master and not item.overrides:
        return item.master.end.instant
    ends = [details.end.instant for details in (item.master, *item.overrides.values()) if details]
    if item.recurrence is None:
        return max(ends)
    length = first_of(item).end.instant - first_of(item).start.instant
    ends += [moment.instant + length for moment in item.recurrence.added]
    if item.recurrence.rule:
        until = _until(item.recurrence)
        return max(*ends, until + length) if until else None
    return max(ends)


def _until(recurrence: Recurrence) -> datetime | None:
    found = _UNTIL.search(recurrence.rule)
    if found is None:
        return None
    day = datetime.strptime(found[1] + (found[2] or "000000"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return day if found[2] else day + timedelta(days=2)  # a date: over in each zone


def is_over(item: Item | None, now: datetime) -> bool:
    end = ends_at(item) if item else None
    return end is not None and end <= now


def is_soon(item: Item | None, now: datetime, span: timedelta) -> bool:
    """Some date may lie within the span; a series that runs counts, since its dates are not expanded here."""
    if item is None or is_over(item, now):
        return False
    starts = [details.start.instant for details in (item.master, *item.overrides.values()) if details]
    return min(starts) < now + span


def normalised(summary: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", summary).casefold().split())


def fingerprint(item: Item) -> Fingerprint:
    """Start, end and summary: what an item is known by where its UID cannot be trusted. Never the summary alone."""
    first = first_of(item)
    return first.start.key, first.end.key, normalised(first.summary)


def outgoing(link: Link, item: Item, origin: Side) -> Item:
    """What of our form may pass to them, with our mark where the item is ours."""
    seen = busy_only(item, link.busy_text) if link.policy is LinkPolicy.EXPORT_BUSY else item
    return replace(seen, origin=link.mark) if origin is Side.LOCAL else seen


def incoming(link: Link, item: Item) -> Item | None:
    """What of their form passes to us; None where it takes no time of ours."""
    if not takes_time(item):
        return None
    if link.policy is not LinkPolicy.IMPORT_BUSY:
        return item
    return busy_only(item, link.busy_text) if _is_busy(item) else None


def _is_busy(item: Item) -> bool:
    return any(details.is_busy for details in (item.master, *item.overrides.values()) if details)


def busy_only(item: Item, text: str) -> Item:
    """The same times without what they are for."""
    master = item.master and _plain(item.master, text)
    return replace(item, master=master, overrides={key: _plain(one, text) for key, one in item.overrides.items()})


def _plain(details: Details, text: str) -> Details:
    return replace(details, summary=text, location="", description="", url="")
