"""A series as the components of a calendar: a master with its exceptions, or events each of their own (SPEC C2, C3).

All components of one UID carry the same SEQUENCE, LAST-MODIFIED and DTSTAMP, those of the last change of any of them:
some readers look at the master alone, some at the newest.
"""

from datetime import datetime
from functools import reduce

from booking.values.agenda import AgendaEntry
from booking.values.clock import require_utc
from booking.values.states import ItemStatus
from ical.basic import basic
from ical.event import Shown, alarm_lines, created_line, shown, vevent
from ical.fragment import FeedOptions, Fragment
from ical.identity import uid_text
from ical.series import Occurrence, Revision, Series, entry_of, occurrences, single_entry
from ical.series_layout import Group, laid_out
from ical.text import CRLF, fold
from ical.times import is_local, local_lines
from ical.window import Window, shown_until, turns, visible
from ical.words import words_of


def render_series(series: Series, options: FeedOptions, host_id: str, now: datetime) -> Fragment:
    """The fragment of a series as a feed shows it now; the same bytes for the same arguments, until `valid_until`.

    A master is shown whole while the window shows any of its occurrences. A cancelled occurrence whose 30 days are
    over is left out, which counts as a change of the group (LAST-MODIFIED) though nobody made one.
    """
    found = occurrences(series)
    kept, ends = _without_old_cancellations(series, found, options.window, now)
    layout = laid_out(series, kept, expanded=options.is_expanded)
    members = layout.group.members if layout.group else ()
    master = layout.group if any(visible(one, now, options.window) for one in members) else None
    seen = [single_entry(series, one) for one in layout.singles if visible(one, now, options.window)]
    revision = reduce(Revision.with_, [Revision(0, at) for at in ends if at <= now], group_revision(series))
    parts = [_group_text(series, master, revision, options, host_id)] if master else []
    related = fold(f"RELATED-TO:{uid_text(series.uid, host_id)}") + CRLF if master else ""
    parts += [_single_text(entry, options, host_id, related) for entry in seen]
    zones = {series.zone} if master or any(is_local(entry.slot, entry.zone) for entry in seen) else set()
    apart = layout.singles if master else found
    came_or_went = (turn for one in apart for turn in turns(one, options.window) if turn <= now)
    coming = (turn for one in found for turn in turns(one, options.window))
    return Fragment(
        order=(min((one.slot.start for one in found), default=require_utc(series.created_at)), series.uid),
        data="".join(parts).encode(),
        zones=frozenset(zones),
        modified=max([revision.last_modified, *came_or_went]),
        valid_until=min((turn for turn in (*ends, *coming) if turn > now), default=None),
    )


def group_revision(series: Series) -> Revision:
    """SEQUENCE and LAST-MODIFIED of all components of the series' UID: no part has a later one."""
    parts = [series.common] if series.common else []
    parts += [change.revision for change in series.changes.values()]
    return reduce(Revision.with_, parts, series.revision)


def master_lines(series: Series, group: Group) -> str:
    """DTSTART, DTEND, RRULE and EXDATE of a master, without the last CRLF."""
    lines = [local_lines(group.start, series.zone), fold(f"RRULE:{group.rule}")]
    lines += [f"EXDATE;TZID={series.zone}:{basic(wall)}" for wall in group.left_out]
    return CRLF.join(lines)


def override_line(series: Series, occurrence: Occurrence) -> str:
    """RECURRENCE-ID, of the type and in the zone of the master's DTSTART, with its CRLF."""
    return f"RECURRENCE-ID;TZID={series.zone}:{basic(occurrence.original)}\r\n"


def master_entry(series: Series, group: Group, revision: Revision) -> AgendaEntry:
    """What a master says of all the occurrences."""
    first = group.members[0]
    common = Occurrence(
        original=first.original,
        planned=group.start,
        slot=group.start,
        status=series.status,
        texts=series.texts,
        revision=revision,
        ended_at=series.ended_at,
        is_changed=False,
    )
    return entry_of(series, common, series.uid, revision)


def _group_text(series: Series, group: Group, revision: Revision, options: FeedOptions, host_id: str) -> str:
    uid = uid_text(series.uid, host_id)
    created = created_line(series.created_at, options.variant)
    master = master_entry(series, group, revision)
    parts = [_component(master, uid, created, options, master_lines(series, group))]
    for one in group.overrides:
        entry = entry_of(series, one, series.uid, revision)
        parts.append(_component(entry, uid, created + override_line(series, one), options))
    return "".join(parts)


def _single_text(entry: AgendaEntry, options: FeedOptions, host_id: str, related: str) -> str:
    created = created_line(entry.created_at, options.variant)
    return _component(entry, uid_text(entry.uid, host_id), created + related, options)


def _component(entry: AgendaEntry, uid: str, extra: str, options: FeedOptions, times: str = "") -> str:
    body: Shown = shown(entry, options.variant, words_of(options.language))
    alarm = alarm_lines(options.alarm, entry.status, body)
    return vevent(entry, body, uid, entry.sequence, extra, alarm, times)


def _without_old_cancellations(
    series: Series, found: list[Occurrence], window: Window, now: datetime
) -> tuple[list[Occurrence], list[datetime]]:
    """The occurrences still told, and when each cancelled one goes or went; a series that is cancelled as a whole stays
    whole. A master tells of them also where the window has not reached them yet.
    """
    if series.status is ItemStatus.CANCELLED:
        return found, []
    untils = {one.original: shown_until(one, window) for one in found if one.status is ItemStatus.CANCELLED}
    kept = [one for one in found if one.original not in untils or _is_after(untils[one.original], now)]
    return kept, [until for until in untils.values() if until is not None]


def _is_after(until: datetime | None, now: datetime) -> bool:
    return until is not None and until > now
