"""The demonstration's past and present: requests made, reviewed, cancelled at earlier moments, by the usual actions."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.audit import CUSTOMER, Actor
from booking.actions.cases import open_case
from booking.actions.endings import cancel_rental
from booking.actions.feeds import make_feed
from booking.actions.groups import assign_group
from booking.actions.messages import TOPIC as MAIL
from booking.actions.messages import MailKind
from booking.actions.moves import move_message
from booking.actions.outbox import Duty
from booking.actions.requests import Ask, Made, make_request
from booking.actions.reviews import decide_request, settle_decision
from booking.actions.tools import Tools
from booking.reads.house import House, only_organisation, read_house
from booking.rules.moving import Actor as Who
from booking.tables.bookings import Booking
from booking.tables.database import Database
from booking.tables.outgoing import Message, Outbox
from booking.tables.people import Customer
from booking.values.clock import instant_of
from booking.values.feeds import FeedChoices
from booking.values.findings import Contact
from booking.values.house import ExtraWish
from booking.values.slot import Slot
from booking.values.states import MessageState, SubjectKind, Variant, Verdict
from platzwart.demo_house import accepted

OFFICE = Actor("Büro")
CLUBS = (
    ("TSV Beispiel 1904 e. V.", "Handballabteilung", "handball@tsv-beispiel.example"),
    ("Kita Sonnenhang", "Turnkreis", "turnen@sonnenhang.example"),
    ("Lauftreff Nord", "Vorstand", "vorstand@lauftreff-nord.example"),
    ("Betriebssport Musterwerke", "Fußballgruppe", "fussball@musterwerke.example"),
    ("Türkischer Kulturverein Gießen", "Volleyball", "volleyball@tkv.example"),
)
PURPOSES = ("Training", "Turnstunde", "Lauftreff", "Hallenfußball", "Volleyball")


@dataclass(frozen=True, slots=True)
class Scene:
    """One booking of the past: which room and club, how many days from today, from hour to hour, what became of it."""

    room: str
    club: int
    days: int
    first: int
    last: int
    fate: str


SCENES = (
    Scene("grosse-halle", 0, -6, 18, 20, "confirmed"),
    Scene("halbfeld-a", 1, -4, 9, 11, "confirmed"),
    Scene("gymnastikraum", 2, -2, 17, 18, "confirmed"),
    Scene("halbfeld-b", 3, 1, 19, 21, "confirmed"),
    Scene("grosse-halle", 0, 4, 18, 20, "confirmed"),
    Scene("gymnastikraum", 1, 0, 9, 11, "confirmed"),
    Scene("halbfeld-a", 4, 0, 20, 22, "confirmed"),
    Scene("grosse-halle", 2, 8, 18, 20, "overdue"),
    Scene("gymnastikraum", 1, 2, 10, 11, "cancelled"),
    Scene("halbfeld-a", 4, 3, 17, 18, "rejected"),
    Scene("grosse-halle", 3, 5, 20, 22, "requested"),
    Scene("halbfeld-a", 4, 6, 18, 20, "requested"),
    Scene("gymnastikraum", 2, 7, 17, 19, "requested"),
)


def live(database: Database, now: datetime, tools: Tools) -> None:
    """Play all scenes, each in its own transactions; leave a case and a dead mail; give the first club its own feed."""
    with database.read() as session:
        house = read_house(session, only_organisation(session) or 0)
    made = [_play(database, now, tools, house, scene) for scene in SCENES]
    database.write(lambda session: _into_groups(session, now, house))
    first, fates = made[0], {scene.fate: one for scene, one in zip(SCENES, made, strict=True)}
    database.write(lambda session: _trouble(session, now, house, fates["confirmed"], fates["rejected"]))
    database.write(
        lambda session: make_feed(
            session,
            now,
            tools.link_key,
            organisation_id=house.organisation_id,
            kind=SubjectKind.CUSTOMER,
            target_id=session.scalars(select(Booking.customer_id).where(Booking.id == first.booking_id)).one(),
            name=CLUBS[0][0],
            choices=FeedChoices(Variant.FULL),
        )
    )


def _into_groups(session: Session, now: datetime, house: House) -> None:
    """The clubs pay as clubs, the kindergarten as a school; they asked before, so their requests have other prices."""
    clubs = {email: group for (_, _, email), group in zip(CLUBS, (1, 0, 1, None, 1), strict=True) if group is not None}
    names = sorted(house.groups, key=lambda group: group.name)
    for customer in session.scalars(select(Customer).where(Customer.email.in_(clubs))).all():
        assign_group(session, now, house, customer.public_id, names[clubs[customer.email]].group_id, OFFICE)


def _trouble(session: Session, now: datetime, house: House, clash: Made, returned: Made) -> None:
    """What the office meets now and then: a time that is taken on the booking site too, a mail that came back."""
    facts = {"site": "YouCanBook.me", "error": "SiteRefused", "starts_at": clash.slot.start.isoformat()}
    open_case(session, now, house.organisation_id, "site-clash", f"{clash.booking_id}", clash.booking_id, facts)
    message = session.scalars(
        select(Message).where(Message.booking_id == returned.booking_id, Message.kind == MailKind.ACKNOWLEDGEMENT.value)
    ).one()
    row = session.scalars(select(Outbox).where(Outbox.topic == MAIL, Outbox.subject_id == message.id)).one()
    duty = Duty(row.id, house.organisation_id, MAIL, message.id, 1, row.claim)
    outbox.kill(session, now, duty, "recipient refused: 550")
    move_message(session, message, MessageState.DEAD)


def _play(database: Database, now: datetime, tools: Tools, house: House, scene: Scene) -> Made:
    ask = _ask(house, scene, now)
    lead = timedelta(hours=2) if scene.fate == "requested" else timedelta(days=4)
    made_at = min(now, ask.slot.start) - lead
    made = accepted(database.write(lambda session: make_request(session, made_at, tools, house, ask)))
    if scene.fate in {"requested", "overdue"}:
        return made
    verdict = Verdict.REJECT if scene.fate == "rejected" else Verdict.APPROVE
    reviewed_at = made_at + timedelta(hours=20)
    reason = "Der Verein ist uns nicht bekannt." if verdict is Verdict.REJECT else ""
    resting = accepted(
        database.write(
            lambda session: decide_request(session, reviewed_at, house, made.booking_id, verdict, OFFICE, reason=reason)
        )
    )
    database.write(lambda session: settle_decision(session, resting.final_at, house, resting.decision_id))
    if scene.fate == "cancelled":
        later = reviewed_at + timedelta(hours=5)
        database.write(
            lambda session: cancel_rental(
                session, later, house, made.booking_id, Who.CUSTOMER, CUSTOMER, reason="Zu wenige Kinder"
            )
        )
    return made


def _ask(house: House, scene: Scene, now: datetime) -> Ask:
    room = house.room_by(slug=scene.room)
    zone: ZoneInfo = room.zone
    day = now.astimezone(zone).date() + timedelta(days=scene.days)
    company, name, email = CLUBS[scene.club]
    return Ask(
        room_id=room.room_id,
        slot=Slot(instant_of(day, time(scene.first), zone), instant_of(day, time(scene.last), zone)),
        people=12,
        purpose=PURPOSES[scene.club],
        contact=Contact(
            name=name,
            company=company,
            email=email,
            phone="+49 641 99000" + str(scene.club),
            street=f"Vereinsweg {scene.club + 1}",
            postcode="35390",
            city="Gießen",
            country="DE",
        ),
        language="de",
        wishes=tuple(ExtraWish(extra.extra_id, 1) for extra in room.prices.offered[:2])
        if scene.fate == "requested"
        else (),
    )
