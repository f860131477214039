"""Pictures of the main pages for the documentation: `make screenshots`, or `python -m tests.browser.screenshots`.

Starts an installation with its demonstration in a folder of its own and ends it. The names of the files are stable:
docs/screenshots/PAGE-phone.png and PAGE-desktop.png.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests import browser_setup
from tests.browser.demo import ZONE, Demo, eventually, running_demo
from tests.browser.pages import NAMES, Tour, tour
from tests.browser.walks import Person, choose, fill, send
from tests.fixtures.browser import NPM_BUILD, QUIET

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES = {"phone": (375, 740), "desktop": (1440, 900)}
LEFT_OUT = {"terms", "cases"}  # nothing to look at in the demonstration
MOST_BYTES = 3_000_000


def take(folder: Path = FOLDER) -> list[Path]:
    """Take all pictures; returns their paths. What stood in the folder under other names stays."""
    folder.mkdir(parents=True, exist_ok=True)
    path = browser_setup.find()
    if path is None:
        raise SystemExit("no Chromium here: run `make setup`")
    flags = [*QUIET, "--lang=de-DE", *(NPM_BUILD if path == browser_setup.from_npm() else ())]
    with running_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=flags)
        waiting = "SELECT 1 FROM outbox WHERE topic = 'mail' AND done_at IS NULL AND dead_at IS NULL"
        eventually(lambda: not demo.rows(waiting), "mails", 120)
        with tour(browser, demo) as walk:
            return [*_pages(walk, folder), *_mail(browser, demo, folder), _issued(walk, demo, folder)]


def _pages(walk: Tour, folder: Path) -> list[Path]:
    return [
        _snap(walk.open(name, *size), folder / f"{name}-{kind}.png")
        for name in NAMES
        if name not in LEFT_OUT
        for kind, size in SIZES.items()
    ]


def _mail(browser: Browser, demo: Demo, folder: Path) -> list[Path]:
    """The mail with code, payment data and invoice, as a mail program shows it."""
    mail = demo.mails("handball@tsv-beispiel.example", "bestätigt")[-1]
    taken = []
    for kind, (width, height) in SIZES.items():
        page = browser.new_page(viewport={"width": min(width, 760), "height": height}, color_scheme="light")
        page.goto(demo.facts["mail_url"].rstrip("/") + mail["url"] + "/html")
        taken.append(_snap(page, folder / f"mail-confirmed-{kind}.png"))
        page.close()
    return taken


def _issued(walk: Tour, demo: Demo, folder: Path) -> Path:
    """The desk reads out a code on short notice."""
    guest, desk = walk.people["guest"], walk.open("desk")
    today = datetime.now(ZONE).date()
    start = next(start for days in (0, 1) for start in demo.free("Gymnastikraum", today + timedelta(days=days)))
    choose(guest, demo, "gymnastikraum", start)
    fill(guest, Person("Jule Beispiel", purpose="Tanzen"))
    code = send(guest)
    desk.locator("#q").fill(code)
    desk.keyboard.press("Enter")
    desk.locator("input[name=booking_code]").check()
    desk.locator("section.panel form button").click()
    desk.locator(".code-block").first.wait_for()
    return _snap(desk, folder / "desk-code-desktop.png")


def _snap(page: Page, path: Path) -> Path:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path, full_page=False, animations="disabled")
    return path


def main() -> int:
    taken = take()
    total = sum(path.stat().st_size for path in taken)
    print(f"{len(taken)} pictures in {FOLDER}, {total / 1_000_000:.1f} MB")  # noqa: T201 - its one result
    return 0 if total <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
