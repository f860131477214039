"""The office with something to do: requests with codes, decided and sent by the real actions and the real worker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.outbox import Duty
from booking.actions.requests import Made
from booking.actions.reviews import Resting, decide_request, settle_decision
from booking.reads.house import House, read_house
from booking.tables.bookings import AuditEntry, Booking, Decision
from booking.tables.outgoing import Message, Outbox
from booking.values.slot import Slot
from booking.values.states import DecisionState, Role, Verdict
from tests.builders import Ids, add_code, contact, request, slot_in
from tests.fixtures.mail import SmtpSink
from tests.web.conftest import Site, Visitor
from workers.context import Context
from workers.mail import send_mail
from workers.outcome import Outcome

T = TypeVar("T")
QUARTER = timedelta(minutes=15)
GRACE = timedelta(seconds=60)


@dataclass
class Desk:
    """A site, who is logged in, and short ways to make things happen in its house."""

    site: Site
    visitor: Visitor

    @property
    def ids(self) -> Ids:
        return self.site.ids

    def get(self, path: str) -> str:
        answer = self.visitor.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def write(self, action: Callable[[Session, House], T]) -> T:
        mine = self.ids.organisation_id
        return self.site.database.write(lambda db: action(db, read_house(db, mine)))

    def ask(self, days: int = 10, first: int = 18, last: int = 20, name: str = "Anna Müller", room: int = 0) -> Made:
        """A request that waits."""
        who, where = contact(name), room or self.ids.left
        tools, now, slot = self.site.context.tools, self.site.now, slot_in(days, first, last, self.site.now)
        return self.write(lambda db, _: request(db, now, tools, self.ids, where, slot, who))

    def code(self, slot: Slot, text: str = "4711") -> None:
        tools, now = self.site.context.tools, self.site.now
        self.write(lambda db, _: add_code(db, now, tools, self.ids, text, slot.widened(QUARTER, QUARTER)))

    def confirmed(self, days: int = 10, first: int = 18, last: int = 20, name: str = "Anna Müller") -> Made:
        """A booking that the office has confirmed for good."""
        made = self.ask(days, first, last, name)
        self.code(made.slot)
        self.decide(made, Verdict.APPROVE)
        self.settle()
        return made

    def decide(self, made: Made, verdict: Verdict, reason: str = "") -> None:
        actor, now = Actor("Frau Office", self.ids.office, "test"), self.site.now
        done = self.write(
            lambda db, here: decide_request(db, now, here, made.booking_id, verdict, actor, reason=reason)
        )
        assert isinstance(done, Resting), done

    def settle(self) -> None:
        """The grace time passes, and the worker makes all decisions final."""
        self.site.now += GRACE
        now = self.site.now
        for one in self.rows(select(Decision).where(Decision.state == DecisionState.PENDING)):
            self.write(lambda db, here, key=one.id: settle_decision(db, now, here, key))

    def rows(self, query: Any) -> list[Any]:
        with self.site.database.read() as session:
            return list(session.scalars(query))

    def booking(self, made: Made) -> Booking:
        found: Booking = self.rows(select(Booking).where(Booking.id == made.booking_id))[0]
        return found

    def mails(self, kind: str) -> list[Message]:
        return self.rows(select(Message).where(Message.kind == kind).order_by(Message.id))

    def audit(self, subject: str, action: str) -> list[AuditEntry]:
        return self.rows(select(AuditEntry).where(AuditEntry.subject == subject, AuditEntry.action == action))

    def duty(self, message: Message) -> Outbox:
        found: Outbox = self.rows(select(Outbox).where(Outbox.topic == "mail", Outbox.subject_id == message.id))[0]
        return found

    def send(self, kind: str, sink: SmtpSink) -> Outcome:
        """Let the mail worker send the latest mail of a kind."""
        message, context = self.mails(kind)[-1], self.site.context
        row = self.duty(message)
        return send_mail(
            Context(replace(context.settings, smtp_url=sink.url), context.database, None, context.tools),  # type: ignore[arg-type]  # nobody asks Redis
            Duty(row.id, row.organisation_id, "mail", message.id, 1, row.claim),
        )


@pytest.fixture
def desk(site: Site) -> Desk:
    """The office, logged in."""
    return Desk(site, site.logged_in(Role.OFFICE))


@pytest.fixture
def desk_on_both(site_on_both: Site) -> Desk:
    """As `desk`, once on each engine."""
    return Desk(site_on_both, site_on_both.logged_in(Role.OFFICE))


@pytest.fixture
def count_queries(site: Site) -> Iterator[Callable[[Callable[[], object]], int]]:
    """How many statements a call sends to the database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = site.database._readers
    event.listen(engine, "before_cursor_execute", note)

    def count(call: Callable[[], object]) -> int:
        seen.clear()
        call()
        return len(seen)

    yield count
    event.remove(engine, "before_cursor_execute", note)
