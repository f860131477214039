"""Plans of the parts of one listing as the plan of a run (SPEC C8). Pure."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import chain

from sync.values import Counts, Operation, Plan


def joined(plans: Sequence[Plan]) -> Plan:
    """At least one, in their order; what one of them held, a later one may hold again, and it is one step. What rests
    is what rested before the first: what an earlier part puts to rest, each later one sees.
    """
    if len(plans) == 1:
        return plans[0]
    held = _once(chain(*(one.held for one in plans)))
    counts = Counts(**{each.name: sum(getattr(one.counts, each.name) for one in plans) for each in fields(Counts)})
    return replace(
        plans[-1],
        operations=tuple(chain(*(one.operations for one in plans))),
        held=held,
        hold=next((one.hold for one in plans if one.hold), None),
        postponed=_once(chain(*(one.postponed for one in plans))),
        counts=replace(counts, held=len(held), rests=plans[0].counts.rests),
    )


def _once(steps: "chain[Operation]") -> tuple[Operation, ...]:
    return tuple({one.key: one for one in steps}.values())
