"""A house with a calendar link behind the real application: pages on one side, the real runner on the other."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from booking.reads.house import read_house
from booking.tables.links import CalendarLink
from booking.values.links import LinkPolicy
from sync.remotes.memory import MemoryRemote
from tests.sync.linked import World
from tests.web.conftest import Site, Visitor
from workers.link_wishes import serve_all

HOME = "/office/links"
PASSWORD = "canary-password-4711"
SECRET_PATH = "canary-path-0815"


def world_of(site: Site) -> World:
    """What lies on the other side, and the runner, over the database of the site."""
    made = World(site.database, MemoryRemote(), site.ids, site.now)
    made.tools = site.context.tools
    return made


@dataclass
class Linked:
    """Who is logged in, and what the link reaches. `now` moves both sides."""

    site: Site
    visitor: Visitor
    world: World

    def given(self, **changes: Any) -> dict[str, Any]:
        with self.site.database.read() as db:
            hall = read_house(db, self.site.ids.organisation_id).room(self.site.ids.hall).public_id
        good = {
            "name": "Pfarrkalender",
            "kind": "CALDAV",
            "url": f"https://dav.example/{SECRET_PATH}/",
            "user": "kirche",
            "password": PASSWORD,
            "room": str(hall),
            "policy": "TWO_WAY",
            "variant": "titles",
            "requested": "yes",
            "months_back": "1",
            "months_ahead": "12",
            "every_minutes": "10",
        }
        return good | changes

    def make(self, **changes: Any) -> str:
        """Set it up by the page; the path of the link's own page."""
        answer = self.visitor.post(f"{HOME}/new", self.given(**changes), of=f"{HOME}/new")
        assert answer.status_code == 302, answer.text
        with self.site.database.read() as db:
            row = db.scalars(select(CalendarLink).order_by(CalendarLink.id.desc())).first()
        assert row is not None
        self.world.link_id, self.world.public_id = row.id, row.public_id
        return answer.location

    def connect(self, policy: LinkPolicy = LinkPolicy.TWO_WAY, **more: Any) -> str:
        """A link that works already; the path of its page."""
        self.world.connect(policy, **more)
        return f"{HOME}/{self.world.public_id}"

    def get(self, path: str) -> str:
        answer = self.visitor.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.text

    def post(self, path: str, data: dict[str, Any] | None = None, of: str = "") -> Any:
        return self.visitor.post(path, data, of=of or HOME + "/new")

    def serve(self) -> int:
        """The worker serves what was asked for."""
        return serve_all(self.world.engine)

    def later(self, step: Any) -> None:
        self.site.now += step
        self.world.now = self.site.now
