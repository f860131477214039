"""What the calls of the administration say and are answered: audit log, staff, tokens, prices, days (SPEC R1, X5)."""

from datetime import time
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints

from booking.rules.extras import MOST
from booking.rules.permissions import Capability, Scope
from booking.values.house import Per
from booking.values.states import Role
from web.api.common_models import Clock, Day, PageQuery
from web.api.models import Email, Instant, Language, Line, Model, Needed, plain_text

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(plain_text)]
Password = Annotated[str, StringConstraints(min_length=12, max_length=200), AfterValidator(plain_text)]
Cents = Annotated[StrictInt, Field(ge=0, le=10_000_000)]
Weekday = Annotated[StrictInt, Field(ge=0, le=6, description="0 is Monday")]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(plain_text)
]


class AuditQuery(PageQuery):
    """`actor`: a name as it stands in the log. `from` counts, `to` does not."""

    actor: Line = ""
    subject: Line = ""
    start: Instant | None = Field(default=None, alias="from")
    end: Instant | None = Field(default=None, alias="to")


class AuditRecord(Model):
    name: str
    id: UUID | None


class AuditEntry(Model):
    """Who changed what, when, from where, before and after. `record` null: it is gone, or has no name."""

    at: Instant
    actor: str
    origin: str
    subject: str
    action: str
    record: AuditRecord | None
    before: dict[str, Any]
    after: dict[str, Any]


class AuditEntries(Model):
    entries: list[AuditEntry]
    next: UUID | None


class StaffPath(Model):
    staff_id: UUID


class StaffBody(Model):
    """The first password is handed over in person."""

    name: Name
    email: Email
    role: Role
    password: Password
    language: Language = "de"


class RoleBody(Model):
    role: Role


class PasswordBody(Model):
    password: Password


class Member(Model):
    id: UUID
    name: str
    email: str
    role: Role
    disabled_at: Instant | None


class Members(Model):
    staff: list[Member]


class RoleLine(Model):
    """What a role may do, and how far it reaches; what is not named is denied."""

    role: Role
    may: dict[Capability, Scope]


class Roles(Model):
    roles: list[RoleLine]


class TokenPath(Model):
    token_id: UUID


class TokenBody(Model):
    """`name`: which program uses it; it stands in the audit log."""

    name: Name
    role: Role


class TokenLine(Model):
    id: UUID
    name: str
    role: Role
    made_by: str
    created_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None


class Tokens(Model):
    tokens: list[TokenLine]


class TokenMade(Model):
    """`token` is told now and never again; null for a repeated call."""

    id: UUID
    name: str
    role: Role
    token: str | None


class ListPath(Model):
    list_id: UUID


class PricePath(Model):
    list_id: UUID
    price_id: UUID


class PriceListBody(Model):
    """`vat_basis_points`: 1900 is 19 %. `exemption`: needed where that is 0; it stands on the invoice."""

    name: Name
    vat_basis_points: Annotated[StrictInt, Field(ge=0, le=10_000)]
    exemption: Line | None = None
    minimum_cents: Cents = 0


class PriceBody(Model):
    """`name` stands on the invoice. No weekday: every day. `to_time` 00:00 is midnight. The highest rank wins.

    `group`: only for customers of that group, and then before those for everybody.
    """

    name: Name
    cents: Cents
    per_hour: StrictBool = True
    weekdays: Annotated[tuple[Weekday, ...], Field(max_length=7)] = ()
    from_time: Clock = time(0)
    to_time: Clock = time(0)
    season: UUID | None = None
    group: UUID | None = None
    rank: Annotated[StrictInt, Field(ge=-100, le=100)] = 0


class Price(PriceBody):
    id: UUID


class ExtraPath(Model):
    list_id: UUID
    extra_id: UUID


class ExtraBody(Model):
    """`name` stands on the invoice. `vat_basis_points` null: the list's. `most` null: as many as wanted.

    `active` false: no longer offered; who booked it keeps it. The smallest rank comes first.
    """

    name: Name
    cents: Cents
    per: Per = Per.BOOKING
    vat_basis_points: Annotated[StrictInt, Field(ge=0, le=10_000)] | None = None
    most: Annotated[StrictInt, Field(ge=1, le=MOST)] | None = 1
    active: StrictBool = True
    rank: Annotated[StrictInt, Field(ge=-100, le=100)] = 0


class Extra(ExtraBody):
    id: UUID


class GroupPath(Model):
    group_id: UUID


class GroupBody(Model):
    name: Name


class Group(GroupBody):
    id: UUID


class Groups(Model):
    groups: list[Group]


class PriceList(PriceListBody):
    id: UUID
    rooms: list[str]
    prices: list[Price]
    extras: list[Extra]


class PriceLists(Model):
    price_lists: list[PriceList]


class SeasonPath(Model):
    season_id: UUID


class SeasonBody(Model):
    """Both days count."""

    name: Needed
    first_day: Day
    last_day: Day


class Season(SeasonBody):
    id: UUID


class Seasons(Model):
    seasons: list[Season]


class ClosingPath(Model):
    closing_id: UUID


class ClosingBody(Model):
    """Both days count; what is booked stays booked. `room` null: the whole house. Customers read the reason."""

    first_day: Day
    last_day: Day
    reason: Reason
    room: UUID | None = None
    closes_rooms: StrictBool = True
    closes_office: StrictBool = True


class Closing(ClosingBody):
    id: UUID


class Closings(Model):
    closings: list[Closing]


class HoursLine(Model):
    """What closes at or before it opens runs into the next day; 00:00 is midnight."""

    weekday: Weekday
    opens: Clock
    closes: Clock


Week = Annotated[list[HoursLine], Field(max_length=70)]


class SeasonHours(Model):
    """`season` null: all year."""

    season: UUID | None = None
    hours: Week


class RoomHours(Model):
    opening: list[SeasonHours]


class WorkHours(Model):
    """When the office works, and when the desk's phone is answered."""

    office: Week
    desk: Week


class WorkHoursBody(Model):
    """What is not named stays."""

    office: Week | None = None
    desk: Week | None = None
