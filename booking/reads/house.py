"""All that an operator set up, as one frozen value. Read anew when `settings_revision` moved, else from memory.

Every action that writes a setting bumps the revision (`booking.actions.settings`), in the same transaction.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, bindparam, select
from sqlalchemy.orm import Session

from booking.rules.invoicing import house_lacks
from booking.rules.opening import open_between
from booking.rules.public_holidays import public_holidays
from booking.tables import houses as t
from booking.tables.prepared import Prepared
from booking.values.findings import Threshold
from booking.values.house import (
    CancelStep,
    ClosingDay,
    CustomerGroup,
    Extra,
    Hours,
    OfficeTerms,
    PriceList,
    PriceRule,
    RoomCalendar,
    RoomTerms,
    Season,
)
from booking.values.identity import host_id
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import Weight

HOLIDAY_YEARS = range(2020, 2051)
MOST_KEPT = 2000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """A room as it is booked. `closings` are its own and the whole house's."""

    room_id: int
    public_id: UUID
    slug: str
    name: str
    description: str
    branch: str
    location: str
    zone: ZoneInfo
    door_id: int | None
    unit_ids: tuple[int, ...]
    terms: RoomTerms
    hours: tuple[Hours, ...]
    closings: tuple[ClosingDay, ...]
    prices: PriceList
    archived: bool


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What stands on mails and invoices (§ 14 UStG)."""

    legal_name: str
    street: str
    postcode: str
    city: str
    country: str
    email: str
    tax_number: str | None
    vat_id: str | None
    iban: str
    bic: str | None
    payee: str


@dataclass(frozen=True, slots=True)
class House:
    """An organisation with its rooms and rules."""

    organisation_id: int
    public_id: UUID
    slug: str
    name: str
    epoch: int
    language: str
    currency: str
    country: str
    subdivision: str | None
    zone: ZoneInfo
    brand: str
    desk_email: str | None
    letterhead: Letterhead
    payment_days: int
    grace: timedelta
    desk_days: int
    digest_at: time
    code_after_payment: bool
    code_hours_before: int | None
    feed_code_hours: int | None
    approve_after_kept: int | None
    mail_check: bool
    open_per_contact: int
    open_per_address: int
    open_per_room: int
    office: OfficeTerms
    seasons: tuple[Season, ...]
    closings: tuple[ClosingDay, ...]
    groups: tuple[CustomerGroup, ...]
    public_holidays: frozenset[date]
    thresholds: Mapping[str, Threshold]
    rooms: Mapping[int, RoomFacts]
    _kept: dict[Hashable, tuple[RoomFacts, Any]] = field(init=False, default_factory=dict, compare=False, repr=False)

    @property
    def host_id(self) -> str:
        return host_id(self.public_id)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What keeps the house from writing invoices, see `house_lacks`; nothing where no room costs anything."""
        lists = [room.prices for room in self.rooms.values()]
        costs = [rule.cents for one in lists for rule in one.rules] + [
            one.cents for made in lists for one in made.extras
        ]
        if not any(costs):
            return ()
        own = self.letterhead
        address = (own.legal_name, own.street, own.postcode, own.city)
        return house_lacks(address, own.tax_number or own.vat_id or "", (own.payee, own.iban))

    def calendar(self, room: RoomFacts) -> RoomCalendar:
        return RoomCalendar(
            zone=room.zone,
            hours=room.hours,
            seasons=self.seasons,
            closings=room.closings,
            public_holidays=self.public_holidays,
            holidays_close_rooms=self.office.holidays_close_rooms,
        )

    def open_between(self, room: RoomFacts, first: date, last: date) -> tuple[Slot, ...]:
        """When one of these rooms is open, as `booking.rules.opening.open_between` says."""
        return self.kept(
            room, ("open", room.room_id, first, last), lambda: open_between(first, last, self.calendar(room))
        )

    def kept(self, room: RoomFacts, question: Hashable, answer: Callable[[], T]) -> T:
        """What follows from the settings of the house, one of its rooms and the question alone. Kept with the house,
        which is read anew when a setting changes.
        """
        known = self._kept.get(question)
        if known is None or known[0] is not room:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            known = self._kept[question] = (room, answer())
        found: T = known[1]
        return found

    def group_name(self, group_id: int | None) -> str:
        """The name of a customer group; empty for nobody's and for one that is gone."""
        return next((group.name for group in self.groups if group.group_id == group_id), "")

    def room(self, room_id: int) -> RoomFacts:
        if room_id not in self.rooms:
            raise NotFound("room", room_id)
        return self.rooms[room_id]

    def room_by(self, *, slug: str | None = None, public_id: UUID | None = None) -> RoomFacts:
        """Find a room by one of its public names. Raises NotFound."""
        for room in self.rooms.values():
            if (slug is not None and room.slug == slug) or (public_id is not None and room.public_id == public_id):
                return room
        raise NotFound("room", slug or public_id)


