"""One real installation for each module of browser tests, and the people who work in it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.demo import Demo, running_demo
from tests.browser.walks import log_in
from tests.fixtures.browser import PATIENCE_MS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


@pytest.fixture
def person_at(browser: "Browser", demo: Demo) -> "Iterator[Callable[[str, str], Page]]":
    """`person_at(role, path)`: a page in a profile of its own, logged in in that role."""
    opened = []

    def enter(role: str, path: str) -> "Page":
        context = browser.new_context(
            locale="de-DE", timezone_id="Europe/Berlin", viewport={"width": 1440, "height": 900}
        )
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        page = context.new_page()
        log_in(page, demo, role, path)
        return page

    yield enter
    for context in opened:
        context.close()
