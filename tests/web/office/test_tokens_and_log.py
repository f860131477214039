"""API tokens by page; the whole audit log, filtered and in pages (SPEC X3, X5, R2)."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from booking.actions.accounts import make_api_token
from booking.actions.audit import Actor, note
from booking.actions.settings import change_room
from booking.reads.audit_log import audit_page
from booking.tables.people import ApiToken
from booking.values.slot import Slot
from booking.values.states import Role
from tests.builders import NOW
from tests.neighbours import add_neighbour
from tests.web.conftest import Caller
from tests.web.office.conftest import Desk

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

TOKENS, LOG = "/office/settings/tokens", "/office/settings/audit"


def make_token(visitor: "Visitor", name: str = "Website", role: Role = Role.OFFICE) -> Any:
    return visitor.post(f"{TOKENS}/new", {"name": name, "role": role.value}, of=f"{TOKENS}/new")


def shown_token(page: str) -> str:
    """As it is read and as the button copies it: whole, hyphens and all."""
    (read,) = re.findall(r"<code[^>]*>([^<]{43})</code>", page)
    assert f'data-copy="{read}"' in page
    return str(read)


@pytest.mark.rule("X3")
def test_a_token_is_shown_once_works_and_ends_when_it_is_revoked(site: "Site") -> None:
    visitor = site.logged_in(Role.ADMIN)
    answer = make_token(visitor)
    token = shown_token(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    listed = visitor.get(TOKENS).text
    assert "Website" in listed
    assert "von Frau Admin" in listed
    assert token not in listed
    program = Caller(site.app.test_client(), token)
    assert program.get("/rooms").status_code == 200
    with site.database.read() as db:
        token_id = db.scalars(select(ApiToken.id)).one()
    assert visitor.post(f"{TOKENS}/{token_id}/revoke", of=TOKENS).status_code == 302
    assert program.get("/rooms").status_code == 401
    assert "Widerrufen" in visitor.get(TOKENS).text


def test_when_a_token_was_last_used_is_written_in_batches(site: "Site") -> None:
    program = site.api()

    def used() -> Any:
        with site.database.read() as db:
            return db.scalars(select(ApiToken.last_used_at)).one()

    program.get("/rooms")
    assert used() is None
    site.context.seen.flush(site.database)
    assert used() == site.now
    first = site.now
    site.now += timedelta(seconds=30)
    program.get("/rooms")
    site.context.seen.flush(site.database)
    assert used() == first
    site.now += timedelta(minutes=1)
    program.get("/rooms")
    site.context.seen.flush(site.database)
    assert used() == site.now


@pytest.mark.rule("R2")
def test_nobody_makes_or_ends_a_token_that_reaches_further_than_they_do(site: "Site") -> None:
    visitor = site.logged_in(Role.ADMIN)
    assert make_token(visitor, role=Role.OWNER).status_code == 422
    mine, now = site.ids.organisation_id, site.now
    owners = site.database.write(lambda db: make_api_token(db, now, mine, Actor("x"), "Leitung", Role.OWNER)[0].id)
    visitor.post(f"{TOKENS}/{owners}/revoke", of=f"{TOKENS}/new")
    with site.database.read() as db:
        assert db.get_one(ApiToken, owners).revoked_at is None
    owner = site.logged_in(Role.OWNER)
    owner.post(f"{TOKENS}/{owners}/revoke", of=f"{TOKENS}/new")
    with site.database.read() as db:
        assert db.get_one(ApiToken, owners).revoked_at == site.now


@pytest.mark.rule("X8")
def test_a_token_without_a_name_is_refused_and_the_role_stays_chosen(site: "Site") -> None:
    answer = make_token(site.logged_in(Role.OWNER), name=" ", role=Role.DESK)
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    assert 'value="desk" selected' in answer.text


@pytest.mark.rule("R1")
def test_a_token_of_a_neighbour_cannot_be_revoked(site: "Site") -> None:
    other, now = add_neighbour(site), site.now
    theirs = site.database.write(
        lambda db: make_api_token(db, now, other.organisation_id, Actor("x"), "deren", Role.OFFICE)[0].id
    )
    visitor = site.logged_in(Role.OWNER)
    assert "deren" not in visitor.get(TOKENS).text
    assert visitor.post(f"{TOKENS}/{theirs}/revoke", of=f"{TOKENS}/new").status_code == 404


def write_entries(site: "Site", count: int, subject: str = "room", actor: str = "Frau Owner") -> None:
    mine, start, room = site.ids.organisation_id, site.now, site.ids.hall

    def work(db: Any) -> None:
        for number in range(count):
            at = start + timedelta(minutes=number // 2)  # two share a moment
            note(db, at, mine, Actor(actor, None, "192.0.2.1"), subject, room, "changed", after={"rank": number})

    site.database.write(work)


def ranks(page: str) -> list[int]:
    return [int(one) for one in re.findall(r"<dt>Platz in der Liste</dt><dd><ins>(\d+)</ins>", page)]


@pytest.mark.rule("X5")
def test_a_change_is_told_with_who_when_where_before_and_after(site: "Site") -> None:
    mine, room, now = site.ids.organisation_id, site.ids.hall, site.now
    actor = Actor("Frau Owner", site.ids.owner, "198.51.100.7")
    site.database.write(lambda db: change_room(db, now, mine, actor, room, {"name": "Saal", "door_id": None}))
    page = site.logged_in(Role.OWNER).get(f"{LOG}?kind=room").text
    assert "Frau Owner" in page
    assert "198.51.100.7" in page
    assert "24. November 2026, 10:00" in page
    assert re.search(r"<dt>Name</dt><dd><del>Halle</del>.*?<ins>Saal</ins>", page, re.DOTALL)
    assert re.search(r"<dt>Tür</dt><dd><del>Haupteingang</del>", page)


def test_the_log_is_read_in_pages_that_miss_nothing_and_repeat_nothing(site: "Site") -> None:
    """Entries of one moment are told apart by their number; what is written meanwhile shifts no page."""
    write_entries(site, 120)
    visitor = site.logged_in(Role.OWNER)
    seen, path = [], f"{LOG}?kind=room"
    while path:
        page = visitor.get(path).text
        seen += ranks(page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
        site.now += timedelta(days=1)
        write_entries(site, 1)
    assert seen == list(range(119, -1, -1))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("actor=Frau+Owner&kind=room", 3),
        ("actor=api%3Awebsite", 2),
        ("kind=season", 2),
        ("kind=room&record={hall}", 3),
        ("kind=room&record=99999", 0),
        ("kind=room&from=2026-11-24&until=2026-11-24", 3),
        ("kind=room&from=2026-11-25", 0),
        ("kind=room&until=2026-11-23", 0),
        ("kind=nothing", 0),
    ],
)
def test_filters_narrow_the_log(site: "Site", query: str, count: int) -> None:
    write_entries(site, 3)
    write_entries(site, 2, "season", "api:website")
    page = site.logged_in(Role.OWNER).get(f"{LOG}?{query.format(hall=site.ids.hall)}").text
    assert len(ranks(page)) == count
    assert ("Kein Eintrag passt" in page) is (count == 0)


def test_the_log_of_a_booking_is_found_by_its_code(desk: Desk) -> None:
    made, other = desk.ask(), desk.ask(days=11)
    visitor = desk.site.logged_in(Role.OWNER)
    page = visitor.get(f"{LOG}?code={made.code[:4].lower()}-{made.code[4:]}").text
    assert f"/office/bookings/{made.public_id}" in page
    assert f"/office/bookings/{other.public_id}" not in page


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("from=gestern", "filter-from", "Bitte geben Sie ein Datum ein"),
        ("until=1999-01-01", "filter-until", "Bitte geben Sie ein Datum ein"),
        ("code=ABC", "filter-code", "Keine Buchung hat diesen Code"),
    ],
)
def test_a_filter_that_says_nothing_is_named(site: "Site", query: str, field: str, says: str) -> None:
    answer = site.logged_in(Role.OWNER).get(f"{LOG}?{query}")
    assert answer.status_code == 200
    assert re.search(rf'<a href="#{field}">[^<]*{says}', answer.text)


@pytest.mark.parametrize("query", ["before=x", "before=99999999", "before=-1", "record=x&kind=room", "from=&actor="])
def test_whatever_stands_in_the_address_opens_the_log(site: "Site", query: str) -> None:
    assert site.logged_in(Role.OWNER).get(f"{LOG}?{query}").status_code == 200


@pytest.mark.rule("R1")
def test_the_log_shows_nothing_of_a_neighbour(site: "Site") -> None:
    other, now = add_neighbour(site), site.now
    actor = Actor("Herr Nachbar", None, "")
    site.database.write(lambda db: change_room(db, now, other.organisation_id, actor, other.hall, {"name": "Geheim"}))
    page = site.logged_in(Role.OWNER).get(LOG).text
    assert "Nachbar" not in page
    assert "Geheim" not in page
    assert "Geheim" not in site.logged_in(Role.OWNER).get(f"{LOG}?kind=room&record={other.hall}").text


def test_a_long_page_asks_no_more_than_a_short_one(
    site: "Site", count_queries: Callable[[Callable[[], object]], int]
) -> None:
    visitor = site.logged_in(Role.OWNER)
    write_entries(site, 2)
    short = count_queries(lambda: visitor.get(f"{LOG}?kind=room"))
    write_entries(site, 48)
    assert count_queries(lambda: visitor.get(f"{LOG}?kind=room")) == short


@pytest.mark.parametrize(
    "given", [{}, {"actor": "Frau Owner"}, {"subject": "room"}, {"span": Slot(NOW, NOW + timedelta(days=1))}]
)
def test_the_log_is_found_by_index_and_never_sorted_whole(site: "Site", given: dict[str, Any]) -> None:
    """What the page asks is explained by the engine itself."""
    write_entries(site, 10)
    asked: list[tuple[str, Any]] = []

    def note_down(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(site.database._readers, "before_cursor_execute", note_down)
    with site.database.read() as db:
        assert len(audit_page(db, site.ids.organisation_id, limit=5, **given).lines) == 5
        statement, parameters = next(one for one in asked if "audit_entry" in one[0])
        rows = db.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
        plan = " ".join(row[3] for row in rows)
    event.remove(site.database._readers, "before_cursor_execute", note_down)
    assert "USING INDEX ix_audit_entry_" in plan, plan
    assert "SCAN" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan
