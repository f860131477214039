"""A house with rentals that are moved, billed and cancelled, and what its people do."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.actions.audit import CUSTOMER, Actor
from booking.actions.endings import cancel_rental
from booking.actions.requests import Made
from booking.actions.reviews import Resting, bill_rental, decide_request, settle_decision
from booking.actions.shifting import move_rental
from booking.reads.house import House, read_house
from booking.rules import moving
from booking.tables.bookings import Booking, CaseFile, Occupancy
from booking.tables.database import Database
from booking.tables.houses import Organisation
from booking.tables.outgoing import Invoice
from booking.values.findings import Contact
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import Verdict
from tests.builders import NOW, Ids, add_code, build_house, make_tools, request

TOOLS = make_tools()
OFFICE = Actor("Frau Office", None, "test")
QUARTER = timedelta(minutes=15)
GRACE = timedelta(seconds=60)


class Site:
    """A house in its database, and what its people do."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids: Ids = database.write(build_house)
        self._codes = iter(range(482000, 482999))

    def house(self, session: Session) -> House:
        return read_house(session, self.ids.organisation_id)

    def ask(self, slot: Slot, who: Contact | None = None) -> Made:
        self.codes(slot)
        return self.database.write(lambda s: request(s, NOW, TOOLS, self.ids, self.ids.hall, slot, who))

    def codes(self, slot: Slot) -> None:
        window, text = slot.widened(QUARTER, QUARTER), str(next(self._codes))
        self.database.write(lambda s: add_code(s, NOW, TOOLS, self.ids, text, window))

    def decide(self, made: Made, now: datetime = NOW) -> Resting | Refused:
        return self.database.write(
            lambda s: decide_request(s, now, self.house(s), made.booking_id, Verdict.APPROVE, OFFICE)
        )

    def settle(self, resting: Resting | Refused) -> None:
        assert isinstance(resting, Resting), resting
        self.database.write(lambda s: settle_decision(s, resting.final_at, self.house(s), resting.decision_id))

    def by_desk(self, slot: Slot) -> Made:
        """Confirmed at the telephone, and billed as on the next working day."""
        made = self.ask(slot)
        self.settle(
            self.database.write(
                lambda s: decide_request(s, NOW, self.house(s), made.booking_id, Verdict.APPROVE, OFFICE, by_desk=True)
            )
        )
        assert self.database.write(lambda s: bill_rental(s, NOW, self.house(s), made.booking_id))
        return made

    def confirmed(self, slot: Slot, who: Contact | None = None) -> Made:
        made = self.ask(slot, who)
        self.settle(self.decide(made))
        return made

    def move(self, made: Made, to: Slot, who: moving.Actor = moving.Actor.CUSTOMER, now: datetime = NOW) -> Any:
        self.codes(to)
        actor = OFFICE if who is moving.Actor.OFFICE else CUSTOMER
        return self.database.write(lambda s: move_rental(s, now, TOOLS, self.house(s), made.booking_id, to, who, actor))

    def moved(self, made: Made, to: Slot) -> Made:
        """By the customer, and confirmed."""
        again = self.move(made, to)
        assert isinstance(again, Made), again
        self.settle(self.decide(again))
        return again

    def cancel(self, made: Made, now: datetime = NOW) -> Any:
        return self.database.write(
            lambda s: cancel_rental(s, now, self.house(s), made.booking_id, moving.Actor.CUSTOMER, CUSTOMER)
        )

    def change(self, table: Any, **values: Any) -> None:
        self.database.write(lambda s: s.execute(update(table).values(**values)))
        self.database.write(
            lambda s: s.execute(update(Organisation).values(settings_revision=Organisation.settings_revision + 1))
        )

    def booking(self, made: Made) -> Booking:
        with self.database.read() as session:
            return session.get_one(Booking, made.booking_id)

    def cases(self) -> dict[str, dict[str, Any]]:
        """Kind → facts of the open cases."""
        with self.database.read() as session:
            found = session.scalars(select(CaseFile).where(CaseFile.closed_at.is_(None))).all()
        assert len({case.kind for case in found}) == len(found)
        return {case.kind: case.facts for case in found}

    def invoices(self) -> list[Invoice]:
        with self.database.read() as session:
            return list(session.scalars(select(Invoice).order_by(Invoice.id)))

    def held(self, made: Made) -> set[tuple[datetime, datetime]]:
        with self.database.read() as session:
            rows = session.scalars(select(Occupancy).where(Occupancy.source_id == made.booking_id))
            return {(row.starts_at, row.ends_at) for row in rows}
