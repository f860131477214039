"""The portal as a customer's browser walks it: pick a time, fill in the form, follow the redirect."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from booking.actions.audit import Actor
from booking.actions.requests import STATUS_LINK
from booking.actions.reviews import decide_request, settle_decision
from booking.reads.house import House, read_house
from booking.tables.bookings import Booking, Decision
from booking.tables.houses import Room, Terms, TermsKind
from booking.values.slot import Slot
from booking.values.states import DecisionState, Verdict
from booking.values.tokens import link_token
from tests.builders import NOW, change_house, slot_in
from tests.web.conftest import Site, Visitor

TYPED = {
    "name": "Anna Müller",
    "company": "TSV Süd e. V.",
    "email": "anna.mueller@verein.example",
    "phone": "+49 221 555123",
    "street": "Ringstraße 7",
    "postcode": "50674",
    "city": "Köln",
    "country": "DE",
    "purpose": "Training der Altherren",
    "people": "10",
    "accepted": "y",
}


def cells(slot: Slot) -> str:
    """A slot of full hours as the week's check boxes send it."""
    hours = int(slot.duration.total_seconds()) // 3600
    starts = (slot.start.timestamp() + 3600 * hour for hour in range(hours))
    return "&".join(f"slot={datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%MZ}" for start in starts)


def hidden_of(page: str) -> dict[str, str]:
    """All hidden entries of a page's forms."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden":
            found[attributes["name"]] = unescape(attributes["value"])
    return found


@dataclass
class Customer:
    """A browser that asks for times."""

    site: Site
    visitor: Visitor
    slug: str = "halle"

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.visitor.get(path, **more)

    def form(self, slot: Slot) -> dict[str, str]:
        """What the form of a time holds before anything is typed."""
        page = self.get(f"/rooms/{self.slug}/request?{cells(slot)}")
        assert page.status_code == 200, page.text
        return hidden_of(page.text)

    def send(self, hidden: dict[str, str], **typed: str | None) -> TestResponse:
        """Fill in and send; a field that is None is left out."""
        said = {**hidden, **TYPED, **typed}
        return self.visitor.client.post(
            f"/rooms/{self.slug}/request", data={name: value for name, value in said.items() if value is not None}
        )

    def ask(self, slot: Slot, **typed: str | None) -> str:
        """Request a time as it should go; the address of its page."""
        answer = self.send(self.form(slot), **typed)
        assert answer.status_code == 303, answer.text
        return str(answer.location).partition("?")[0]

    def act(self, path: str, of: str, **said: str) -> TestResponse:
        """Send a form with what its page holds."""
        return self.visitor.client.post(path, data={**hidden_of(self.get(of).text), **said})

    def decide(self, verdict: Verdict = Verdict.APPROVE, reason: str = "") -> None:
        """The office decides on the newest booking, and its grace time passes."""
        newest = self.bookings()[-1].id
        decide = partial(decide_request, reason=reason)
        self.site.database.write(lambda db: decide(db, self.site.now, self._house(db), newest, verdict, Actor("Büro")))
        self.site.now += timedelta(minutes=2)
        self.settle()

    def settle(self) -> None:
        """Decisions whose grace time is over become final."""

        def work(db: Session) -> None:
            for decision in db.scalars(select(Decision).where(Decision.state == DecisionState.PENDING)).all():
                settle_decision(db, self.site.now, self._house(db), decision.id)

        self.site.database.write(work)

    def without_doors(self) -> None:
        """The rooms of this house stand open: no codes are needed."""

        def work(db: Session) -> None:
            for room in db.scalars(select(Room)):
                room.door_id = None
            change_house(db, self.site.ids)

        self.site.database.write(work)

    def _house(self, db: Session) -> House:
        return read_house(db, self.site.ids.organisation_id)

    def bookings(self) -> list[Booking]:
        with self.site.database.read() as session:
            return list(session.scalars(select(Booking).order_by(Booking.id)))

    def mail_page(self, number: int = -1) -> str:
        """The address in the mails of the newest booking."""
        booking = self.bookings()[number]
        key = self.site.context.tools.link_key
        return f"/b/{link_token(key, STATUS_LINK, booking.public_id, booking.link_generation)}"


def add_terms(site: Site, version: int = 1, language: str = "de") -> None:
    def write(session: Any) -> None:
        for kind in TermsKind:
            session.add(
                Terms(
                    organisation_id=site.ids.organisation_id,
                    kind=kind,
                    language=language,
                    version=version,
                    text=f"{kind.value} Fassung {version}\n\nZweiter Absatz",
                    published_at=NOW,
                )
            )

    site.database.write(write)


@pytest.fixture
def customer(site: Site) -> Customer:
    add_terms(site)
    return Customer(site, site.client())


@pytest.fixture
def customer_on_both(site_on_both: Site) -> Customer:
    add_terms(site_on_both)
    return Customer(site_on_both, site_on_both.client())


@pytest.fixture
def another(customer: Customer) -> Callable[[], Customer]:
    """Another browser before the same house."""
    return lambda: Customer(customer.site, customer.site.client())


@pytest.fixture
def evening() -> Slot:
    """Free, and far enough away that nobody needs to call."""
    return slot_in(3, 18, 20)
