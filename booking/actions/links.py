"""Links with external calendars are set up and watched here (SPEC C6, C8, C9). Nothing here calls the other side."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from booking.actions import link_cases
from booking.actions.audit import Actor, note
from booking.actions.calendar_proofs import drop_calendars, fall
from booking.actions.cases import close_case
from booking.actions.link_alarms import SILENT, note_link_working
from booking.actions.link_ending import end_some, is_large
from booking.actions.link_imports import forget_rows, lock_room
from booking.actions.link_runs import HELD, lease_name
from booking.actions.link_wakes import wake_link
from booking.actions.link_wishes import drop_wishes
from booking.actions.setting_rows import own
from booking.actions.site_calendars import follow_link
from booking.actions.tools import Tools
from booking.actions.vault import Sealed
from booking.reads.link_dates import FULL
from booking.tables.houses import Room
from booking.tables.links import CalendarLink, ItemLink, PlanOp, SyncRun
from booking.tables.outgoing import Lease
from booking.values.identity import new_uuid
from booking.values.links import Choice, LinkAccess, LinkKind, LinkPolicy, LinkSettings, LinkStatus, StepState
from booking.values.proofs import ProofProblem
from booking.values.refusals import Reason, Refused, refused

LONGEST = 200
LONGEST_URL = 2_000
RANGES = {"months_back": (0, 24), "months_ahead": (1, 24), "every_minutes": (1, 1_440)}
FIELDS = frozenset({"TIME", "RECURRENCE", "OCCURRENCE", "SUMMARY", "LOCATION", "DESCRIPTION", "URL", "STATUS", "BUSY"})
OWNERS = frozenset({"LOCAL", "REMOTE", "EITHER_LOCAL", "EITHER_REMOTE"})
LIMITS = {"soon_count": (0, 1_000), "least": (0, 1_000), "writes_per_hour": (1, 100_000)}
SCHEMES = frozenset({"https", "http", "webcal", "webcals"})


def access_bound(public_id: UUID) -> str:
    """What the sealed access of a link is bound to."""
    return f"calendar-link:{public_id}"


def open_access(tools: Tools, public_id: UUID, cipher: bytes, key_id: str) -> LinkAccess:
    """Raises UnknownKeyError, or cryptography's InvalidTag where the row was tampered with."""
    return LinkAccess(**json.loads(tools.vault.unseal(Sealed(cipher, key_id), access_bound(public_id))))


def make_link(
    session: Session,
    now: datetime,
    tools: Tools,
    organisation_id: int,
    actor: Actor,
    wanted: LinkSettings,
    access: LinkAccess,
) -> UUID | Refused:
    """A new link; its first run is due at once. Raises NotFound where the house has no such room.

    Refused, at the field: missing, too-long-text, out-of-range, invalid, only-read (a policy that writes, of an ICS
    address).
    """
    reasons = _reasons(wanted) + _reasons_of_access(access)
    if reasons:
        return Refused(tuple(reasons))
    own(session, Room, organisation_id, wanted.room_id)
    public_id = new_uuid(now)
    row = CalendarLink(
        organisation_id=organisation_id,
        public_id=public_id,
        made_at=now,
        next_run_at=now,
        watched_from=now,
        **_columns(wanted),
        **_sealed(tools, public_id, wanted.kind, access),
    )
    session.add(row)
    session.flush()
    after = _told(wanted) | {"address": row.address}
    note(session, now, organisation_id, actor, "calendar_link", row.id, "made", after=after)
    return public_id


