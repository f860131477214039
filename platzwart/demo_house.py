"""The demonstration's house: one hall of two halves, a gym, two doors, a season with codes, staff, feeds, a site."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from booking.actions.audit import SYSTEM
from booking.actions.doors import draw_season, generate_season
from booking.actions.feeds import make_feed
from booking.actions.tools import Tools
from booking.reads.house import read_house
from booking.rules.doorcodes import Pattern
from booking.tables import houses as t
from booking.tables.connections import BlockWay, Connection, ConnectionRoom
from booking.tables.database import Database
from booking.tables.doors import Door
from booking.tables.people import ApiToken, Staff
from booking.values.feeds import FeedChoices
from booking.values.house import Per
from booking.values.identity import new_uuid
from booking.values.money import BasisPoints, Cents
from booking.values.refusals import Refused
from booking.values.states import Role, SubjectKind, Variant
from booking.values.tokens import hash_token
from platzwart.demo_calendar import link_parish
from web.passwords import hash_password

T = TypeVar("T")

SLUG = "hallenwerk"
ZONE = ZoneInfo("Europe/Berlin")
ACCOUNT, PAGE = "acc-hallenwerk", "page-grosse-halle"
SEASON_BACK, SEASON_AHEAD = timedelta(days=14), timedelta(days=56)
OPENS, CLOSES = time(8), time(22)
STEPS = ((14, 30), (7, 50), (1, 100))  # days before the start, percent
STAFF: dict[Role, tuple[str, str]] = {
    Role.OWNER: ("leitung@hallenwerk.example", "Leitung"),
    Role.ADMIN: ("verwaltung@hallenwerk.example", "Verwaltung"),
    Role.OFFICE: ("buero@hallenwerk.example", "Büro"),
    Role.DESK: ("theke@hallenwerk.example", "Theke"),
}
GROUPS = ("Vereine", "Schulen und Kitas")
ROOMS = (
    ("Große Halle", "grosse-halle", "Das ganze Feld, 40 mal 20 Meter, mit Tribüne.", ("A", "B"), 40),
    ("Halbfeld A", "halbfeld-a", "Die Hälfte am Eingang.", ("A",), 20),
    ("Halbfeld B", "halbfeld-b", "Die Hälfte an der Kletterwand.", ("B",), 20),
    ("Gymnastikraum", "gymnastikraum", "Spiegelwand, Parkett, Musikanlage.", ("G",), 15),
)
TERMS = {
    t.TermsKind.TERMS: "Mit der Anfrage bieten Sie den Abschluss eines Mietvertrags an. Er kommt mit der Bestätigung "
    "zustande. Die Miete ist 14 Tage nach Rechnungsdatum fällig.",
    t.TermsKind.HOUSE_RULES: "Hallenschuhe mit heller Sohle. Licht aus, Türen zu. Was kaputtgeht, bitte melden.",
    t.TermsKind.PRIVACY: "Wir speichern, was für Anfrage, Vertrag und Rechnung nötig ist, und löschen es nach den "
    "gesetzlichen Fristen.",
    t.TermsKind.IMPRINT: "Hallenwerk gGmbH, Musterweg 1, 35390 Gießen. Dies ist eine Vorführung.",
    t.TermsKind.ACCESSIBILITY: "Diese Seiten sind mit Tastatur und Vorleseprogramm bedienbar. Hinweise nehmen wir "
    "gern entgegen.",
}


class DemoRefusedError(Exception):
    """An action refused what the demonstration asked for: its facts and the rules have come apart."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(f"the demonstration was refused: {', '.join(refusal.codes)}")
        self.refusal = refusal


def accepted(answer: T | Refused) -> T:
    """The answer of an action that is expected to say yes."""
    if isinstance(answer, Refused):
        raise DemoRefusedError(answer)
    return answer


def build(database: Database, now: datetime, tools: Tools, secret: Callable[..., str], peer: str) -> None:
    """Write the whole house, then its season's codes. Passwords are hashed before anything is written."""
    hashes = {role: hash_password(secret(f"password-{role.value}", 16)) for role in STAFF}
    organisation_id = database.write(lambda session: _house(session, now, tools, hashes, secret, peer))
    _codes(database, now, tools, organisation_id)


