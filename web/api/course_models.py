"""What calls about courses, their series and events say and are answered. In a change, what is left out stays."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from booking.values.recurrence import Frequency
from booking.values.timetable import WaitingPolicy
from web.api.common_models import Clock, Day
from web.api.house_models import Slug
from web.api.models import Instant, Line, Model, Needed, Text

MOST_DAYS = 93
Weekday = Annotated[StrictInt, Field(ge=0, le=6)]
Number = Annotated[StrictInt, Field(ge=0, le=1_000_000_000)]
Minutes = Annotated[StrictInt, Field(ge=0, le=366 * 24 * 60)]
Weekdays = Annotated[tuple[Weekday, ...], Field(max_length=7)]
Level = Annotated[Line, StringConstraints(max_length=60)]


class CoursePath(Model):
    course_id: UUID


class CourseBody(Model):
    """`trainer`: the id of a member of staff. `slug` is part of its address, by default made from the name."""

    name: Needed
    branch: UUID
    slug: Slug = ""
    description: Text = ""
    level: Level = Field(default="", description="as customers read it, such as beginners")
    trainer: UUID | None = None


class CourseChange(Model):
    name: Needed = ""
    branch: UUID | None = Field(default=None, description="null: stays")
    slug: Slug = ""
    description: Text = ""
    level: Level = ""
    trainer: UUID | None = Field(default=None, description="null: none")


class Course(Model):
    """`coming`: how many of its events begin from now on; `next_at`: when the first of them does."""

    id: UUID
    name: str
    branch: UUID
    slug: str
    description: str
    level: str
    trainer: UUID | None
    archived: bool
    coming: int
    next_at: Instant | None


class Courses(Model):
    courses: list[Course]


class Terms(Model):
    """What each event offers and asks for. A place costs `units` of a pass, or `price_cents` where no pass pays.

    `minimum`: with fewer booked `decide_minutes` before the start it is cancelled; 0: it takes place anyway. Cancelling
    is free until `free_minutes` before the start. `waiting`: what happens when a place frees.
    """

    places: Number
    minimum: Number = 0
    decide_minutes: Minutes = 24 * 60
    online: StrictBool = Field(default=True, description="customers may book it themselves")
    units: Number = 1
    price_cents: Number = 0
    free_minutes: Minutes = 24 * 60
    waiting: WaitingPolicy = WaitingPolicy.OFFER


class SeriesBody(Terms):
    """One recurring pattern in the wall time of its room's branch. It ends after `last_day`, after `times`, or never.

    `weekdays`: Monday 0; of weekly series alone; empty: that of the first day. `every`: so many weeks or days.
    """

    room: UUID
    first_day: Day
    time: Clock
    minutes: Number = Field(description="how long each event lasts")
    frequency: Frequency = Frequency.WEEKLY
    every: Number = 1
    weekdays: Weekdays = ()
    last_day: Day | None = None
    times: Number | None = Field(default=None, description="days left out count")
    skips_holidays: StrictBool = Field(default=True, description="not on public holidays and closing days")
    trainer: UUID | None = None


class LeftOut(Model):
    """`reason`: public-holiday, closing-day, taken (the room), removed (by hand)."""

    day: date
    reason: str


class Series(Terms):
    """`coming`: its events from now on; `skipped`: days to come on which it does not take place."""

    id: UUID
    room: UUID
    trainer: UUID | None
    zone: str
    first_day: date
    time: Clock
    minutes: int
    frequency: Frequency
    every: int
    weekdays: list[int]
    last_day: date | None
    times: int | None
    skips_holidays: bool
    planned_until: date
    ended_at: Instant | None
    coming: int
    skipped: list[LeftOut]


class SeriesList(Model):
    series: list[Series]


class EventsQuery(Model):
    start: Instant = Field(alias="from", description="first instant, RFC 3339")
    end: Instant = Field(alias="to", description=f"end of the stretch, at most {MOST_DAYS} days later")
    course: UUID | None = None


class Event(Model):
    """One occurrence of a course. `series` null: a single one. `room_name`, `trainer_name`: for people to read."""

    id: UUID
    course: UUID
    series: UUID | None
    title: str
    level: str
    start: Instant
    end: Instant
    zone: str
    branch: UUID
    room: UUID
    room_name: str
    trainer: UUID | None
    trainer_name: str
    places: int
    online: bool
    units: int
    price_cents: int
    cancelled_at: Instant | None
    cancel_reason: str


class Events(Model):
    events: list[Event]
