"""What YouCanBook.me says about a booking, read into values. Pure.

Times come in three forms, and all are read (SPEC Y6).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from booking.values.clock import instant_of
from booking.values.slot import Slot

BASE_URL = "https://api.youcanbook.me/v1"
OUR_MARK = "PLATZWART"
SECRET_FIELDS = frozenset({"ip", "ownerSecret", "bookerSecret", "lobbyPassword", "lobby"})
E = TypeVar("E", bound=StrEnum)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

STAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.\d{1,9})?)?"
    r"(?P<offset>Z|z|[+-]\d\d(:?\d\d)?)?(\[[^\]]{1,64}\])?",
    re.ASCII,
)
MILLIS = re.compile(r"[0-9]{11,14}")


class Tentative(StrEnum):
    """Where a page asks its owner first: NOT_USED elsewhere. UNKNOWN is any word not in the documentation."""

    NOT_USED = "NOT_USED"
    UNDECIDED = "UNDECIDED"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"
    UNKNOWN = "UNKNOWN"


class Party(StrEnum):
    BOOKER = "BOOKER"
    OWNER = "OWNER"


@dataclass(frozen=True, slots=True)
class RemoteBooking:
    """A booking as it stands there. Instants are aware UTC; name, e-mail and phone are best effort from the answers.

    `mark` is what `create_block` wrote into a block of ours, else None; anybody can type it, so compare it with your
    own records before you trust it. `raw` is the answer without address and secrets of the booker.
    """

    id: str
    ref: str
    profile_id: str
    slot: Slot
    zone: str
    title: str
    answers: Mapping[str, str]
    name: str
    email: str
    phone: str
    mark: str | None
    tentative: Tentative
    cancelled: bool
    cancelled_by: Party | None
    cancelled_at: datetime | None
    no_show: bool
    created_at: datetime | None
    updated_at: datetime | None
    raw: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RemoteProfile:
    """A booking page. `zone` is None where the site leaves it to the account."""

    id: str
    title: str
    subdomain: str
    zone: str | None


def read_time(text: str | int, zone: ZoneInfo | None = None) -> datetime:
    """The UTC instant of a time in any of their forms. Raises ValueError.

    `2015-01-23T08:00:00+0000` or `+01:00`, `…Z`, a wall time in `zone` (gaps and folds: `booking.values.clock`), or
    milliseconds since 1970. Fractions of a second are dropped. A wall time without a zone is an error, never a guess.
    """
    stamp = str(text).strip()
    if MILLIS.fullmatch(stamp):
        return EPOCH + timedelta(seconds=int(stamp) // 1000)
    found = STAMP.fullmatch(stamp)
    if not found:
        raise ValueError(f"not a time: {stamp[:40]!r}")
    wall = datetime.fromisoformat(f"{found['day']}T{found['hour']}:{found['minute']}:{found['second'] or '00'}")
    try:
        return _placed(wall, found["offset"], zone)
    except OverflowError:
        raise ValueError(f"outside the calendar: {stamp[:40]!r}") from None


def _placed(wall: datetime, offset: str | None, zone: ZoneInfo | None) -> datetime:
    if offset is None:
        if zone is None:
            raise ValueError("a wall time needs its zone")
        return instant_of(wall.date(), wall.time(), zone)
    if offset in {"Z", "z"}:
        return wall.replace(tzinfo=UTC)
    digits = offset[1:].replace(":", "").ljust(4, "0")
    if digits[2:] > "59":
        raise ValueError(f"no offset: {offset}")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return wall.replace(tzinfo=timezone(-away if offset[0] == "-" else away)).astimezone(UTC)


def read_zone(name: object) -> ZoneInfo | None:
    """The zone of that name, or None where it is missing or unknown."""
    if not isinstance(name, str) or not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no such zone, a folder of zones, a path out of them
        return None


def read_booking(raw: object) -> RemoteBooking:
    """A booking out of decoded JSON. Raises ValueError where id or times are missing or make no sense."""
    if not isinstance(raw, dict):
        raise ValueError("a booking is an object")  # noqa: TRY004 - one error for all that cannot be read
    answers = _answers(raw.get("answers"))
    zone = read_zone(raw.get("timeZone"))
    start = _first_time((raw.get("startsAtUTC"), raw.get("startsAt")), zone)
    end = _first_time((raw.get("endsAtUTC"), raw.get("endsAt")), zone)
    return RemoteBooking(
        id=_identity(raw.get("id")),
        ref=_text(raw.get("ref")),
        profile_id=_text(raw.get("profileId")),
        slot=Slot(start, end),
        zone=zone.key if zone else "",
        title=_text(raw.get("title")),
        answers=answers,
        name=_name(answers),
        email=_pick(answers, ("EMAIL", "E-MAIL", "MAIL")),
        phone=_pick(answers, ("PHONE", "MOBILE", "TEL", "TELEFON", "SMS")),
        mark=answers.get(OUR_MARK) or _mark_in(answers.get("FNAME", "")),
        tentative=_member(Tentative, raw.get("tentative") or "NOT_USED") or Tentative.UNKNOWN,
        cancelled=raw.get("cancelled") is True,
        cancelled_by=_member(Party, raw.get("cancelledBy")),
        cancelled_at=_moment(raw.get("cancelledAt"), zone),
        no_show=raw.get("noShow") is True,
        created_at=_moment(raw.get("createdAt"), zone),
        updated_at=_moment(raw.get("updatedAt"), zone),
        raw={name: value for name, value in raw.items() if name not in SECRET_FIELDS},
    )


def read_profile(raw: object) -> RemoteProfile:
    """A booking page out of decoded JSON. Raises ValueError."""
    if not isinstance(raw, dict):
        raise ValueError("a profile is an object")  # noqa: TRY004 - one error for all that cannot be read
    zone = read_zone(raw.get("timeZone"))
    identity = _identity(raw.get("id"))
    return RemoteProfile(identity, _text(raw.get("title")), _text(raw.get("subdomain")), zone.key if zone else None)


def read_offers(raw: object) -> frozenset[datetime]:
    """The starts that are free, out of the decoded answer about availability. Raises ValueError.

    One slot that makes no sense spoils the answer: who asks whether a time is no longer offered must not miss one.
    """
    slots = raw.get("slots") if isinstance(raw, dict) else None
    if not isinstance(slots, list) or not all(isinstance(slot, dict) for slot in slots):
        raise ValueError("no list of slots")
    return frozenset(_first_time((slot.get("startsAt"),), None) for slot in slots if slot.get("freeUnits", 1) != 0)


def marked_name(mark: str) -> str:
    """The booker's name of a block of ours: people read it there, and it survives where unknown answers are dropped."""
    return f"{OUR_MARK} {mark}".strip()


