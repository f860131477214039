"""A house with calendar links in every state, to look at: what browser tests and pictures walk through."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from booking.tables.bookings import CaseFile
from booking.values.links import LinkPolicy
from outside.errors import SiteDenied
from tests.sync.linked import World, event
from tests.web.office.conftest import Desk
from tests.web.office.linked import HOME, Linked

LONG = "Generalprobe des Kammerorchesters Bergisch Gladbach-Schildgen mit anschließendem Empfang"


@dataclass(frozen=True)
class Shown:
    """Addresses of pages by name."""

    pages: dict[str, str]


def show_everything(desk: Desk, linked: Linked) -> Shown:
    """Links that work, wait for a decision, fail, rest with a plan and with none; with cases of each kind."""
    world = linked.world
    made = desk.ask(room=desk.ids.hall, name="Anneliese Großmann-Schöllkopf-Unterpfaffenhofen")
    pages = {"list-empty": HOME, "new": f"{HOME}/new"}
    held = _held(linked)
    failing = linked.connect(LinkPolicy.IMPORT_BUSY, name="Schulkalender")
    _fail(world)
    both = linked.connect(LinkPolicy.TWO_WAY, name="Kalender der Kirchengemeinde")
    other = World(world.database, type(world.remote)(), world.ids, world.now)
    other.tools, other.link_id = world.tools, world.link_id
    other.settle()
    (uid,) = other.theirs()
    other.move_theirs(uid, timedelta(days=1))
    other.put(event("clash", 10 + 9 / 24, 1, summary=LONG))
    other.run()
    assert made.booking_id
    resting = linked.make(name="Nextcloud", preview="yes")
    fresh = World(world.database, type(world.remote)(), world.ids, world.now)
    fresh.tools = world.tools
    fresh.put(event("new", 4, 2, summary=LONG))
    linked.world = fresh
    linked.serve()
    waiting = linked.make(name="Wartet", preview="yes")
    pages |= {"list": HOME, "held": held, "failing": failing, "both": both, "resting": resting, "waiting": waiting}
    pages |= {"settings": f"{both}/settings", "run": f"{held}/runs/1"}
    for one in world.rows(select(CaseFile).where(CaseFile.closed_at.is_(None))):
        pages[one.kind] = f"/office/cases/{one.id}"
    return Shown(pages)


def _held(linked: Linked) -> str:
    world = linked.world
    path = linked.connect(LinkPolicy.IMPORT, name="Chöre und Orchester")
    for index in range(12):
        world.put(event(f"x{index}", 30 + index, summary=LONG if index == 3 else f"Chorprobe {index}"))
    world.settle()
    for index in range(8):
        world.delete_theirs(f"x{index}")
    world.run()
    return path


def _fail(world: World) -> None:
    def fail(_moment: str, _method: str) -> None:
        raise SiteDenied("https://dav.example:443", 401)

    hook, world.remote.hook = world.remote.hook, fail
    world.run()
    world.remote.hook = hook
