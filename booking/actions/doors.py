"""A season's door codes: made or imported, shown, and watched so that they do not run out (SPEC S1 to S3, S22).

What takes long (drawing, reading a list, sealing) is done on a read session and brought into the write as a value.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.actions import audit, messages
from booking.actions.audit import Actor
from booking.actions.cases import close_case, open_case
from booking.actions.code_lists import (
    Drawn,
    NewCode,
    draw,
    keep,
    marks,
    newest,
    sealed_code,
    season_of,
    taken_by,
    windows_of,
)
from booking.actions.codes import LONGEST_WINDOW
from booking.actions.leases import hold_lease
from booking.actions.messages import MailKind
from booking.actions.tools import Tools
from booking.reads.code_texts import texts_of
from booking.reads.door_days import door_days
from booking.reads.doors import CodeLine, DoorFacts, Reach, code_lines, doors_of, read_door, side_by_side
from booking.reads.house import House
from booking.rules.code_import import CodeRow, Problem, read_codes_csv
from booking.rules.doorcodes import Pattern, windows
from booking.tables.bookings import CaseFile
from booking.tables.doors import DoorCode
from booking.tables.houses import Organisation
from booking.tables.outgoing import Lease, Message
from booking.values.clock import DAY, day_bounds, local_day, local_time
from booking.values.house import Season
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot
from booking.values.states import CodeState

LOW = "codes-low"
WARNED_BEFORE = timedelta(days=14)
REFILLED = "codes-added"


@dataclass(frozen=True, slots=True)
class Generated:
    count: int


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would do. `fingerprint` names file, door and what the door held; the page sends it back.

    count      codes that would be new         known   codes that the door has already, left alone
    over       codes whose window is past      problems  why nothing is taken over until the file is put right
    """

    fingerprint: str
    count: int
    known: int
    over: int
    first_day: date | None
    last_day: date | None
    problems: tuple[Problem, ...]
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code in plain text, for one page; that it was shown is in the audit log."""

    line: CodeLine
    text: str

    def __repr__(self) -> str:
        return f"ShownCode({self.line!r})"


def draw_season(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    door_id: int,
    season_id: int,
    pattern: Pattern,
    pool: int | None = None,
) -> Drawn | Refused:
    """Draw the codes that the door's season lacks: `pool` for each window, by default one for each party side by side.

    Runs on a read session. Windows that are over get none; those that have codes already get only what is missing.
    Refused: no-rooms, bad-pool, no-windows, format-exhausted.
    """
    door = read_door(session, house, door_id)
    wanted = side_by_side(door.rooms) if pool is None else pool
    if not door.rooms or wanted < 1:
        return refused("bad-pool" if door.rooms else "no-rooms")
    season = season_of(house, season_id)
    found = {window for room in door.rooms for window in windows(pattern, season, house.calendar(room), room.terms)}
    if not found:
        return refused("no-windows")
    stock = Counter(windows_of(session, door_id, season_id))
    missing = [window for window in sorted(found) if window.end > now for _ in range(wanted - stock[window])]
    return draw(session, now, tools, door, season_id, missing)


def draw_replacement(
    session: Session, now: datetime, tools: Tools, house: House, door_id: int, season_id: int
) -> Drawn | Refused:
    """Draw a whole new list: for each code of the season that can still open, another with the same window (S22)."""
    door = read_door(session, house, door_id)
    stock = [window for window in windows_of(session, door_id, season_id) if window.end > now]
    return draw(session, now, tools, door, season_id, sorted(stock)) if stock else refused("no-windows")


def generate_season(session: Session, now: datetime, house: House, drawn: Drawn, actor: Actor) -> Generated | Refused:
    """Write drawn codes. Refused("codes-changed") where the door got others meanwhile: draw again."""
    no = keep(session, house, drawn)
    if no:
        return no
    _noted(session, now, house, drawn, actor, "codes-generated")
    return Generated(len(drawn.codes))


def preview_import(
    session: Session, now: datetime, tools: Tools, house: House, door_id: int, body: bytes
) -> ImportPreview:
    """Read the lock's list (SPEC S1, X7) on a read session; nothing is written.

    Problems are those of `read_codes_csv`, and too-long (a window over 32 days), in-use (the door has that code
    already in another window that overlaps). A code with exactly a window that the door has is known, not a problem.
    """
    door = read_door(session, house, door_id)
    read = read_codes_csv(body, door.zone, door.lock)
    seen, taken = newest(session, door_id), taken_by(session, door_id)
    problems, rows, known = list(read.problems), [], 0
    for row in read.rows:
        others = [one for mark in marks(tools, door_id, row.code) for one in taken.get(mark, ())]
        if row.window in others:
            known += 1
        elif row.window.duration > LONGEST_WINDOW:
            problems.append(Problem(row.line, "too-long", "until"))
        elif any(row.window.overlaps(other) for other in others):
            problems.append(Problem(row.line, "in-use", "code"))
        else:
            rows.append(row)
    living = [row for row in rows if row.window.end > now]
    days = [local_day(row.window.start, door.zone) for row in living]
    return ImportPreview(
        fingerprint=hashlib.sha256(b"%d\0%d\0" % (door_id, seen) + body).hexdigest(),
        count=len(living),
        known=known,
        over=len(rows) - len(living),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
        drawn=Drawn(door_id, seen, tuple(_from_list(now, tools, house, door, row) for row in living)),
    )


def apply_import(
    session: Session, now: datetime, house: House, preview: ImportPreview, seen: str, actor: Actor
) -> Generated | Refused:
    """Take over all of a list or nothing. `seen` is the fingerprint of the preview that the person looked at.

    Refused: has-problems, preview-changed (another file, or the door's codes changed since), codes-changed.
    """
    if preview.problems:
        return refused("has-problems")
    if seen != preview.fingerprint:
        return refused("preview-changed")
    no = keep(session, house, preview.drawn)
    if no:
        return no
    _noted(session, now, house, preview.drawn, actor, "codes-imported")
    return Generated(preview.count)


def reveal_codes(
    session: Session, now: datetime, tools: Tools, house: House, reach: Reach, span: Slot | None, actor: Actor
) -> tuple[ShownCode, ...]:
    """The codes within somebody's reach in plain text (SPEC S2, S3). Each look is logged, with how many were shown."""
    lines = code_lines(session, house, reach, span)
    texts = texts_of(session, tools.vault, house.organisation_id, [line.code_id for line in lines])
    for door_id, count in sorted(Counter(line.door_id for line in lines).items()):
        told = {"count": count} | ({"from": span.start.isoformat(), "until": span.end.isoformat()} if span else {})
        audit.note(session, now, house.organisation_id, actor, "door", door_id, "codes-shown", after=told)
    return tuple(ShownCode(line, texts[line.code_id]) for line in lines)


def announce_low_codes(session: Session, now: datetime, house: House) -> int:
    """Tell the office once that a season's codes run out within 14 days (SPEC S22). Returns how many were announced.

    Run out is the first day on which a booking or a bookable slot finds no code (`DoorDay.short`). The case closes by
    itself when codes were added; then it can be announced again. One that was closed by hand is
    announced again when fewer are left than it told. Looking costs a grid of 14 days for each door, so it is done once
    in an hour however often this is called.
    """
    if not _is_time_to_look(session, now, house):
        return 0
    known = _low_cases(session, house)
    announced = 0
    for door in doors_of(session, house):
        for season in house.seasons:
            about = f"{door.door_id}-{season.season_id}"
            found = _running_out(session, now, house, door, season)
            if found is None:
                _note_refilled(session, now, house, about, known.get(f"{LOW}-{about}"))
            elif _is_news(found, known.get(f"{LOW}-{about}")):
                open_case(session, now, house.organisation_id, LOW, about, None, found)
                _post_to_office(session, now, house, found)
                announced += 1
    return announced


def post_digest(session: Session, now: datetime, house: House) -> bool:
    """Post the desk's mail of the day, once for each local day from the house's hour on (SPEC S3).

    Its codes are read when it is sent. Returns whether it was posted now.
    """
    day = local_day(now, house.zone)
    if not house.desk_email or local_time(now, house.zone) < house.digest_at or _has_digest(session, house, day):
        return False
    row = select(Organisation.id).where(Organisation.id == house.organisation_id)
    session.execute(row.with_for_update(key_share=True)).one()  # two at once: the second finds the first's mail
    if _has_digest(session, house, day):
        return False
    messages.supersede_digests(session, now, house.organisation_id)  # those of earlier days tell of other days
    messages.post_digest(session, now, house, house.desk_email, day.isoformat())
    return True


def _from_list(now: datetime, tools: Tools, house: House, door: DoorFacts, row: CodeRow) -> NewCode:
    day = local_day(row.window.start, door.zone)
    season = next((one for one in house.seasons if one.first_day <= day <= one.last_day), None)
    return sealed_code(now, tools, door.door_id, season.season_id if season else None, row.code, row.window)


def _noted(session: Session, now: datetime, house: House, drawn: Drawn, actor: Actor, action: str) -> None:
    told = {"count": len(drawn.codes)}
    audit.note(session, now, house.organisation_id, actor, "door", drawn.door_id, action, after=told)


def _is_time_to_look(session: Session, now: datetime, house: House) -> bool:
    """True for the first caller of each hour: the lease's owner is the hour."""
    name, hour = f"{LOW}-{house.organisation_id}", now.strftime("%Y-%m-%dT%H")
    if session.scalar(select(Lease.owner).where(Lease.name == name)) == hour:
        return False
    return hold_lease(session, now, name, hour, timedelta(0)) is not None


def _low_cases(session: Session, house: House) -> dict[str, CaseFile]:
    """The cases of codes that run out, open and closed, by dedup key."""
    query = select(CaseFile).where(CaseFile.organisation_id == house.organisation_id, CaseFile.kind == LOW)
    return {case.dedup_key: case for case in session.scalars(query.execution_options(populate_existing=True))}


def _is_news(found: dict[str, str | int], known: CaseFile | None) -> bool:
    """Whether the office does not know it: no case yet, a new shortage, or fewer left than when it settled the case."""
    if known is None or known.closed_at is None:
        return known is None
    return known.resolution == REFILLED or int(found["left"]) < int(known.facts["left"])


def _note_refilled(session: Session, now: datetime, house: House, about: str, known: CaseFile | None) -> None:
    """There are enough again. A case closed by hand counts as refilled too, so that the next shortage is new."""
    if known is None or known.resolution == REFILLED:
        return
    if not close_case(session, now, house.organisation_id, LOW, about, resolution=REFILLED):
        known.resolution = REFILLED


def _running_out(
    session: Session, now: datetime, house: House, door: DoorFacts, season: Season
) -> dict[str, str | int] | None:
    """What the mail tells: the last day with a code, and how many are left; None while there are enough."""
    first = max(local_day(now, door.zone), season.first_day)
    last = min(local_day(now + WARNED_BEFORE, door.zone), season.last_day)
    if first > last or not door.rooms:
        return None
    short = next((day.day for day in door_days(session, now, house, door.door_id, first, last) if day.short), None)
    if short is None:
        return None
    _, end = day_bounds(season.last_day, door.zone)
    left = select(func.count()).where(
        DoorCode.door_id == door.door_id,
        DoorCode.state == CodeState.FREE,
        DoorCode.ends_at > now,
        DoorCode.starts_at < end,
    )
    return {
        "season": season.name,
        "door": door.name,
        "left": session.scalar(left) or 0,
        "last_day": (short - DAY).isoformat(),
    }


def _post_to_office(session: Session, now: datetime, house: House, facts: dict[str, str | int]) -> None:
    messages.post(
        session,
        now,
        house,
        MailKind.CODES_LOW,
        to=house.letterhead.email,
        name=house.name,
        language=house.language,
        booking_id=None,
        facts=dict(facts),
    )


def _has_digest(session: Session, house: House, day: date) -> bool:
    """Whether the day's mail was posted; mails of the last two days are few, and the day is told by their facts."""
    begin, end = day_bounds(day, house.zone)
    query = select(Message.facts).where(
        Message.organisation_id == house.organisation_id,
        Message.kind == MailKind.DESK_DIGEST.value,
        Message.made_at >= begin,
        Message.made_at < end,
    )
    return any(facts.get("day") == day.isoformat() for facts in session.scalars(query))