def change_link(
    session: Session, now: datetime, organisation_id: int, actor: Actor, link_id: int, wanted: LinkSettings
) -> Refused | None:
    """Other settings. Kind and room stay: another calendar is another link. What passes is looked at anew."""
    row = own(session, CalendarLink, organisation_id, link_id)
    reasons = _reasons(wanted)
    if (wanted.kind, wanted.room_id) != (row.kind, row.room_id):
        reasons.append(Reason("invalid", "room_id"))
    if reasons:
        return Refused(tuple(reasons))
    changed = {name: value for name, value in _columns(wanted).items() if getattr(row, name) != value}
    if not changed:
        return None
    before = {name: getattr(row, name) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed.keys() - {"name", "every_minutes", "limits"}:
        _look_at_all(session, row)
    follow_link(session, now, row, policy_changed="policy" in changed)
    told = {"before": _plain(before), "after": _plain(changed)}
    note(session, now, organisation_id, actor, "calendar_link", link_id, "changed", **told)
    wake_link(session, now, link_id)
    return None


def change_link_access(
    session: Session,
    now: datetime,
    tools: Tools,
    organisation_id: int,
    actor: Actor,
    link_id: int,
    access: LinkAccess,
) -> Refused | None:
    """Another address or other credentials. At another address everything is found anew, by UID and mark (C11)."""
    row = own(session, CalendarLink, organisation_id, link_id)
    reasons = _reasons_of_access(access)
    if reasons:
        return Refused(tuple(reasons))
    before = open_access(tools, row.public_id, row.access_cipher, row.access_key_id)
    for name, value in _sealed(tools, row.public_id, row.kind, access).items():
        setattr(row, name, value)
    row.quirks = {}
    if before.url != access.url:
        row.cursor_kind = row.cursor = ""
        fall(session, now, link_id, ProofProblem.LINK_ELSEWHERE)
    if row.state is LinkStatus.FAILED:
        row.state = LinkStatus.ACTIVE
    row.failures, row.problem, row.detail, row.not_before = 0, "", "", None
    note(session, now, organisation_id, actor, "calendar_link", link_id, "access-changed")
    wake_link(session, now, link_id)
    return None


def pause_link(session: Session, now: datetime, organisation_id: int, actor: Actor, link_id: int) -> None:
    """Stop reading and writing there. What it brought stays, and its times stay taken."""
    row = own(session, CalendarLink, organisation_id, link_id)
    if row.state in {LinkStatus.PAUSED, LinkStatus.UNLINKING}:
        return
    row.state = LinkStatus.PAUSED
    note_link_working(session, now, row)
    fall(session, now, link_id, ProofProblem.LINK_RESTS)
    note(session, now, organisation_id, actor, "calendar_link", link_id, "paused")


def resume_link(session: Session, now: datetime, organisation_id: int, actor: Actor, link_id: int) -> None:
    """Go on at once, from where it was."""
    row = own(session, CalendarLink, organisation_id, link_id)
    if row.state not in {LinkStatus.PAUSED, LinkStatus.FAILED}:
        return
    row.state, row.failures, row.problem, row.detail = LinkStatus.ACTIVE, 0, "", ""
    row.watched_from = now
    note(session, now, organisation_id, actor, "calendar_link", link_id, "resumed")
    wake_link(session, now, link_id)


def unlink(session: Session, now: datetime, organisation_id: int, actor: Actor, link_id: int, *, removes: bool) -> None:
    """End the link, and with it the times that it brought. `removes`: first remove there everything that we wrote.

    One that has much here, too, is ended by a worker, piece by piece, and is UNLINKING until then.
    """
    row = own(session, CalendarLink, organisation_id, link_id)
    note(session, now, organisation_id, actor, "calendar_link", link_id, "unlinked", after={"removes": removes})
    removes = removes and row.policy.writes
    if removes or is_large(session, link_id):
        row.state, row.removes = LinkStatus.UNLINKING, removes
        fall(session, now, link_id, ProofProblem.LINK_ENDS)
        wake_link(session, now, link_id)
    else:
        drop_link(session, now, link_id)


def drop_link(session: Session, now: datetime, link_id: int) -> None:
    """Forget a link: its index, its runs, what it brought, and what it asked. Of a large one most is gone before."""
    link, _ = lock_room(session, link_id)
    drop_calendars(session, now, link_id)
    while end_some(session, now, link_id):
        continue
    for kind in (SILENT, HELD, FULL):
        close_case(session, now, link.organisation_id, kind, str(link_id), resolution="unlinked")
    link_cases.close_all(session, now, link)
    drop_wishes(session, link_id)
    session.execute(delete(SyncRun).where(SyncRun.link_id == link_id))
    session.execute(delete(Lease).where(Lease.name == lease_name(link_id)))
    session.execute(delete(CalendarLink).where(CalendarLink.id == link_id))


def rebuild_link(session: Session, now: datetime, organisation_id: int, actor: Actor, link_id: int) -> None:
    """Drop the index and find everything anew, by UID, mark and content (SPEC C11). Nothing is written for that."""
    row = own(session, CalendarLink, organisation_id, link_id)
    forget_rows(session, link_id)
    row.cursor_kind = row.cursor = ""
    row.whole_at = None
    note(session, now, organisation_id, actor, "calendar_link", link_id, "rebuilt")
    wake_link(session, now, link_id)


def forget_quirks(session: Session, link_id: int) -> None:
    """Have the next run find out anew what the server can."""
    session.get_one(CalendarLink, link_id, with_for_update=True).quirks = {}


def approve_held(
    session: Session, now: datetime, organisation_id: int, actor: Actor, link_id: int, shown: str
) -> Refused | None:
    """Let the held deletions of the plan shown go (SPEC C9). Refused: preview-changed where it is not the last one.

    Each is bound to its own versions: what changes before the next run waits again.
    """
    row = own(session, CalendarLink, organisation_id, link_id)
    held = _held(session, link_id, shown)
    if not held:
        return refused("preview-changed")
    row.approved = sorted(step.key for step in held)
    after = {"plan": shown, "count": len(held)}
    note(session, now, organisation_id, actor, "calendar_link", link_id, "deletions-approved", after=after)
    wake_link(session, now, link_id)
    return None


def restore_held(
    session: Session, now: datetime, organisation_id: int, actor: Actor, link_id: int, shown: str
) -> Refused | None:
    """Keep what the held deletions of the plan that was shown would end: ours is written there again (SPEC C9)."""
    own(session, CalendarLink, organisation_id, link_id)
    held = _held(session, link_id, shown)
    if not held:
        return refused("preview-changed")
    for step in held:
        session.execute(
            update(ItemLink)
            .where(ItemLink.link_id == link_id, ItemLink.id == step.item_id, ItemLink.uid == step.uid)
            .values(decision=Choice.KEEP_OURS.value, held=None, version=ItemLink.version + 1)
            .execution_options(synchronize_session=False)
        )
    after = {"plan": shown, "count": len(held)}
    note(session, now, organisation_id, actor, "calendar_link", link_id, "deletions-undone", after=after)
    wake_link(session, now, link_id)
    return None


def _held(session: Session, link_id: int, shown: str) -> list[PlanOp]:
    last = select(SyncRun).where(SyncRun.link_id == link_id, SyncRun.plan_hash != "").order_by(SyncRun.id.desc())
    run = session.scalar(last.limit(1))
    if run is None or run.plan_hash != shown:
        return []
    query = select(PlanOp).where(PlanOp.run_id == run.id, PlanOp.state == StepState.HELD)
    return list(session.scalars(query.order_by(PlanOp.position)))


def run_soon(session: Session, now: datetime, organisation_id: int, link_id: int) -> None:
    """Have a worker run the link as soon as its server lets itself be asked."""
    own(session, CalendarLink, organisation_id, link_id)
    wake_link(session, now, link_id)


def _look_at_all(session: Session, row: CalendarLink) -> None:
    """What passes, or how much of it, is another: each item is held against what was agreed."""
    session.execute(
        update(ItemLink)
        .where(ItemLink.link_id == row.id, ItemLink.state != "TOMBSTONE")
        .values(base_revision=None, version=ItemLink.version + 1)
        .execution_options(synchronize_session=False)
    )
    row.cursor_kind = row.cursor = ""


def _columns(wanted: LinkSettings) -> dict[str, Any]:
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in ((name, getattr(wanted, name)) for name in LinkSettings.__slots__)
    } | {"name": wanted.name.strip()}


