"""Calendar feeds in the office, through the real application (SPEC C1, C4)."""

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.feeds import make_feed, note_fetches
from booking.reads.feeds import Gone, find_feed
from booking.reads.house import read_house
from booking.tables.bookings import AuditEntry
from booking.tables.calendars import Feed
from booking.tables.people import Customer
from booking.values.feeds import FeedChoices
from booking.values.identity import new_uuid
from booking.values.states import Role, SubjectKind, Variant
from booking.values.tokens import hash_token
from tests.neighbours import add_neighbour, log_in_at

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

HOME = "/office/feeds"
GOOD = {"whose": "office", "name": "Tablet an der Wand", "variant": "full", "language": "de", "cancelled": "yes"}


def make(visitor: "Visitor", **changes: str) -> str:
    """Make a feed; returns the path of its page."""
    answer = visitor.post(HOME, GOOD | changes, of=HOME)
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def token_on(page: str) -> str:
    found = re.search(r"http://localhost/feeds/([\w-]{43})\.ics", page)
    assert found is not None
    return found[1]


def selected(page: str) -> str:
    found = re.search(r'<select[^>]*name="series".*?<option value="(\w+)" selected', page, re.DOTALL)
    assert found is not None
    return found[1]


def fact(page: str, name: str) -> str:
    found = re.search(rf"<dt[^>]*>{name}</dt>\s*<dd[^>]*>([^<]*)</dd>", page)
    assert found is not None
    return found[1]


def feed_of(site: "Site") -> Feed:
    with site.database.read() as db:
        return db.scalars(select(Feed)).one()


@pytest.mark.rule("C1")
@pytest.mark.parametrize("whose", ["office", "desk", "room"])
def test_a_feed_is_made_named_and_shown_with_its_address_link_and_qr_code(site: "Site", whose: str) -> None:
    with site.database.read() as db:
        room = read_house(db, site.ids.organisation_id).room(site.ids.hall).public_id
    visitor = site.logged_in()
    answer = visitor.get(make(visitor, whose=f"room-{room}" if whose == "room" else whose))
    token = token_on(answer.text)
    assert f'href="webcal://localhost/feeds/{token}.ics"' in answer.text
    assert 'src="data:image/svg+xml' in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    feed = feed_of(site)
    assert (feed.name, feed.variant, feed.token_hash) == (GOOD["name"], Variant.FULL, hash_token(token))


@pytest.mark.rule("C1")
def test_rotating_gives_another_address_and_ends_the_former(site: "Site") -> None:
    visitor = site.logged_in()
    path = make(visitor)
    former = token_on(visitor.get(path).text)
    assert visitor.post(f"{path}/rotate", of=path).status_code == 302
    assert token_on(visitor.get(path).text) != former
    with site.database.read() as db:
        assert isinstance(find_feed(db, hash_token(former)), Gone)


@pytest.mark.rule("C1")
def test_revoking_ends_it_for_good(site: "Site") -> None:
    visitor = site.logged_in()
    path = make(visitor)
    token = token_on(visitor.get(path).text)
    assert visitor.post(f"{path}/revoke", of=path).status_code == 302
    page = visitor.get(path).text
    assert token not in page
    assert "Beendet" in page
    visitor.post(f"{path}/rotate", of=HOME)
    with site.database.read() as db:
        assert isinstance(find_feed(db, hash_token(token)), Gone)


@pytest.mark.rule("C1")
def test_who_fetched_it_lately_is_shown(site: "Site") -> None:
    visitor = site.logged_in()
    path = make(visitor)
    assert "Niemand hat ihn" in visitor.get(path).text
    feed_id = feed_of(site).id
    site.database.write(lambda db: note_fetches(db, {(feed_id, "Thunderbird"): site.now, (feed_id, "other"): site.now}))
    page = visitor.get(path).text
    assert "Thunderbird" in page
    assert "Ein anderes Programm" in page
    assert ">other<" not in page


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("field", "typed"), [("whose", ""), ("whose", "room-x"), ("name", " "), ("variant", "all"), ("language", "ru")]
)
def test_bad_input_is_named_at_its_field_and_kept(site: "Site", field: str, typed: str) -> None:
    answer = site.logged_in().post(HOME, GOOD | {field: typed}, of=HOME)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert field == "name" or f'value="{GOOD["name"]}"' in answer.text
    with site.database.read() as db:
        assert db.scalars(select(Feed)).all() == []


