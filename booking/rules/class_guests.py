"""Guests of an event: several at once, by name, added by staff (SPEC V4). No pass pays for a guest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from booking.rules.class_obstacles import STANDS, Denied, Help, Obstacle, Override, set_aside
from booking.values.money import Cents
from booking.values.places import ClassActor, Guest, GuestPayer, GuestTerms, Places
from booking.values.refusals import Reason
from booking.values.timetable import FREE, CourseEvent

MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class GuestPlace:
    """One guest's place: `due` is what `payer` owes for it; nobody owes nothing."""

    guest: Guest
    payer: GuestPayer
    due: Cents


@dataclass(frozen=True, slots=True)
class GuestsGranted:
    places: tuple[GuestPlace, ...]
    set_aside: tuple[str, ...] = ()


def admit_guests(
    now: datetime,
    event: CourseEvent,
    terms: GuestTerms,
    guests: Sequence[Guest],
    places: Places,
    guests_already: int,
    actor: ClassActor,
    *,
    host_id: int | None = None,
    override: Override | None = None,
) -> GuestsGranted | Denied:
    """All of them or none. `host_id`: the participant who brings them, None where they come by themselves.

    no-guests            the event takes none              too-many-guests   `most` in all; with those who are there
    guest-without-name   at `guests.<place>.name`          guest-twice       the same name and mail again, same place
    no-guest-named       the list is empty, or above 50    host-missing      the host pays, and none is named
    not-online           customers do not add guests       event-cancelled, event-over   as for anybody
    event-full           fewer places than guests: `capacity`, `free`
    and the two of `class_obstacles.set_aside`

    An event that has begun still takes them: guests mostly come at the door.
    """
    reasons = [
        *_event(now, event, actor),
        *_number(event, terms, len(guests), places, guests_already),
        *_names(guests),
    ]
    if terms.payer is GuestPayer.HOST and host_id is None:
        reasons.append(Reason("host-missing", "host"))
    left, aside = set_aside(reasons, override, actor)
    if left:
        return Denied(tuple(_obstacle(reason, actor) for reason in left))
    due = FREE if terms.payer is GuestPayer.NOBODY else terms.price
    return GuestsGranted(tuple(GuestPlace(guest, terms.payer, due) for guest in guests), aside)


def _event(now: datetime, event: CourseEvent, actor: ClassActor) -> Iterator[Reason]:
    if event.is_cancelled:
        yield Reason("event-cancelled")
    if now >= event.slot.end:
        yield Reason("event-over")
    if actor is ClassActor.CUSTOMER:
        yield Reason("not-online")


def _number(event: CourseEvent, terms: GuestTerms, wanted: int, places: Places, already: int) -> Iterator[Reason]:
    if not 1 <= wanted <= MOST_AT_ONCE:
        yield Reason("no-guest-named", "guests", {"most": MOST_AT_ONCE})
    if terms.most < 1:
        yield Reason("no-guests")
    elif already + wanted > terms.most:
        yield Reason("too-many-guests", "guests", {"most": terms.most})
    free = places.free(event.terms.capacity)
    if wanted > free:
        yield Reason("event-full", None, {"capacity": event.terms.capacity, "free": free})


def _names(guests: Sequence[Guest]) -> Iterator[Reason]:
    seen: set[tuple[str, str]] = set()
    for place, guest in enumerate(guests):
        name, mail = " ".join(guest.name.split()).casefold(), guest.mail
        if not name:
            yield Reason("guest-without-name", f"guests.{place}.name")
        elif mail and (name, mail.casefold()) in seen:  # two of one name are common, of one name and address not
            yield Reason("guest-twice", f"guests.{place}.name")
        elif mail:
            seen.add((name, mail.casefold()))


def _obstacle(reason: Reason, actor: ClassActor) -> Obstacle:
    stand = STANDS[reason.code]
    helps = tuple(one for one in stand.helps if one is not Help.WAIT_IN_LINE)  # guests do not wait
    return Obstacle(reason, helps, actor in stand.set_aside_by)