def _told(wanted: LinkSettings) -> dict[str, Any]:
    return _plain(_columns(wanted))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(value, "value", value) for name, value in values.items()}


def _sealed(tools: Tools, public_id: UUID, kind: LinkKind, access: LinkAccess) -> dict[str, Any]:
    given = {name: getattr(access, name).strip() for name in ("url", "user", "token")} | {"password": access.password}
    sealed = tools.vault.seal(json.dumps(given).encode(), access_bound(public_id))
    return {
        "address": _shown(kind, given["url"]),
        "access_cipher": sealed.cipher,
        "access_key_id": sealed.key_id,
    }


def _shown(kind: LinkKind, url: str) -> str:
    """Of an ICS address only the host: the rest is its password. Of a collection what has no credentials in it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" + (parts.path if kind is LinkKind.CALDAV else "")


def _reasons(wanted: LinkSettings) -> list[Reason]:
    reasons = [] if wanted.name.strip() else [Reason("missing", "name")]
    if len(wanted.name) > LONGEST:
        reasons.append(Reason("too-long-text", "name", {"most": LONGEST}))
    given = {name: getattr(wanted, name) for name in RANGES} | dict(wanted.limits)
    for name, (least, most) in (RANGES | LIMITS).items():
        if name in given and not _is_within(given[name], least, most):
            reasons.append(Reason("out-of-range", name, {"least": least, "most": most}))
    if wanted.limits.keys() - LIMITS.keys():
        reasons.append(Reason("invalid", "limits"))
    if wanted.owners.keys() - FIELDS or set(wanted.owners.values()) - OWNERS:
        reasons.append(Reason("invalid", "owners"))
    if wanted.kind is LinkKind.ICS and wanted.policy not in {LinkPolicy.IMPORT, LinkPolicy.IMPORT_BUSY}:
        reasons.append(Reason("only-read", "policy"))
    return reasons


def _is_within(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _reasons_of_access(access: LinkAccess) -> list[Reason]:
    url = access.url.strip()
    if not url:
        return [Reason("missing", "url")]
    try:
        parts = urlsplit(url)
        good = parts.scheme.lower() in SCHEMES and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        good = False
    reasons = [] if good else [Reason("invalid", "url")]
    for name, most in (("url", LONGEST_URL), ("user", LONGEST), ("password", LONGEST), ("token", LONGEST_URL)):
        if len(getattr(access, name)) > most:
            reasons.append(Reason("too-long-text", name, {"most": most}))
    return reasons
