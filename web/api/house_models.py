"""What calls about branches, rooms and doors say and are answered. In a change, what is left out stays as it is."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from booking.rules.locks import LONGEST, SHORTEST
from web.api.models import Model, Needed, Text

Slug = Annotated[str, StringConstraints(max_length=60)]
Prefix = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]
People = Annotated[StrictInt, Field(ge=1, le=100_000)]
Length = Annotated[StrictInt, Field(ge=SHORTEST, le=LONGEST)]
Run = Annotated[StrictInt, Field(ge=0, le=LONGEST)]
Prefixes = Annotated[tuple[Prefix, ...], Field(max_length=50)]
Several = Annotated[tuple[UUID, ...], Field(max_length=200)]


class BranchPath(Model):
    branch_id: UUID


class DoorPath(Model):
    door_id: UUID


class BranchBody(Model):
    """`zone` is a name of the IANA time zone database."""

    name: Needed
    street: Needed
    postcode: Needed
    city: Needed
    zone: Needed


class BranchChange(Model):
    name: Needed = ""
    street: Needed = ""
    postcode: Needed = ""
    city: Needed = ""
    zone: Needed = ""


class Branch(BranchBody):
    id: UUID


class Branches(Model):
    branches: list[Branch]


class RoomBody(Model):
    """`inside`: the rooms that lie within it; while one of them is booked it cannot be, and the other way round."""

    name: Needed
    branch: UUID
    price_list: Needed = Field(description="name of a price list")
    slug: Slug = Field(default="", description="part of its address; by default made from the name")
    description: Text = ""
    most_people: People = 30
    door: UUID | None = None
    inside: Several = ()


class RoomChange(Model):
    name: Needed = ""
    slug: Slug = ""
    branch: UUID | None = Field(default=None, description="null: stays")
    description: Text = ""
    most_people: People = 30
    door: UUID | None = Field(default=None, description="null: none")
    inside: Several = ()


class RoomPlan(Model):
    """A room as it is set up. `GET /rooms` lists those that can be requested, with their terms."""

    id: UUID
    name: str
    slug: str
    description: str
    branch: UUID
    door: UUID | None
    most_people: int
    inside: list[UUID]
    archived: bool


class DoorBody(Model):
    """`rooms` get the door. `longest_run`: how often one character may stand in a row, 0 for any number."""

    name: Needed
    branch: UUID
    rooms: Several = ()
    length: Length = 6
    alphabet: Annotated[str, StringConstraints(max_length=60)] = "0123456789"
    no_leading_zero: StrictBool = True
    forbidden_prefixes: Prefixes = ()
    longest_run: Run = 2


class DoorChange(Model):
    """`rooms`: all that have the door afterwards."""

    name: Needed = ""
    branch: UUID | None = Field(default=None, description="null: stays")
    rooms: Several = ()
    length: Length = 6
    alphabet: Annotated[str, StringConstraints(max_length=60)] = "0123456789"
    no_leading_zero: StrictBool = True
    forbidden_prefixes: Prefixes = ()
    longest_run: Run = 2


class Door(DoorBody):
    """`codes`: all that it has; `given`: those that somebody has or had."""

    id: UUID
    codes: int
    given: int


class Doors(Model):
    doors: list[Door]
