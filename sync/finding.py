"""The first look at the other side: what its server can, and which calendar is meant where the address is that of an
account or of a whole server (SPEC C6; RFC 4791, 5397, 6764).

The only calendar there that the link can use becomes the link's own; of several a person chooses.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from booking.actions import link_runs, links
from booking.actions.audit import SYSTEM
from booking.actions.link_runs import Turn
from booking.actions.tools import Tools
from booking.reads.link_evidence import LinkFacts
from booking.tables.database import Database
from booking.values.links import LinkAccess
from outside.errors import OutsideError, SiteError, SiteMissing, SiteRefused, SiteUnreadable
from sync.remotes.caldav import CalDavRemote
from sync.remotes.dav_discover import AccountError, Found
from sync.remotes.protocol import Quirks, Remote
from sync.store import quirks_of, quirks_stored

NO_CALENDAR = (SiteUnreadable, SiteMissing, SiteRefused)
"""How a server answers the probe of what is no calendar."""
MOST_KEPT = 50
CALENDARS = "calendars"


def quirks_known(stored: dict[str, Any]) -> Quirks | None:
    """None where the server was not probed yet, or only the calendars of an account are known."""
    return None if CALENDARS in stored else quirks_of(stored)


@dataclass(slots=True)
class Finder:
    """For one run, which holds its lease. The clock gives aware UTC."""

    database: Database
    turn: Turn
    tools: Tools
    clock: Callable[[], datetime]
    has_moved: bool = False

    def quirks(self, remote: Remote, access: LinkAccess, facts: LinkFacts) -> Quirks | None:
        """What the server can, kept with the link. None where the link has another address now, and its run begins
        anew. Raises AccountError where a person has to choose, and the errors of the probe.
        """
        try:
            found = remote.probe()
        except NO_CALENDAR as error:
            self._look_behind(remote, error, access, facts)
            return None
        self._note(quirks_stored(found))
        return found

    def _look_behind(self, remote: Remote, error: SiteError, access: LinkAccess, facts: LinkFacts) -> None:
        fit = _calendars(remote, writes=facts.policy.writes)
        if fit is None or self.has_moved:
            raise error
        if len(fit) != 1:
            self._note({CALENDARS: [{"name": one.name, "url": one.url} for one in fit]})
            raise AccountError(error.where, fit) from None
        now, there = self.clock(), replace(access, url=fit[0].url)

        def move(session: Session) -> None:
            link_runs.hold_on(session, now, self.turn)
            links.change_link_access(session, now, self.tools, facts.organisation_id, SYSTEM, facts.link_id, there)

        self.database.write(move)
        self.has_moved = True

    def _note(self, quirks: dict[str, Any]) -> None:
        now = self.clock()

        def note(session: Session) -> None:
            link_runs.hold_on(session, now, self.turn)
            link_runs.note_quirks(session, self.turn, quirks)

        self.database.write(note)


def _calendars(remote: Remote, *, writes: bool) -> tuple[Found, ...] | None:
    """The calendars of an account that a link can use; None where the address leads to none, or says that it is one."""
    if not isinstance(remote, CalDavRemote):
        return None
    try:
        found = remote.calendars()
    except OutsideError:
        return None
    if any(remote.is_at(one.url) for one in found):
        return None
    return tuple(one for one in found if one.is_writable or not writes)[:MOST_KEPT]
