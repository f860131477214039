"""The whole circle in real browsers against a whole installation: asked, blocked, reviewed, told, freed."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as wall
from io import BytesIO
from typing import Any

import pytest
from icalendar import Calendar
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.demo import ZONE, Demo, Shown, eventually
from tests.browser.walks import Person, cell, choose, code_on, far_day, fill, open_week, send

pytestmark = pytest.mark.browser

HOUR, TOLERANCE = timedelta(hours=1), timedelta(minutes=15)
GRACE, LONG_GRACE = 5, 60
ARRIVED, CONFIRMED, REJECTED, NOTICE = "Ihre Anfrage ist eingegangen", "bestätigt", "abgelehnt", "Neue Anfrage"
IBAN = "DE02 1203 0000 0000 2020 51"
DESK_PHONE = "+49 641 2000"
Enter = Callable[[str, str], Page]


@pytest.fixture(scope="module", autouse=True)
def fixed_hours(demo: Demo) -> None:
    """The desk's phone answers day and night and the office's never, so that it does not matter when the test runs."""
    demo.set_up(
        "DELETE FROM work_hours WHERE kind = 'office'",
        "UPDATE work_hours SET opens = '00:00:00.000000', closes = '00:00:00.000000' WHERE kind = 'desk'",
    )


@pytest.fixture(autouse=True)
def short_grace(demo: Demo) -> None:
    set_grace(demo, GRACE)


def set_grace(demo: Demo, seconds: int) -> None:
    demo.set_up("UPDATE organisation SET grace_seconds = ?", values=[seconds])


@pytest.fixture(scope="module", autouse=True)
def settled(demo: Demo, fixed_hours: None) -> None:
    """The demonstration's own past is told first; what a test causes waits behind it."""
    waiting = "SELECT 1 FROM outbox WHERE done_at IS NULL AND dead_at IS NULL AND due_at < ?"
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    eventually(lambda: not demo.rows(waiting, now), "the demonstration's mails are out", 120)


def at(demo: Demo, room: str, hour: int, weeks: int = 2) -> datetime:
    """A free time of that room behind the next review."""
    start = datetime.combine(far_day(weeks), wall(hour), ZONE)
    assert start in demo.free(room, start.date())
    return start


def open_request(office: Page, person: Person) -> None:
    """From the inbox's list to the request of that person."""
    item = office.locator("[data-inbox-item]", has_text=person.name)
    target = item.get_attribute("href") or ""
    item.click()
    office.wait_for_url(lambda url: url.endswith(target))
    expect(office.locator(".one-head h2")).to_contain_text(person.name)


def notices(demo: Demo, to: str, code: str) -> list[dict[str, Any]]:
    """The notices of one request that reached an address of the house."""
    return eventually(lambda: [mail for mail in demo.mails(to, NOTICE) if code in mail["text"]], f"a notice to {to}")


def window_of(mail: dict[str, Any]) -> list[tuple[str, str]]:
    """Each door code in a mail's text with the times between which it opens."""
    text = " ".join(mail["text"].split())
    return re.findall(r"Zugangscode Haupteingang (\d+) \(gültig [^)]*?(\d\d:\d\d–\d\d:\d\d)\)", text)


def times(start: datetime, end: datetime) -> str:
    return f"{start.astimezone(ZONE):%H:%M}–{end.astimezone(ZONE):%H:%M}"


def codes_given(doors: Page, demo: Demo, start: datetime, code: str) -> list[str]:
    """What the office's page of the door shows, once asked to, as given out for a booking code."""
    doors.goto(f"{demo.base}/office/doors?from={start:%Y-%m-%d}&until={start:%Y-%m-%d}&month={start:%Y-%m}")
    doors.locator("form[action$='/codes'] button").click()
    rows = doors.locator("tbody tr", has_text=code)
    expect(rows.first).to_be_visible()
    return [shown.replace(" ", "") for shown in rows.locator("td strong").all_inner_texts()]


def only_event(body: bytes) -> tuple[str, str]:
    """METHOD of a calendar file and STATUS of its one event."""
    calendar = Calendar.from_ical(body)
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), str(event["STATUS"])


def stands(demo: Demo, feed: str, start: datetime, status: str) -> Shown:
    """The feed's event at that time, once it says so."""

    def look() -> Shown | None:
        event = demo.event_at(feed, start)
        return event if event is not None and event.status == status else None

    return eventually(look, f"{status} in the feed {feed}")


@pytest.fixture
def customer(page: Page) -> Iterator[Page]:
    """The customer's own browser; what the policy of our pages forbids is an error."""
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    yield page
    assert [line for line in said if "Content Security Policy" in line] == []


