"""A long walk through all that changes what a customer's feed shows, with a tick that comes when it comes (C2, C4)."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from booking.actions.payments import is_paid
from booking.actions.rentals import load_rental
from booking.reads.code_texts import codes_for_mail
from booking.rules.doorcodes import Sending, sending, sent_from
from booking.tables.houses import Organisation
from booking.tables.outgoing import Invoice, Settlement
from booking.values.states import BookingState, CodeState, SubjectKind
from tests.builders import NOW, slot_in
from tests.season import TOOLS
from tests.web.code_feeds import HOUR, CodeFeeds, code_feeds

STEPS = 60
BEGINS = 17


@pytest.fixture
def feeds(database_url: str) -> Iterator[CodeFeeds]:
    yield from code_feeds(database_url)


class Walk:
    def __init__(self, feeds: CodeFeeds, seed: int) -> None:
        self.feeds, self.dice = feeds, random.Random(seed)
        self.bookings = [feeds.book(slot_in(3, hour, hour + 2)) for hour in (10, 16)] + [feeds.book(slot_in(4, 9, 10))]
        feeds.token = feeds.feed(SubjectKind.CUSTOMER, feeds.customer_of(self.bookings[0]))
        feeds.choose(feed_code_hours=24)
        self.ticked = feeds.at(NOW + timedelta(days=2)).now

    def allowed(self) -> set[str]:
        """What the rule lets a feed show at this moment, asked one by one of the same rule that mails ask."""
        feeds, found = self.feeds, set()
        with feeds.database.read() as session:
            house = session.get_one(Organisation, feeds.ids.organisation_id)
            for booking_id in self.bookings:
                rental = load_rental(session, feeds.ids.organisation_id, booking_id)
                near = house.feed_code_hours is not None and (
                    rental.slot.start - timedelta(hours=house.feed_code_hours) <= feeds.now < rental.slot.end
                )
                for code in codes_for_mail(session, TOOLS.vault, booking_id) if near else ():
                    verdict = sending(
                        rental.booking.state,
                        code.state,
                        feeds.now,
                        code.window,
                        needs_payment=house.code_after_payment,
                        is_paid=is_paid(session, rental.booking),
                        not_before=sent_from(rental.slot, house.code_hours_before),
                    )
                    if verdict is Sending.NOW and code.state is CodeState.ISSUED:
                        found.add(code.text)
        return found

    def step(self) -> set[str]:
        """Something happens; the codes that the feed shows then."""
        feeds, dice = self.feeds, self.dice
        ways: list[Callable[[], None]] = [self.later, self.later, self.later, self.tick, self.tick, self.choose]
        ways += [self.replace, self.pay, self.cancel, self.move]
        dice.choice(ways)()
        shown = feeds.look()
        assert shown <= self.allowed()
        if self.ticked == feeds.now:
            assert shown == self.allowed()
        return shown

    def later(self) -> None:
        self.feeds.now += timedelta(minutes=self.dice.choice((1, 15, 45, 240)))

    def tick(self) -> None:
        self.feeds.tick()
        self.ticked = self.feeds.now

    def choose(self) -> None:
        wanted: dict[str, tuple[object, ...]] = {
            "feed_code_hours": (None, 6, 24, 72, 168),
            "code_after_payment": (True, False, False),
            "code_hours_before": (None, None, 4, 48),
        }
        name = self.dice.choice(list(wanted))
        self.feeds.choose(**{name: self.dice.choice(wanted[name])})

    def replace(self) -> None:
        one = self._one(lambda state, end: state is BookingState.CONFIRMED and self.feeds.now < end)
        if one is not None:
            self.feeds.replace(one)

    def cancel(self) -> None:
        one = self._one(lambda state, end: state is BookingState.CONFIRMED and self.feeds.now < end - 3 * HOUR)
        if one is not None and self.dice.random() < 0.3:
            self.feeds.cancel(one)

    def move(self) -> None:
        one = self._one(lambda state, end: state is BookingState.CONFIRMED and self.feeds.now < end - 3 * HOUR)
        if one is not None:
            day = (self.feeds.now.date() - NOW.date()).days + self.dice.choice((1, 2, 5))
            self.feeds.move(one, slot_in(day, BEGINS, BEGINS + 1))

    def pay(self) -> None:
        with self.feeds.database.read() as session:
            open_ones = session.scalars(
                select(Invoice.booking_id).where(Invoice.id.not_in(select(Settlement.invoice_id)))
            ).all()
        if open_ones:
            self.feeds.pay(self.dice.choice([one for one in open_ones if one is not None]))

    def _one(self, fits: Callable[[BookingState, datetime], bool]) -> int | None:
        with self.feeds.database.read() as session:
            rentals = [load_rental(session, self.feeds.ids.organisation_id, one) for one in self.bookings]
        found = [one.booking.id for one in rentals if fits(one.booking.state, one.slot.end)]
        return self.dice.choice(found) if found else None


@pytest.mark.rule("C4", "C2")
@pytest.mark.parametrize("seed", range(3))
def test_a_feed_never_shows_more_than_the_rule_nor_changes_without_telling(feeds: CodeFeeds, seed: int) -> None:
    walk = Walk(feeds, seed)
    seen: set[str] = set()
    for _ in range(STEPS):
        seen |= walk.step()
    assert seen  # the walk came past moments with codes
