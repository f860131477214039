"""The real application on a house whose limits on open requests do not matter here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from booking.actions.accounts import make_api_token
from booking.actions.audit import SYSTEM
from booking.reads.house import House, read_house
from booking.tables.database import Database
from booking.tables.houses import Room
from booking.values.slot import Slot
from booking.values.states import Role
from tests.builders import NOW, Ids, build_house, change_house
from tests.web.conftest import make_settings
from web.app import create_app
from web.context import EXTENSION, WebContext

CLIENTS = 8
UNLIMITED = 10**6


@dataclass
class Races:
    """The application, its house, and a token. Every thread asks with a client of its own."""

    app: Any
    ids: Ids
    house: House
    token: str = field(repr=False)

    @property
    def context(self) -> WebContext:
        found: WebContext = self.app.extensions[EXTENSION]
        return found

    @property
    def database(self) -> Database:
        return self.context.database

    def public(self, room_id: int) -> UUID:
        return self.house.room(room_id).public_id

    def caller(self) -> Callable[..., tuple[int, dict[str, Any]]]:
        """A function that asks for a time: status and body."""
        client = self.app.test_client()

        def ask(room_id: int, slot: Slot, name: str, key: str | None = None) -> tuple[int, dict[str, Any]]:
            headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
            answer = client.post("/api/v1/requests", json=wish(self.public(room_id), slot, name), headers=headers)
            return answer.status_code, answer.get_json()

        return ask


def wish(room: UUID, slot: Slot, name: str) -> dict[str, Any]:
    """A request as the API takes it."""
    return {
        "room": str(room),
        "start": slot.start.isoformat(),
        "end": slot.end.isoformat(),
        "people": 8,
        "purpose": "Training der Altherren",
        "language": "de",
        "contact": {
            "name": name,
            "email": f"{name.lower().replace(' ', '.').replace('ü', 'ue')}@verein.example",
            "phone": "+49 221 555123",
            "street": "Ringstraße 7",
            "postcode": "50674",
            "city": "Köln",
        },
    }


class NoTurns:
    """Threads here stand for processes, which know nothing of each other: only the database keeps them apart."""

    @contextmanager
    def held(self, _thing: object) -> Iterator[bool]:
        yield False


@pytest.fixture
def races(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Races]:
    monkeypatch.setattr(import_module("web.api.requests"), "TURNS", NoTurns())
    app = create_app(make_settings(database_url, WEB_THREADS=str(CLIENTS)), clock=lambda: NOW)
    database: Database = app.extensions[EXTENSION].database
    ids = database.write(build_house)
    limits = {"open_per_contact": UNLIMITED, "open_per_address": UNLIMITED, "open_per_room": UNLIMITED}
    database.write(lambda session: change_house(session, ids, **limits))
    database.write(lambda session: session.execute(update(Room).values(door_id=None)))
    database.write(lambda session: change_house(session, ids))
    with database.read() as session:
        house = read_house(session, ids.organisation_id)
    token = database.write(
        lambda session: make_api_token(session, NOW, ids.organisation_id, SYSTEM, "races", Role.ADMIN)[1]
    )
    yield Races(app, ids, house, token)
    app.extensions[EXTENSION].close()
