"""The customer's own calendar: made, shown, rotated and revoked by its owner, and by nobody else (SPEC C1 to C4)."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.feeds import note_fetches
from booking.reads.feeds import Gone, find_feed
from booking.tables.calendars import Feed, FeedSubject
from booking.values.slot import Slot
from booking.values.states import SubjectKind, Variant
from booking.values.tokens import hash_token
from tests.builders import change_house, slot_in
from tests.web.portal.conftest import Customer

ADDRESS = re.compile(r'value="http://localhost/feeds/([A-Za-z0-9_-]{43})\.ics"')


def address(customer: Customer, page: str) -> str:
    found = ADDRESS.search(customer.get(f"{page}/calendar").text)
    assert found is not None
    return found[1]


def is_gone(customer: Customer, token: str) -> bool:
    with customer.site.database.read() as session:
        return isinstance(find_feed(session, hash_token(token)), Gone)


@pytest.mark.rule("C1")
def test_a_customer_makes_shows_rotates_and_revokes_the_own_calendar(customer_on_both: Customer, evening: Slot) -> None:
    customer = customer_on_both
    customer.ask(evening)
    page = customer.mail_page()
    assert ADDRESS.search(customer.get(f"{page}/calendar").text) is None

    customer.act(f"{page}/calendar", of=f"{page}/calendar")
    first = address(customer, page)
    shown = customer.get(f"{page}/calendar").text
    assert f"webcal://localhost/feeds/{first}.ics" in shown
    assert "Noch niemand." in shown

    customer.act(f"{page}/calendar/rotate", of=f"{page}/calendar")
    second = address(customer, page)
    assert second != first
    assert is_gone(customer, first)
    assert not is_gone(customer, second)

    customer.act(f"{page}/calendar/revoke", of=f"{page}/calendar")
    assert is_gone(customer, second)
    assert ADDRESS.search(customer.get(f"{page}/calendar").text) is None


def named(customer: Customer) -> list[str]:
    with customer.site.database.read() as session:
        return list(session.scalars(select(Feed.name).order_by(Feed.id)))


@pytest.mark.rule("C1")
@pytest.mark.parametrize("by_mail", [True, False])
def test_a_customer_names_the_own_calendar_and_renames_it(customer: Customer, evening: Slot, by_mail: bool) -> None:
    page = customer.ask(evening)
    page = customer.mail_page() if by_mail else page
    customer.act(f"{page}/calendar", of=f"{page}/calendar", name=" Training ")
    assert named(customer) == ["Training"]
    token = address(customer, page)
    customer.act(f"{page}/calendar/name", of=f"{page}/calendar", name="Halle & Verein")
    assert named(customer) == ["Halle & Verein"]
    shown = customer.get(f"{page}/calendar").text
    assert token in shown
    assert 'value="Halle &amp; Verein"' in shown
    assert "Ihr Kalender hat seinen neuen Namen." in shown


@pytest.mark.rule("C1")
@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_name_that_cannot_be_is_refused_and_the_old_one_stays(customer: Customer, evening: Slot, name: str) -> None:
    page = customer.ask(evening)
    customer.act(f"{page}/calendar", of=f"{page}/calendar")
    (before,) = named(customer)
    customer.act(f"{page}/calendar/name", of=f"{page}/calendar", name=name)
    assert named(customer) == [before]
    assert "seinen neuen Namen" not in customer.get(f"{page}/calendar").text


@pytest.mark.rule("C1")
def test_nobody_names_the_calendar_of_another_reader(
    customer: Customer, another: Callable[[], Customer], evening: Slot
) -> None:
    customer.ask(slot_in(2, 10, 11))
    mine = customer.mail_page()
    customer.act(f"{mine}/calendar", of=f"{mine}/calendar")
    before = named(customer)
    stranger = another()
    page = stranger.ask(evening)
    stranger.act(f"{page}/calendar/name", of=f"{page}/cancel", name="Gekapert")
    assert named(customer) == before


@pytest.mark.rule("C4")
def test_the_page_says_whether_the_calendar_holds_codes(customer: Customer, evening: Slot) -> None:
    page = customer.ask(evening)
    by_mail = customer.mail_page()
    never, hours = "Zugangscodes stehen nie darin.", "Ab 24 Stunden vor Beginn"
    for step in (1, 2):  # before and after it is made
        assert never in customer.get(f"{by_mail}/calendar").text, step
        customer.site.database.write(lambda db: change_house(db, customer.site.ids, feed_code_hours=24))
        assert hours in customer.get(f"{by_mail}/calendar").text, step
        assert never in customer.get(f"{page}/calendar").text, (
            step
        )  # a link that no mail brought: this booking, no code
        customer.site.database.write(lambda db: change_house(db, customer.site.ids, feed_code_hours=None))
        customer.act(f"{by_mail}/calendar", of=f"{by_mail}/calendar")


@pytest.mark.rule("C1")
def test_the_page_shows_who_fetched_it_lately(customer: Customer, evening: Slot) -> None:
    customer.ask(evening)
    page = customer.mail_page()
    customer.act(f"{page}/calendar", of=f"{page}/calendar")

    def fetched(db: Session) -> None:
        feed = db.scalars(select(Feed)).one()
        note_fetches(db, {(feed.id, "Apple Calendar"): customer.site.now - timedelta(hours=1)})

    customer.site.database.write(fetched)
    shown = customer.get(f"{page}/calendar").text
    assert "Apple Calendar" in shown
    assert "Di, 24. November 2026, 09:00" in shown


@pytest.mark.rule("C1")
def test_the_qr_code_is_a_picture_file_of_a_living_calendar_only(customer: Customer, evening: Slot) -> None:
    customer.ask(evening)
    page = customer.mail_page()
    assert customer.get(f"{page}/calendar/qr.svg").status_code == 404
    customer.act(f"{page}/calendar", of=f"{page}/calendar")
    picture = customer.get(f"{page}/calendar/qr.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.text.count("<path") >= 1
    assert f'src="{page}/calendar/qr.svg"' in customer.get(f"{page}/calendar").text


@pytest.mark.rule("C4")
def test_whoever_types_a_customers_data_never_sees_the_customers_other_bookings(
    customer: Customer, another: Callable[[], Customer], evening: Slot
) -> None:
    customer.ask(slot_in(2, 10, 11))
    stranger = another()
    page = stranger.ask(evening)
    stranger.act(f"{page}/calendar", of=f"{page}/calendar")
    with customer.site.database.read() as session:
        made = session.scalars(select(FeedSubject).join(Feed, Feed.subject_id == FeedSubject.id)).one()
    assert (made.kind, made.target_id) == (SubjectKind.BOOKING, customer.bookings()[-1].id)
    assert customer.bookings()[0].customer_id == customer.bookings()[1].customer_id


@pytest.mark.rule("C1", "C4")
def test_the_link_of_a_mail_opens_the_calendar_of_all_own_bookings_once(customer: Customer, evening: Slot) -> None:
    customer.ask(evening)
    page = customer.mail_page()
    for _ in range(2):
        customer.act(f"{page}/calendar", of=f"{page}/calendar")
    with customer.site.database.read() as session:
        feed, subject = session.execute(
            select(Feed, FeedSubject).join(FeedSubject, FeedSubject.id == Feed.subject_id)
        ).one()
    assert (subject.kind, subject.target_id) == (SubjectKind.CUSTOMER, customer.bookings()[0].customer_id)
    assert feed.variant is Variant.FULL


def test_nothing_is_rotated_or_revoked_where_nothing_was_made(customer: Customer, evening: Slot) -> None:
    page = customer.ask(evening)
    for part in ("rotate", "revoke", "name"):
        assert customer.visitor.post(f"{page}/calendar/{part}", of=f"{page}/cancel").status_code == 303
    with customer.site.database.read() as session:
        assert session.scalars(select(Feed)).all() == []
