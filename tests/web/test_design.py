"""The design system: contrast, policy, languages, and each component in a real browser."""

import importlib.util
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

ROOT = Path(__file__).parent.parent.parent
CSS = ROOT / "web" / "static" / "css"
TEMPLATES = [*(ROOT / "web/templates/shells").glob("*.html"), *(ROOT / "web/templates/parts").glob("*.html")]
PARTS = ("", "hall", "request", "inbox", "desk", "bare")
TEXT_ON = [  # (text, grounds): 4.5 to 1
    ("text", ("ground", "panel", "brand-soft", "wait-soft", "ok-soft", "stop-soft")),
    ("quiet", ("ground", "panel", "brand-soft")),
    ("brand-text", ("ground", "panel", "brand-soft")),
    ("on-brand", ("brand", "brand-text")),
    ("wait", ("ground", "wait-soft")),
    ("ok", ("ground", "ok-soft")),
    ("stop", ("ground", "panel", "stop-soft", "brand-soft")),
    ("on-stop", ("stop",)),
    ("ground", ("text",)),
]
SHAPE_ON = [
    ("edge", ("ground", "panel")),
    ("brand", ("ground", "panel")),
    ("wait-mark", ("ground", "wait-soft")),
]  # 3 to 1


def style_guide() -> ModuleType:
    spec = importlib.util.spec_from_file_location("styleguide_app", Path(__file__).parent / "styleguide_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks() -> list[dict[str, str]]:
    """Light, dark by the system, dark by choice: each as role → value."""
    text = (CSS / "tokens.css").read_text()
    starts = [match.end() for match in re.finditer(r":root[^{]*\{", text)]
    return [dict(re.findall(r"--([\w-]+):\s*([^;]+);", text[start : text.index("}", start)])) for start in starts]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.rule("X2")
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT_ON, 4.5), (SHAPE_ON, 3.0)], ids=["text", "shapes"])
def test_colours_that_meet_have_enough_contrast(
    theme: int, pairs: list[tuple[str, tuple[str, ...]]], least: float
) -> None:
    roles = blocks()[theme]
    weak = [
        (above, below, round(contrast(roles[above], roles[below]), 2))
        for above, grounds in pairs
        for below in grounds
        if contrast(roles[above], roles[below]) < least
    ]
    assert weak == []


def test_dark_by_system_and_dark_by_choice_are_the_same() -> None:
    light, by_system, by_choice = blocks()
    assert by_system == by_choice
    assert {name for name, value in light.items() if value.startswith(("#", "rgba"))} <= set(by_system)


def test_only_the_tokens_name_colours() -> None:
    for sheet in CSS.glob("*.css"):
        if sheet.name in {"tokens.css", "print.css"}:  # paper is black on white
            continue
        bare = re.sub(r'url\("data:[^"]*"\)', "", sheet.read_text())
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", bare) == [], sheet.name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_template_carries_style_script_or_foreign_address(template: Path) -> None:
    text = template.read_text()
    assert re.findall(r"\sstyle\s*=\s*[\"'{]|<style|\son[a-z]+\s*=\s*[\"']|javascript:|https?://", text) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag] == []


@pytest.mark.rule("X1")
@pytest.mark.parametrize("language", ["de", "ru"])
def test_every_text_of_shells_and_macros_is_translated(language: str) -> None:
    with (Path(__file__).parent / f"design_{language}.po").open("rb") as source:
        catalog = read_po(source, locale=language)
    for folder in ("shells", "parts"):
        found = extract_from_dir(ROOT / "web/templates" / folder, method_map=[("**.html", "jinja2")])
        for name, line, message, _, _ in found:
            entry = catalog.get(message)
            assert entry is not None, (name, line, message)
            assert entry.string, (name, line, message)
            assert all(entry.string) if isinstance(entry.string, tuple) else True, message


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, style_guide().create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator["Visit"]:
    visit = Visit(browser, address)
    yield visit
    visit.close()
    assert visit.complaints == []


