"""What the calls about calendar links say and are answered (SPEC C6, C8, C9). No password, no secret address."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from booking.values.link_wishes import WishKind
from booking.values.links import LinkKind, LinkPolicy, LinkStatus, RunMode, RunOutcome, StepState
from booking.values.states import Variant
from web.api.models import Instant, Line, Model, Needed, plain_text

Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), AfterValidator(plain_text)]
Password = Annotated[str, StringConstraints(max_length=200), AfterValidator(plain_text)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Owner = Literal["LOCAL", "REMOTE", "EITHER_LOCAL", "EITHER_REMOTE"]
OwnedField = Literal["TIME", "RECURRENCE", "OCCURRENCE", "SUMMARY", "LOCATION", "DESCRIPTION", "URL", "STATUS", "BUSY"]
Guard = Literal["soon_count", "least", "writes_per_hour"]
Back = Annotated[int, Field(ge=0, le=24)]
Ahead = Annotated[int, Field(ge=1, le=24)]
Every = Annotated[int, Field(ge=1, le=1_440)]
Limits = dict[Guard, Annotated[int, Field(ge=0, le=100_000)]]


class LinkPath(Model):
    link_id: UUID


class PlanPath(LinkPath):
    plan_id: UUID


class LinkBody(Model):
    """A new link. `url`: https or webcal; it and the password are sealed and never come back. `paused`: nothing is
    read or written before it is resumed, but it can be planned.
    """

    name: Needed
    kind: LinkKind
    room: UUID
    policy: LinkPolicy
    url: Annotated[Address, Field(min_length=1)]
    user: Line = ""
    password: Password = ""
    variant: Variant = Variant.TITLES
    requested: bool = True
    owners: dict[OwnedField, Owner] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=dict)
    months_back: Back = 1
    months_ahead: Ahead = 12
    every_minutes: Every = 10
    paused: bool = False


class LinkChange(Model):
    """What is not named stays. For another server or user the password has to be given again."""

    name: Needed | None = None
    policy: LinkPolicy | None = None
    url: Address | None = None
    user: Line | None = None
    password: Password = ""
    variant: Variant | None = None
    requested: bool | None = None
    owners: dict[OwnedField, Owner] | None = None
    limits: Limits | None = None
    months_back: Back | None = None
    months_ahead: Ahead | None = None
    every_minutes: Every | None = None


class LinkEnd(Model):
    remove_written: bool = Field(
        default=False, description="first remove everything there that the link wrote; it answers 202 and ends later"
    )


class Link(Model):
    """`address`: what may be shown of it. `problem`: a code, empty where all is well; a problem frees no time.

    `items`: entries that are in step; `asked`, `held`, `resting`: how many wait for a decision, as deletions, or for a
    later try; `unwritten`: how many of these the calendar does not take (`problem` is `unwritten` then, and
    `last_success_at` stays); `imported`: times brought here.
    """

    id: UUID
    name: str
    kind: LinkKind
    room: UUID
    policy: LinkPolicy
    address: str
    state: LinkStatus
    problem: str
    problem_text: str
    failures: int
    last_run_at: Instant | None
    last_success_at: Instant | None
    next_run_at: Instant
    items: int
    asked: int
    held: int
    resting: int
    unwritten: int
    imported: int


class Links(Model):
    links: list[Link]


class Run(Model):
    mode: RunMode
    outcome: RunOutcome
    started_at: Instant
    ended_at: Instant | None
    counts: dict[str, int]
    writes: int
    requests: int
    problem: str


class HeldBody(Model):
    """`hash` is that of the plan that was looked at."""

    hash: Hash


class Step(Model):
    """One step; `ours`, `theirs`: both versions as far as they are known. `held`: it waits for a person."""

    kind: str
    side: str
    reason: str
    state: StepState
    uid: str
    ours: dict[str, Any]
    theirs: dict[str, Any]
    conflicts: list[dict[str, Any]]
    problem: str


class Held(Model):
    """Deletions that wait for a person; `hash` is null where none does."""

    hash: str | None
    why: str
    steps: list[Step]


class FoundCalendar(Model):
    name: str
    url: str


class WholeLink(Link):
    """`calendars`: those behind the address where it is that of an account (`problem` account): change the link to the
    `url` of one of them.
    """

    variant: Variant
    requested: bool
    owners: dict[str, str]
    limits: dict[str, Any]
    months_back: int
    months_ahead: int
    every_minutes: int
    made_at: Instant
    last_full_at: Instant | None
    held_deletions: Held
    calendars: list[FoundCalendar]
    runs: list[Run]


class Plan(Model):
    """What a run would do (`kind` PLAN), or what became of applying one (APPLY).

    `ready` is false until a worker has been there; ask again after a second. `hash` is empty where nothing is to do.
    An APPLY whose run is PLANNED found another plan than the one that was shown: nothing was done.
    """

    id: UUID
    kind: WishKind
    ready: bool
    asked_at: Instant
    hash: str
    run: Run | None
    steps: list[Step]
