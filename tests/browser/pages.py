"""The main pages by name: what the checks of all pages and the pictures walk through."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.demo import ZONE, Demo
from tests.browser.walks import Person, choose, far_day, fill, log_in, send

GUEST = {"rooms": "/", "week": "/rooms/gymnastikraum", "terms": "/terms/terms", "login": "/login"}
OFFICE = {
    "today": "/office/",
    "inbox": "/office/requests",
    "calendar": "/office/calendar",
    "customers": "/office/customers",
    "cases": "/office/cases",
    "mails": "/office/mails",
    "doors": "/office/doors",
    "sites": "/office/sites",
    "links": "/office/links",
    "links-new": "/office/links/new",
    "feeds": "/office/feeds",
    "settings": "/office/settings",
}
DESK = {"desk": "/desk/", "desk-codes": "/desk/codes"}
LOUD = {"error", "warning"}
ASKED = ("request", "status")
NAMES = (*GUEST, *ASKED, *OFFICE, *DESK)


@dataclass(slots=True)
class Tour:
    """One browser profile for each kind of person, each with one page. `said`: errors and warnings of all of them."""

    demo: Demo
    people: dict[str, Page]
    asked: dict[str, str]
    said: list[str]

    def open(self, name: str, width: int = 1440, height: int = 900) -> Page:
        """The page of that name, loaded afresh."""
        who, path = self._find(name)
        page = self.people[who]
        page.set_viewport_size({"width": width, "height": height})
        page.goto(self.demo.base + path)
        return page

    def _find(self, name: str) -> tuple[str, str]:
        for who, paths in (("guest", GUEST | self.asked), ("admin", OFFICE), ("desk", DESK)):
            if name in paths:
                return who, paths[name]
        raise KeyError(name)


@contextmanager
def tour(browser: Browser, demo: Demo) -> Iterator[Tour]:
    """Everybody is logged in, and one request is made, whose form and status page have names as well."""
    contexts: list[BrowserContext] = []
    people: dict[str, Page] = {}
    said: list[str] = []
    try:
        for who in ("guest", "admin", "desk"):
            context = browser.new_context(locale="de-DE", timezone_id=ZONE.key, reduced_motion="reduce")
            contexts.append(context)
            people[who] = context.new_page()
            people[who].on("pageerror", lambda error: said.append(str(error)))
            people[who].on("console", lambda line: said.append(line.text) if line.type in LOUD else None)
        log_in(people["admin"], demo, "admin", "/office/")
        log_in(people["desk"], demo, "desk", "/desk/")
        yield Tour(demo, people, _ask(people["guest"], demo), said)
    finally:
        for context in contexts:
            context.close()


def _ask(page: Page, demo: Demo) -> dict[str, str]:
    start = datetime.combine(far_day(), time(18), ZONE)
    choose(page, demo, "gymnastikraum", start)
    fill(page, Person("Gesa Beispiel", purpose="Yoga am Abend"))
    send(page)
    status = page.url.removeprefix(demo.base)
    choose(page, demo, "gymnastikraum", datetime.combine(far_day(), time(16), ZONE).astimezone(UTC))
    return {"request": page.url.removeprefix(demo.base), "status": status}
