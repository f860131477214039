"""A second organisation in the same database, and a browser in which one of its people is logged in already."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.accounts import open_session
from booking.tables.people import Staff
from booking.values.states import Role
from tests.builders import Ids, build_house

COOKIE = "platzwart_login"


def add_neighbour(site: Any) -> Ids:
    """The organisation next door; its ids differ from the house's."""
    made: Ids = site.database.write(lambda db: build_house(db, site.now, "nachbar"))
    return made


def log_in_at(site: Any, ids: Ids, role: Role = Role.OWNER) -> Any:
    """A visitor who is logged in as that role of the organisation, without a password."""

    def work(db: Session) -> str:
        query = select(Staff).where(Staff.organisation_id == ids.organisation_id, Staff.role == role)
        return open_session(db, site.now, db.scalars(query).one(), "127.0.0.1", "test").token

    visitor = site.client()
    visitor.client.set_cookie(COOKIE, site.database.write(work))
    return visitor
