"""A small house in the database for tests of actions and reads: a hall of two halves behind one door, and its people.

`build_house(session, now)` writes rows as an operator's set-up leaves them; `make_tools()` gives link key and vault.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.orm import Session

from booking.actions.requests import Ask, Made, make_request
from booking.actions.tools import Tools
from booking.actions.vault import Vault
from booking.reads.house import House, read_house
from booking.tables.doors import Door, DoorCode
from booking.tables.houses import (
    Branch,
    CancelStep,
    HoursKind,
    OpeningHours,
    Organisation,
    PriceList,
    PriceRule,
    Room,
    RoomUnit,
    Season,
    Unit,
    WorkHours,
)
from booking.tables.people import Staff
from booking.values.clock import instant_of
from booking.values.findings import Contact
from booking.values.identity import new_uuid
from booking.values.money import BasisPoints, Cents
from booking.values.slot import Slot
from booking.values.states import CodeState, Role

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Berlin, in office hours
OPENS, CLOSES = time(8), time(22)
MONDAY_TO_FRIDAY = range(5)


@dataclass(frozen=True, slots=True)
class Ids:
    """What `build_house` made. The whole hall shares one unit with each half; all three rooms have the one door."""

    organisation_id: int
    branch_id: int
    door_id: int
    season_id: int
    price_list_id: int
    hall: int
    left: int
    right: int
    units: tuple[int, int]
    owner: int
    office: int
    desk: int


def make_tools(keys: Sequence[tuple[str, bytes]] = (("k1", b"1" * 32),)) -> Tools:
    """Tools with fixed keys; a second key pair after the first plays an older key."""
    return Tools(link_key=b"a link key of the tests, 32 bytes", vault=Vault(keys))


def build_house(session: Session, now: datetime = NOW, slug: str = "kirche") -> Ids:
    """An organisation in Cologne, open daily 8 to 22 in a season of 180 days around `now`; nobody has booked yet."""
    organisation = Organisation(
        public_id=new_uuid(now),
        slug=slug,
        name=f"Haus {slug}",
        legal_name=f"Haus {slug} GmbH",
        street="Domplatz 1",
        postcode="50667",
        city="Köln",
        subdivision="NW",
        email=f"buero@{slug}.example",
        desk_email=f"theke@{slug}.example",
        office_phone="+49 221 1000",
        desk_phone="+49 221 2000",
        vat_id="DE123456789",
        iban="DE02120300000000202051",
        payee=f"Haus {slug} GmbH",
    )
    session.add(organisation)
    session.flush()
    mine = {"organisation_id": organisation.id}
    branch = Branch(
        **mine,
        public_id=new_uuid(now),
        name="Mitte",
        street="Domplatz 1",
        postcode="50667",
        city="Köln",
        zone=ZONE.key,
    )
    today = now.astimezone(ZONE).date()
    season = Season(**mine, name="Winter", first_day=today - timedelta(days=30), last_day=today + timedelta(days=149))
    prices = PriceList(**mine, name="Preise", vat_rate=BasisPoints(1900), minimum=Cents(0))
    units = [Unit(**mine, name=name) for name in ("links", "rechts")]
    session.add_all([branch, season, prices, *units])
    session.flush()
    door = Door(**mine, branch_id=branch.id, public_id=new_uuid(now), name="Haupteingang")
    session.add_all([door, PriceRule(**mine, price_list_id=prices.id, name="Stunde", cents=Cents(5000), per_hour=True)])
    session.flush()
    rooms = [
        _room(session, now, mine, branch, prices, door, name, parts)
        for name, parts in (("Halle", units), ("Halle links", units[:1]), ("Halle rechts", units[1:]))
    ]
    for weekday in MONDAY_TO_FRIDAY:
        session.add(WorkHours(**mine, kind=HoursKind.OFFICE, weekday=weekday, opens=time(9), closes=time(17)))
    for weekday in range(7):
        session.add(WorkHours(**mine, kind=HoursKind.DESK, weekday=weekday, opens=time(7), closes=time(22)))
    staff = [_staff(session, now, mine, role, slug) for role in (Role.OWNER, Role.OFFICE, Role.DESK)]
    session.flush()
    return Ids(
        organisation.id,
        branch.id,
        door.id,
        season.id,
        prices.id,
        rooms[0].id,
        rooms[1].id,
        rooms[2].id,
        units=(units[0].id, units[1].id),
        owner=staff[0].id,
        office=staff[1].id,
        desk=staff[2].id,
    )


def change_house(session: Session, ids: Ids, **settings: object) -> House:
    """Set columns of the organisation, for example `desk_days=2`, and read the house as it is then."""
    organisation = session.get_one(Organisation, ids.organisation_id)
    for name, value in settings.items():
        setattr(organisation, name, value)
    organisation.settings_revision += 1
    session.flush()
    return read_house(session, ids.organisation_id)


def set_steps(session: Session, ids: Ids, *steps: tuple[int, int]) -> House:
    """Cancelling costs the same in all rooms from here on: days before the start and percent of each step."""
    session.execute(delete(CancelStep).where(CancelStep.organisation_id == ids.organisation_id))
    session.add_all(
        CancelStep(organisation_id=ids.organisation_id, room_id=room, days_before=days, fee_percent=percent)
        for room in (ids.hall, ids.left, ids.right)
        for days, percent in steps
    )
    return change_house(session, ids)


def slot_on(day: date, first: int, last: int, zone: ZoneInfo = ZONE) -> Slot:
    """From one full hour to another of a local day."""
    return Slot(instant_of(day, time(first), zone), instant_of(day, time(last), zone))


def slot_in(days: int, first: int, last: int, now: datetime = NOW) -> Slot:
    """As `slot_on`, so many local days after `now`."""
    return slot_on(now.astimezone(ZONE).date() + timedelta(days=days), first, last)


def contact(name: str = "Anna Müller", **others: str) -> Contact:
    """An honest contact; the mail address follows from the name."""
    given = {
        "company": "",
        "email": f"{name.lower().replace(' ', '.').replace('ü', 'ue')}@verein.example",
        "phone": "+49 221 555123",
        "street": "Ringstraße 7",
        "postcode": "50674",
        "city": "Köln",
        "country": "DE",
    }
    return Contact(name=name, **(given | others))


def ask(room_id: int, slot: Slot, who: Contact | None = None, people: int = 10) -> Ask:
    """A request as the portal would make it."""
    return Ask(room_id, slot, people, "Training der Altherren", who or contact(), "de")


def request(
    session: Session, now: datetime, tools: Tools, ids: Ids, room_id: int, slot: Slot, who: Contact | None = None
) -> Made:
    """Make a request that is admitted."""
    made = make_request(session, now, tools, read_house(session, ids.organisation_id), ask(room_id, slot, who))
    assert isinstance(made, Made), made
    return made


def add_code(
    session: Session,
    now: datetime,
    tools: Tools,
    ids: Ids,
    text: str,
    window: Slot,
    state: CodeState = CodeState.FREE,
) -> DoorCode:
    """Put one code of the season on the door."""
    public_id = new_uuid(now)
    sealed = tools.vault.seal(text.encode(), f"door_code:{public_id}")
    code = DoorCode(
        organisation_id=ids.organisation_id,
        public_id=public_id,
        door_id=ids.door_id,
        season_id=ids.season_id,
        starts_at=window.start,
        ends_at=window.end,
        state=state,
        cipher=sealed.cipher,
        key_id=sealed.key_id,
        code_hmac=tools.vault.fingerprints(text, f"door:{ids.door_id}")[0],
    )
    session.add(code)
    session.flush()
    return code


def _room(
    session: Session,
    now: datetime,
    mine: dict[str, int],
    branch: Branch,
    prices: PriceList,
    door: Door,
    name: str,
    units: Sequence[Unit],
) -> Room:
    room = Room(
        **mine,
        public_id=new_uuid(now),
        branch_id=branch.id,
        price_list_id=prices.id,
        door_id=door.id,
        slug=name.lower().replace(" ", "-"),
        name=name,
    )
    session.add(room)
    session.flush()
    session.add_all([RoomUnit(**mine, room_id=room.id, unit_id=unit.id) for unit in units])
    for weekday in range(7):
        session.add(OpeningHours(**mine, room_id=room.id, weekday=weekday, opens=OPENS, closes=CLOSES))
    return room


def _staff(session: Session, now: datetime, mine: dict[str, int], role: Role, slug: str) -> Staff:
    staff = Staff(
        **mine,
        public_id=new_uuid(now),
        email=f"{role.value}@{slug}.example",
        name=f"Frau {role.value.capitalize()}",
        role=role,
        password_hash="none of these people logs in",
        created_at=now,
    )
    session.add(staff)
    return staff
