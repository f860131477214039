"""The set-up page of a site that is blocked through a calendar, in a real browser: axe and reflow in every state."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from sqlalchemy import select
from werkzeug.serving import make_server

from booking.actions.calendar_proofs import fail_proof
from booking.tables.site_calendars import SiteCalendar
from booking.values.proofs import ProofPhase, ProofProblem
from tests.web.office.test_links_browser import log_in
from tests.web.office.test_site_calendar_page import choose, link, owner, path, peer, site

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from sqlalchemy.orm import Session

    from tests.web.conftest import Site, Visitor

__all__ = ["owner", "path", "peer", "site"]


@pytest.fixture
def address(site: "Site") -> Iterator[str]:
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
@pytest.mark.rule("X2")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_of_a_proof_passes_axe_and_reflows_at_320_pixels(
    site: "Site", owner: "Visitor", path: str, address: str, page: "Page", theme: str
) -> None:
    def fail(db: "Session") -> None:
        fail_proof(db, site.now, db.scalars(select(SiteCalendar)).one(), ProofProblem.STILL_OFFERED)

    def succeed(db: "Session") -> None:
        row = db.scalars(select(SiteCalendar)).one()
        row.phase, row.problem, row.proven_at = ProofPhase.PROVEN, "", site.now

    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two
    log_in(page, address)
    problems: list[tuple[str, str, object]] = []

    def look(state: str) -> None:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address + path)
        found = Axe().run(page).response["violations"]
        problems.extend((state, one["id"], [node["html"][:120] for node in one["nodes"][:2]]) for one in found)
        page.set_viewport_size({"width": 320, "height": 800})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        problems.extend([(state, "wider than 320 pixels", over)] if over > 0 else [])

    look("no link")
    choose(owner, path, link(site))
    look("chosen")
    owner.post(f"{path}/prove", of=path)
    look("being proven")
    site.database.write(fail)
    look("failed")
    site.database.write(succeed)
    look("proven")
    assert problems == []