def _mark_in(name: str) -> str | None:
    found = re.fullmatch(rf"{OUR_MARK}(?: (\S+))?", name.strip())
    return (found[1] or OUR_MARK) if found else None


def _identity(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value or len(value) > 200:
        raise ValueError("an id is missing")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _first_time(values: Iterable[object], zone: ZoneInfo | None) -> datetime:
    for value in values:
        if isinstance(value, str | int) and value:
            return read_time(value, zone)
    raise ValueError("a time is missing")


def _moment(value: object, zone: ZoneInfo | None) -> datetime | None:
    """A time that only informs: None where it cannot be read."""
    try:
        return _first_time((value,), zone)
    except ValueError:
        return None


def _answers(value: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for answer in value if isinstance(value, list) else []:
        if isinstance(answer, dict) and isinstance(answer.get("code"), str):
            found[answer["code"].upper()] = _text(answer.get("string")).strip()
    return found


def _name(answers: Mapping[str, str]) -> str:
    whole = " ".join(part for part in (answers.get("FNAME", ""), answers.get("LNAME", "")) if part)
    return whole or _pick(answers, ("NAME",))


def _pick(answers: Mapping[str, str], codes: tuple[str, ...]) -> str:
    return next((answers[code] for code in codes if answers.get(code)), "")


def _member(kind: type[E], value: object) -> E | None:
    try:
        return kind(str(value))
    except ValueError:
        return None
