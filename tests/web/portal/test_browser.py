"""The portal in a real browser: axe, 320 pixels, by keyboard alone, and without scripts (SPEC X2)."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from booking.values.slot import Slot
from tests.builders import slot_in
from tests.web.portal.conftest import TYPED, Customer, cells

PAGES = ("rooms", "week", "form", "refused", "status", "verify", "calendar", "cancel", "change", "check", "terms")


@dataclass
class World:
    """The served house, addresses of its pages, and what the browser complained about."""

    browser: Browser
    base: str
    customer: Customer
    paths: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, name: str, width: int = 1440, *, dark: bool = False, scripts: bool = True) -> Page:
        context = self.browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale="de-DE",
            reduced_motion="reduce",
        )
        self.contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.base + self.paths.get(name, name))
        if name == "refused":
            self.complaints.clear()
            page.get_by_role("button", name="Zahlungspflichtig anfragen").last.click()
            page.wait_for_load_state()
            self.complaints = [said for said in self.complaints if "422" not in said]
        return page


@pytest.fixture
def world(browser: Browser, customer: Customer) -> Iterator[World]:
    """A house with a rental in each state that looks different."""
    from tests.builders import change_house

    site = customer.site
    page = customer.ask(slot_in(2, 18, 20))
    mail_page = customer.mail_page()
    customer.act(f"{mail_page}/calendar", of=f"{mail_page}/calendar")
    site.database.write(lambda db: change_house(db, site.ids, mail_check=True))
    customer.ask(slot_in(0, 20, 21), email="b@verein.example")
    check = f"{page}/change/check?{cells(slot_in(3, 18, 20))}"
    form = f"/rooms/halle/request?{cells(slot_in(0, 16, 18))}"
    paths = ("/", "/rooms/halle", form, form, page, customer.mail_page(), f"{mail_page}/calendar", f"{page}/cancel")
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found = World(browser, f"http://127.0.0.1:{server.port}", customer)
    found.paths = dict(zip(PAGES, (*paths, f"{page}/change", check, "/terms/terms"), strict=True))
    yield found
    for context in found.contexts:
        context.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
@pytest.mark.rule("X2")
def test_axe_finds_nothing_on_any_page_and_the_browser_does_not_complain(world: World) -> None:
    found = {}
    for name in PAGES:
        for width, dark in ((375, True), (1440, False)):
            page = world.open(name, width, dark=dark)
            answer = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
            found[name, width] = [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in answer]
            page.context.close()
            world.contexts.pop()
    assert {where: what for where, what in found.items() if what} == {}
    assert world.complaints == []


@pytest.mark.browser
@pytest.mark.rule("X2")
@pytest.mark.parametrize("scripts", [True, False])
def test_nothing_scrolls_sideways_at_320_pixels(world: World, scripts: bool) -> None:
    wide = {}
    for name in PAGES:
        page = world.open(name, 320, scripts=scripts)
        wide[name] = page.evaluate("document.documentElement.scrollWidth")
    assert wide == dict.fromkeys(PAGES, 320)


@pytest.mark.browser
@pytest.mark.rule("X2", "S4")
def test_a_time_is_requested_by_keyboard_alone(world: World, evening: Slot) -> None:
    page = world.open(f"/rooms/halle?day={evening.start.date()}", 1440)
    keys = page.keyboard

    def tab_to(selector: str) -> None:
        for _ in range(80):
            keys.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        pytest.fail(f"{selector} is not reached by Tab")

    tab_to("input[data-from]")
    wanted = f"{evening.start:%Y-%m-%dT%H:%MZ}"
    while (at := page.evaluate("document.activeElement.value")) != wanted:
        keys.press("ArrowDown" if at.startswith(f"{evening.start:%Y-%m-%d}") else "ArrowRight")
    keys.press("Space")
    keys.press("ArrowDown")
    keys.press("Space")
    tab_to("[data-send]")
    keys.press("Enter")
    page.wait_for_url("**/request?**")
    for name, typed in list(TYPED.items())[:-1]:  # in the order of the form
        tab_to(f"[name='{name}']")
        keys.type(typed if name != "country" else "Deu")
    tab_to("[name='accepted']")
    keys.press("Space")
    tab_to("button.btn-primary")
    keys.press("Enter")
    page.wait_for_url("**/b/**")
    assert "Ihre Anfrage ist da." in page.content()
    assert world.complaints == []


@pytest.mark.browser
@pytest.mark.rule("X2", "S4")
def test_a_time_is_requested_and_cancelled_without_scripts(world: World, evening: Slot) -> None:
    page = world.open(f"/rooms/halle?day={evening.start.date()}", 375, scripts=False)
    for hour in (0, 1):
        value = f"{evening.start.replace(hour=evening.start.hour + hour):%Y-%m-%dT%H:%MZ}"
        page.locator(f"input[value='{value}']").check(force=True)
    page.get_by_role("button", name="Weiter zur Anfrage").click()
    for name, typed in TYPED.items():
        if name not in {"country", "accepted"}:
            page.locator(f"[name='{name}']").fill(typed)
    page.locator("[name='accepted']").check()
    page.locator("[name='purpose']").press("Tab")
    page.get_by_role("button", name="Zahlungspflichtig anfragen").last.click()
    assert "Ihre Anfrage ist da." in page.content()
    page.get_by_role("link", name="Stornieren").click()
    page.get_by_role("button", name="Kostenlos stornieren").click()
    assert "Ihre Buchung ist storniert." in page.content()


@pytest.mark.browser
@pytest.mark.rule("X8")
def test_enter_in_a_field_sends_the_request_and_errors_take_the_focus(world: World) -> None:
    page = world.open("form", 1440)
    page.locator("[name='name']").fill("Anna")
    page.locator("[name='name']").press("Enter")
    page.wait_for_selector("[data-error-summary]")
    assert page.locator("[name='name']").input_value() == "Anna"
    page.wait_for_function("document.activeElement.matches('[data-error-summary]')")
    page.locator("[data-error-summary] a").first.click()
    page.wait_for_function("document.activeElement.name === 'email'")
