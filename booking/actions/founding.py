"""The first organisation of an installation and its owner: made once, by whoever holds the set-up key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from booking.actions.accounts import Login, make_staff, open_session
from booking.actions.audit import Actor, note
from booking.actions.setting_rows import plain, require_known
from booking.reads.house import only_organisation
from booking.rules.slugs import slug_of
from booking.tables.houses import Branch, HoursKind, Organisation, WorkHours
from booking.values.identity import new_uuid
from booking.values.refusals import Refused, refused
from booking.values.states import Role

FIELDS = frozenset(
    {
        "name",
        "legal_name",
        "street",
        "postcode",
        "city",
        "country",
        "subdivision",
        "zone",
        "language",
        "email",
        "tax_number",
        "vat_id",
        "payee",
        "iban",
    }
)
WORKDAYS = range(5)
OPENS, CLOSES = time(9), time(12)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who will be able to do everything. The password comes hashed."""

    name: str
    email: str
    password_hash: str
    address: str
    client: str


def found(session: Session, now: datetime, wanted: Mapping[str, Any], owner: Owner) -> Login | Refused:
    """Make the organisation with one branch at its address, office hours on weekday mornings, and its owner, logged in.

    Two at one moment make one: the second is refused with already-set-up, as everybody later.
    """
    require_known(wanted, FIELDS)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE organisation IN SHARE ROW EXCLUSIVE MODE"))
    if only_organisation(session) is not None:
        return refused("already-set-up")
    organisation = Organisation(public_id=new_uuid(now), slug=slug_of(wanted["name"]) or "house", **wanted)
    session.add(organisation)
    session.flush()
    place = {name: wanted[name] for name in ("street", "postcode", "city", "zone")}
    branch = Branch(organisation_id=organisation.id, public_id=new_uuid(now), name=wanted["name"], **place)
    hours = [
        WorkHours(organisation_id=organisation.id, kind=HoursKind.OFFICE, weekday=day, opens=OPENS, closes=CLOSES)
        for day in WORKDAYS
    ]
    session.add_all([branch, *hours])
    actor = Actor(owner.name, None, owner.address)
    note(session, now, organisation.id, actor, "organisation", organisation.id, "made", after=plain(wanted))
    staff = make_staff(
        session,
        now,
        organisation.id,
        actor,
        email=owner.email,
        name=owner.name,
        role=Role.OWNER,
        password_hash=owner.password_hash,
        language=wanted["language"],
    )
    if isinstance(staff, Refused):
        return staff
    return open_session(session, now, staff, owner.address, owner.client)
