"""What people do in the browser, in steps that several tests share."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from playwright.sync_api import Locator, Page, expect

from tests.browser.demo import ZONE, Demo

SPOKEN_CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks for a time. The address is told apart by its name, so that mails are too."""

    name: str
    purpose: str = "Training der Jugend"

    @property
    def email(self) -> str:
        return f"{self.name.lower().replace(' ', '.')}@verein.example"

    @property
    def phone(self) -> str:
        return f"+49 641 77{sum(map(ord, self.name)):04d}"


def log_in(page: Page, demo: Demo, role: str, path: str) -> None:
    """Open a page that asks who one is, and get in."""
    login = demo.facts["logins"][role]
    page.goto(demo.base + path)
    page.locator("#email").fill(login["email"])
    page.locator("#password").fill(login["password"])
    page.locator("main button.btn-primary").click()
    page.wait_for_url(lambda url: "/login" not in url)


def cell(page: Page, start: datetime) -> Locator:
    """A free hour on the week of a room; nothing where it is taken."""
    return page.locator(f'input[data-from][value="{start.astimezone(UTC):%Y-%m-%dT%H:%MZ}"]')


def open_week(page: Page, demo: Demo, slug: str, day: date) -> None:
    page.goto(f"{demo.base}/rooms/{slug}?day={day.isoformat()}")


def choose(page: Page, demo: Demo, slug: str, start: datetime) -> None:
    """From the week of a room to the form."""
    open_week(page, demo, slug, start.astimezone(ZONE).date())
    cell(page, start).check()
    page.locator("[data-send]").click()
    expect(page.locator("form.ask")).to_be_visible()


def fill(page: Page, person: Person) -> None:
    values = {
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "street": "Sportweg 3",
        "postcode": "35390",
        "city": "Gießen",
        "purpose": person.purpose,
        "people": "10",
    }
    for name, value in values.items():
        page.locator(f"#{name}").fill(value)
    page.locator("#accepted").check()


def send(page: Page) -> str:
    """Send the form; on the page of the new request its booking code is read off, as it is spoken."""
    page.locator("form.ask .form-actions button").click()
    expect(page.locator(".status-code")).to_be_visible()
    return code_on(page.locator(".status-code"))


def code_on(block: Locator) -> str:
    """The code that a copy button of a block holds."""
    code = block.locator("[data-copy]").first.get_attribute("data-copy") or ""
    assert SPOKEN_CODE.fullmatch(code), code
    return code


def far_day(weeks: int = 2) -> date:
    """A day well behind the next review, never one of Christmas's closing days."""
    day = datetime.now(ZONE).date() + timedelta(weeks=weeks)
    return day + timedelta(days=7) if (day.month, day.day) in {(12, 24), (12, 25), (12, 26)} else day