def _house(
    session: Session,
    now: datetime,
    tools: Tools,
    hashes: dict[Role, str],
    secret: Callable[..., str],
    peer: str,
) -> int:
    organisation = _organisation(now)
    session.add(organisation)
    session.flush()
    mine = {"organisation_id": organisation.id}
    branch = t.Branch(
        **mine,
        public_id=new_uuid(now),
        name="Hallenwerk",
        street="Musterweg 1",
        postcode="35390",
        city="Gießen",
        zone=ZONE.key,
    )
    today = now.astimezone(ZONE).date()
    season = t.Season(**mine, name="Wintersaison", first_day=today - SEASON_BACK, last_day=today + SEASON_AHEAD)
    prices = t.PriceList(**mine, name="Hallenpreise", vat_rate=BasisPoints(1900), minimum=Cents(0))
    units = {name: t.Unit(**mine, name=name) for name in "ABG"}
    session.add_all([branch, season, prices, *units.values()])
    session.flush()
    door = Door(**mine, branch_id=branch.id, public_id=new_uuid(now), name="Haupteingang")
    groups = [t.CustomerGroup(**mine, name=name) for name in GROUPS]
    session.add_all(groups)
    session.flush()
    session.add_all(
        [
            door,
            *_prices(mine, prices.id, groups[0].id),
            *_extras(mine, prices.id),
            *_hours(mine),
            *_terms(mine, now),
            *_staff(mine, now, hashes),
        ]
    )
    session.flush()
    rooms = [_room(session, now, mine, branch, prices, door, units, room) for room in ROOMS]
    christmas = today.replace(month=12, day=24)
    session.add(t.ClosingDay(**mine, first_day=christmas, last_day=christmas + timedelta(days=2), reason="Weihnachten"))
    session.add(
        ApiToken(
            **mine, name="Vorführung", role=Role.ADMIN, token_hash=hash_token(secret("api-token", 43)), created_at=now
        )
    )
    _site(session, now, tools, mine, rooms[0], secret, peer)
    accepted(link_parish(session, now, tools, rooms[-1], peer))
    _feeds(session, now, tools, organisation.id, rooms)
    return organisation.id


def _organisation(now: datetime) -> t.Organisation:
    return t.Organisation(
        public_id=new_uuid(now),
        slug=SLUG,
        name="Hallenwerk",
        legal_name="Hallenwerk gGmbH",
        street="Musterweg 1",
        postcode="35390",
        city="Gießen",
        country="DE",
        subdivision="HE",
        email="buero@hallenwerk.example",
        desk_email="theke@hallenwerk.example",
        office_phone="+49 641 1000",
        desk_phone="+49 641 2000",
        vat_id="DE123456789",
        iban="DE02120300000000202051",
        bic="BYLADEM1001",
        payee="Hallenwerk gGmbH",
    )


def _extras(mine: dict[str, int], price_list_id: int) -> list[t.PriceExtra]:
    shared = mine | {"price_list_id": price_list_id}
    return [
        t.PriceExtra(**shared, name="Musikanlage", cents=Cents(500), per=Per.HOUR, most=1),
        t.PriceExtra(**shared, name="Leihbälle", cents=Cents(200), per=Per.BOOKING, most=12, rank=1),
        t.PriceExtra(
            **shared,
            name="Getränke und Obst",
            cents=Cents(350),
            per=Per.PERSON,
            vat_rate=BasisPoints(700),
            most=1,
            rank=2,
        ),
    ]


def _prices(mine: dict[str, int], price_list_id: int, clubs: int) -> list[t.PriceRule]:
    shared = mine | {"price_list_id": price_list_id}
    return [
        t.PriceRule(**shared, name="Stunde", cents=Cents(4500), per_hour=True),
        t.PriceRule(**shared, name="Vereinsstunde", cents=Cents(3000), per_hour=True, group_id=clubs),
        t.PriceRule(
            **shared,
            name="Stunde am Abend",
            cents=Cents(6000),
            per_hour=True,
            weekdays=[0, 1, 2, 3, 4],
            from_time=time(17),
            to_time=time(0),
        ),
    ]


