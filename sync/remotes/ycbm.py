"""A YouCanBook.me account, or one booking page of it, as a remote: SPEC C6, C9, Y6, Y8; decision 0011.

A booking there is a resource: its id the href, a digest of what the site says of it the ETag, its times, status and
mark the body. Beside the protocol stand the words that only this site has: answers of customers, tentative states,
what a webhook names.
"""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from booking.values.slot import Slot
from outside.errors import SiteIncomplete, SiteMissing, SiteRefused, SiteUnreadable
from outside.ycbm import YcbmClient
from outside.ycbm_values import RemoteBooking
from sync.remotes.protocol import Cursor, CursorKind, Listed, Listing, Quirks, Resource, WriteOutcome, Written
from sync.remotes.ycbm_items import Marks, UnfitError, Wish, body_of, standing, subject_of, tag_of, wish_of
from sync.remotes.ycbm_listing import SECOND, Found, listed

NOT_FOUND, NOT_ALLOWED, CONFLICT, UNPROCESSABLE = 404, 405, 409, 422
QUIRKS = Quirks(
    cursor_kind=CursorKind.NONE,
    creates_guarded=True,
    updates_guarded=False,
    etag_on_write=True,
    rewrites=True,
    most_at_once=1,
    product="YouCanBook.me",
    names_itself=True,
    keeps_texts=False,
    shares_times=False,
)