_ROW = t.Organisation.__table__.c
_REVISION = Prepared(select(_ROW.settings_revision).where(_ROW.id == bindparam("organisation_id")))

_KNOWN: WeakKeyDictionary[Engine, dict[int, tuple[int, House]]] = WeakKeyDictionary()


def read_house(session: Session, organisation_id: int, revision: int | None = None) -> House:
    """The house as it is set up now. One query where nothing changed, none where this session read the revision."""
    if revision is None:
        revision = _REVISION.scalar(session, {"organisation_id": organisation_id})
    if revision is None:
        raise NotFound("organisation", organisation_id)
    known = _KNOWN.setdefault(session.get_bind().engine, {})
    if organisation_id not in known or known[organisation_id][0] != revision:
        known[organisation_id] = (revision, _read(session, organisation_id))
    return known[organisation_id][1]


def only_organisation(session: Session) -> int | None:
    """The organisation of a house with one tenant: the first that was made."""
    return session.scalar(select(t.Organisation.id).order_by(t.Organisation.id).limit(1))


def organisation_ids(session: Session) -> tuple[int, ...]:
    """All organisations, in the order in which they were made."""
    return tuple(session.scalars(select(t.Organisation.id).order_by(t.Organisation.id)))


def _read(session: Session, organisation_id: int) -> House:
    row = session.get_one(t.Organisation, organisation_id)
    seasons = tuple(Season(s.id, s.name, s.first_day, s.last_day) for s in _all(session, t.Season, organisation_id))
    closing_rows = _all(session, t.ClosingDay, organisation_id)
    office_closings = tuple(_closing(c) for c in closing_rows if c.room_id is None)
    return House(
        organisation_id=row.id,
        public_id=row.public_id,
        slug=row.slug,
        name=row.name,
        epoch=row.epoch,
        language=row.language,
        currency=row.currency,
        country=row.country,
        subdivision=row.subdivision,
        zone=ZoneInfo(row.zone),
        brand=row.brand,
        desk_email=row.desk_email,
        letterhead=_letterhead(row),
        payment_days=row.payment_days,
        grace=timedelta(seconds=row.grace_seconds),
        desk_days=row.desk_days,
        digest_at=row.digest_at,
        code_after_payment=row.code_after_payment,
        code_hours_before=row.code_hours_before,
        feed_code_hours=row.feed_code_hours,
        approve_after_kept=row.approve_after_kept,
        mail_check=row.mail_check,
        open_per_contact=row.open_per_contact,
        open_per_address=row.open_per_address,
        open_per_room=row.open_per_room,
        office=_office(session, row),
        seasons=seasons,
        closings=office_closings,
        groups=tuple(
            CustomerGroup(row.id, row.name)
            for row in sorted(_all(session, t.CustomerGroup, organisation_id), key=lambda group: group.name.casefold())
        ),
        public_holidays=public_holidays(row.country, row.subdivision, HOLIDAY_YEARS),
        thresholds=_thresholds(row.thresholds),
        rooms=MappingProxyType({room.room_id: room for room in _rooms(session, organisation_id, closing_rows)}),
    )


def _all(session: Session, table: Any, organisation_id: int) -> list[Any]:
    return list(session.scalars(select(table).where(table.organisation_id == organisation_id).order_by(table.id)))


def _closing(row: t.ClosingDay) -> ClosingDay:
    return ClosingDay(row.first_day, row.last_day, row.reason, row.closes_office, row.closes_rooms)


def _letterhead(row: t.Organisation) -> Letterhead:
    return Letterhead(
        legal_name=row.legal_name,
        street=row.street,
        postcode=row.postcode,
        city=row.city,
        country=row.country,
        email=row.email,
        tax_number=row.tax_number,
        vat_id=row.vat_id,
        iban=row.iban,
        bic=row.bic,
        payee=row.payee,
    )


