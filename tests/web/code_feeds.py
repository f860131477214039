"""A house whose customers' own feeds may show door codes, and a clock that the test moves (SPEC C4)."""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import settings
from booking.actions.code_lists import Drawn
from booking.actions.doors import draw_replacement
from booking.actions.endings import cancel_rental
from booking.actions.feed_codes import count_turned
from booking.actions.feeds import make_feed
from booking.actions.payments import Noted, note_payment
from booking.actions.replacing import Replaced, replace_code
from booking.actions.replacing_lists import replace_season
from booking.actions.shifting import Moved, move_rental
from booking.reads.code_texts import codes_for_mail
from booking.rules import moving
from booking.rules.doorcodes import Pattern
from booking.tables.bookings import Booking
from booking.tables.calendars import FeedSubject
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.houses import Organisation
from booking.tables.outgoing import Invoice
from booking.tables.registry import metadata
from booking.values.feeds import FeedChoices
from booking.values.slot import Slot
from booking.values.states import CodeState, SubjectKind, Variant
from tests.builders import NOW, Ids, build_house, make_tools, slot_in
from tests.season import OFFICE, TOOLS, confirmed, generate, house_of, opened
from tests.web.feed_world import Answer, ask, elsewhere, events
from web.hot_feeds import FeedGate

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
SLOT = slot_in(3, 18, 19)
Seen = dict[str, tuple[int, datetime, str]]


