"""Settings of the house. Each write checks, audits before and after, and bumps the revision in its own transaction.

What a form hands over is typed already; what is checked here holds for every caller. A refusal names the field.
Whoever changed nothing writes nothing: no audit entry, no new revision.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from booking.actions import feed_codes
from booking.actions.audit import Actor, note
from booking.actions.cancel_steps import write_steps
from booking.actions.rooms import door_in_use, name_taken
from booking.actions.setting_rows import Range, bump, out_of_range, own, plain, put, remove, require_known, set_fields
from booking.actions.site_calendars import follow_room
from booking.rules.feed_codes import LEAST_HOURS, MOST_HOURS
from booking.rules.findings_table import DEFAULTS
from booking.rules.moving import step_reasons
from booking.tables.doors import Door, DoorCode
from booking.tables.houses import (
    ClosingDay,
    CustomerGroup,
    HoursKind,
    OpeningHours,
    Organisation,
    PriceExtra,
    PriceList,
    PriceRule,
    Room,
    Season,
    Terms,
    TermsKind,
    WorkHours,
)
from booking.tables.outgoing import Invoice
from booking.values.findings import Threshold
from booking.values.house import Hours
from booking.values.refusals import NotFound, Reason, Refused

HOUSE_RANGES: dict[str, Range] = {
    "payment_days": (0, 90),
    "grace_seconds": (0, 600),
    "desk_days": (1, 14),
    "code_hours_before": (1, 720),
    "feed_code_hours": (LEAST_HOURS, MOST_HOURS),
    "approve_after_kept": (1, 1000),
    "open_per_contact": (1, 1000),
    "open_per_address": (1, 10_000),
    "open_per_room": (1, 100_000),
}
ROOM_RANGES: dict[str, Range] = {
    "slot_minutes": (5, 1440),
    "grid_minutes": (5, 1440),
    "shortest_minutes": (5, 10_080),
    "longest_minutes": (5, 10_080),
    "buffer_before_minutes": (0, 480),
    "buffer_after_minutes": (0, 480),
    "tolerance_before_minutes": (0, 120),
    "tolerance_after_minutes": (0, 120),
    "notice_minutes": (0, 43_200),
    "horizon_days": (1, 1095),
    "most_people": (1, 100_000),
}
HOUSE_TEXTS = frozenset(
    {
        "name", "legal_name", "street", "postcode", "city", "country", "subdivision", "email", "desk_email",
        "office_phone", "desk_phone", "language", "currency", "zone", "tax_number", "vat_id", "iban", "bic", "payee",
        "review_by", "mail_at", "digest_at", "holidays_close_rooms", "code_after_payment", "mail_check",
    }
)  # fmt: skip
ROOM_TEXTS = frozenset({"name", "description", "price_list_id", "door_id"})
STEPS = "cancel_steps"


def change_house(
    session: Session, now: datetime, organisation_id: int, actor: Actor, wanted: Mapping[str, Any]
) -> Refused | None:
    """Set columns of the organisation. Refused at the field: out-of-range, no-zone, currency-fixed, no-tax-number."""
    require_known(wanted, HOUSE_TEXTS | HOUSE_RANGES.keys())
    row = session.get_one(Organisation, organisation_id, with_for_update=True)
    reasons = out_of_range(HOUSE_RANGES, wanted)
    if "zone" in wanted and wanted["zone"] not in available_timezones():
        reasons.append(Reason("no-zone", "zone"))
    if wanted.get("currency", row.currency) != row.currency and _has_documents(session, organisation_id):
        reasons.append(Reason("currency-fixed", "currency"))
    taxed = wanted.get("tax_number", row.tax_number) or wanted.get("vat_id", row.vat_id)
    if not taxed and wanted.keys() & {"tax_number", "vat_id"}:
        reasons.append(Reason("no-tax-number", "tax_number"))
    if reasons:
        return Refused(tuple(reasons))
    with feed_codes.terms_changed(session, now, row, wanted):
        set_fields(session, now, organisation_id, actor, row, "organisation", wanted)
    return None


def set_work_hours(
    session: Session, now: datetime, organisation_id: int, actor: Actor, kind: HoursKind, hours: Sequence[Hours]
) -> Refused | None:
    """Replace the office's or the desk phone's hours. Refused: hours-overlap at `<kind>-<weekday>`."""
    no = _overlapping(hours, kind.value)
    if no:
        return no
    old = WorkHours.organisation_id == organisation_id, WorkHours.kind == kind
    before = [Hours(row.weekday, row.opens, row.closes) for row in session.scalars(select(WorkHours).where(*old))]
    session.execute(delete(WorkHours).where(*old))
    mine = {"organisation_id": organisation_id, "kind": kind}
    session.add_all([WorkHours(**mine, weekday=one.weekday, opens=one.opens, closes=one.closes) for one in hours])
    _hours_changed(session, now, organisation_id, actor, "organisation", organisation_id, kind.value, before, hours)
    return None


def set_opening_hours(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    room_id: int,
    season_id: int | None,
    hours: Sequence[Hours],
) -> Refused | None:
    """Replace a room's hours of one season, or of all year. What is booked stays. Refused: hours-overlap."""
    own(session, Room, organisation_id, room_id)
    if season_id is not None:
        own(session, Season, organisation_id, season_id)
    no = _overlapping(hours, "opening")
    if no:
        return no
    old = OpeningHours.room_id == room_id, OpeningHours.season_id.is_not_distinct_from(season_id)
    before = [Hours(row.weekday, row.opens, row.closes) for row in session.scalars(select(OpeningHours).where(*old))]
    session.execute(delete(OpeningHours).where(*old))
    mine = {"organisation_id": organisation_id, "room_id": room_id, "season_id": season_id}
    session.add_all([OpeningHours(**mine, weekday=one.weekday, opens=one.opens, closes=one.closes) for one in hours])
    _hours_changed(session, now, organisation_id, actor, "room", room_id, "opening", before, hours)
    return None