def test_addresses_stand_in_no_list_no_log_and_no_audit_entry(site: "Site", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    visitor = site.logged_in()
    token = token_on(visitor.get(make(visitor)).text)
    assert token not in visitor.get(HOME).text
    assert token not in caplog.text
    with site.database.read() as db:
        assert token not in " ".join(f"{entry.after}" for entry in db.scalars(select(AuditEntry)))


@pytest.mark.rule("C4", "R1")
def test_feeds_of_customers_and_of_others_are_not_the_offices_to_show(site: "Site") -> None:
    def customers_feed(db: Session) -> str:
        customer = Customer(
            organisation_id=site.ids.organisation_id, public_id=new_uuid(site.now), name="A", email="a@b.example",
            phone="1", street="S", postcode="1", city="C", created_at=site.now,
        )  # fmt: skip
        db.add(customer)
        db.flush()
        made = make_feed(
            db, site.now, site.context.tools.link_key, organisation_id=site.ids.organisation_id,
            kind=SubjectKind.CUSTOMER, target_id=customer.id, name="A", choices=FeedChoices(Variant.FULL),
        )  # fmt: skip
        assert isinstance(made, tuple)
        return f"{HOME}/{made[0].public_id}"

    visitor = site.logged_in()
    customers = site.database.write(customers_feed)
    assert visitor.get(customers).status_code == 404
    assert visitor.post(f"{customers}/series", {"series": "each"}, of=HOME).status_code == 404
    path = make(visitor)
    stranger = log_in_at(site, add_neighbour(site))
    assert stranger.get(path).status_code == 404
    for way in ("rotate", "revoke"):
        assert stranger.post(f"{path}/{way}", of=HOME).status_code == 404
    assert GOOD["name"] not in stranger.get(HOME).text


@pytest.mark.rule("R5")
def test_the_desk_has_no_feeds_to_keep(site: "Site") -> None:
    assert site.logged_in(Role.DESK).get(HOME).status_code == 403


@pytest.mark.rule("C1")
def test_a_feed_gets_another_name_and_keeps_its_address(site: "Site") -> None:
    visitor = site.logged_in()
    page = make(visitor)
    token = token_on(visitor.get(page).text)
    assert visitor.post(f"{page}/name", {"name": " Büro oben "}, of=page).status_code == 302
    assert (feed_of(site).name, feed_of(site).token_hash) == ("Büro oben", hash_token(token))
    visitor.post(f"{page}/name", {"name": " "}, of=page)
    assert feed_of(site).name == "Büro oben"
    with site.database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "feed.renamed")).one()
    assert (entry.before, entry.after) == ({"name": GOOD["name"]}, {"name": "Büro oben"})


@pytest.mark.rule("C1", "C4")
def test_how_far_it_reaches_and_when_it_reminds_are_chosen_shown_and_kept(site: "Site") -> None:
    visitor = site.logged_in()
    page = visitor.get(make(visitor, back="12", ahead="6", alarm="1440", cancelled="", series="each")).text
    for words in ("12 Monate lang", "ab 6 Monaten vorher", "1 Tag vorher", "sofort ausgelassen"):
        assert words in page
    feed = feed_of(site)
    assert (feed.months_back, feed.months_ahead, feed.alarm_minutes, feed.cancelled_shown) == (12, 6, 1440, False)
    assert feed.series_expanded is True
    assert "jeder Termin einzeln" in fact(page, "Wiederkehrende Termine")
    assert "als eine Serie" in fact(visitor.get(make(visitor, name="Anderer")).text, "Wiederkehrende Termine")


@pytest.mark.rule("C3")
def test_the_form_offers_series_as_one_and_keeps_another_choice_where_something_else_is_wrong(site: "Site") -> None:
    visitor = site.logged_in()
    assert selected(visitor.get(HOME).text) == "one"
    assert selected(visitor.post(HOME, GOOD | {"series": "each", "name": " "}, of=HOME).text) == "each"


@pytest.mark.parametrize(
    ("field", "value"), [("back", "13"), ("ahead", "0"), ("alarm", "-5"), ("back", ""), ("series", "all")]
)
def test_what_is_not_offered_is_refused_at_its_field_and_nothing_typed_is_lost(
    site: "Site", field: str, value: str
) -> None:
    visitor = site.logged_in()
    answer = visitor.post(HOME, GOOD | {field: value}, of=HOME)
    assert answer.status_code == 422
    assert answer.text.count("Bitte wählen Sie") >= 1
    assert GOOD["name"] in answer.text
    with site.database.read() as db:
        assert db.scalars(select(Feed)).all() == []


@pytest.mark.rule("C1", "C3")
def test_how_recurring_dates_are_shown_is_changed_and_the_address_stays(site_on_both: "Site") -> None:
    site, visitor = site_on_both, site_on_both.logged_in()
    page = make(visitor)
    token = token_on(visitor.get(page).text)
    assert (feed_of(site).series_expanded, selected(visitor.get(page).text)) == (False, "one")
    for way, expanded in (("each", True), ("all", True), ("", True), ("one", False), ("one", False)):
        assert visitor.post(f"{page}/series", {"series": way}, of=page).status_code == 302
        shown = visitor.get(page).text
        assert (feed_of(site).series_expanded, selected(shown)) == (expanded, "each" if expanded else "one")
        assert token_on(shown) == token
    with site.database.read() as db:
        entries = db.scalars(
            select(AuditEntry).where(AuditEntry.action == "feed.changed").order_by(AuditEntry.id)
        ).all()
    off, on = {"series_expanded": False}, {"series_expanded": True}
    assert [(entry.before, entry.after) for entry in entries] == [(off, on), (on, off)]
    log = site.logged_in(Role.OWNER).get("/office/settings/audit?kind=feed").text
    assert log.count("Jeder wiederkehrende Termin einzeln") == 2
    assert "Geändert" in log
    visitor.post(f"{page}/revoke", of=page)
    visitor.post(f"{page}/series", {"series": "each"}, of=HOME)
    assert feed_of(site).series_expanded is False


@pytest.mark.rule("R1")
def test_how_another_house_shows_recurring_dates_is_its_own(site: "Site") -> None:
    path = make(site.logged_in())
    stranger = log_in_at(site, add_neighbour(site))
    assert stranger.post(f"{path}/series", {"series": "each"}, of=HOME).status_code == 404
    assert feed_of(site).series_expanded is False
