"""States beside their moves. "Past" is no state: time decides it, a query finds it (DESIGN, The house)."""

from enum import StrEnum


class BookingState(StrEnum):
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


BOOKING_MOVES: dict[BookingState, frozenset[BookingState]] = {
    BookingState.REQUESTED: frozenset(
        {BookingState.CONFIRMED, BookingState.REJECTED, BookingState.CANCELLED, BookingState.EXPIRED}
    ),
    BookingState.CONFIRMED: frozenset({BookingState.CANCELLED}),
    BookingState.REJECTED: frozenset(),
    BookingState.CANCELLED: frozenset(),
    BookingState.EXPIRED: frozenset(),
}

OCCUPYING = frozenset({BookingState.REQUESTED, BookingState.CONFIRMED})


class Verdict(StrEnum):
    """What a reviewer decided about a request; final once its grace time is over (SPEC S8)."""

    APPROVE = "approve"
    REJECT = "reject"


class DecisionState(StrEnum):
    PENDING = "pending"
    FINAL = "final"
    UNDONE = "undone"


DECISION_MOVES: dict[DecisionState, frozenset[DecisionState]] = {
    DecisionState.PENDING: frozenset({DecisionState.FINAL, DecisionState.UNDONE}),
    DecisionState.FINAL: frozenset(),
    DecisionState.UNDONE: frozenset(),
}


class CodeState(StrEnum):
    """A door code of a season's list. RETIRED is for good: it is never given out again in its window (SPEC S22)."""

    FREE = "free"
    RESERVED = "reserved"
    ISSUED = "issued"
    RETIRED = "retired"


CODE_MOVES: dict[CodeState, frozenset[CodeState]] = {
    CodeState.FREE: frozenset({CodeState.RESERVED, CodeState.RETIRED}),
    CodeState.RESERVED: frozenset({CodeState.FREE, CodeState.ISSUED, CodeState.RETIRED}),
    CodeState.ISSUED: frozenset({CodeState.RETIRED}),
    CodeState.RETIRED: frozenset(),
}


class MessageState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"
    SUPERSEDED = "superseded"


MESSAGE_MOVES: dict[MessageState, frozenset[MessageState]] = {
    MessageState.QUEUED: frozenset({MessageState.SENT, MessageState.DEAD, MessageState.SUPERSEDED}),
    MessageState.SENT: frozenset(),
    MessageState.DEAD: frozenset({MessageState.QUEUED, MessageState.SUPERSEDED}),
    MessageState.SUPERSEDED: frozenset(),
}


class OccupancyKind(StrEnum):
    BOOKING = "booking"
    HELD = "held"  # a rejected time whose cancel on the external site is stuck, or an undecided clash (SPEC S10)
    CLOSURE = "closure"
    EXTERNAL = "external"
    EVENT = "event"  # of a course


class Source(StrEnum):
    """Where a booking came from."""

    PORTAL = "portal"
    YCBM = "ycbm"
    OFFICE = "office"
    API = "api"


class Weight(StrEnum):
    """How heavily a finding weighs (SPEC S8). Findings advise; a person decides."""

    INFO = "info"
    WARN = "warn"
    STOP = "stop"


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    OFFICE = "office"
    DESK = "desk"


class Variant(StrEnum):
    """How much a feed shows (SPEC C4)."""

    BUSY = "busy"
    TITLES = "titles"
    FULL = "full"


class SubjectKind(StrEnum):
    """Whose calendar a feed shows (SPEC C1)."""

    CUSTOMER = "customer"
    ROOM = "room"
    OFFICE = "office"
    BOOKING = "booking"
    DESK = "desk"
    COURSE = "course"
    SERIES = "series"


class ItemStatus(StrEnum):
    """STATUS of a VEVENT (RFC 5545 section 3.8.1.11)."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


ITEM_STATUS: dict[BookingState, ItemStatus] = {
    BookingState.REQUESTED: ItemStatus.TENTATIVE,
    BookingState.CONFIRMED: ItemStatus.CONFIRMED,
    BookingState.REJECTED: ItemStatus.CANCELLED,
    BookingState.CANCELLED: ItemStatus.CANCELLED,
    BookingState.EXPIRED: ItemStatus.CANCELLED,
}