def change_room(
    session: Session, now: datetime, organisation_id: int, actor: Actor, room_id: int, wanted: Mapping[str, Any]
) -> Refused | None:
    """Set how a room is booked; what is booked already keeps its time and its price.

    `cancel_steps` are all steps of the room from now on (SPEC S27). Refused at the field: out-of-range,
    not-a-multiple-of-slot, longest-below-shortest, name-taken, door-in-use, and what `step_reasons` says.
    """
    require_known(wanted, ROOM_TEXTS | ROOM_RANGES.keys() | {STEPS})
    row = own(session, Room, organisation_id, room_id)
    if wanted.get("price_list_id") is not None:
        own(session, PriceList, organisation_id, wanted["price_list_id"])
    if wanted.get("door_id") is not None:
        own(session, Door, organisation_id, wanted["door_id"])
    reasons = out_of_range(ROOM_RANGES, wanted) or _room_lengths(row, wanted)
    if "name" in wanted:
        reasons += name_taken(session, organisation_id, room_id, wanted["name"])
    if "door_id" in wanted:
        reasons += door_in_use(session, now, row, wanted["door_id"])
    reasons += step_reasons(wanted.get(STEPS, ()))
    if reasons:
        return Refused(tuple(reasons))
    set_fields(session, now, organisation_id, actor, row, "room", {k: v for k, v in wanted.items() if k != STEPS})
    if STEPS in wanted:
        write_steps(session, now, actor, row, wanted[STEPS])
    if "horizon_days" in wanted:
        follow_room(session, now, row)
    return None


def put_season(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    season_id: int | None,
    wanted: Mapping[str, Any],
) -> Refused | int:
    """Make or change a season (name, first_day, last_day; both days inclusive). Returns its id.

    Refused: ends-before-begin.
    """
    return _put_days(session, now, organisation_id, actor, Season, season_id, wanted)


