"""A client of the YouCanBook.me API, version 1: HTTP Basic with account id and API key, JSON.

One method, one thing asked for or done, and what was done is read again. As a calendar an account is read and written
by `sync.remotes.ycbm` above; the set-up pages, which know no `sync`, prove a connection with this alone.

Built from public documentation and public client code; nothing could be tried on the real service, and
`docs/youcanbookme.md` says which calls rest on how much. Errors: `SiteError` and below in `outside.errors`, and
whatever the transport raises (also an `OutsideError`); no answer, however broken, raises anything else.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from booking.values.slot import Slot
from outside.errors import (
    PLAIN_NO,
    SiteDenied,
    SiteDown,
    SiteError,
    SiteMissing,
    SiteRefused,
    SiteThrottled,
    SiteUnchanged,
    SiteUnreadable,
)
from outside.http import Answer
from outside.ycbm_values import (
    OUR_MARK,
    RemoteBooking,
    RemoteProfile,
    Tentative,
    marked_name,
    read_booking,
    read_offers,
    read_profile,
    read_zone,
)

FIELDS = (
    "id,ref,title,accountId,profileId,createdAt,updatedAt,startsAt,endsAt,startsAtUTC,endsAtUTC,timeZone,units,"
    "tentative,cancelled,cancelledAt,cancelledBy,cancellationReason,rescheduledAt,rescheduledBy,noShow,"
    "answers,answers.code,answers.string"
)
QUERY_PAGE = 500
DEFAULT_WAIT = 60
LONGEST_WAIT = 3600
LONGEST_WORD = 500
TOO_MANY = 429


class Fetch(Protocol):
    """How a request leaves: `Fetcher.request` of `outside.http`."""

    def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer: ...


def patient(fetch: Fetch, closed_for: Callable[[], int], close_for: Callable[[int], object]) -> Fetch:
    """A way out that keeps to the pauses that a site asks for, whoever it was that asked too often.

    `closed_for` is asked before each request, for how many seconds nothing may be sent: SiteThrottled says so then. It
    may stop the request by raising, too. `close_for` is told for how many seconds the site wants to be left alone.
    """

    def ask(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
        if seconds := closed_for():
            raise SiteThrottled("", TOO_MANY, seconds)
        answer = fetch(method, url, headers=headers, body=body)
        if answer.status == TOO_MANY:
            close_for(_wait(answer.headers.get("Retry-After", "")))
        return answer

    return ask


class YcbmClient:
    """One account. Threads may share it; it keeps no state. Slots are UTC, zones are where the house stands.

    `where` is what its errors say of the place: the origin alone.
    """

    def __init__(self, base_url: str, account_id: str, api_key: str, fetch: Fetch) -> None:
        self._base, self._account, self._fetch = base_url.rstrip("/"), quote(account_id, safe=""), fetch
        token = b64encode(f"{account_id}:{api_key}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Accept": "application/json"}
        parts = urlsplit(self._base)
        self.where = f"{parts.scheme}://{parts.hostname}"

    def probe(self) -> int:
        """Prove address and credentials: the number of booking pages that they open."""
        return len(self.profiles())

    def profiles(self) -> tuple[RemoteProfile, ...]:
        """The account's booking pages."""
        found = self._first_of((f"/{self._account}/profiles", "/profiles"), {})
        if not isinstance(found, list):
            raise SiteUnreadable(self.where, "profiles are no list")
        try:
            return tuple(read_profile(raw) for raw in found)
        except ValueError as error:
            raise SiteUnreadable(self.where, str(error)) from None

    def booking(self, booking_id: str) -> RemoteBooking:
        """One booking as it stands now. SiteMissing where there is none."""
        raw = self._call("GET", f"/bookings/{quote(booking_id, safe='')}", {"fields": FIELDS})
        try:
            return read_booking(raw)
        except ValueError as error:
            raise SiteUnreadable(self.where, str(error)) from None

    def page(self, since: datetime) -> list[object]:
        """The bookings that start after this second, cancelled ones too, as decoded JSON: as many as the site tells at
        once. `sync.remotes.ycbm_listing` knows how to walk on from there without losing any.
        """
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        wide = {"from": moment, "fields": FIELDS, "pageSize": str(QUERY_PAGE)}
        wide |= {"searchTimeRangeCriteria": "startsAt", "sortBy": "startsAt"}
        found = self._first_of((f"/accounts/{self._account}/bookings/query", f"/{self._account}/bookings"), wide)
        if not isinstance(found, list):
            raise SiteUnreadable(self.where, "bookings are no list")
        return found

    def cancel(self, booking_id: str, reason: str = "") -> RemoteBooking:
        """Cancel there. Cancelling what is cancelled is fine. Returns what stands there afterwards."""
        changes = {"cancelled": True} | ({"cancellationReason": reason} if reason else {})
        return self._change(booking_id, changes, lambda booking: booking.cancelled)

    def reschedule(self, booking_id: str, slot: Slot, zone: ZoneInfo | None = None) -> RemoteBooking:
        """Move there. `zone` is the booking's own if not given. SiteRefused where the time is taken."""
        there = zone or read_zone(self.booking(booking_id).zone) or ZoneInfo("UTC")
        return self._change(booking_id, _times(slot, there), lambda booking: booking.slot == slot)

    def accept(self, booking_id: str) -> RemoteBooking:
        """Set the tentative state to ACCEPTED. Unverified: no document read says that this field can be written. It is
        read again afterwards, and SiteUnchanged says so if it stayed.
        """
        return self._decide(booking_id, Tentative.ACCEPTED)

    def reject(self, booking_id: str) -> RemoteBooking:
        """Set the tentative state to REJECTED; as unverified as `accept`."""
        return self._decide(booking_id, Tentative.REJECTED)

    def create_block(self, profile_id: str, slot: Slot, zone: ZoneInfo, title: str, mark: str = "") -> RemoteBooking:
        """Hold a time there by a booking of ours. `mark` (no spaces) makes it recognisable when its id is lost.
        SiteRefused where the time is taken. After any error that is no PLAIN_NO it may stand there: look for the mark
        before trying again.
        """
        answers = {"FNAME": marked_name(mark), "LNAME": title, OUR_MARK: mark or OUR_MARK}
        wish = {
            "profileId": profile_id,
            **_times(slot, zone),
            "units": 1,
            "answers": [{"code": code, "string": text} for code, text in answers.items()],
        }
        made = self._call("POST", "/bookings", {}, wish)
        booking_id = made.get("id") if isinstance(made, dict) else None
        if not isinstance(booking_id, str) or not booking_id:
            raise SiteUnreadable(self.where, "the new booking has no id")
        try:
            standing = self.booking(booking_id)
        except PLAIN_NO as error:  # a no to the question alone: the booking was made
            raise SiteUnreadable(self.where, f"the new booking cannot be read ({type(error).__name__})") from None
        if standing.slot != slot:  # nobody would know it as ours, as it stands there
            self.remove(booking_id)
        return self._checked(standing, lambda booking: booking.slot == slot)

    def remove(self, booking_id: str) -> None:
        """Remove a booking. What is gone already is removed."""
        try:
            self._call("DELETE", f"/bookings/{quote(booking_id, safe='')}", {})
        except SiteMissing:
            return

    def begin(self, profile_id: str) -> str:
        """Begin a booking on a page, which books nothing but opens the page's free times: its id, for `offered`.

        SiteMissing where the account has no such page.
        """
        page = next((page for page in self.profiles() if page.id == profile_id), None)
        if page is None:
            raise SiteMissing(self.where, 404)
        wish = {"subdomain": page.subdomain, "selections": {"timeZone": "UTC"}}
        return self._word(self._call("POST", "/intents", {}, wish), "id")

    def offered(self, intent: str, first: date) -> frozenset[datetime]:
        """When free slots begin, from a local day on as far as the site tells (about a month). SiteMissing where the
        site has forgotten what was begun.
        """
        path = f"/intents/{quote(intent, safe='')}/availabilitykey"
        key = self._word(self._call("GET", path, {"startSearchAt": first.isoformat()}), "key")
        found = self._call("GET", f"/availabilities/{quote(key, safe='')}", {})
        try:
            return read_offers(found)
        except ValueError as error:
            raise SiteUnreadable(self.where, str(error)) from None

    def _word(self, raw: object, name: str) -> str:
        word = raw.get(name) if isinstance(raw, dict) else None
        if not isinstance(word, str) or not word or len(word) > LONGEST_WORD:
            raise SiteUnreadable(self.where, f"no {name}")
        return word

    def _decide(self, booking_id: str, state: Tentative) -> RemoteBooking:
        return self._change(booking_id, {"tentative": state.value}, lambda booking: booking.tentative is state)

    def _change(
        self, booking_id: str, changes: Mapping[str, object], taken: Callable[[RemoteBooking], bool]
    ) -> RemoteBooking:
        self._call("PATCH", f"/bookings/{quote(booking_id, safe='')}", {}, changes)
        return self._checked(self.booking(booking_id), taken)

    def _checked(self, booking: RemoteBooking, taken: Callable[[RemoteBooking], bool]) -> RemoteBooking:
        """A 2xx is no proof; what is read afterwards is."""
        if not taken(booking):
            raise SiteUnchanged(self.where, "answered well, but stands as before")
        return booking

    def _first_of(self, paths: tuple[str, str], query: Mapping[str, str]) -> object:
        """Two generations of addresses are in use; the second is asked where the first does not exist."""
        try:
            return self._call("GET", paths[0], query)
        except SiteMissing:
            return self._call("GET", paths[1], query)

    def _call(self, method: str, path: str, query: Mapping[str, str], wish: object = None) -> Any:
        url = self._base + path + (f"?{urlencode(query)}" if query else "")
        body = None if wish is None else json.dumps(wish).encode()
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        answer = self._fetch(method, url, headers=headers, body=body)
        if not 200 <= answer.status < 300:
            raise refusal(self.where, answer)
        try:
            return json.loads(answer.body) if answer.body.strip() else None
        except (ValueError, RecursionError):
            raise SiteUnreadable(self.where, "no JSON") from None


def refusal(where: str, answer: Answer) -> SiteError:
    """The error for a status that is not 2xx."""
    status = answer.status
    if status in {401, 403}:
        return SiteDenied(where, status)
    if status in {404, 410}:
        return SiteMissing(where, status)
    if status == TOO_MANY:
        return SiteThrottled(where, status, _wait(answer.headers.get("Retry-After", "")))
    if status >= 500:
        return SiteDown(where, status)
    return SiteRefused(where, status)


def _wait(header: str) -> int:
    """Seconds to wait. A date would need a clock, and the site's may be wrong, so it counts as the default."""
    text = header.strip()
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else DEFAULT_WAIT
    return min(max(seconds, 1), LONGEST_WAIT)


def _times(slot: Slot, zone: ZoneInfo) -> dict[str, str]:
    """Wall time with its offset beside the zone's name: right whichever of the two the site looks at."""
    start, end = (moment.astimezone(zone).isoformat(timespec="seconds") for moment in (slot.start, slot.end))
    return {"startsAt": start, "endsAt": end, "timeZone": zone.key}
