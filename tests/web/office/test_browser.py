"""The office in a real browser: the inbox by keyboard alone, axe and reflow on every page (SPEC X2)."""

import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from werkzeug.serving import make_server

from booking.values.states import BookingState
from tests.web.conftest import PASSWORD
from tests.web.office.conftest import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = ("", "requests", "requests/several", "calendar", "calendar?week=2026-12-04", "customers", "mails", "cases")


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, desk.site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def log_in(page: "Page", address: str) -> None:
    page.goto(f"{address}/login")
    page.fill("[name=email]", "office@kirche.example")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/office/")


@pytest.mark.browser
@pytest.mark.rule("X2", "S8", "S9")
def test_the_inbox_is_worked_off_by_keyboard_alone(desk: Desk, address: str, page: "Page") -> None:
    made = [desk.ask(first=first, last=first + 2, name=name) for first, name in ((8, "Eva"), (12, "Max"), (16, "Uwe"))]
    for place, one in enumerate(made):
        desk.code(one.slot, f"47{place}1")
    log_in(page, address)
    page.goto(f"{address}/office/requests")
    heading = page.locator(".one-head h2")
    assert heading.inner_text() == "Eva"
    page.keyboard.press("j")
    page.wait_for_url(f"**/{made[1].public_id}")
    page.keyboard.press("k")
    page.wait_for_url(f"**/{made[0].public_id}")
    page.keyboard.press("c")
    page.wait_for_url(f"**/{made[1].public_id}")
    assert "Bestätigt: Eva" in page.locator(".toast-line").inner_text()
    page.keyboard.press("u")
    page.wait_for_url(f"**/{made[0].public_id}")
    assert page.locator(".toast-line").count() == 0
    page.keyboard.press("r")
    page.locator("#reject[open]").wait_for()
    page.locator("#reason").focus()
    page.keyboard.type("Die Halle wird gereinigt")
    page.locator("#reject .btn-danger").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{made[1].public_id}")
    desk.settle()
    assert desk.booking(made[0]).state is BookingState.REJECTED
    assert desk.mails("rejection")[0].facts["reason"] == "Die Halle wird gereinigt"
    page.keyboard.press("/")
    page.keyboard.type("uwe")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=uwe")
    assert page.locator("[data-inbox-item]").count() == 1


@pytest.mark.browser
@pytest.mark.rule("X2")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_passes_axe_and_reflows_at_320_pixels(desk: Desk, address: str, page: "Page", theme: str) -> None:
    made, waits = desk.confirmed(), desk.ask(days=11, name="Anneliese Großmann-Schöllkopf-Unterpfaffenhofen")
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two
    log_in(page, address)
    page.goto(f"{address}/office/customers")
    customer = page.locator(".data-table tbody th a").first.get_attribute("href") or ""
    mail = f"mails/{desk.mails('acknowledgement')[0].public_id}"
    others = (f"bookings/{made.public_id}", f"bookings/{made.public_id}/move", f"requests/{waits.public_id}", mail)
    problems = []
    for path in (*PAGES, *others, customer.removeprefix("/office/")):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{address}/office/{path}")
        found = Axe().run(page).response["violations"]
        problems += [(path, one["id"], [node["html"][:120] for node in one["nodes"][:2]]) for one in found]
        page.set_viewport_size({"width": 320, "height": 800})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        problems += [(path, "wider than 320 pixels", [str(over)])] if over > 0 else []
    assert problems == []
    assert re.fullmatch(r"/office/customers/[0-9a-f-]{36}", customer)