class YcbmRemote:
    """Implements `Remote`. `page` is the booking page that is listed and written to; without one the whole account is
    listed, and nothing new is written. Listed is what starts at `since` or later. `zone` is the house's.

    A site does not queue: one call at a time, and each is worth its request.
    """

    parallel = 1

    def __init__(self, site: YcbmClient, marks: Marks, *, since: datetime, zone: ZoneInfo, page: str = "") -> None:
        self._site, self._marks, self._since, self._zone, self._page = site, marks, since, zone, page
        self.where = site.where
        self._told: dict[str, RemoteBooking] = {}
        self._brought: dict[str, RemoteBooking] = {}
        self._written: dict[str, str] = {}

    def probe(self) -> Quirks:
        """Prove address, credentials and page. Nothing is written: a test booking takes somebody's time there, so it
        has a proof of its own (SPEC Y8). Raises SiteMissing where the account has no such page.
        """
        pages = self._site.profiles()
        if self._page and self._page not in {page.id for page in pages}:
            raise SiteMissing(self.where, NOT_FOUND)
        return QUIRKS

    def changes(self, cursor: Cursor | None) -> Listing:  # noqa: ARG002 - as every remote has it
        """See `Remote.changes`. Always all that is there; `gone` are those that the site lists as cancelled. What
        cannot be read is there, without an ETag.
        """
        found = listed(self._site, self._since, profile_ids=frozenset({self._page} if self._page else ()))
        self._brought = {booking.id: booking for booking in found.bookings if not booking.cancelled}
        self._told = {booking.id: booking for booking in found.bookings}
        there = [Listed(booking.id, tag_of(booking)) for booking in self._brought.values()]
        there += [Listed(identity, None) for identity in found.unreadable]
        gone = tuple(booking.id for booking in found.bookings if booking.cancelled)
        return Listing(False, not found.doubt, tuple(there), gone, None, found.doubt)

    def fetch(self, hrefs: Collection[str]) -> tuple[Resource, ...]:
        """See `Remote.fetch`. What the last listing brought along is handed out once; all else is asked for. What
        cannot be read is left out, as what is cancelled is.
        """
        found = ((href, self._once(href)) for href in dict.fromkeys(hrefs))
        return tuple(
            Resource(href, tag_of(booking), body_of(booking, is_ours=self._marks.is_ours(booking)))
            for href, booking in found
            if booking is not None and not booking.cancelled
        )

    def create(self, href: str, body: bytes) -> Written:
        """Hold a time on the page. CLASHED where it is taken, or where our own stands already: by its mark at this very
        time, or as this remote wrote it; `Written.href` tells only the latter. Another no than 409 raises SiteRefused.
        """
        wish = self._wish(body)
        if not self._page:
            raise SiteRefused(self.where, NOT_ALLOWED, "no booking page to write to")
        mark = self._marks.mark(wish.uid, self._page, wish.slot)
        ours = self._ours(href, mark, wish.slot)
        if ours is not None:
            return Written(WriteOutcome.CLASHED, tag_of(ours), ours.id)
        try:
            made = self._site.create_block(self._page, wish.slot, wish.zone, wish.title, mark)
        except SiteRefused as error:
            return _clashed(error)
        self._written[href] = made.id
        return self._done(made)

    def update(self, href: str, body: bytes, etag: str | None) -> Written:
        """Move a booking to the times of the body; nothing else of it can be changed. It is read first: the site has no
        precondition, so who is faster in between is overwritten (`Quirks.updates_guarded`).
        """
        wish = self._wish(body)
        now = self._living(href)
        if now is None:
            return Written(WriteOutcome.GONE)
        if etag is not None and tag_of(now) != etag:
            return Written(WriteOutcome.CLASHED)
        if now.slot == wish.slot:
            return self._done(now)
        try:
            return self._done(self._site.reschedule(href, wish.slot, wish.zone))
        except SiteMissing:
            return Written(WriteOutcome.GONE)
        except SiteRefused as error:
            return _clashed(error)

    def delete(self, href: str, etag: str | None) -> Written:
        """Cancel a customer's booking, who is told by the site; remove what is ours. Read first, as by `update`."""
        try:
            now = self._living(href)
        except SiteUnreadable:
            if etag is not None:
                raise
            return self._end(href, is_ours=href in self._marks.known)  # what makes no sense can be ended all the same
        if now is None:
            return Written(WriteOutcome.GONE)
        if etag is not None and tag_of(now) != etag:
            return Written(WriteOutcome.CLASHED)
        return self._end(href, is_ours=self._marks.is_ours(now))

    def href_for(self, uid: str) -> str:
        """A name for what is to be created; under which id it lies then, `Written.href` tells."""
        return f"new-{subject_of(uid).hex}"

    def told(self, href: str) -> RemoteBooking | None:
        """What the site said last of a booking, to this remote; None where it knew of none."""
        return self._told.get(href)

    def booking(self, href: str) -> RemoteBooking:
        """A booking as it stands now, with a customer's answers, cancelled or not. Raises SiteMissing."""
        try:
            return self._remembered(self._site.booking(href))
        except SiteMissing:
            self._forget(href)
            raise

    def find(self, ref: str, start: datetime) -> RemoteBooking | None:
        """The booking with this reference that starts at this moment, as a webhook names it, or None."""
        around = self._around(start)
        found = next((booking for booking in around.bookings if ref in {booking.ref, booking.id}), None)
        return found or _none_of(around, self.where)

    def accept(self, href: str) -> RemoteBooking:
        """Accept a request there. Raises SiteUnchanged where the site does not follow (SPEC Y9)."""
        return self._remembered(self._site.accept(href))

    def reject(self, href: str) -> RemoteBooking:
        """Reject a request there; it still has to be deleted."""
        return self._remembered(self._site.reject(href))

    def _wish(self, body: bytes) -> Wish:
        try:
            return wish_of(body, self._zone)
        except UnfitError as error:
            raise SiteRefused(self.where, UNPROCESSABLE, str(error)) from None

    def _ours(self, href: str, mark: str, slot: Slot) -> RemoteBooking | None:
        """What an earlier try left there: one that was cancelled since holds nothing."""
        written = self._living(self._written[href]) if href in self._written else None
        if written is not None:
            return written
        around = self._around(slot.start)
        found = standing(around.bookings, mark, self._page, slot)
        return _none_of(around, self.where) if found is None else self._remembered(found)

    def _around(self, start: datetime) -> Found:
        return listed(self._site, start, start + SECOND)

    def _end(self, href: str, *, is_ours: bool) -> Written:
        if is_ours:
            self._site.remove(href)
            self._forget(href)
            return Written(WriteOutcome.DONE)
        try:
            return self._done(self._site.cancel(href))
        except SiteMissing:
            self._forget(href)
            return Written(WriteOutcome.GONE)

    def _living(self, href: str) -> RemoteBooking | None:
        try:
            found = self.booking(href)
        except SiteMissing:
            return None
        return None if found.cancelled else found

    def _once(self, href: str) -> RemoteBooking | None:
        try:
            return self._brought.pop(href, None) or self.booking(href)
        except (SiteMissing, SiteUnreadable):
            return None

    def _done(self, booking: RemoteBooking) -> Written:
        self._remembered(booking)
        return Written(WriteOutcome.DONE, tag_of(booking), booking.id)

    def _remembered(self, booking: RemoteBooking) -> RemoteBooking:
        self._told[booking.id] = booking
        self._brought.pop(booking.id, None)
        return booking

    def _forget(self, href: str) -> None:
        self._told.pop(href, None)
        self._brought.pop(href, None)


def _clashed(error: SiteRefused) -> Written:
    """The time is taken. Whatever else the site says no to is its error, with its status."""
    if error.status != CONFLICT:
        raise error
    return Written(WriteOutcome.CLASHED)


def _none_of(found: Found, where: str) -> RemoteBooking | None:
    """That something is not there is believed of a whole listing only. Raises SiteIncomplete of another."""
    if found.doubt:
        raise SiteIncomplete(where, found.doubt)
    return None
