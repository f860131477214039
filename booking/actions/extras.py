"""The extras of a price list (SPEC S25). A change reprices nothing; what is booked keeps its extras as they were."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.setting_rows import Range, out_of_range, own, put, remove
from booking.rules.extras import MOST
from booking.tables.houses import PriceExtra, PriceList
from booking.values.refusals import NotFound, Reason, Refused

RANGES: dict[str, Range] = {"cents": (0, 10_000_000), "vat_rate": (0, 10_000), "most": (1, MOST), "rank": (-100, 100)}


def put_extra(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    list_id: int,
    extra_id: int | None,
    wanted: Mapping[str, Any],
) -> Refused | int:
    """Make or change an extra: name, cents (gross), per, vat_rate (None: the list's), most, active, rank.

    Returns its id. Refused: out-of-range; no-exemption-reason at `vat_rate`, where it is 0 and the list gives none.
    """
    listed = own(session, PriceList, organisation_id, list_id)
    row = own(session, PriceExtra, organisation_id, extra_id) if extra_id else None
    if row is not None and row.price_list_id != list_id:
        raise NotFound("price_extra", extra_id)
    reasons = out_of_range(RANGES, wanted)
    if wanted.get("vat_rate", row.vat_rate if row else None) == 0 and not listed.exemption:
        reasons.append(Reason("no-exemption-reason", "vat_rate"))
    if reasons:
        return Refused(tuple(reasons))
    return put(session, now, organisation_id, actor, PriceExtra, row, {**wanted, "price_list_id": list_id})


def remove_extra(session: Session, now: datetime, organisation_id: int, actor: Actor, extra_id: int) -> None:
    remove(session, now, organisation_id, actor, PriceExtra, extra_id)