def remove_season(
    session: Session, now: datetime, organisation_id: int, actor: Actor, season_id: int
) -> Refused | None:
    """Refused(season-in-use) while codes, opening hours or prices are kept for it."""
    for table in (DoorCode, OpeningHours, PriceRule):
        uses = select(func.count()).where(table.organisation_id == organisation_id, table.season_id == season_id)
        if session.scalar(uses):
            return Refused((Reason("season-in-use"),))
    remove(session, now, organisation_id, actor, Season, season_id)
    return None


def put_closing(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    closing_id: int | None,
    wanted: Mapping[str, Any],
) -> Refused | int:
    """Make or change closing days (first_day, last_day inclusive, reason, room_id or None for the house, closes_office,
    closes_rooms). What is booked stays booked. Returns the id. Refused: ends-before-begin, closes-nothing.
    """
    if wanted.get("room_id") is not None:
        own(session, Room, organisation_id, wanted["room_id"])
    if not (wanted.get("closes_office", True) or wanted.get("closes_rooms", True)):
        return Refused((Reason("closes-nothing", "closes_rooms"),))
    return _put_days(session, now, organisation_id, actor, ClosingDay, closing_id, wanted)


def remove_closing(session: Session, now: datetime, organisation_id: int, actor: Actor, closing_id: int) -> None:
    remove(session, now, organisation_id, actor, ClosingDay, closing_id)


def put_price_list(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    list_id: int | None,
    wanted: Mapping[str, Any],
) -> Refused | int:
    """Make or change a list (name, vat_rate in basis points, exemption, minimum in cents); it never reprices (S25).

    Returns its id. Refused: no-exemption-reason at `exemption`, where the rate is 0, also that of an extra.
    """
    row = own(session, PriceList, organisation_id, list_id) if list_id else None
    rate = wanted.get("vat_rate", row.vat_rate if row else 0)
    untaxed = select(func.count()).where(PriceExtra.price_list_id == list_id, PriceExtra.vat_rate == 0)
    if (rate == 0 or (row and session.scalar(untaxed))) and not wanted.get("exemption", row.exemption if row else None):
        return Refused((Reason("no-exemption-reason", "exemption"),))
    return put(session, now, organisation_id, actor, PriceList, row, wanted)


def put_price_rule(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    list_id: int,
    rule_id: int | None,
    wanted: Mapping[str, Any],
) -> Refused | int:
    """Make or change a line of a list: name, cents (gross), per_hour, weekdays, from_time, to_time, season_id, rank,
    group_id.

    Returns its id. Refused: out-of-range.
    """
    own(session, PriceList, organisation_id, list_id)
    if wanted.get("season_id") is not None:
        own(session, Season, organisation_id, wanted["season_id"])
    if wanted.get("group_id") is not None:
        own(session, CustomerGroup, organisation_id, wanted["group_id"])
    row = own(session, PriceRule, organisation_id, rule_id) if rule_id else None
    if row is not None and row.price_list_id != list_id:
        raise NotFound("price_rule", rule_id)
    if wanted.get("cents", 0) < 0:
        return Refused((Reason("out-of-range", "cents", {"least": 0, "most": 1_000_000}),))
    return put(session, now, organisation_id, actor, PriceRule, row, {**wanted, "price_list_id": list_id})


def remove_price_rule(session: Session, now: datetime, organisation_id: int, actor: Actor, rule_id: int) -> None:
    remove(session, now, organisation_id, actor, PriceRule, rule_id)


def set_thresholds(
    session: Session, now: datetime, organisation_id: int, actor: Actor, wanted: Mapping[str, Threshold]
) -> Refused | None:
    """How findings weigh (SPEC S8). Only what differs from the defaults is stored. Refused: out-of-range."""
    require_known(wanted, DEFAULTS.keys())
    reasons = [
        Reason("out-of-range", f"number-{code}", {"least": 0, "most": 100_000})
        for code, one in wanted.items()
        if one.number is not None and not 0 <= one.number <= 100_000
    ]
    if reasons:
        return Refused(tuple(reasons))
    stored = {
        code: {"weight": one.weight.value if one.weight else None, "number": one.number}
        for code, one in wanted.items()
        if one != DEFAULTS[code]
    }
    row = session.get_one(Organisation, organisation_id, with_for_update=True)
    set_fields(session, now, organisation_id, actor, row, "organisation", {"thresholds": stored})
    return None


