"""Every main page of a running installation: axe, reflow, policy, keyboard, and what becomes of bad input."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.demo import ZONE, Demo, eventually
from tests.browser.pages import NAMES, Tour, tour
from tests.browser.walks import Person, cell, choose, far_day, fill, open_week, send

pytestmark = pytest.mark.browser

FOCUS_IS_SEEN = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect();
  const shown = [at, at.closest("label"), at.parentElement].filter(Boolean).map((one) => getComputedStyle(one));
  const lined = (s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 1;
  const marked = shown.some((s) => lined(s) || s.boxShadow !== "none");
  return marked && box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
}"""
DAY_OF = "() => document.activeElement.closest('[data-day]').dataset.day"
MINUTES_OF = "() => Number(document.activeElement.dataset.from)"
WHERE = "() => document.activeElement.name || document.activeElement.textContent.trim().split(/\\s+/).join(' ')"


@pytest.fixture(scope="module")
def walk(browser: Browser, demo: Demo) -> Iterator[Tour]:
    with tour(browser, demo) as walking:
        yield walking


def faults_of(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found]


@pytest.mark.rule("X2")
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_fit_for_all_eyes_and_widths_and_keeps_to_its_policy(walk: Tour, name: str) -> None:
    walk.said.clear()
    page = walk.open(name)
    expect(page.locator("h1")).to_have_count(1)
    for width, height in ((1440, 900), (375, 740)):
        page.set_viewport_size({"width": width, "height": height})
        assert faults_of(page) == [], width
    page.set_viewport_size({"width": 320, "height": 568})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert walk.said == []


def tab_to(page: Page, target: Locator, most: int = 60) -> list[str]:
    """Press Tab until the target has the focus; at every stop the focus has to be seen. Returns the stops."""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stops.append(str(page.evaluate(WHERE)))
        eventually(lambda: page.evaluate(FOCUS_IS_SEEN), f"the focus is seen: {stops}", 2)  # the page scrolls to it
        if target.evaluate("node => node === document.activeElement"):
            return stops
    pytest.fail(f"not reached by Tab: {stops}")


WRONG = {
    "email": "Diese E-Mail-Adresse kann nicht stimmen",
    "postcode": "Eine deutsche Postleitzahl hat fünf Ziffern",
    "people": "ganze Zahl",
}


def _pick_two_hours(page: Page, start: datetime) -> None:
    """Into the week by Tab, along it by arrows, choosing by Space."""
    tab_to(page, page.locator("input[data-from][tabindex='0']"))
    while page.evaluate(DAY_OF) < start.date().isoformat():
        page.keyboard.press("ArrowRight")
    while page.evaluate(MINUTES_OF) < start.hour * 60:
        page.keyboard.press("ArrowDown")
    expect(cell(page, start)).to_be_focused()
    page.keyboard.press("Space")
    expect(cell(page, start)).to_be_checked()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(cell(page, start + timedelta(hours=1))).to_be_checked()


def _told_at_their_fields(page: Page, wrong: dict[str, str]) -> None:
    for name, text in wrong.items():
        expect(page.locator(f"#{name}-error")).to_contain_text(text)
        expect(page.locator(f"#{name}")).to_have_attribute("aria-invalid", "true")
        assert f"{name}-error" in (page.locator(f"#{name}").get_attribute("aria-describedby") or "")


