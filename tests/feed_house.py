"""A house with a hall of two halves, for tests and benches of calendars: rows as an operator's set-up leaves them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlalchemy.orm import Session

from booking.actions.calendar_items import ItemFacts
from booking.tables.bookings import Booking, Event
from booking.tables.calendars import CalendarItem
from booking.tables.doors import Door
from booking.tables.houses import Branch, Organisation, PriceList, Room, RoomUnit, Unit
from booking.tables.people import Customer
from booking.values.codes import new_booking_code
from booking.values.identity import new_token
from booking.values.money import BasisPoints, Cents
from booking.values.slot import Slot
from booking.values.states import BookingState, ItemStatus, Source
from booking.values.tokens import hash_token

NOW = datetime(2026, 11, 22, 9, 0, 0, 250_000, tzinfo=UTC)
KEY = b"a server key of the tests, 32 bytes"


@dataclass(frozen=True, slots=True)
class House:
    """Ids: the whole hall shares a unit with each half; the club room stands alone and has no door."""

    organisation_id: int
    hall: int
    left: int
    right: int
    club: int
    customer: int
    other_customer: int


def build_house(session: Session, slug: str = "kirche") -> House:
    organisation = Organisation(
        public_id=uuid4(),
        slug=slug,
        name=f"Haus {slug}",
        legal_name=f"Haus {slug} GmbH",
        street="Platz 1",
        postcode="10115",
        city="Berlin",
        email=f"{slug}@example.org",
        iban="DE02120300000000202051",
        payee="Haus",
    )
    session.add(organisation)
    session.flush()
    mine = {"organisation_id": organisation.id}
    place = {"street": "Platz 1", "postcode": "10115", "city": "Berlin"}
    branch = Branch(**mine, **place, public_id=uuid4(), name="Mitte", zone="Europe/Berlin")
    prices = PriceList(**mine, name="Preise", vat_rate=BasisPoints(1900), minimum=Cents(0))
    units = [Unit(**mine, name=name) for name in ("links", "rechts", "club")]
    session.add_all([branch, prices, *units])
    session.flush()
    door = Door(**mine, branch_id=branch.id, public_id=uuid4(), name="Tür")
    session.add(door)
    session.flush()
    rooms = {}
    for name, taken, has_door in (
        ("Halle", units[:2], True),
        ("Halle links", units[:1], True),
        ("Halle rechts", units[1:2], True),
        ("Clubraum", units[2:], False),
    ):
        room = Room(
            **mine,
            public_id=uuid4(),
            branch_id=branch.id,
            price_list_id=prices.id,
            door_id=door.id if has_door else None,
            slug=name.lower().replace(" ", "-"),
            name=name,
        )
        session.add(room)
        session.flush()
        session.add_all([RoomUnit(**mine, room_id=room.id, unit_id=unit.id) for unit in taken])
        rooms[name] = room.id
    people = [
        Customer(**mine, **place, public_id=uuid4(), name=name, email=f"{name}@example.org", phone="1", created_at=NOW)
        for name in ("anna", "boris")
    ]
    session.add_all(people)
    session.flush()
    return House(
        organisation.id,
        rooms["Halle"],
        rooms["Halle links"],
        rooms["Halle rechts"],
        rooms["Clubraum"],
        people[0].id,
        people[1].id,
    )


def book(
    session: Session,
    house: House,
    room_id: int,
    *,
    start: datetime = NOW + timedelta(days=3),
    customer_id: int | None = None,
    title: str = "Training",
    party: str = "Anna Müller",
) -> ItemFacts:
    """A requested booking of one hour, and the facts that its item would have; nothing is recorded yet."""
    mine = {"organisation_id": house.organisation_id}
    slot = Slot(start, start + timedelta(hours=1))
    event = Event(**mine, room_id=room_id, starts_at=slot.start, ends_at=slot.end)
    session.add(event)
    session.flush()
    booking = Booking(
        **mine,
        public_id=uuid4(),
        event_id=event.id,
        customer_id=customer_id or house.customer,
        code=new_booking_code(),
        state=BookingState.REQUESTED,
        source=Source.PORTAL,
        people=10,
        language="de",
        price_cents=Cents(0),
        price={},
        made_at=NOW,
        review_at=NOW,
        link_hash=hash_token(new_token()),
    )
    session.add(booking)
    session.flush()
    return ItemFacts(
        organisation_id=house.organisation_id,
        booking_id=booking.id,
        customer_id=booking.customer_id,
        room_id=room_id,
        slot=slot,
        zone="Europe/Berlin",
        status=ItemStatus.TENTATIVE,
        title=title,
        party=party,
        room="Halle",
        location="Platz 1, 10115 Berlin",
        details=f"Kontakt von {party}",
    )


def confirmed(facts: ItemFacts) -> ItemFacts:
    return replace(facts, status=ItemStatus.CONFIRMED)


def cancelled(facts: ItemFacts, at: datetime) -> ItemFacts:
    return replace(facts, status=ItemStatus.CANCELLED, ended_at=at)


def fill(session: Session, house: House, count: int, *, step: timedelta = timedelta(hours=2)) -> None:
    """Many confirmed items in the hall at once, without bookings, as feeds read them; revisions are not bumped."""
    begun = NOW.replace(microsecond=0)
    rows = [
        {
            "organisation_id": house.organisation_id,
            "uid": UUID(int=number + 1),
            "room_id": house.hall,
            "customer_id": house.customer,
            "sequence": 0,
            "created_at": begun,
            "last_modified": begun,
            "starts_at": NOW + number * step,
            "ends_at": NOW + number * step + timedelta(hours=1),
            "zone": "Europe/Berlin",
            "status": ItemStatus.CONFIRMED,
            "title": f"Training {number}, Jugend und Männer",
            "party": "Sportverein Grün-Weiß e. V.",
            "room": "Halle",
            "location": "Platz 1, 10115 Berlin",
            "details": "Trainerin: Anna Müller; bitte Schuhe mit heller Sohle mitbringen.",
        }
        for number in range(count)
    ]
    session.execute(insert(CalendarItem), rows)