def publish_terms(
    session: Session, now: datetime, organisation_id: int, actor: Actor, kind: TermsKind, language: str, text: str
) -> Refused | int:
    """A new version of a legal text; earlier ones stay, since bookings name them (SPEC S4, X9). Returns its number.

    Refused: missing, unchanged (word for word the newest version).
    """
    if not text.strip():
        return Refused((Reason("missing", "text"),))
    session.get_one(Organisation, organisation_id, with_for_update=True)  # versions are counted by one at a time
    mine = Terms.organisation_id == organisation_id, Terms.kind == kind, Terms.language == language
    newest = session.scalars(select(Terms).where(*mine).order_by(Terms.version.desc()).limit(1)).one_or_none()
    if newest is not None and newest.text == text.strip():
        return Refused((Reason("unchanged", "text"),))
    version = newest.version + 1 if newest else 1
    facts = {"kind": kind, "language": language, "version": version}
    row = Terms(organisation_id=organisation_id, text=text.strip(), published_at=now, **facts)
    session.add(row)
    session.flush()
    note(session, now, organisation_id, actor, "terms", row.id, "published", after=plain(facts))
    bump(session, organisation_id)
    return version


def _room_lengths(row: Room, wanted: Mapping[str, Any]) -> list[Reason]:
    def value(name: str) -> int:
        return int(wanted.get(name, getattr(row, name)))

    slot = value("slot_minutes")
    reasons = [
        Reason("not-a-multiple-of-slot", name, {"minutes": slot})
        for name in ("shortest_minutes", "longest_minutes")
        if value(name) % slot
    ]
    if value("longest_minutes") < value("shortest_minutes"):
        reasons.append(Reason("longest-below-shortest", "longest_minutes"))
    return reasons


def _overlapping(hours: Sequence[Hours], prefix: str) -> Refused | None:
    """Two lines of one weekday must not overlap; a line that closes at or before it opens runs into the next day."""
    reasons = []
    for weekday in range(7):
        lines = sorted((one for one in hours if one.weekday == weekday), key=lambda one: one.opens)
        for first, second in pairwise(lines):
            if first.closes <= first.opens or second.opens < first.closes:
                reasons.append(Reason("hours-overlap", f"{prefix}-{weekday}"))
    return Refused(tuple(reasons)) if reasons else None


def _hours_changed(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    subject: str,
    subject_id: int,
    what: str,
    before: Sequence[Hours],
    after: Sequence[Hours],
) -> None:
    old, new = _told(before), _told(after)
    if old != new:
        note(session, now, organisation_id, actor, subject, subject_id, f"{what}-hours", before=old, after=new)
        bump(session, organisation_id)


def _told(hours: Sequence[Hours]) -> dict[str, Any]:
    ordered = sorted(hours, key=lambda one: (one.weekday, one.opens))
    return {"hours": [f"{one.weekday} {one.opens:%H:%M}-{one.closes:%H:%M}" for one in ordered]}


def _put_days(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    table: type[Season] | type[ClosingDay],
    row_id: int | None,
    wanted: Mapping[str, Any],
) -> Refused | int:
    row: Season | ClosingDay | None = own(session, table, organisation_id, row_id) if row_id else None
    first: date = wanted.get("first_day", getattr(row, "first_day", None))
    last: date = wanted.get("last_day", getattr(row, "last_day", None))
    if last < first:
        return Refused((Reason("ends-before-begin", "last_day"),))
    return put(session, now, organisation_id, actor, table, row, wanted)


def _has_documents(session: Session, organisation_id: int) -> bool:
    query = select(func.count()).select_from(Invoice).where(Invoice.organisation_id == organisation_id)
    return bool(session.scalar(query))