@pytest.mark.rule("X2", "X8")
def test_a_time_is_requested_with_the_keyboard_alone_and_a_slip_loses_nothing(demo: Demo, page: Page) -> None:
    start = datetime.combine(far_day(), time(9), ZONE)
    open_week(page, demo, "halbfeld-b", start.date())
    _pick_two_hours(page, start)
    tab_to(page, page.locator("[data-send]"))
    page.keyboard.press("Enter")
    expect(page.locator("form.ask")).to_be_visible()

    typed = {
        "name": "Hanna Taste",
        "company": "",
        "email": "hanna.taste",
        "phone": "+49 641 778899",
        "street": "Sportweg 3",
        "postcode": "3539",
        "city": "Gießen",
        "country": None,
        "purpose": "Turnen",
        "people": "viele",
    }
    seen = []
    for name, text in typed.items():
        seen += tab_to(page, page.locator(f"#{name}"))
        if text:
            page.keyboard.insert_text(text)
    assert [stop for stop in seen if stop in typed] == list(typed)  # in the order in which they stand
    tab_to(page, page.locator("#accepted"))
    page.keyboard.press("Space")
    tab_to(page, page.locator("form.ask .form-actions button"))
    page.keyboard.press("Enter")

    summary = page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    expect(summary).to_have_attribute("role", "alert")
    _told_at_their_fields(page, WRONG)
    expect(summary.locator("li")).to_have_count(len(WRONG))
    kept = {name: page.locator(f"#{name}").input_value() for name, text in typed.items() if text is not None}
    assert kept == {name: text for name, text in typed.items() if text is not None}
    expect(page.locator("#accepted")).to_be_checked()
    assert faults_of(page) == []

    for name, text in {"email": "hanna.taste@verein.example", "postcode": "35390", "people": "8"}.items():
        tab_to(page, page.locator(f"#{name}"))
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(text)
    tab_to(page, page.locator("form.ask .form-actions button"))
    page.keyboard.press("Enter")
    expect(page.locator(".status-code")).to_be_visible()
    expect(page.locator("h1")).to_contain_text("09:00–11:00")


@pytest.mark.rule("X2")
def test_a_request_is_reviewed_with_the_keyboard_alone(walk: Tour) -> None:
    page = walk.open("inbox")
    first = page.locator("[data-inbox-item]").nth(0)
    second = page.locator("[data-inbox-item]").nth(1)
    tab_to(page, first)
    href = second.get_attribute("href") or ""
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url.endswith(href))
    expect(second).to_have_attribute("aria-current", "true")
    reject = page.locator("[data-opens='reject']")
    stops = tab_to(page, page.locator("[data-key='c']"))
    tab_to(page, reject, 1)  # the way back stands beside the way on
    assert any(stop.startswith("Bestätigen") for stop in stops)
    page.keyboard.press("Enter")
    expect(page.locator("dialog#reject")).to_be_visible()
    assert page.evaluate("() => document.activeElement.closest('dialog')?.id") == "reject"
    assert faults_of(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("dialog#reject")).to_be_hidden()
    expect(reject).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("dialog#keys-help")).to_be_visible()
    page.keyboard.press("Escape")
    name = page.locator(".one-head h2").inner_text()
    page.keyboard.press("c")
    toast = page.locator("[data-toast]", has_text=name)
    expect(toast).to_be_visible()
    tab_to(page, toast.locator("[data-key='u']"))
    page.keyboard.press("Enter")
    expect(page.locator("[data-toast]", has_text=name)).to_have_count(0)


@pytest.mark.rule("X8")
def test_a_time_that_was_taken_meanwhile_keeps_the_form_and_offers_others(
    demo: Demo, page: Page, browser: Browser
) -> None:
    start = datetime.combine(far_day(), time(20), ZONE)
    other = browser.new_context(locale="de-DE").new_page()
    for one in (page, other):
        choose(one, demo, "halbfeld-a", start)
    fill(page, Person("Ida Langsam"))
    fill(other, Person("Jan Schnell"))
    send(other)
    other.context.close()
    page.locator("form.ask .form-actions button").click()
    expect(page.locator("form.ask [role=alert]")).to_be_visible()
    expect(page.locator("#name")).to_have_value("Ida Langsam")
    expect(page.locator("button[name=other]").first).to_be_visible()
    page.locator("button[name=other]").first.click()
    expect(page.locator("#name")).to_have_value("Ida Langsam")
    page.locator("form.ask .form-actions button").click()
    expect(page.locator(".status-code")).to_be_visible()