@pytest.mark.rule("S4", "S5", "S6", "S7", "S8", "S11", "S13", "Y8")
def test_a_request_blocks_its_time_at_once_and_one_key_of_the_office_sends_code_and_invoice(
    demo: Demo, customer: Page, person_at: Enter
) -> None:
    ada = Person("Ada Umlauf")
    start = at(demo, "Halbfeld B", 10)
    assert demo.event_at("Halbfeld B (belegt)", start) is None  # and so the feed lies in the cache

    choose(customer, demo, "halbfeld-b", start)
    expect(customer.locator("#advertising")).not_to_be_checked()
    fill(customer, ada)
    with customer.expect_response(lambda one: one.request.method == "POST" and "/price" not in one.url) as answer:
        customer.locator("form.ask .form-actions button").click()
    assert answer.value.status == 303
    answered = time.monotonic()
    busy = eventually(lambda: demo.event_at("Halbfeld B (belegt)", start), "the time in the room's feed", 1)
    assert time.monotonic() - answered < 1
    assert start not in demo.free("Halbfeld B", start.date())
    assert (busy.status, "Ada" in busy.text) == ("TENTATIVE", False)
    asked = stands(demo, "Büro", start, "TENTATIVE")
    assert "Ada Umlauf" in asked.text
    expect(customer.locator(".status-code")).to_be_visible()
    status_page, code = customer.url, code_on(customer.locator(".status-code"))
    eventually(lambda: demo.at_the_peer(start), "a block at the booking site", 60)

    open_week(customer, demo, "halbfeld-b", start.date())
    expect(customer.locator("[data-week]")).to_be_visible()
    expect(cell(customer, start)).to_have_count(0)
    expect(cell(customer, start + HOUR)).to_have_count(1)

    (arrived,) = eventually(lambda: demo.mails(ada.email), "the acknowledgement")
    assert ARRIVED in arrived["subject"]
    assert code in arrived["text"]
    assert "noch keine Bestätigung" in arrived["text"]
    assert only_event(demo.attachment(arrived, "termin.ics"))[1] == "TENTATIVE"
    for house in ("buero@hallenwerk.example", "theke@hallenwerk.example"):
        assert len(notices(demo, house, code)) == 1

    office = person_at("office", "/office/requests")
    open_request(office, ada)
    expect(office.locator("main")).to_contain_text(code)
    expect(office.get_by_role("heading", name="Was auffällt")).to_be_visible()
    expect(office.locator(".one-head")).to_contain_text("Zu prüfen bis")
    office.keyboard.press("c")
    expect(office.locator("[data-toast]", has_text="Ada Umlauf")).to_be_visible()
    decided = time.monotonic()
    assert demo.mails(ada.email, CONFIRMED) == []  # it rests

    (confirmed,) = eventually(lambda: demo.mails(ada.email, CONFIRMED), "the mail with the code")
    assert time.monotonic() - decided > GRACE - 1
    ((door_code, window),) = window_of(confirmed)
    assert window == times(start - TOLERANCE, start + HOUR + TOLERANCE)
    assert codes_given(person_at("admin", "/office/doors"), demo, start, code) == [door_code]
    assert door_code not in code
    for part in ("45,00 €", IBAN, code):
        assert part in confirmed["text"].replace("\xa0", " ")
    (invoice_name,) = (part["name"] for part in confirmed["attachments"] if part["name"].endswith(".pdf"))
    assert invoice_name.startswith("Rechnung-20")
    invoice = PdfReader(BytesIO(demo.attachment(confirmed, invoice_name))).pages[0].extract_text()
    assert (code in invoice, "DE123456789" in invoice, door_code in invoice) == (True, True, False)
    assert only_event(demo.attachment(confirmed, "termin.ics"))[1] == "CONFIRMED"

    now_stands = stands(demo, "Büro", start, "CONFIRMED")
    assert (now_stands.uid, now_stands.sequence > asked.sequence) == (asked.uid, True)
    customer.goto(status_page)
    expect(customer.locator(".page-head .badge-state")).to_have_text("Bestätigt")
    assert door_code not in customer.content()
    assert len(demo.mails(ada.email, CONFIRMED)) == 1


