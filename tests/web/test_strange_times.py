"""No address and no form makes a page fail by a day or a time far away, or by a number that is too big."""

import random
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import inspect, text
from werkzeug.exceptions import NotFound

from booking.values.states import Role
from tests.builders import slot_in
from tests.fixtures.soak import scale
from tests.web.conftest import Caller, Site, Visitor
from tests.web.office.conftest import Desk
from web.access import Way, access_of

ROOT = Path(__file__).parents[2]
READ = re.compile(r'(?:args|given)\.(?:get|getlist)\("([a-z_-]+)"')
VALUES = (
    "9999-12-31",
    "0001-01-01",
    "2199-12-31",
    "2000-01-01",
    "10000-01-01",
    "9999-12-31T23:30Z",
    "0001-01-01T00:00Z",
    "2199-12-31T23:30Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:00Z/9999-12-31T23:59Z",
    "0001-01-01T00:00Z/9999-12-31T23:30Z",
    "2000-01-01T00:00Z/2199-12-31T23:30Z",
    "9223372036854775808",
    "-9223372036854775809",
    "1" * 5000,
)
DRAWS = scale(4000)
SEED = 19
LEFT_OUT = {"static", "health.ready"}  # files; 503 without Redis, which these tests do not have
SECONDS = 2.0


def query_names(site: Site) -> list[str]:
    """Every name that a view looks for in its address."""
    names = {name for path in (ROOT / "web").rglob("*.py") for name in READ.findall(path.read_text(encoding="utf-8"))}
    for methods in site.client().get("/api/openapi.json").get_json()["paths"].values():
        for view in methods.values():
            names |= {one["name"] for one in view.get("parameters", ()) if one["in"] == "query"}
    return sorted(names)


def known_ids(site: Site) -> list[str]:
    """What may stand in a path: public ids of all rows, slugs, short names."""
    found = {"imprint", "privacy", "terms", "de", "ycbm"}
    with site.database.read() as session:
        connection = session.connection()
        tables = inspect(connection)
        for table in tables.get_table_names():
            for column in {one["name"] for one in tables.get_columns(table)} & {"public_id", "slug"}:
                found |= {str(value) for value in session.scalars(text(f"SELECT DISTINCT {column} FROM {table}"))}  # noqa: S608 - names of our own
    return sorted(found)


def paths(site: Site, visitor: Visitor, caller: Caller) -> list[tuple[bool, str]]:
    """One path of each GET view that leads to a page, and whether it belongs to the API."""
    adapter, ids = site.app.url_map.bind("localhost"), known_ids(site)
    found: list[tuple[bool, str]] = []
    for rule in site.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or len(rule.arguments) > 1 or rule.endpoint in LEFT_OUT:
            continue
        access = access_of(site.app, rule.endpoint)
        is_call = access is not None and access.way is Way.TOKEN
        for one in ids if rule.arguments else [""]:
            path = re.sub(r"<[^>]+>", one, str(rule))
            try:
                if adapter.match(path)[0] != rule.endpoint:
                    continue
            except NotFound:
                continue
            answer = caller.get(path.removeprefix("/api/v1")) if is_call else visitor.get(path)
            if answer.status_code not in {404, 403}:
                found.append((is_call, path))
                break
    return found


@pytest.fixture
def busy(site: Site) -> Desk:
    """A house in which each page has something to show."""
    desk = Desk(site, site.logged_in(Role.OWNER))
    desk.ask()
    desk.confirmed(days=12)
    return desk


def test_no_get_fails_by_a_time_far_away(busy: Desk) -> None:
    site, chance = busy.site, random.Random(SEED)
    caller, names = site.api(Role.OWNER), query_names(site)
    open_to_all = paths(site, busy.visitor, caller)
    assert len(open_to_all) > 60
    assert {"time", "slot", "day", "week", "from", "until"} <= set(names)
    failed = []
    for _ in range(DRAWS):
        is_call, path = chance.choice(open_to_all)
        chosen = chance.sample(names, chance.choice((1, 1, 2, len(names))))
        query = "&".join(f"{name}={quote(chance.choice(VALUES), safe='')}" for name in chosen)
        address = f"{path}?{query}"
        answer = caller.get(address.removeprefix("/api/v1")) if is_call else busy.visitor.get(address)
        if answer.status_code >= 500:
            failed.append(address)
    assert failed == []


