"""Rooms within rooms (DESIGN rule 2). A room takes units; two rooms that share one cannot be taken at the same time.

A room lies within another where its units are some, but not all, of the other's. Pure: units in, units out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from booking.values.refusals import Reason, Refused

NEW = 0  # stands for a unit that is still to be made; the database counts from 1
Units = Mapping[int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The units that rooms have after a change, by room; what stays as it is has no entry. `NEW`: one to be made."""

    units: Mapping[int, frozenset[int]]


def inside(room_id: int, units: Units) -> frozenset[int]:
    """The rooms that lie within this one."""
    return frozenset(other for other in units if units[other] < units[room_id])


def around(room_id: int, units: Units) -> frozenset[int]:
    """The rooms that this one lies within."""
    return frozenset(other for other in units if units[room_id] < units[other])


def blocking(room_id: int, units: Units) -> frozenset[int]:
    """The other rooms that cannot be taken at the same time."""
    return frozenset(other for other in units if other != room_id and units[other] & units[room_id])


def lay_out(room_id: int | None, within: Iterable[int], units: Units) -> Layout | Refused:
    """The units after a room was said to hold these rooms, with all that lies in them; `room_id` None: one being made.

    A room keeps a unit of its own where it holds nothing, or exactly what another room holds already; whatever holds
    the room gets its units too. Refused at `inside`: inside-itself, where one of them is the room or holds it.
    """
    wanted = frozenset(within)
    mine = units[room_id] if room_id is not None else frozenset[int]()
    if room_id is not None:
        if any(mine <= units[other] for other in wanted):
            return Refused((Reason("inside-itself", "inside"),))
        if wanted.union(*(inside(other, units) for other in wanted)) == inside(room_id, units):
            return Layout({})
    held = _all(units[other] for other in (inside(room_id, units) if room_id is not None else ()))
    target = (mine - held) | _all(units[other] for other in wanted)
    if not target or any(units[other] == target for other in units if other != room_id):
        target |= {NEW}
    larger = around(room_id, units) if room_id is not None else frozenset[int]()
    changed = {other: units[other] | target for other in larger if not target <= units[other]}
    return Layout({room_id or 0: target, **changed})


def _all(parts: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset[int]().union(*parts)