def book_at_the_site(page: Page, demo: Demo, start: datetime, first: str, last: str) -> str:
    """On the public page of the booking site; returns the booking's own code there."""
    page.goto(demo.peer_url + "/grosse-halle")
    page.locator("select[name=start]").select_option(start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    person = Person(f"{first} {last}")
    answers = {"FNAME": first, "LNAME": last, "EMAIL": person.email, "PHONE": person.phone}
    for name, value in answers.items():
        page.locator(f"input[name={name}]").fill(value)
    page.get_by_role("button", name="Buchen").click()
    page.wait_for_url(re.compile("/booking/"))
    return page.url.split("/")[-2]


@pytest.mark.rule("S5", "S11", "Y1")
def test_a_booking_on_the_other_site_is_a_request_here_and_is_accepted_there(
    demo: Demo, customer: Page, person_at: Enter
) -> None:
    bea = Person("Bea Anders")
    start = at(demo, "Große Halle", 12)
    ref = book_at_the_site(customer, demo, start, "Bea", "Anders")
    expect(customer.locator("main")).to_contain_text("Wartet auf Bestätigung")
    stands(demo, "Große Halle (belegt)", start, "TENTATIVE")
    for room in ("Große Halle", "Halbfeld A"):  # a half of it is taken too
        assert start not in demo.free(room, start.date())
    site_page = customer.url
    open_week(customer, demo, "halbfeld-a", start.date())
    expect(cell(customer, start)).to_have_count(0)
    eventually(lambda: demo.mails(bea.email, ARRIVED), "the acknowledgement")

    office = person_at("office", "/office/requests")
    open_request(office, bea)
    office.keyboard.press("c")
    (confirmed,) = eventually(lambda: demo.mails(bea.email, CONFIRMED), "the mail with the code")
    assert [window for _, window in window_of(confirmed)] == [times(start - TOLERANCE, start + HOUR + TOLERANCE)]
    stands(demo, "Büro", start, "CONFIRMED")
    eventually(lambda: [b for b in demo.at_the_peer(start) if b["tentative"] == "ACCEPTED"], "accepted there")
    office.goto(f"{demo.base}/office/requests?q={ref}")  # the other site's code finds it as well
    expect(office.locator(".inbox-item")).to_contain_text("Bea Anders")
    customer.goto(site_page)
    expect(customer.locator("main")).to_contain_text("Diese Buchung gilt")


@pytest.mark.rule("S9", "S10", "Y6")
def test_a_rejected_booking_of_the_other_site_is_cancelled_there_and_its_time_is_free_again(
    demo: Demo, customer: Page, person_at: Enter
) -> None:
    cleo = Person("Cleo Dritt")
    start = at(demo, "Große Halle", 15)
    book_at_the_site(customer, demo, start, "Cleo", "Dritt")
    site_page = customer.url
    asked = stands(demo, "Büro", start, "TENTATIVE")
    office = person_at("office", "/office/requests")
    reject(office, cleo, "Die Halle wird an diesem Tag gestrichen.")

    (told,) = eventually(lambda: demo.mails(cleo.email, REJECTED), "the mail with the reason")
    assert "Die Halle wird an diesem Tag gestrichen." in told["text"]
    (there,) = eventually(lambda: [b for b in demo.at_the_peer(start) if b["cancelled"]], "cancelled there")
    assert there["cancelledBy"] == "OWNER"
    gone = stands(demo, "Büro", start, "CANCELLED")
    assert (gone.uid, gone.sequence > asked.sequence) == (asked.uid, True)
    eventually(lambda: start in demo.free("Große Halle", start.date()), "the time is free")
    customer.goto(site_page)
    expect(customer.locator("main")).to_contain_text("storniert")


def reject(office: Page, person: Person, reason: str) -> None:
    """By the keyboard: r, the reason, Enter on the button that the Tab key reaches."""
    open_request(office, person)
    office.keyboard.press("r")
    dialog = office.locator("dialog#reject")
    expect(dialog).to_be_visible()
    office.keyboard.press("Tab")
    office.keyboard.insert_text(reason)
    dialog.locator("button.btn-danger").press("Enter")
    expect(office.locator("[data-toast]", has_text=person.name)).to_be_visible()


@pytest.mark.rule("S8", "S9", "S10")
def test_an_implausible_request_shows_why_and_is_rejected_with_the_reason(
    demo: Demo, customer: Page, person_at: Enter
) -> None:
    dora = Person("Dora Spott", purpose="Besuchen Sie https://gewinne.example und www.preise.example jetzt!")
    start = at(demo, "Gymnastikraum", 11)
    choose(customer, demo, "gymnastikraum", start)
    fill(customer, dora)
    send(customer)
    office = person_at("office", "/office/requests")
    open_request(office, dora)
    expect(office.locator(".finding.is-warn, .finding.is-stop").first).to_contain_text("Link")
    office.goto(f"{demo.base}/office/requests")
    reject(office, dora, "Werbung vermieten wir nicht.")
    assert start not in demo.free("Gymnastikraum", start.date())  # held while the decision rests
    (told,) = eventually(lambda: demo.mails(dora.email, REJECTED), "the mail with the reason")
    assert "Werbung vermieten wir nicht." in told["text"]
    stands(demo, "Büro", start, "CANCELLED")
    open_week(customer, demo, "gymnastikraum", start.date())
    expect(cell(customer, start)).to_have_count(1)


@pytest.mark.rule("S8")
def test_undo_within_the_grace_restores_all_and_nobody_was_told(demo: Demo, customer: Page, person_at: Enter) -> None:
    emil = Person("Emil Kehrt")
    emil_mail = emil.email
    start = at(demo, "Gymnastikraum", 13)
    choose(customer, demo, "gymnastikraum", start)
    fill(customer, emil)
    send(customer)
    set_grace(demo, LONG_GRACE)
    office = person_at("office", "/office/requests")
    open_request(office, emil)
    office.keyboard.press("c")
    expect(office.locator("[data-toast]", has_text=emil.name)).to_be_visible()
    office.wait_for_load_state()  # the keys work once the page's script is there
    office.keyboard.press("u")
    expect(office.locator("[data-toast]", has_text=emil.name)).to_have_count(0)
    open_request(office, emil)
    expect(office.locator("[data-key='c']")).to_be_visible()
    eventually(lambda: demo.mails(emil_mail, ARRIVED), "the acknowledgement")
    states = demo.rows("SELECT state FROM decision ORDER BY id DESC LIMIT 1")
    assert states == [("undone",)]
    assert demo.rows("SELECT state FROM booking ORDER BY id DESC LIMIT 1") == [("requested",)]
    assert demo.mails(emil_mail, CONFIRMED) == []
    stands(demo, "Büro", start, "TENTATIVE")


@pytest.mark.rule("S14", "S15", "S16", "S17")
def test_on_short_notice_the_page_asks_to_call_and_the_desk_reads_out_one_code(
    demo: Demo, customer: Page, person_at: Enter
) -> None:
    fritz = Person("Fritz Eilig")
    start = eventually(lambda: soonest(demo), "a free time before the next review")
    choose(customer, demo, "gymnastikraum", start)
    expect(customer.locator("form.ask .notice")).to_contain_text(DESK_PHONE)
    fill(customer, fritz)
    code = send(customer)
    call = customer.locator("main a[href='tel:+496412000']")
    expect(call).to_have_text(DESK_PHONE)
    (arrived,) = eventually(lambda: demo.mails(fritz.email), "the acknowledgement")
    assert DESK_PHONE in arrived["text"]

    desk = person_at("desk", "/desk")
    find(desk, code)
    expect(desk.locator("section.panel")).to_contain_text(fritz.name)
    desk.locator("section.panel form button").click()  # nothing ticked: no code
    expect(desk.locator("[data-error-summary]")).to_be_visible()
    expect(desk.locator(".code-block")).to_have_count(0)
    desk.locator("input[name=booking_code]").check()
    desk.locator("section.panel form button").click()
    told = door_code_on(desk)
    expect(desk.locator("main")).to_contain_text("Theke")
    stands(demo, "Theke", start, "CONFIRMED")
    find(desk, code)
    desk.locator("input[name=booking_code]").check()
    desk.locator("section.panel form button").click()
    assert door_code_on(desk) == told
    assert told not in desk.url

    customer.reload()
    expect(customer.locator(".page-head .badge-state")).to_have_text("Bestätigt")
    assert told not in customer.content()
    ((due,),) = demo.rows(
        "SELECT o.due_at FROM outbox o JOIN booking b ON b.id = o.subject_id"
        " WHERE o.topic = 'booking.bill' AND o.done_at IS NULL AND b.code = ?",
        code.replace("-", ""),
    )
    mails_at = datetime.fromisoformat(due).astimezone(ZONE)
    assert mails_at.date() > datetime.now(ZONE).date()
    assert (mails_at.weekday() < 5, mails_at.time()) == (True, wall(9))
    assert demo.mails(fritz.email, CONFIRMED) == []


def soonest(demo: Demo) -> datetime | None:
    """The first time of the gym that can be had; today, or in the morning before the office has reviewed."""
    today = datetime.now(ZONE).date()
    offers = [start for days in (0, 1, 2) for start in demo.free("Gymnastikraum", today + timedelta(days=days))]
    return next((start for start in offers if start > datetime.now(UTC)), None)


def find(desk: Page, typed: str) -> None:
    desk.goto(desk.url.split("/desk")[0] + "/desk/")
    desk.locator("#q").fill(typed)
    desk.keyboard.press("Enter")
    expect(desk.locator("section.panel")).to_have_count(1)


def door_code_on(desk: Page) -> str:
    """The code that the desk reads out: digits in pairs, above the booking code."""
    blocks = desk.locator(".code-block")
    expect(blocks).to_have_count(2)
    digits = "".join(blocks.first.locator(".code-groups [aria-hidden]").all_inner_texts())
    assert digits.isdecimal(), digits
    return digits
