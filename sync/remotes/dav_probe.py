"""What a CalDAV server can and does, found out by a test item that is removed again (RFC 4791, 6578, 9110)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from outside.errors import OutsideError, SiteError, SiteThrottled, SiteUnchanged, SiteUnreadable, TooSlow
from sync.remotes.dav import Dav
from sync.remotes.dav_xml import CAL, CTAG, DAV, propfind
from sync.remotes.protocol import Cursor, CursorKind, Quirks, Remote, Resource, WriteOutcome

PROBE_UID = "platzwart-probe"
NOBODYS_ETAG = '"platzwart-probe"'
LOOKS = 4  # how often a write is looked for that is not seen at once
LOOK_SECONDS = 0.5
PRODUCT_LENGTH = 80
BARE = Quirks(etag_on_write=True)

With = Callable[[Quirks], Remote]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class _Collection:
    """What the collection says of itself."""

    tag: bool
    product: str


def probe(with_quirks: With, dav: Dav, url: str, *, writes: bool, pause: Callable[[float], None]) -> Quirks:
    """Try everything by its effect; what a server says that it can is not asked. `with_quirks` gives the remote as it
    acts with other quirks. Raises SiteUnreadable where the address is no calendar, SiteUnchanged where the test item
    stays; the errors of the remote where it may not be read or written at all.
    """
    itself = _look_at(dav, url)
    best = Quirks(most_at_once=_most_at_once(with_quirks(BARE)), product=itself.product)
    kinds = [CursorKind.TOKEN, *([CursorKind.TAG] if itself.tag else [])]
    bare = with_quirks(replace(BARE, most_at_once=best.most_at_once))
    trial = _Trial(with_quirks, bare, dav.where, pause)
    found, is_sure = (trial.run(best), trial.is_sure) if writes else (best, trial.is_taken)
    return replace(found, cursor_kind=next(filter(is_sure, kinds), CursorKind.NONE))


def _look_at(dav: Dav, url: str) -> _Collection:
    answer = dav.ask_xml("PROPFIND", url, propfind((f"{DAV}resourcetype", CTAG)), 0)
    rows = [row for row in dav.rows_of(answer).rows if f"{CAL}calendar" in row.names(f"{DAV}resourcetype")]
    if not rows:
        raise SiteUnreadable(dav.where, "no calendar at this address")
    product = "".join(letter for letter in answer.headers.get("Server", "") if letter.isprintable())
    return _Collection(rows[0].text(CTAG) is not None, product[:PRODUCT_LENGTH])


def _most_at_once(remote: Remote) -> int:
    """1 where the server knows no multiget."""
    try:
        remote.fetch([remote.href_for(PROBE_UID)])
    except SiteThrottled:
        raise
    except SiteError:  # a 403, too: that the collection may be read was seen before
        return 1
    return BARE.most_at_once


@dataclass(slots=True)
class _Trial:
    with_quirks: With
    bare: Remote
    where: str
    pause: Callable[[float], None]

    def run(self, best: Quirks) -> Quirks:
        href = self._href
        self.bare.delete(href, None)  # what a probe left that was killed
        try:
            written = self.bare.create(href, _item("1"))
            seen = self._until(lambda: self._read(href))
            if seen is None:
                raise SiteUnchanged(self.where, "the test item is not there after it was written")
            return replace(
                best,
                rewrites=seen.body != _item("1"),
                etag_on_write=written.etag is not None and written.etag == seen.etag,
                creates_guarded=self.bare.create(href, _item("2")).outcome is WriteOutcome.CLASHED,
                updates_guarded=self._are_updates_guarded(href),
            )
        finally:
            self._remove(href)

    def is_taken(self, kind: CursorKind) -> bool:
        """Whether the server gives a cursor of this kind and takes it back."""
        return self._cursor(kind) is not None

    def is_sure(self, kind: CursorKind) -> bool:
        """Whether by such a cursor it is told that the test item has come, and that it has gone. The next kind is only
        looked at where this one is not sure: each listing of a large calendar may take its time.
        """
        cursor = self._cursor(kind)
        if cursor is None:
            return False
        try:
            self.bare.create(self._href, _item("5"))
            later = self._tells(kind, cursor)
        finally:
            self._remove(self._href)
        return later is not None and self._tells(kind, later, there=False) is not None

    @property
    def _href(self) -> str:
        return self.bare.href_for(PROBE_UID)

    def _cursor(self, kind: CursorKind) -> Cursor | None:
        remote = self.with_quirks(replace(BARE, cursor_kind=kind))
        try:
            cursor = remote.changes(None).cursor
            again = remote.changes(cursor) if cursor is not None else None
        except SiteThrottled:
            raise
        except OutsideError:
            return None
        return cursor if again is not None and again.is_whole and again.is_delta else None

    def _are_updates_guarded(self, href: str) -> bool:
        """A wrong ETag has to be refused and the right one taken; some proxies spoil the latter."""
        if self.bare.update(href, _item("3"), NOBODYS_ETAG).outcome is not WriteOutcome.CLASHED:
            return False
        seen = self._read(href)
        if seen is None or seen.etag is None or seen.etag.startswith("W/"):
            return False
        return self.bare.update(href, _item("4"), seen.etag).outcome is WriteOutcome.DONE

    def _tells(self, kind: CursorKind, cursor: Cursor, *, there: bool = True) -> Cursor | None:
        """The next cursor, if asking by this one tells in time that the item has come, or has gone."""
        remote, href = self.with_quirks(replace(BARE, cursor_kind=kind)), self._href

        def told() -> Cursor | None:
            listing = remote.changes(cursor)
            named = href in {listed.href for listed in listing.there}
            right = named if there else not named and (href in listing.gone or not listing.is_delta)
            return listing.cursor if right else None

        try:
            return self._until(told)
        except TooSlow:
            return None

    def _remove(self, href: str) -> None:
        self.bare.delete(href, None)
        if not self._until(lambda: self._read(href) is None):
            raise SiteUnchanged(self.where, "the test item stays after it was removed")

    def _read(self, href: str) -> Resource | None:
        return next(iter(self.bare.fetch([href])), None)

    def _until(self, look: Callable[[], Found]) -> Found:
        """What is looked for, or what the last look gave: some servers show a write only a moment later."""
        found = look()
        for _ in range(LOOKS - 1):
            if found:
                break
            self.pause(LOOK_SECONDS)
            found = look()
        return found


def _item(version: str) -> bytes:
    """Long past and free, in case that somebody sees it before it is removed."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Platzwart//Platzwart//EN",
        "BEGIN:VEVENT",
        f"UID:{PROBE_UID}",
        "DTSTAMP:20200101T000000Z",
        "DTSTART:20200101T000000Z",
        "DTEND:20200101T000100Z",
        f"SUMMARY:Platzwart test {version}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    return "\r\n".join(lines).encode()