@pytest.mark.parametrize(
    "address",
    [
        "/rooms/{room}/request?time=9999-12-31T23:00Z/9999-12-31T23:59Z",
        "/rooms/{room}/request?slot=9999-12-31T23:30Z",
        "/rooms/{room}/request?slot=0001-01-01T00:00Z",
        "/rooms/{room}?day=9999-12-31",
        "/rooms/{room}?week=0001-01-01",
        "/office/calendar?day=9999-12-31",
        "/office/calendar?day=0001-01-01",
        "/office/calendar?week=9999-12-31",
        "/office/calendar?week=0001-01-01",
        "/office/bookings/new?day=9999-12-31",
        "/office/bookings/new?day=9999-12-31&from=00:00&to=00:00",
        "/office/customers?from=9223372036854775808",
        "/privacy?version=9223372036854775808",
    ],
)
def test_a_page_with_a_time_far_away_is_a_page(busy: Desk, address: str) -> None:
    where = address.format(room=slug_of(busy))
    assert busy.visitor.get(where, follow_redirects=True).status_code in {200, 400, 404, 422}, where


@pytest.mark.parametrize("when", ["9999-12-31T23:00Z/9999-12-31T23:59Z", "0001-01-01T00:00Z/0001-01-01T02:00Z"])
def test_a_request_for_a_time_far_away_is_refused(busy: Desk, when: str) -> None:
    where = f"/rooms/{slug_of(busy)}/request"
    slot = slot_in(20, 18, 20, busy.site.now)
    form = f"{where}?time={slot.start:%Y-%m-%dT%H:%MZ}/{slot.end:%Y-%m-%dT%H:%MZ}"
    answer = busy.site.client().post(where, {"time": when, "name": "Ada"}, of=form)
    assert answer.status_code < 500


@pytest.mark.parametrize("when", ["9999-12-31T23:00:00Z", "0001-01-01T00:00:00Z", "2200-01-01T00:00:00Z"])
def test_the_api_refuses_an_instant_far_away(busy: Desk, when: str) -> None:
    caller = busy.site.api(Role.OWNER)
    answer = caller.get(f"/rooms/{room_id_of(busy)}/free?from={when}&to={when}")
    assert answer.status_code == 422, answer.text


def test_a_wish_of_two_centuries_costs_no_more_than_another(busy: Desk) -> None:
    """Prices, opening hours and free times nearby are gone through day by day."""
    caller, room = busy.site.api(Role.OWNER), room_id_of(busy)
    times = {"start": "2027-01-01T10:00:00Z", "end": "2199-12-31T10:00:00Z"}
    who = {"name": "Ada Booker", "email": "ada@booker.example", "phone": "+49 221 777", "street": "Weg 1"}
    contact = {**who, "postcode": "50667", "city": "Köln"}
    begun = time.process_time()
    address = f"/rooms/{slug_of(busy)}/request?time=2027-01-01T10:00Z/2199-12-31T10:00Z"
    assert busy.visitor.get(address).status_code in {200, 409, 422}
    refused = caller.post("/requests", {"room": room, **times, "contact": contact, "purpose": "Probe", "people": 3})
    assert "too-long" in {reason["code"] for reason in refused.get_json()["reasons"]}, refused.text
    assert time.process_time() - begun < SECONDS


def slug_of(desk: Desk) -> str:
    with desk.site.database.read() as session:
        return str(session.scalar(text("SELECT slug FROM room ORDER BY id LIMIT 1")))


def room_id_of(desk: Desk) -> str:
    return desk.write(lambda _db, house: str(next(iter(house.rooms.values())).public_id))