def _hours(mine: dict[str, int]) -> list[t.WorkHours]:
    office = [
        t.WorkHours(**mine, kind=t.HoursKind.OFFICE, weekday=day, opens=time(9), closes=time(16)) for day in range(5)
    ]
    desk = [t.WorkHours(**mine, kind=t.HoursKind.DESK, weekday=day, opens=time(7), closes=time(22)) for day in range(7)]
    return office + desk


def _terms(mine: dict[str, int], now: datetime) -> list[t.Terms]:
    return [
        t.Terms(**mine, kind=kind, language="de", version=1, text=text, published_at=now)
        for kind, text in TERMS.items()
    ]


def _staff(mine: dict[str, int], now: datetime, hashes: dict[Role, str]) -> list[Staff]:
    return [
        Staff(
            **mine,
            public_id=new_uuid(now),
            email=email,
            name=name,
            role=role,
            password_hash=hashes[role],
            created_at=now,
        )
        for role, (email, name) in STAFF.items()
    ]


def _room(
    session: Session,
    now: datetime,
    mine: dict[str, int],
    branch: t.Branch,
    prices: t.PriceList,
    door: Door,
    units: dict[str, t.Unit],
    facts: tuple[str, str, str, tuple[str, ...], int],
) -> t.Room:
    name, slug, description, parts, people = facts
    room = t.Room(
        **mine,
        public_id=new_uuid(now),
        branch_id=branch.id,
        price_list_id=prices.id,
        door_id=door.id,
        slug=slug,
        name=name,
        description=description,
        most_people=people,
    )
    session.add(room)
    session.flush()
    session.add_all([t.RoomUnit(**mine, room_id=room.id, unit_id=units[part].id) for part in parts])
    session.add_all([t.CancelStep(**mine, room_id=room.id, days_before=days, fee_percent=fee) for days, fee in STEPS])
    session.add_all(
        [t.OpeningHours(**mine, room_id=room.id, weekday=day, opens=OPENS, closes=CLOSES) for day in range(7)]
    )
    return room


def _site(
    session: Session,
    now: datetime,
    tools: Tools,
    mine: dict[str, int],
    room: t.Room,
    secret: Callable[..., str],
    peer: str,
) -> None:
    public_id = new_uuid(now)
    sealed = tools.vault.seal(secret("api-key", 32).encode(), f"connection:{public_id}")
    connection = Connection(
        **mine,
        public_id=public_id,
        name="YouCanBook.me",
        base_url=f"http://{peer}/v1",
        account_id=ACCOUNT,
        api_key_cipher=sealed.cipher,
        api_key_id=sealed.key_id,
        hook_secret_hash=hash_token(secret("hook", 43)),
        block_way=BlockWay.BOOKING,
        proven_at=now,
        next_poll_at=now,
    )
    session.add(connection)
    session.flush()
    session.add(ConnectionRoom(**mine, connection_id=connection.id, profile_id=PAGE, room_id=room.id))


def _feeds(session: Session, now: datetime, tools: Tools, organisation_id: int, rooms: list[t.Room]) -> None:
    plan = [
        (SubjectKind.OFFICE, organisation_id, "Büro", Variant.FULL),
        (SubjectKind.DESK, organisation_id, "Theke", Variant.FULL),
        *((SubjectKind.ROOM, room.id, f"{room.name} (belegt)", Variant.BUSY) for room in rooms),
        (SubjectKind.ROOM, rooms[0].id, f"{rooms[0].name} (alles)", Variant.FULL),
    ]
    for kind, target, name, variant in plan:
        accepted(
            make_feed(
                session,
                now,
                tools.link_key,
                organisation_id=organisation_id,
                kind=kind,
                target_id=target,
                name=name,
                choices=FeedChoices(variant),
            )
        )


def _codes(database: Database, now: datetime, tools: Tools, organisation_id: int) -> None:
    """The whole season's codes, drawn as the season began: its first days have had theirs."""
    began = now - SEASON_BACK
    with database.read() as session:
        house = read_house(session, organisation_id)
        door_id = next(iter(house.rooms.values())).door_id or 0
        season_id = house.seasons[0].season_id
        drawn = accepted(draw_season(session, began, tools, house, door_id, season_id, Pattern.EACH_SLOT, 2))
    accepted(database.write(lambda session: generate_season(session, began, house, drawn, SYSTEM)))