@dataclass
class CodeFeeds:
    """`look` asks the feed of Anna, who books, and checks what holds for every look (SPEC C2)."""

    database: Database
    ids: Ids
    now: datetime = NOW
    gate: FeedGate = field(init=False)
    token: str = field(init=False)
    last: Seen = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gate = self.new_gate()

    def new_gate(self) -> FeedGate:
        """A process that begins now."""
        return FeedGate(elsewhere, self.database, vault=TOOLS.vault, now=lambda: self.now)

    def book(self, slot: Slot = SLOT, name: str = "Anna Müller") -> int:
        return confirmed(self.database, self.ids, self.ids.left, slot, name)

    def customer_of(self, booking_id: int) -> int:
        with self.database.read() as session:
            return session.get_one(Booking, booking_id).customer_id

    def feed(self, kind: SubjectKind, target_id: int, variant: Variant = Variant.FULL, language: str = "de") -> str:
        made = self.database.write(
            lambda session: make_feed(
                session,
                self.now,
                TOOLS.link_key,
                organisation_id=self.ids.organisation_id,
                kind=kind,
                target_id=target_id,
                name="Kalender",
                choices=FeedChoices(variant, language),
            )
        )
        assert isinstance(made, tuple)
        return made[1]

    def choose(self, **wanted: Any) -> None:
        assert self.database.write(
            lambda session: settings.change_house(session, self.now, self.ids.organisation_id, OFFICE, wanted)
        ) is None  # fmt: skip

    def tick(self) -> int:
        return self.database.write(lambda session: count_turned(session, self.now, self.ids.organisation_id))

    def at(self, moment: datetime, *, tick: bool = True) -> "CodeFeeds":
        self.now = moment
        if tick:
            self.tick()
        return self

    def replace(self, booking_id: int) -> bool:
        """Whether another code of the window was left."""
        house = house_of(self.database, self.ids)
        with self.database.read() as session:
            held = DoorCode.booking_id == booking_id, DoorCode.state == CodeState.ISSUED
            code_id = session.scalars(select(DoorCode.id).where(*held).order_by(DoorCode.id)).first()
        assert code_id is not None
        done = self.database.write(lambda session: replace_code(session, self.now, house, code_id, "leaked", OFFICE))
        return isinstance(done, Replaced)

    def replace_all(self) -> None:
        house, ids = house_of(self.database, self.ids), self.ids
        with self.database.read() as session:
            fresh = draw_replacement(session, self.now, TOOLS, house, ids.door_id, ids.season_id)
        assert isinstance(fresh, Drawn)
        done = self.database.write(
            lambda session: replace_season(
                session, self.now, house, ids.door_id, ids.season_id, fresh, "leaked", OFFICE
            )
        )
        assert isinstance(done, Replaced), done

    def request(self, slot: Slot, name: str = "Anna Müller") -> int:
        """Approved, and still resting."""
        return confirmed(self.database, self.ids, self.ids.left, slot, name, HOUR)

    def seen(self) -> datetime | None:
        with self.database.read() as session:
            return session.get_one(Organisation, self.ids.organisation_id).feed_codes_seen

    def answer_with_another_key(self, token: str) -> Answer:
        vault = make_tools((("k9", b"9" * 32),)).vault
        with closing(FeedGate(elsewhere, self.database, vault=vault, now=lambda: self.now)) as gate:
            return self.ask(token, gate)

    def pay(self, booking_id: int) -> None:
        house = house_of(self.database, self.ids)
        with self.database.read() as session:
            invoice_id = session.scalars(select(Invoice.id).where(Invoice.booking_id == booking_id)).one()
        done = self.database.write(lambda session: note_payment(session, self.now, house, invoice_id, OFFICE))
        assert isinstance(done, Noted), done

    def cancel(self, booking_id: int) -> None:
        house = house_of(self.database, self.ids)
        self.database.write(
            lambda session: cancel_rental(session, self.now, house, booking_id, moving.Actor.OFFICE, OFFICE)
        )

    def move(self, booking_id: int, to: Slot) -> bool:
        """Whether that time was free."""
        house = house_of(self.database, self.ids)
        done = self.database.write(
            lambda session: move_rental(session, self.now, TOOLS, house, booking_id, to, moving.Actor.OFFICE, OFFICE)
        )
        return isinstance(done, Moved)

    def codes(self, booking_id: int) -> tuple[str, ...]:
        with self.database.read() as session:
            return tuple(code.text for code in codes_for_mail(session, TOOLS.vault, booking_id))

    def all_codes(self) -> frozenset[str]:
        """Every code of the door, whatever its state."""
        with self.database.read() as session:
            for code in session.scalars(select(DoorCode).where(DoorCode.id > max(self.known, default=0))):
                self.known[code.id] = opened(session, code)
        return frozenset(self.known.values())

    def ask(self, token: str, gate: FeedGate | None = None) -> Answer:
        """By way of the database, as half a second later."""
        (gate or self.gate).drop(self._subjects())
        return ask(gate or self.gate, token)

    def look(self) -> set[str]:
        """The codes that Anna's feed shows. Every process says the same, and each change is told as one (C2)."""
        answer = self.ask(self.token)
        with closing(self.new_gate()) as fresh:
            other = self.ask(self.token, fresh)
        assert (answer.body, answer.headers["ETag"]) == (other.body, other.headers["ETag"])
        seen = seen_in(answer)
        for uid in seen.keys() & self.last.keys():
            before, after = self.last[uid], seen[uid]
            if before[2] == after[2]:
                assert before == after, "told as a change where nothing changed"
            else:
                assert after[0] > before[0], "changed and told by no SEQUENCE"
                assert after[1] > before[1], "changed and told by no LAST-MODIFIED"
        self.last = seen
        return shown_in(answer, self.all_codes())

    def _subjects(self) -> Iterable[int]:
        with self.database.read() as session:
            return list(session.scalars(select(FeedSubject.id)))


def seen_in(answer: Answer) -> Seen:
    """UID → SEQUENCE, LAST-MODIFIED, all the rest."""
    found = {}
    for one in events(answer):
        sequence, modified = int(one.pop("SEQUENCE")), one.pop("LAST-MODIFIED").dt
        one.pop("DTSTAMP")
        found[str(one["UID"])] = (sequence, modified, one.to_ical().decode())
    return found


def shown_in(answer: Answer, codes: Iterable[str]) -> set[str]:
    """Codes that stand anywhere in the body as a word; the digits of a time are none."""
    return set(codes) & set(re.findall(r"[0-9A-Za-z]+", answer.body.replace(b"\r\n ", b"").decode()))


def everything_stored(session: Session) -> Iterator[str]:
    """Every value of every row, as text; bytes as what they spell."""
    for table in metadata.sorted_tables:
        for row in session.execute(select(table)).all():
            for name, value in row._mapping.items():
                spelt = bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                yield f"{table.name}.{name}: {spelt}"


def code_feeds(url: str, *, pattern: Pattern = Pattern.EACH_SLOT) -> Iterator[CodeFeeds]:
    database = Database(url)
    ids = database.write(build_house)
    generate(database, ids, pattern)
    generate(database, ids, pattern)
    made = CodeFeeds(database, ids)
    yield made
    made.gate.close()
    database.close()