def _office(session: Session, row: t.Organisation) -> OfficeTerms:
    hours = _all(session, t.WorkHours, row.id)

    def of(kind: t.HoursKind) -> tuple[Hours, ...]:
        return tuple(Hours(h.weekday, h.opens, h.closes) for h in hours if h.kind is kind)

    return OfficeTerms(
        zone=ZoneInfo(row.zone),
        hours=of(t.HoursKind.OFFICE),
        review_by=row.review_by,
        mail_at=row.mail_at,
        office_phone=row.office_phone,
        desk_phone=row.desk_phone,
        desk_hours=of(t.HoursKind.DESK),
        holidays_close_rooms=row.holidays_close_rooms,
    )


def _thresholds(stored: dict[str, Any]) -> Mapping[str, Threshold]:
    return {
        code: Threshold(Weight(entry["weight"]) if entry.get("weight") else None, entry.get("number"))
        for code, entry in stored.items()
    }


def _rooms(session: Session, organisation_id: int, closings: list[t.ClosingDay]) -> list[RoomFacts]:
    branches = {branch.id: branch for branch in _all(session, t.Branch, organisation_id)}
    prices = _price_lists(session, organisation_id)
    hours = _all(session, t.OpeningHours, organisation_id)
    steps = sorted(_all(session, t.CancelStep, organisation_id), key=lambda step: -step.days_before)
    units = session.execute(
        select(t.RoomUnit.room_id, t.RoomUnit.unit_id)
        .where(t.RoomUnit.organisation_id == organisation_id)
        .order_by(t.RoomUnit.unit_id)
    ).all()
    rooms = []
    for room in sorted(_all(session, t.Room, organisation_id), key=lambda room: (room.rank, room.id)):
        branch = branches[room.branch_id]
        rooms.append(
            RoomFacts(
                room_id=room.id,
                public_id=room.public_id,
                slug=room.slug,
                name=room.name,
                description=room.description,
                branch=branch.name,
                location=f"{branch.name}, {branch.street}, {branch.postcode} {branch.city}",
                zone=ZoneInfo(branch.zone),
                door_id=room.door_id,
                unit_ids=tuple(unit for owner, unit in units if owner == room.id),
                terms=_terms(room, [step for step in steps if step.room_id == room.id]),
                hours=tuple(Hours(h.weekday, h.opens, h.closes, h.season_id) for h in hours if h.room_id == room.id),
                closings=tuple(_closing(c) for c in closings if c.room_id in {None, room.id}),
                prices=prices[room.price_list_id],
                archived=room.archived_at is not None,
            )
        )
    return rooms


def _terms(room: t.Room, steps: list[t.CancelStep]) -> RoomTerms:
    def minutes(number: int) -> timedelta:
        return timedelta(minutes=number)

    return RoomTerms(
        slot=minutes(room.slot_minutes),
        grid=minutes(room.grid_minutes),
        shortest=minutes(room.shortest_minutes),
        longest=minutes(room.longest_minutes),
        buffer_before=minutes(room.buffer_before_minutes),
        buffer_after=minutes(room.buffer_after_minutes),
        notice=minutes(room.notice_minutes),
        horizon=timedelta(days=room.horizon_days),
        most_people=room.most_people,
        tolerance_before=minutes(room.tolerance_before_minutes),
        tolerance_after=minutes(room.tolerance_after_minutes),
        cancel_steps=tuple(CancelStep(step.days_before, step.fee_percent) for step in steps),
    )


def _price_lists(session: Session, organisation_id: int) -> dict[int, PriceList]:
    rules = _all(session, t.PriceRule, organisation_id)
    extras = sorted(_all(session, t.PriceExtra, organisation_id), key=lambda extra: (extra.rank, extra.id))
    return {
        row.id: PriceList(
            rules=tuple(
                PriceRule(
                    rule_id=rule.id,
                    name=rule.name,
                    cents=rule.cents,
                    per_hour=rule.per_hour,
                    weekdays=frozenset(rule.weekdays),
                    from_time=rule.from_time,
                    to_time=rule.to_time,
                    season_id=rule.season_id,
                    rank=rule.rank,
                    group_id=rule.group_id,
                )
                for rule in rules
                if rule.price_list_id == row.id
            ),
            vat_rate=row.vat_rate,
            minimum=row.minimum,
            exemption=row.exemption,
            extras=tuple(_extra(extra, row) for extra in extras if extra.price_list_id == row.id),
        )
        for row in _all(session, t.PriceList, organisation_id)
    }


def _extra(row: t.PriceExtra, price_list: t.PriceList) -> Extra:
    rate = price_list.vat_rate if row.vat_rate is None else row.vat_rate
    return Extra(row.id, row.name, row.cents, row.per, rate, row.most, row.active)