class Visit:
    """Opens pages of the style guide and gathers what the browser complains about, the content policy included."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.complaints: list[str] = []
        self.pages: list[Page] = []

    def __call__(
        self, part: str, width: int = 1440, height: int = 900, *, scheme: str = "light", scripts: bool = True
    ) -> Page:
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
            locale="de-DE",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.address + part)
        self.pages.append(page)
        return page

    def close(self) -> None:
        for page in self.pages:
            page.context.close()


@pytest.mark.browser
@pytest.mark.rule("X2")
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1440, "light"), (375, "light"), (1440, "dark")])
def test_axe_finds_nothing(visit: Visit, part: str, width: int, scheme: str) -> None:
    page = visit(part, width, scheme=scheme)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []


@pytest.mark.browser
@pytest.mark.rule("X2")
@pytest.mark.parametrize(
    ("part", "opener"), [("inbox", "[data-key='c']"), ("inbox", "[data-key='?']"), ("", "[data-opens='side-1']")]
)
def test_axe_finds_nothing_in_an_open_dialogue(visit: Visit, part: str, opener: str) -> None:
    page = visit(part)
    page.locator(opener).click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert Axe().run(page).response["violations"] == []


@pytest.mark.browser
@pytest.mark.rule("X2")
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_nothing_scrolls_sideways_at_320_pixels(visit: Visit, part: str, scripts: bool) -> None:
    page = visit(part, 320, 568, scripts=scripts)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.browser
@pytest.mark.rule("S4")
def test_a_start_and_an_end_take_all_between_and_the_bar_sums_up(visit: Visit) -> None:
    page = visit("hall")
    day = page.locator("[data-day='2026-12-04'] input")
    send = page.locator("[data-send]")
    expect(send).to_be_disabled()
    day.nth(2).dispatch_event("click")
    day.nth(0).dispatch_event("click")
    assert [day.nth(at).is_checked() for at in range(4)] == [True, True, True, False]
    said = (page.locator("[data-sum]").text_content() or "").replace("\u2060", "").replace("\u00a0", " ")
    assert said == "Freitag, 4. Dezember · 08:00–12:30 · 4 Std. 30 Min. · 105,00 €"
    send.click()
    assert page.url.endswith("/request?slot=4-480&slot=4-570&slot=4-660")


@pytest.mark.browser
def test_a_taken_time_between_start_and_end_starts_anew(visit: Visit) -> None:
    page = visit("hall")
    day = page.locator("[data-day='2026-12-04'] input")  # 12:30 is taken there
    day.nth(2).dispatch_event("click")
    day.nth(3).dispatch_event("click")
    assert [day.nth(at).is_checked() for at in range(5)] == [False, False, False, True, False]


@pytest.mark.browser
@pytest.mark.rule("X2")
def test_the_week_is_chosen_by_keyboard_alone(visit: Visit) -> None:
    page = visit("hall")
    first = page.locator("[data-day='2026-11-30'] input").first
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert page.locator("[data-day='2026-12-01'] input:checked").count() == 2
    page.keyboard.press("Tab")
    expect(page.locator("[data-send]")).to_be_focused()


@pytest.mark.browser
def test_without_scripts_slots_are_checkboxes_of_a_plain_form(visit: Visit) -> None:
    page = visit("hall", scripts=False)
    page.locator("[data-day='2026-12-05'] input").first.check(force=True)
    page.locator("[data-send]").click()
    assert page.url.endswith("/request?slot=5-480")


@pytest.mark.browser
def test_on_a_phone_the_strip_brings_the_day_into_view(visit: Visit) -> None:
    page = visit("hall", 375, 780)
    page.locator("[data-strip] a").nth(5).click()
    expect(page.locator("[data-strip] a").nth(5)).to_have_attribute("aria-current", "true")
    box = page.locator("[data-day='2026-12-05']").bounding_box()
    assert box is not None
    assert 0 <= box["x"] < 30


@pytest.mark.browser
@pytest.mark.rule("X8")
def test_a_refused_form_leads_from_the_summary_to_the_field(visit: Visit) -> None:
    page = visit("request")
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.locator("[data-error-summary] a").first.click()
    field = page.locator("#email")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("a.grossmann@")
    described = (field.get_attribute("aria-describedby") or "").split()
    assert described == ["email-help", "email-error"]
    expect(page.locator("#email-error")).to_contain_text("Nach @ fehlt etwas.")


@pytest.mark.browser
@pytest.mark.rule("X2")
def test_the_keys_of_the_inbox_move_open_and_can_be_switched_off(visit: Visit) -> None:
    page = visit("inbox")
    page.keyboard.press("j")
    expect(page.locator("[data-inbox-item]").nth(2)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("[data-inbox-item]").nth(1)).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator("#confirm-r2")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("#reject-r2")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator("#search")).to_have_value("c")
    page.locator("h1").click()
    page.keyboard.press("?")
    page.locator("[data-keys-switch]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.locator("#confirm-r2")).to_be_hidden()


@pytest.mark.browser
def test_a_table_is_filtered_while_typing(visit: Visit) -> None:
    page = visit("")
    rows = page.locator("#customers tbody tr[data-row]:visible")
    expect(rows).to_have_count(6)
    page.locator("input[data-filter='name']").press_sequentially("öztürk")
    expect(rows).to_have_count(1)
    page.locator("select[data-filter='group']").select_option("Verein")
    expect(rows).to_have_count(0)
    expect(page.locator("#customers [data-none]")).to_be_visible()
    expect(page.locator("#customers [data-shown]")).to_have_text("0")


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_long_table_is_filtered_by_the_server_with_and_without_scripts(visit: Visit, scripts: bool) -> None:
    page = visit("?mode=server", scripts=scripts)
    page.locator("input[data-filter='name']").fill("öztürk")
    if not scripts:
        page.locator("button[form='customers-form']").click()
    expect(page.locator("#customers tbody tr[data-row]")).to_have_count(1)
    expect(page.locator("#customers [data-shown]")).to_have_text("1")
    expect(page).to_have_url(re.compile(r"mode=server&name=%C3%B6zt%C3%BCrk"))


@pytest.mark.browser
def test_a_dialogue_returns_the_focus_and_the_theme_stays(visit: Visit) -> None:
    page = visit("")
    opener = page.locator("[data-opens='cancel-1']")
    opener.click()
    expect(page.locator("#cancel-1 [data-close]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.locator("[data-theme-switch]").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.browser
def test_the_undo_counts_down_and_goes(visit: Visit) -> None:
    page = visit("bare")
    page.clock.install()
    page.goto(visit.address + "inbox")
    toast = page.locator("[data-toast]")
    expect(toast).to_be_visible()
    page.clock.fast_forward(58_000)
    expect(toast.locator("[data-count]")).to_have_text("2 s")
    page.clock.fast_forward(3_000)
    expect(toast).to_have_count(0)
