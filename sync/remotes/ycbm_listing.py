"""Read an account's bookings whole, or say why that cannot be proven (SPEC C9, Y6).

The site tells them page by page, from a moment on, and leaves out what shares the second of that moment.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from outside.errors import SiteIncomplete, SiteUnreadable
from outside.ycbm import QUERY_PAGE, YcbmClient
from outside.ycbm_values import RemoteBooking, read_booking

LIST_PAGE = 10
MOST_PAGES = 400
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Found:
    """What was told. `unreadable` holds the ids of bookings that exist but make no sense: they must not be taken for
    vanished. With a `doubt` anything may be missing.
    """

    bookings: tuple[RemoteBooking, ...]
    unreadable: tuple[str, ...]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    bookings: tuple[RemoteBooking, ...]
    unreadable: tuple[str, ...]
    length: int


@dataclass(slots=True)
class _Walk:
    site: YcbmClient
    seen: dict[str, RemoteBooking] = field(default_factory=dict)
    odd: dict[str, None] = field(default_factory=dict)
    longest: int = 0

    def page(self, cursor: datetime) -> Page:
        page = page_of(self.site, cursor)
        self.longest = max(self.longest, page.length)
        self.odd.update(dict.fromkeys(page.unreadable))
        return page

    def go(self, cursor: datetime, until: datetime | None) -> None:
        """Raises SiteIncomplete where the end cannot be proven."""
        for _ in range(MOST_PAGES):
            page = self.page(cursor)
            is_news = any(booking.id not in self.seen for booking in page.bookings)
            self.seen.update({booking.id: booking for booking in page.bookings})
            last = max((booking.slot.start for booking in page.bookings), default=cursor)
            if not is_news:
                self._require_end(page, last)
                return
            if until is not None and last >= until:
                return
            cursor = max(cursor, last - SECOND)
        raise SiteIncomplete(self.site.where, f"more than {MOST_PAGES} pages")

    def _require_end(self, page: Page, last: datetime) -> None:
        """Nothing new came. That is the end only if the page could have held more, and nothing starts later.

        A page of ten is full unless an earlier, longer one has shown that the site keeps to the size asked for.
        """
        if page.length < LIST_PAGE:
            return
        full = page.length >= QUERY_PAGE or self.longest <= LIST_PAGE
        if full or any(booking.id not in self.seen for booking in self.page(last).bookings):
            raise SiteIncomplete(self.site.where, "more bookings share one second than a page holds")
        if page.unreadable:
            raise SiteIncomplete(self.site.where, "bookings that cannot be read stand where a page ends")


def listed(
    site: YcbmClient, since: datetime, until: datetime | None = None, *, profile_ids: frozenset[str] = frozenset()
) -> Found:
    """All bookings that start in [since, until), cancelled ones too, by start; empty `profile_ids` means all.

    Each page is asked for from one second before the last start seen, and what comes twice counts once. Where more
    share one second than a page holds, nothing can prove that the listing is whole: that is a doubt, as is a page in
    another order. Raises what the client raises.
    """
    walk, doubt = _Walk(site), ""
    try:
        walk.go(since - SECOND, until)
    except SiteIncomplete as error:
        doubt = error.reason
    inside = _inside(walk.seen.values(), since, until, profile_ids)
    return Found(tuple(sorted(inside, key=lambda booking: (booking.slot.start, booking.id))), tuple(walk.odd), doubt)


def page_of(site: YcbmClient, cursor: datetime) -> Page:
    """What the site tells at once of what starts after a second. Raises SiteIncomplete where it is in no order, and
    SiteUnreadable where a booking has not even an id.
    """
    bookings, unreadable = [], []
    found = site.page(cursor)
    for raw in found:
        try:
            bookings.append(read_booking(raw))
        except ValueError:
            identity = raw.get("id") if isinstance(raw, dict) else None
            if not isinstance(identity, str) or not identity:
                raise SiteUnreadable(site.where, "a booking without id") from None
            unreadable.append(identity)
    starts = [booking.slot.start for booking in bookings]
    if starts != sorted(starts):
        raise SiteIncomplete(site.where, "bookings do not come by start")
    return Page(tuple(bookings), tuple(unreadable), len(found))


def _inside(
    bookings: Iterable[RemoteBooking], since: datetime, until: datetime | None, profile_ids: frozenset[str]
) -> Iterator[RemoteBooking]:
    for booking in bookings:
        is_in_time = booking.slot.start >= since and (until is None or booking.slot.start < until)
        if is_in_time and (not profile_ids or booking.profile_id in profile_ids):
            yield booking
