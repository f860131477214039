"""What the calls about door codes say and are answered (SPEC S1, S2, S22)."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StrictInt, StringConstraints

from booking.rules.doorcodes import Pattern
from booking.values.states import CodeState
from web.api.models import Instant, Model, Times, plain_text

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(plain_text)]
ListText = Annotated[str, StringConstraints(min_length=1, max_length=900_000), AfterValidator(plain_text)]


class CodePath(Model):
    door_id: UUID
    code_id: UUID


class PreviewQuery(Model):
    preview: bool = Field(default=False, description="true: tell what would be done, and do nothing")


class StretchQuery(Model):
    start: Instant = Field(alias="from", description="first instant, RFC 3339")
    end: Instant = Field(alias="to", description="end of the stretch, at most 62 days later")


class CodesQuery(Model):
    """`from` and `to` take the codes whose window begins within."""

    state: CodeState | None = None
    start: Instant | None = Field(default=None, alias="from")
    end: Instant | None = Field(default=None, alias="to")
    cursor: UUID | None = Field(default=None, description="`next` of the page before")
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class StretchBody(Model):
    start: Instant = Field(description="first instant, RFC 3339")
    end: Instant = Field(description="end of the stretch, at most 62 days later")


class GenerateBody(Model):
    """`pool`: how many codes for each window; by default one for each party that can be there at one time."""

    season: UUID
    pattern: Pattern = Pattern.EACH_SLOT
    pool: Annotated[StrictInt, Field(ge=1, le=50)] | None = None


class ImportBody(Model):
    """`csv`: the lock's list with the columns code, from, until. `fingerprint`: the preview's; needed to apply."""

    csv: ListText
    fingerprint: Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9a-f]*$")] = ""


class ReplaceBody(Model):
    """The reason is kept in the audit log."""

    reason: Why


class ReplaceSeasonBody(ReplaceBody):
    season: UUID


class SeasonStock(Model):
    """A season's codes whose windows are not past. `season` null: codes of no season."""

    season: UUID | None
    name: str
    first_day: date | None
    last_day: date | None
    free: int
    given: int
    retired: int


class DoorStock(Model):
    id: UUID
    name: str
    rooms: list[UUID]
    side_by_side: int = Field(description="how many parties can be behind it at one time")
    seasons: list[SeasonStock]


class DoorStocks(Model):
    doors: list[DoorStock]


class DoorDay(Model):
    """`short`: bookings and bookable times of the day that find no code."""

    day: date
    free: int
    given: int
    used: int
    retired: int
    short: int


class DoorDays(Model):
    days: list[DoorDay]


class DoorCode(Times):
    """A code of the season, without what it says."""

    id: UUID
    season: UUID | None
    state: CodeState
    booking: UUID | None
    booking_code: str
    party: str
    told_by_phone: bool


class DoorCodes(Model):
    codes: list[DoorCode]
    next: UUID | None


class ShownCode(Times):
    state: CodeState
    booking_code: str
    party: str
    code: str


class ShownCodes(Model):
    codes: list[ShownCode]


class Generated(Model):
    """`applied` false: that many would be made."""

    applied: bool
    count: int


class ListProblem(Model):
    """What is wrong with a line of the list; `at` names the column."""

    line: int
    code: str
    at: str | None


class Imported(Model):
    """`known`: codes that the door has already. `over`: codes whose window is past. Both are left alone.

    `problems` holds at most 100; while there is one nothing is taken over.
    """

    applied: bool
    fingerprint: str
    count: int
    known: int
    over: int
    first_day: date | None
    last_day: date | None
    problems: list[ListProblem]


class Holder(Times):
    """Somebody whose code is replaced. `gets_mail`: it was given out already."""

    party: str
    email: str
    booking_code: str
    gets_mail: bool


class Replaced(Model):
    """A preview names the holders; afterwards `retired` codes are gone and `mails` are on their way."""

    applied: bool
    retired: int
    mails: int
    holders: list[Holder]
