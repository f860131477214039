"""The page behind the secret link: what happens next, never a door code; looking changes nothing."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from booking.actions.endings import expire_requests
from booking.actions.verifying import verify_address
from booking.reads.house import read_house
from booking.tables.bookings import AuditEntry, Booking
from booking.tables.houses import HoursKind, WorkHours
from booking.tables.outgoing import Message, Outbox
from booking.values.codes import spoken
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, Verdict
from tests.builders import add_code, change_house, slot_in
from tests.web.portal.conftest import Customer, cells

CANARY = "73914682"
OFFICE_PHONE, DESK_PHONE = "+49 221 1000", "+49 221 2000"


def confirm(customer: Customer, evening: Slot) -> str:
    """A rental that is confirmed with the canary as its door code; the address of its page."""
    site = customer.site
    window = evening.widened(timedelta(minutes=15), timedelta(minutes=15))
    site.database.write(lambda db: add_code(db, site.now, site.context.tools, site.ids, CANARY, window))
    page = customer.ask(evening)
    customer.decide()
    return page


def mails(customer: Customer) -> list[str]:
    with customer.site.database.read() as session:
        return [mail.kind for mail in session.scalars(select(Message).order_by(Message.id))]


def test_a_confirmed_rental_tells_where_the_code_is_and_never_what_it_is(customer: Customer, evening: Slot) -> None:
    page = confirm(customer, evening)
    for link in (page, customer.mail_page()):
        for part in ("", "/calendar", "/change", "/cancel", "/termin.ics"):
            answer = customer.get(link + part)
            assert answer.status_code == 200
            assert CANARY not in answer.text
    assert "Der Zugangscode steht in unserer E-Mail an anna.mueller@verein.example." in customer.get(page).text
    assert spoken(customer.bookings()[0].code) in customer.get(page).text
    assert "DE02 1203 0000 0000 2020 51" in customer.get(page).text


def test_a_rejected_request_says_so_with_its_reason_and_the_way_on(customer: Customer, evening: Slot) -> None:
    page = customer.ask(evening)
    customer.decide(Verdict.REJECT, reason="Die Halle wird renoviert.")
    shown = customer.get(page).text
    assert "Grund: Die Halle wird renoviert." in shown
    assert "/rooms/halle" in shown
    assert "/change" not in shown


def test_a_decision_that_still_rests_is_not_told(customer: Customer, evening: Slot) -> None:
    page = customer.ask(evening)
    before = customer.get(page).text
    from booking.actions.audit import Actor
    from booking.actions.reviews import decide_request

    booking_id = customer.bookings()[0].id
    customer.site.database.write(
        lambda db: decide_request(
            db,
            customer.site.now,
            read_house(db, customer.site.ids.organisation_id),
            booking_id,
            Verdict.REJECT,
            Actor("Büro"),
            reason="Doppelt",
        )
    )
    after = customer.get(page).text
    token = re.compile(r'name="csrf_token" value="[^"]+"')
    assert token.sub("", before) == token.sub("", after)


def test_the_secret_page_is_neither_found_nor_told_to_others(customer: Customer, evening: Slot) -> None:
    page = customer.ask(evening)
    for link in (page, customer.mail_page()):
        for part in ("", "/calendar", "/change", "/cancel", "/termin.ics"):
            answer = customer.get(link + part)
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "noindex" in answer.headers["X-Robots-Tag"]
            assert answer.headers["Cache-Control"] == "no-store"


def test_no_other_token_opens_anything(customer: Customer, evening: Slot) -> None:
    page = customer.ask(evening)
    token = page.removeprefix("/b/")
    public_id = token[:32]
    for wrong in ("A" * 43, token[:-1], token + "A", public_id, public_id + "A" * 43, "x", f"{'0' * 32}{token[32:]}"):
        assert customer.get(f"/b/{wrong}").status_code == 404
        assert customer.get(f"/b/{wrong}/calendar").status_code == 404


def test_opening_any_page_changes_nothing(customer: Customer, evening: Slot) -> None:
    customer.site.database.write(lambda db: change_house(db, customer.site.ids, mail_check=True))
    page = customer.ask(evening)
    mail_page = customer.mail_page()

    def everything() -> dict[str, list[tuple[object, ...]]]:
        with customer.site.database.read() as session:
            names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
            return {name: [tuple(row) for row in session.execute(text(f'SELECT * FROM "{name}"'))] for name in names}  # noqa: S608

    before = everything()
    paths = ["/", "/rooms/halle", f"/rooms/halle/request?{cells(slot_in(5, 9, 11))}", "/terms/terms", "/terms/imprint"]
    for link in (page, mail_page):
        paths += [link, f"{link}?new", f"{link}/calendar", f"{link}/termin.ics", f"{link}/change", f"{link}/cancel"]
        paths += [f"{link}/change/check?{cells(slot_in(5, 9, 11))}"]
    for path in paths:
        assert customer.get(path).status_code == 200, path
        assert customer.visitor.client.head(path).status_code == 200, path
    assert customer.get(f"{mail_page}/verify").status_code == 405
    assert everything() == before


@pytest.mark.rule("S26", "S6")
def test_the_link_of_the_mail_verifies_the_address_and_then_the_acknowledgement_goes_out(
    customer_on_both: Customer, evening: Slot
) -> None:
    customer = customer_on_both
    customer.site.database.write(lambda db: change_house(db, customer.site.ids, mail_check=True))
    page = customer.ask(evening)
    assert "acknowledgement" not in mails(customer)
    assert "Der Link dafür steht in unserer E-Mail" in customer.get(page).text

    mail_page = customer.mail_page()
    assert "Meine Adresse bestätigen" in customer.get(mail_page).text
    done = customer.act(f"{mail_page}/verify", of=mail_page)

    assert done.status_code == 303
    assert mails(customer).count("acknowledgement") == 1
    assert "Meine Adresse bestätigen" not in customer.get(mail_page).text
    customer.act(f"{mail_page}/verify", of=mail_page)
    assert mails(customer).count("acknowledgement") == 1
    customer.site.now += timedelta(minutes=31)
    customer.site.database.write(
        lambda db: expire_requests(db, customer.site.now, read_house(db, customer.site.ids.organisation_id))
    )
    assert customer.bookings()[0].state is BookingState.REQUESTED


@pytest.mark.rule("S26")
def test_who_only_filled_in_the_form_cannot_verify_the_address(customer: Customer, evening: Slot) -> None:
    customer.site.database.write(lambda db: change_house(db, customer.site.ids, mail_check=True))
    page = customer.ask(evening)
    assert "/verify" not in customer.get(page).text
    answer = customer.visitor.post(f"{page}/verify", of=f"{page}/cancel")
    assert answer.status_code == 404
    assert customer.bookings()[0].verified_at is None


@pytest.mark.rule("S26")
@pytest.mark.parametrize(("minutes", "in_time"), [(30, True), (31, False)])
def test_the_address_can_be_confirmed_until_the_time_is_let_go(
    customer: Customer, evening: Slot, minutes: int, in_time: bool
) -> None:
    site = customer.site
    site.database.write(lambda db: change_house(db, site.ids, mail_check=True))
    customer.ask(evening)
    site.now += timedelta(minutes=minutes)
    booking = customer.bookings()[0]

    def work(db: Session) -> Refused | None:
        return verify_address(db, site.now, read_house(db, site.ids.organisation_id), booking.id)

    no = site.database.write(work)
    assert (no is None) is in_time
    assert (customer.bookings()[0].verified_at == site.now) is in_time
    if no:
        assert no.codes == ("too-late",)
    with site.database.read() as session:
        audited = select(func.count()).where(AuditEntry.action == "address-verified")
        assert session.scalar(audited) == int(in_time)


@pytest.mark.rule("S15", "S14")
@pytest.mark.parametrize(
    ("hour", "phone"),
    [(10, OFFICE_PHONE), (19, DESK_PHONE), (3, None)],
    ids=["office hours", "desk hours", "night"],
)
def test_on_short_notice_the_page_names_who_answers_now_and_never_another(
    customer: Customer, hour: int, phone: str | None
) -> None:
    customer.site.now = customer.site.now.replace(hour=hour - 1)
    slot = slot_in(1, 8, 9)
    pages = [customer.get(f"/rooms/halle/request?{cells(slot)}").text]
    pages.append(customer.get(customer.ask(slot)).text)
    for shown in pages:
        assert "Kurzfristig." in shown
        for other in (OFFICE_PHONE, DESK_PHONE):
            assert (other in shown) is (other == phone)
        assert (f"tel:{(phone or '').replace(' ', '')}" in shown) is (phone is not None)
        assert ("ab Di, 24. November 2026, 07:00" in shown) is (phone is None)


@pytest.mark.rule("S14")
def test_where_nobody_ever_answers_no_number_is_shown_anywhere(customer: Customer) -> None:
    def silence(db: Session) -> None:
        for hours in db.scalars(select(WorkHours).where(WorkHours.kind == HoursKind.DESK)):
            db.delete(hours)
        change_house(db, customer.site.ids, office_phone=None)

    customer.site.database.write(silence)
    slot = slot_in(0, 18, 19)
    page = customer.ask(slot)
    for path in ("/", "/rooms/halle", page, f"/rooms/halle/request?{cells(slot_in(0, 20, 21))}"):
        assert OFFICE_PHONE not in customer.get(path).text
        assert DESK_PHONE not in customer.get(path).text
    assert "niemand am Telefon" in customer.get(page).text


@pytest.mark.rule("S15")
def test_a_time_behind_the_next_review_asks_for_no_call(customer: Customer, evening: Slot) -> None:
    assert "Kurzfristig." not in customer.get(f"/rooms/halle/request?{cells(evening)}").text
    assert "Kurzfristig." not in customer.get(customer.ask(evening)).text
    assert "Kurzfristig: Bitte rufen Sie" in customer.get("/rooms/halle").text


@pytest.mark.rule("S6")
def test_the_calendar_file_is_tentative_until_it_is_confirmed(customer: Customer, evening: Slot) -> None:
    page = customer.ask(evening)
    asked = customer.get(f"{page}/termin.ics")
    assert asked.mimetype == "text/calendar"
    assert "METHOD:PUBLISH" in asked.text
    assert "STATUS:TENTATIVE" in asked.text
    assert "20261127T180000" in asked.text
    customer.without_doors()
    customer.decide()
    confirmed = customer.get(f"{page}/termin.ics").text
    assert "STATUS:CONFIRMED" in confirmed
    uid = re.compile(r"^UID:.*$", re.MULTILINE)
    assert uid.findall(asked.text) == uid.findall(confirmed)


@pytest.mark.rule("X1")
def test_the_page_speaks_the_customers_language_unless_the_browser_chose_another(
    customer: Customer, evening: Slot
) -> None:
    page = customer.ask(evening)
    stranger = customer.site.client()
    assert "Wie es weitergeht" in stranger.get(page, headers={"Accept-Language": "en"}).text
    with stranger.client.session_transaction() as kept:
        kept["language"] = "en"
    assert "What happens next" in stranger.get(page).text


def test_another_houses_name_does_not_hide_or_change_a_rental(customer: Customer, evening: Slot) -> None:
    from tests.neighbours import add_neighbour

    add_neighbour(customer.site)
    page = customer.ask(evening)
    assert "Haus kirche" in customer.get(page).text
    assert customer.bookings()[0].organisation_id == customer.site.ids.organisation_id


def test_an_expired_request_is_explained(customer: Customer, evening: Slot) -> None:
    page = customer.ask(evening)
    customer.site.now = evening.start
    customer.site.database.write(
        lambda db: expire_requests(db, customer.site.now, read_house(db, customer.site.ids.organisation_id))
    )
    assert "nicht vor Beginn geprüft" in customer.get(page).text
    with customer.site.database.read() as session:
        assert session.scalars(select(Booking)).one().state is BookingState.EXPIRED
        assert session.scalars(select(Outbox)).all()
