"""A season of door codes and confirmed bookings in the house of `tests.builders`: steps that several tests take."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.code_lists import Drawn
from booking.actions.doors import (
    ImportPreview,
    draw_season,
    generate_season,
    preview_import,
)
from booking.actions.messages import MailKind
from booking.actions.replacing import Replaced, replace_code
from booking.actions.reviews import Resting, decide_request
from booking.reads.code_texts import codes_for_mail
from booking.reads.house import House, read_house
from booking.rules.doorcodes import Pattern
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.houses import Season
from booking.tables.outgoing import Message
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import MessageState, Verdict
from tests.builders import NOW, Ids, contact, make_tools, request

OFFICE = Actor("Frau Office", 2)
TOOLS = make_tools()
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
AT_ONCE = timedelta(0)
WEEKS = timedelta(weeks=3)


def house_of(database: Database, ids: Ids) -> House:
    with database.read() as session:
        return read_house(session, ids.organisation_id)


def drawn_by(database: Database, ids: Ids, pattern: Pattern, pool: int | None = None) -> Drawn:
    with database.read() as session:
        drawn = draw_season(
            session, NOW, TOOLS, read_house(session, ids.organisation_id), ids.door_id, ids.season_id, pattern, pool
        )
    assert isinstance(drawn, Drawn), drawn
    return drawn


def generate(
    database: Database, ids: Ids, pattern: Pattern, pool: int | None = None, *, to_its_end: bool = False
) -> int:
    """Put codes on the house's season, which ends in some weeks then: half a year of slots takes two seconds."""
    if pattern is Pattern.EACH_SLOT and not to_its_end:
        database.write(lambda session: _end_early(session, ids))
    drawn, house = drawn_by(database, ids, pattern, pool), house_of(database, ids)
    made = database.write(lambda session: generate_season(session, NOW, house, drawn, OFFICE))
    assert not isinstance(made, Refused)
    return made.count


def _end_early(session: Session, ids: Ids) -> None:
    session.get_one(Season, ids.season_id).last_day = NOW.date() + WEEKS


def texts(database: Database, booking_id: int) -> tuple[str, ...]:
    with database.read() as session:
        return tuple(code.text for code in codes_for_mail(session, TOOLS.vault, booking_id))


def opened(session: Session, code: DoorCode) -> str:
    return TOOLS.vault.unseal(code, f"door_code:{code.public_id}").decode()  # type: ignore[arg-type]  # see Opener


def confirmed(
    database: Database, ids: Ids, room_id: int, slot: Slot, name: str = "Anna Müller", grace: timedelta = AT_ONCE
) -> int:
    """A booking that the office has confirmed for good (without grace) or that rests."""
    house = replace(house_of(database, ids), grace=grace)
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, room_id, slot, contact(name)))
    resting = database.write(
        lambda session: decide_request(session, NOW, house, made.booking_id, Verdict.APPROVE, OFFICE)
    )
    assert isinstance(resting, Resting), resting
    return made.booking_id


def mails(database: Database, booking_id: int | None, *kinds: MailKind) -> list[Message]:
    with database.read() as session:
        query = select(Message).where(
            Message.booking_id == booking_id, Message.kind.in_([kind.value for kind in kinds])
        )
        return list(session.scalars(query.order_by(Message.id)))


def sent(database: Database, message_id: int) -> None:
    def mark(session: Session) -> None:
        session.get_one(Message, message_id).state = MessageState.SENT

    database.write(mark)


def preview(database: Database, ids: Ids, body: bytes) -> ImportPreview:
    with database.read() as session:
        return preview_import(session, NOW, TOOLS, read_house(session, ids.organisation_id), ids.door_id, body)


def replace_first(database: Database, ids: Ids, booking_id: int) -> Replaced | Refused:
    house = house_of(database, ids)
    with database.read() as session:
        code_id = session.scalars(select(DoorCode.id).where(DoorCode.booking_id == booking_id)).first()
    assert code_id is not None
    return database.write(lambda session: replace_code(session, NOW, house, code_id, "leaked", OFFICE))
