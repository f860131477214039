"""Which calendars there are behind an address that somebody typed (RFC 4791, 6764 without DNS, 5397)."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit

from outside.errors import OutsideError, RefusedRedirect, SiteMissing, SiteRefused, SiteUnreadable
from outside.http import GuardedSession
from sync.remotes.credentials import Credentials
from sync.remotes.dav import Dav, where_of
from sync.remotes.dav_xml import CAL, COLOUR, DAV, Row, propfind

WELL_KNOWN = "/.well-known/caldav"
TYPE = f"{DAV}resourcetype"
NAME = f"{DAV}displayname"
PRINCIPAL = f"{DAV}current-user-principal"
HOMES = f"{CAL}calendar-home-set"
KINDS = f"{CAL}supported-calendar-component-set"
RIGHTS = f"{DAV}current-user-privilege-set"
ASKED = (TYPE, NAME, COLOUR, KINDS, RIGHTS, PRINCIPAL, HOMES)
MAY_WRITE = frozenset({f"{DAV}all", f"{DAV}write", f"{DAV}write-content", f"{DAV}bind"})
MOST_CALENDARS = 500
MOST_HOMES = 5
NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A calendar for events. `colour` is `#rrggbb` or empty; `is_writable` is True where the server does not say."""

    url: str = field(repr=False)
    name: str
    colour: str
    is_writable: bool


class AccountError(OutsideError):
    """An address is that of an account or a server, and no one calendar there is the one that is meant."""

    def __init__(self, where: str, found: tuple[Found, ...]) -> None:
        told = ", ".join(f"{one.name} ({urlsplit(one.url).path})" for one in found)
        super().__init__(where, f"calendars there: {told}" if told else "no calendar there takes events")
        self.found = found


def discover(url: str, credentials: Credentials, session: GuardedSession) -> tuple[Found, ...]:
    """The calendars of a server, principal, calendar home, or the one calendar that an address is. By name.

    Raises the errors of `outside.errors`; SiteUnreadable where CalDAV is spoken but nothing leads to a calendar.
    """
    dav = Dav(url, credentials, session)
    return calendars_of(dav, dav.where + dav.path)


def calendars_of(dav: Dav, url: str) -> tuple[Found, ...]:
    """As `discover`, from an address of the server that one talks to already."""
    return tuple(sorted(_Finder(dav, url).run(), key=lambda found: (found.name.casefold(), found.url)))


@dataclass(frozen=True, slots=True)
class _Finder:
    dav: Dav
    url: str

    def run(self) -> list[Found]:
        itself = self._start()
        if f"{CAL}calendar" in itself.names(TYPE):
            return [_found(self.url, itself)]
        homes = itself.hrefs(HOMES) or self._homes_of(itself)
        near = [home for home in (urljoin(self.url, href) for href in homes) if self._may_follow(home)]
        if homes and not near:
            raise RefusedRedirect(self.dav.where, "keeps its calendars at another host")
        calendars: dict[str, Found] = {}
        for home in near[:MOST_HOMES] or [self.url]:
            calendars |= {found.url: found for found in self._in(home)}
        if not calendars and not near:
            raise SiteUnreadable(self.dav.where, "nothing here leads to a calendar")
        return list(calendars.values())[:MOST_CALENDARS]

    def _start(self) -> Row:
        """The address itself, or what the server names as the place to begin."""
        try:
            itself = self._row(self.url)
        except (SiteMissing, SiteRefused, SiteUnreadable, RefusedRedirect):
            if urlsplit(self.url).path.strip("/"):
                raise
            return self._row(urljoin(self.url, WELL_KNOWN))
        knows_more = itself.hrefs(PRINCIPAL) or itself.hrefs(HOMES) or f"{CAL}calendar" in itself.names(TYPE)
        if knows_more or urlsplit(self.url).path.strip("/"):
            return itself
        try:
            return self._row(urljoin(self.url, WELL_KNOWN))
        except (SiteMissing, SiteRefused, SiteUnreadable):
            return itself

    def _homes_of(self, row: Row) -> tuple[str, ...]:
        principals = [urljoin(self.url, href) for href in row.hrefs(PRINCIPAL)]
        return next((self._row(url).hrefs(HOMES) for url in principals if self._may_follow(url)), ())

    def _row(self, url: str) -> Row:
        rows = self.dav.ask_for_rows("PROPFIND", url, propfind(ASKED), 0).rows
        if not rows:
            raise SiteUnreadable(self.dav.where, "says nothing of this address")
        return rows[0]

    def _in(self, home: str) -> list[Found]:
        rows = self.dav.ask_for_rows("PROPFIND", home, propfind(ASKED), 1).rows
        addressed = ((urljoin(home, row.href), row) for row in rows if _is_for_events(row))
        return [_found(url, row) for url, row in addressed if where_of(url) == where_of(home)]

    def _may_follow(self, url: str) -> bool:
        """Whether the credentials may go there: the same place, or by https a sister of it, as large providers spread
        their users (caldav.example.org, p33-caldav.example.org).
        """
        if where_of(url) == self.dav.where:
            return True
        here, there = urlsplit(self.url), urlsplit(url)
        parent = (here.hostname or "").partition(".")[2]
        is_name = "." in parent and not parent.rpartition(".")[2].isdigit()
        return is_name and there.scheme == "https" and (there.hostname or "").endswith(f".{parent}")


def _is_for_events(row: Row) -> bool:
    if row.status != 200 or f"{CAL}calendar" not in row.names(TYPE):
        return False
    kinds = row.props.get(KINDS)
    named = {kind.get("name", "").upper() for kind in kinds.iter(f"{CAL}comp")} if kinds is not None else set()
    return not named or "VEVENT" in named


def _found(url: str, row: Row) -> Found:
    rights = row.names(RIGHTS)
    shown = "".join(letter for letter in row.text(NAME) or "" if letter.isprintable())
    name = shown[:NAME_LENGTH] or unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])[:NAME_LENGTH]
    colour = re.match(r"#[0-9a-f]{6}", (row.text(COLOUR) or "").lower())
    return Found(url, name, colour[0] if colour else "", not rights or bool(rights & MAY_WRITE))
