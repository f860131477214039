"""A booking's feed that a program made is renamed by program; one that its customer made is theirs (SPEC C1)."""

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.actions.audit import CUSTOMER
from booking.actions.feeds import make_feed
from booking.reads.feeds import FeedInfo
from booking.tables.bookings import Booking
from booking.tables.calendars import Feed
from booking.values.feeds import FeedChoices
from booking.values.states import SubjectKind, Variant
from tests.web.test_api import wish

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.web.conftest import Site


@pytest.mark.rule("C1", "X3")
def test_the_feed_of_a_booking_is_renamed_where_it_was_made(site_on_both: "Site") -> None:
    site, program = site_on_both, site_on_both.api()
    booking = program.post("/requests", wish(site)).get_json()["id"]
    made = program.post("/feeds", {"kind": "booking", "booking": booking, "name": "Kalender"}).get_json()
    path = f"/feeds/{made['id']}"
    renamed = program.call("PATCH", path, {"name": "Training"})
    assert (renamed.status_code, renamed.get_json()["name"], renamed.get_json()["kind"]) == (200, "Training", "booking")
    with site.database.read() as db:
        assert db.scalars(select(Feed.name)).all() == ["Training"]
    assert program.call("PATCH", path, {"name": " "}).status_code == 422

    def by_customer(db: "Session") -> FeedInfo:
        target = db.scalars(select(Booking.id).where(Booking.public_id == UUID(booking))).one()
        found = make_feed(
            db,
            site.now,
            site.context.tools.link_key,
            organisation_id=site.ids.organisation_id,
            kind=SubjectKind.BOOKING,
            target_id=target,
            name="Meiner",
            choices=FeedChoices(Variant.FULL),
            actor=CUSTOMER,
        )
        assert isinstance(found, tuple)
        return found[0]

    own = site.database.write(by_customer)
    for method, body in (("PATCH", {"name": "Fremd"}), ("GET", None)):
        assert program.call(method, f"/feeds/{own.public_id}", body).status_code == 404


@pytest.mark.rule("C1", "X3")
def test_what_a_feed_shows_is_chosen_by_program_within_its_bounds(site: "Site") -> None:
    program = site.api()
    chosen = {
        "months_back": 12,
        "months_ahead": 2,
        "alarm_minutes": 45,
        "cancelled_shown": False,
        "series_expanded": True,
    }
    made = program.post("/feeds", {"kind": "office", "name": "Kalender", **chosen}).get_json()
    shown = program.get(f"/feeds/{made['id']}").get_json()
    assert {name: shown[name] for name in chosen} == chosen
    plain = program.post("/feeds", {"kind": "office", "name": "Anderer"}).get_json()
    shown = program.get(f"/feeds/{plain['id']}").get_json()
    assert {name: shown[name] for name in chosen} == {
        "months_back": 3,
        "months_ahead": None,
        "alarm_minutes": None,
        "cancelled_shown": True,
        "series_expanded": False,
    }
    for name, value in (
        ("months_back", 25),
        ("months_ahead", 0),
        ("alarm_minutes", 4),
        ("months_back", True),
        ("series_expanded", 1),
    ):
        refused = program.post("/feeds", {"kind": "office", "name": "Zu weit", name: value})
        assert refused.status_code == 422, (name, value)


@pytest.mark.rule("C3", "X3")
def test_the_way_of_series_is_changed_by_program_with_the_name_or_without(site_on_both: "Site") -> None:
    program = site_on_both.api()
    path = f"/feeds/{program.post('/feeds', {'kind': 'office', 'name': 'Kalender'}).get_json()['id']}"
    seen = []
    for body in ({"series_expanded": True}, {"name": "Anders"}, {}, {"name": "Wieder", "series_expanded": False}):
        answer = program.call("PATCH", path, body)
        shown = program.get(path).get_json()
        assert (answer.status_code, shown | answer.get_json()) == (200, shown)
        seen.append((shown["name"], shown["series_expanded"]))
    assert seen == [("Kalender", True), ("Anders", True), ("Anders", True), ("Wieder", False)]
    assert program.call("PATCH", path, {"name": "Nein", "series_expanded": "ja"}).status_code == 422
    assert program.get(path).get_json()["name"] == "Wieder"
    assert program.call("DELETE", path).status_code == 204
    refused = program.call("PATCH", path, {"series_expanded": True})
    assert (refused.status_code, program.get(path).get_json()["series_expanded"]) == (409, False)
