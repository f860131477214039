"""The pages of calendar links in a real browser: axe and reflow in every state, and a page that shows what came."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from werkzeug.serving import make_server

from booking.values.states import Role
from tests.web.conftest import PASSWORD, Site
from tests.web.office.conftest import Desk
from tests.web.office.link_pages import show_everything
from tests.web.office.linked import HOME, Linked, world_of

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def linked(site: Site) -> Linked:
    return Linked(site, site.logged_in(Role.ADMIN), world_of(site))


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def log_in(page: "Page", address: str) -> None:
    page.goto(f"{address}/login")
    page.fill("[name=email]", "admin@kirche.example")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/office/")


@pytest.mark.browser
@pytest.mark.rule("X2")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_of_a_link_passes_axe_and_reflows_at_320_pixels(
    desk: Desk, linked: Linked, address: str, page: "Page", theme: str
) -> None:
    shown = show_everything(desk, linked)
    assert {"link-held", "link-moved", "link-clash", "failing", "resting", "waiting"} <= shown.pages.keys()
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two
    log_in(page, address)
    problems = []
    for name, path in shown.pages.items():
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address + path)
        found = Axe().run(page).response["violations"]
        problems += [(name, one["id"], [node["html"][:120] for node in one["nodes"][:2]]) for one in found]
        page.set_viewport_size({"width": 320, "height": 800})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        problems += [(name, "wider than 320 pixels", [str(over)])] if over > 0 else []
    assert problems == []


@pytest.mark.browser
@pytest.mark.rule("C8")
def test_the_page_shows_the_plan_by_itself_once_a_worker_has_made_it(
    linked: Linked, address: str, page: "Page"
) -> None:
    linked.world.book(3)
    path = linked.make(preview="yes")
    log_in(page, address)
    page.goto(address + path)
    page.get_by_text("Es läuft:").wait_for()
    linked.serve()
    page.get_by_role("button", name="Genau diesen Plan ausführen").wait_for(timeout=20_000)
    assert page.locator("[data-refresh]").count() == 0


@pytest.mark.browser
@pytest.mark.rule("C6", "X2")
def test_a_link_is_set_up_by_keyboard_alone(linked: Linked, address: str, page: "Page") -> None:
    log_in(page, address)
    page.goto(f"{address}{HOME}")
    page.get_by_role("link", name="Kalender verknüpfen").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{HOME}/new")
    page.locator("#kind-CALDAV").focus()
    page.keyboard.press("ArrowDown")
    for text in ("Schulferien", "webcal://cal.example/school.ics"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.locator("#room").focus()
    page.keyboard.press("ArrowDown")
    page.locator("#policy-TWO_WAY").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.get_by_role("button", name="Verknüpfung anlegen").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Schulferien").wait_for()
    assert page.get_by_text("Kalenderadresse (ICS)").count() == 1
    assert page.get_by_text("Hier belegen, was dort belegt ist").count() == 1
