"""All tables, loaded: import `metadata` from here to be sure that none is missing."""

from booking.tables import (
    bookings,
    calendars,
    connections,
    doors,
    houses,
    link_wishes,
    links,
    outgoing,
    people,
    site_calendars,
    studio,
)
from booking.tables.base import Base

MODULES = (
    bookings,
    calendars,
    connections,
    doors,
    houses,
    link_wishes,
    links,
    outgoing,
    people,
    site_calendars,
    studio,
)
metadata = Base.metadata
