"""The plausibility review: what stands out about a request. Findings advise; a person decides (SPEC S8)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from booking.rules.findings_table import DEFAULTS, KINDS
from booking.rules.made_up import count_links, is_impossible_phone, is_nonsense, spam_words, throwaway_domain
from booking.values.clock import instant_of, local_day
from booking.values.findings import Contact, Finding, Record, Threshold, Wish
from booking.values.house import RoomTerms
from booking.values.states import Weight

MINUTE = timedelta(minutes=1)
LEAST_DIGITS = 6  # of a number that is known without its country's code
HEAVIEST_FIRST = (Weight.STOP, Weight.WARN, Weight.INFO)
_ORDER = {code: place for place, code in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class House:
    """What a request is measured against besides the thresholds. `region` is the house's own, ISO 3166-1."""

    terms: RoomTerms
    zone: ZoneInfo
    region: str = "DE"
    throwaway_domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Observed:
    """Something seen, before it is weighed. `count` is what a threshold's number is compared with, if it has one."""

    code: str
    values: dict[str, str | int]
    count: int | None = None


def findings(wish: Wish, record: Record, settings: Mapping[str, Threshold], house: House) -> tuple[Finding, ...]:
    """All findings, the heaviest first, of one weight in the table's order. `settings` override DEFAULTS by code.

    A weight of None switches a finding off; a number of None in a setting means the default's number.
    """
    rows = {**DEFAULTS, **settings}
    seen = (*_of_contact(wish.contact, house), *_of_wish(wish, rows, house), *_of_record(record))
    found = [
        Finding(one.code, weight, one.values)
        for one in seen
        if (weight := rows[one.code].weight) and (one.count is None or one.count >= max(1, _number(one.code, rows)))
    ]
    return tuple(sorted(found, key=lambda finding: (HEAVIEST_FIRST.index(finding.weight), _ORDER[finding.code])))


def trusted(record: Record, found: Collection[Finding], n: int) -> bool:
    """Whether an operator who switched it on lets this request through by itself (SPEC S8).

    The mail address proven, for what is kept is kept under it and anybody can type one; at least n kept bookings (and
    never without any), nothing unpaid, no finding above *info*.
    """
    if not record.is_proven or record.kept_bookings < max(1, n) or record.unpaid_invoices:
        return False
    return all(finding.weight is Weight.INFO for finding in found)


class Addressed(Protocol):
    """Who can be called and written to: a contact as it was entered, or a file."""

    @property
    def name(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def street(self) -> str: ...
    @property
    def postcode(self) -> str: ...
    @property
    def city(self) -> str: ...


def is_same_contact(given: Addressed, filed: Addressed) -> bool:
    """Whether name, phone and postal address are those of a file, however they are written."""
    return (
        _plain(given.name) == _plain(filed.name)
        and _is_same_number(given.phone, filed.phone)
        and _plain(given.postcode + given.city) == _plain(filed.postcode + filed.city)
        and _plain(given.street).replace("strasse", "str") == _plain(filed.street).replace("strasse", "str")
    )


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _is_same_number(one: str, other: str) -> bool:
    """With or without the country's code and the zero before the area's."""
    short, long = sorted(
        ("".join(filter(str.isdigit, number.replace("(0)", ""))).lstrip("0") for number in (one, other)), key=len
    )
    return short == long or (len(short) >= LEAST_DIGITS and long.endswith(short))


def _number(code: str, rows: Mapping[str, Threshold]) -> int:
    number = rows[code].number
    return number if number is not None else DEFAULTS[code].number or 0


def _of_contact(contact: Contact, house: House) -> Iterator[Observed]:
    if not _is_mail_address(contact.email):
        yield Observed("invalid-mail", {"email": contact.email})
    if domain := throwaway_domain(contact.email, house.throwaway_domains):
        yield Observed("throwaway-mail", {"domain": domain})
    if is_impossible_phone(contact.phone, {house.region, contact.country or house.region}):
        yield Observed("impossible-phone", {"phone": contact.phone})
    name = contact.name or contact.company
    if is_nonsense(name):
        yield Observed("nonsense-name", {"name": name})


def _of_wish(wish: Wish, rows: Mapping[str, Threshold], house: House) -> Iterator[Observed]:
    yield Observed("link", {"count": count_links(wish.purpose)}, count_links(wish.purpose))
    words = spam_words(wish.purpose)
    yield Observed("spam", {"words": ", ".join(words)}, len(words))
    if wish.people > house.terms.most_people:
        yield Observed("too-many-people", {"people": wish.people, "most": house.terms.most_people})
    minutes = wish.slot.duration // MINUTE
    yield Observed("unusual-length", {"minutes": minutes}, minutes - 1)  # at the number itself is still usual
    yield from _of_hour(wish, rows, house.zone)


def _of_hour(wish: Wish, rows: Mapping[str, Threshold], zone: ZoneInfo) -> Iterator[Observed]:
    """Both bounds are those of the local day on which the time begins, so a night into the next day ends late."""
    day = local_day(wish.slot.start, zone)
    early, late = _number("early", rows), _number("late", rows)
    if 0 < early < 24 and wish.slot.start < instant_of(day, time(early), zone):
        yield Observed("early", {"hour": early})
    if 0 <= late < 24 and wish.slot.end > instant_of(day, time(late), zone):
        yield Observed("late", {"hour": late})


def _of_record(record: Record) -> Iterator[Observed]:
    if record.clashes:
        yield Observed("clash", {"calendars": ", ".join(record.clashes)})
    if record.codes_left == 0:
        yield Observed("no-code", {})
    if record.discount_elsewhere:
        yield Observed("discount-elsewhere", {})
    if record.differs:
        yield Observed("other-data", {})
    if not record.in_season:
        yield Observed("outside-season", {})
    for code, count in (
        ("overlapping", len(record.overlapping)),
        ("repeated", record.repeated),
        ("too-many-open", record.open_requests),
        ("unpaid-invoices", record.unpaid_invoices),
        ("no-shows", record.no_shows),
    ):
        yield Observed(code, {"count": count}, count)


def _is_mail_address(text: str) -> bool:
    from email_validator import EmailNotValidError, validate_email  # its expressions take long to compile

    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True
