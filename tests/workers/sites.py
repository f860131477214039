"""A house linked with a stand-in for YouCanBook.me that has two pages: one for the hall, one for its left half."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from booking.actions.connections import api_key_bound
from booking.actions.hooks import store_hook
from booking.tables.bookings import Booking, CaseFile, Event, Occupancy
from booking.tables.connections import BlockWay, Connection, ConnectionRoom, HookDelivery, RemoteBooking, Writer
from booking.tables.outgoing import Outbox
from booking.values.identity import new_uuid
from booking.values.slot import Slot
from booking.values.states import BookingState, OccupancyKind
from booking.values.tokens import hash_token
from outside.ycbm_templates import SECRET_HEADER, webhook_templates
from platzwart.peers.ycbm import Hook, YcbmPeer
from tests.workers.conftest import Works
from web.app import create_app
from web.context import EXTENSION
from workers.context import clock
from workers.ycbm import poll_once, read_some_hooks

HALL, LEFT = "prf_hall", "prf_left"
SECRET = "s3cret-of-a-connection-0190"
BOOKER = {"FNAME": "Ada", "LNAME": "Booker", "EMAIL": "ada@booker.example", "PHONE": "+49 221 777", "PEOPLE": "12"}


@dataclass
class Linked:
    """The house, the site, and what connects them."""

    works: Works
    peer: YcbmPeer
    connection_id: int

    def book(self, slot: Slot, page: str = HALL, **answers: str) -> str:
        """As a customer does on the site's own page; its id there."""
        return str(self.peer.book(slot.start, slot.end, page, **(BOOKER | answers))["id"])

    def poll(self) -> bool:
        return poll_once(self.works.context, self.connection_id)

    def hear(self) -> int:
        """Let the site's webhooks come in, and follow them."""
        self.peer.wait()
        heard = 0
        while found := read_some_hooks(self.works.context):
            heard += found
        return heard

    def hook(self, body: bytes, connection_id: int | None = None) -> None:
        """A webhook as the endpoint stores it."""

        def store(session: Session) -> None:
            connection = session.get_one(Connection, connection_id or self.connection_id)
            kind = "application/json"
            store_hook(
                session, clock(), connection.organisation_id, connection.id, event="", content_type=kind, body=body
            )

        self.works.write(store)

    def there(self, identity: str) -> dict[str, object]:
        return next(one for one in self.peer.bookings if one["id"] == identity)

    def blocks(self, page: str) -> list[Slot]:
        """What we hold on a page of the site."""
        return [
            Slot(booking.starts, booking.ends)
            for booking in self.peer.world.in_order([page])
            if booking.holds and booking.answers.get("FNAME", "").startswith("PLATZWART")
        ]

    def here(self, identity: str) -> Booking:
        """Our booking for one of theirs."""
        with self.works.context.database.read() as session:
            query = (
                select(Booking)
                .join(RemoteBooking, RemoteBooking.booking_id == Booking.id)
                .where(RemoteBooking.remote_id == identity)
            )
            return session.scalars(query).one()

    def bookings(self) -> list[tuple[BookingState, Slot]]:
        with self.works.context.database.read() as session:
            query = select(Booking.state, Event.starts_at, Event.ends_at).join(Event, Event.id == Booking.event_id)
            rows = session.execute(query.order_by(Event.starts_at, Booking.id))
            return [(state, Slot(start, end)) for state, start, end in rows]

    def taken(self, kind: OccupancyKind = OccupancyKind.BOOKING) -> list[Slot]:
        """The times taken on one unit, in order."""
        unit = self.works.ids.units[0]
        with self.works.context.database.read() as session:
            query = select(Occupancy.starts_at, Occupancy.ends_at).where(
                Occupancy.unit_id == unit, Occupancy.kind == kind
            )
            return sorted(Slot(start, end) for start, end in session.execute(query))

    def cases(self) -> list[str]:
        with self.works.context.database.read() as session:
            query = select(CaseFile.kind).where(CaseFile.closed_at.is_(None)).order_by(CaseFile.id)
            return list(session.scalars(query))

    def outcomes(self) -> list[str]:
        with self.works.context.database.read() as session:
            return list(session.scalars(select(HookDelivery.outcome).order_by(HookDelivery.id)))

    def connection(self) -> Connection:
        with self.works.context.database.read() as session:
            return session.get_one(Connection, self.connection_id)

    def waiting(self) -> list[Outbox]:
        with self.works.context.database.read() as session:
            return list(session.scalars(select(Outbox).where(Outbox.done_at.is_(None)).order_by(Outbox.id)))


def connect(works: Works, peer: YcbmPeer, *, writer: Writer = Writer.HERE, key: str | None = None) -> int:
    """Connect the house with the site as the set-up page does; the row's id."""

    def work(session: Session) -> int:
        now, mine = clock(), {"organisation_id": works.ids.organisation_id}
        connection = Connection(
            **mine,
            public_id=new_uuid(now),
            name="YouCanBook.me",
            base_url=peer.base_url,
            account_id=peer.account_id,
            api_key_cipher=b"",
            api_key_id="",
            hook_secret_hash=hash_token(SECRET),
            block_way=BlockWay.BOOKING,
            writer=writer,
            proven_at=now,
            next_poll_at=now + timedelta(days=1),
        )
        session.add(connection)
        session.flush()
        sealed = works.context.tools.vault.seal((key or peer.api_key).encode(), api_key_bound(connection.public_id))
        connection.api_key_cipher, connection.api_key_id = sealed.cipher, sealed.key_id
        for page, room_id in ((HALL, works.ids.hall), (LEFT, works.ids.left)):
            session.add(ConnectionRoom(**mine, connection_id=connection.id, profile_id=page, room_id=room_id))
        return connection.id

    return works.context.database.write(work)


@contextmanager
def hooked(linked: Linked, port: int) -> Iterator[str]:
    """The real endpoint on a socket, and the site's webhooks as its owner pasted them. Yields its address."""
    app = create_app(linked.works.context.settings, clock)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}/hooks/ycbm/{linked.connection().public_id}"
    linked.peer.pusher.hooks = [
        Hook(t.event.value, t.url, t.body, t.method, {SECRET_HEADER: SECRET}) for t in webhook_templates(url)
    ]
    yield url
    linked.peer.wait()
    linked.peer.pusher.hooks = []
    server.shutdown()
    thread.join(10)
    server.server_close()
    app.extensions[EXTENSION].close()
