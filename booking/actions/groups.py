"""Groups of customers, and which one a customer is in (SPEC S25, K26). A change reprices nothing that is requested."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.setting_rows import own, put, remove
from booking.reads.house import House
from booking.tables.houses import CustomerGroup, Organisation, PriceRule
from booking.tables.people import Customer
from booking.values.refusals import NotFound, Reason, Refused


def put_group(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    group_id: int | None,
    wanted: Mapping[str, Any],
) -> Refused | int:
    """Make or change a group (name). Returns its id. Refused: name-taken at `name`."""
    session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})  # two of one name at once
    row = own(session, CustomerGroup, organisation_id, group_id) if group_id else None
    others = select(CustomerGroup.id, CustomerGroup.name).where(CustomerGroup.organisation_id == organisation_id)
    name = str(wanted.get("name", row.name if row else "")).casefold()
    if any(other.id != group_id and other.name.casefold() == name for other in session.execute(others)):
        return Refused((Reason("name-taken", "name"),))
    return put(session, now, organisation_id, actor, CustomerGroup, row, wanted)


def remove_group(session: Session, now: datetime, organisation_id: int, actor: Actor, group_id: int) -> Refused | None:
    """Refused(group-in-use) while customers are in it or prices are for it."""
    own(session, CustomerGroup, organisation_id, group_id)  # whoever puts something into the group waits here
    for table in (Customer, PriceRule):
        uses = select(func.count()).where(table.organisation_id == organisation_id, table.group_id == group_id)
        if session.scalar(uses):
            return Refused((Reason("group-in-use"),))
    remove(session, now, organisation_id, actor, CustomerGroup, group_id)
    return None


def assign_group(
    session: Session, now: datetime, house: House, customer_id: UUID, group_id: int | None, actor: Actor
) -> None:
    """Put a customer into a group, or into none. Raises NotFound for a customer or group of others."""
    group = None if group_id is None else own(session, CustomerGroup, house.organisation_id, group_id)
    query = select(Customer).where(Customer.organisation_id == house.organisation_id, Customer.public_id == customer_id)
    customer = session.scalars(query.with_for_update()).one_or_none()
    if customer is None:
        raise NotFound("customer", customer_id)
    if customer.group_id == group_id:
        return
    before = None if customer.group_id is None else session.get(CustomerGroup, customer.group_id)
    customer.group_id = group_id
    note(
        session,
        now,
        house.organisation_id,
        actor,
        "customer",
        customer.id,
        "group",
        before={"group": before.name if before else ""},
        after={"group": group.name if group else ""},
    )
