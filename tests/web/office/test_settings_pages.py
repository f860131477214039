"""Settings by task, through the real application (SPEC S14, X8, R1, R2)."""

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from booking.reads.house import House, read_house
from booking.tables.bookings import AuditEntry
from booking.tables.houses import ClosingDay, Organisation, PriceRule, Room, Terms
from booking.tables.people import Staff
from booking.values.states import Role, Weight
from tests.neighbours import add_neighbour, log_in_at

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

HOME = "/office/settings"
PAGES = ("", "/hours", "/review", "/rooms", "/prices", "/seasons", "/house", "/findings", "/limits", "/texts", "/staff",
         "/roles")  # fmt: skip


def house_of(site: "Site") -> House:
    with site.database.read() as db:
        return read_house(db, site.ids.organisation_id)


def room_path(site: "Site") -> str:
    return f"{HOME}/rooms/{house_of(site).room(site.ids.hall).public_id}"


def shown_in(page: str) -> dict[str, str]:
    """What the form of a page holds now, as a browser would send it."""
    main = page[page.index("<main") : page.index("</main>")]
    values = {
        name: value
        for value, name in re.findall(
            r'<input class="form-control[^"]*" type="[a-z]+" value="([^"]*)"[^>]* name="([^"]+)"', main
        )
    }
    values |= dict(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>([^<]*)</textarea>', main))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', main, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        values[name] = chosen[1] if chosen else ""
    for box in re.findall(r'<input type="checkbox"[^>]*>', main):
        name = re.search(r' name="([^"]+)"', box)
        if name and " checked" in box:
            values[name[1]] = "yes"
    return values


def save(visitor: "Visitor", path: str, **changes: str) -> Any:
    """Open a form, change some fields, send it."""
    given = shown_in(visitor.get(path).text) | changes
    return visitor.post(path, {name: value for name, value in given.items() if value != "-"}, of=path)


@pytest.mark.rule("R2")
@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_for_the_owner_and_for_nobody_below_the_administration(site: "Site", path: str) -> None:
    assert site.logged_in(Role.OWNER).get(HOME + path).status_code == 200
    assert site.logged_in(Role.ADMIN).get(HOME + path).status_code == 200
    for role in (Role.OFFICE, Role.DESK):
        assert site.logged_in(role).get(HOME + path).status_code == 403, role
    assert site.client().get(HOME + path).status_code == 302


@pytest.mark.parametrize("path", ["/hours", "/review", "/limits", "/house", "/findings"])
def test_a_form_sent_as_it_stands_changes_nothing(site: "Site", path: str) -> None:
    before = house_of(site)
    answer = save(site.logged_in(Role.OWNER), HOME + path)
    assert answer.status_code == 302, re.findall(r'field-error"[^>]*>.*?<span>([^<]*)', answer.text)
    assert house_of(site) is before or house_of(site) == before
    with site.database.read() as db:
        assert [entry.action for entry in db.scalars(select(AuditEntry)) if entry.action == "changed"] == []


@pytest.mark.rule("S14")
def test_hours_and_phones_are_settings_and_take_effect_at_once(site: "Site") -> None:
    visitor = site.logged_in(Role.OWNER)
    answer = save(
        visitor,
        f"{HOME}/hours",
        **{"desk_phone": "+49 221 99", "office-0": "9-12, 13:30-17", "desk-6": "", "office-4": ""},
    )
    assert answer.status_code == 302
    office = house_of(site).office
    assert office.desk_phone == "+49 221 99"
    monday = [
        (one.opens.isoformat("minutes"), one.closes.isoformat("minutes")) for one in office.hours if not one.weekday
    ]
    assert monday == [("09:00", "12:00"), ("13:30", "17:00")]
    assert not [one for one in office.hours if one.weekday == 4]
    assert not [one for one in office.desk_hours if one.weekday == 6]
    with site.database.read() as db:
        told = db.scalars(select(AuditEntry).where(AuditEntry.action == "office-hours")).one()
    assert (told.actor, "0 09:00-17:00" in told.before["hours"]) == ("Frau Owner", True)


@pytest.mark.rule("S14")
def test_hours_of_which_one_is_wrong_change_nothing_at_all(site: "Site") -> None:
    before = house_of(site)
    answer = save(site.logged_in(Role.OWNER), f"{HOME}/hours", **{"desk_phone": "+49 221 99", "desk-2": "9-12, 11-13"})
    assert answer.status_code == 422
    assert "überschneiden" in answer.text
    assert 'value="9-12, 11-13"' in answer.text
    assert house_of(site) == before


BAD: list[tuple[str, str, str]] = [
    ("/hours", "office_phone", "rufen Sie an"),
    ("/hours", "office-0", "morgens"),
    ("/hours", "office-0", "25-26"),
    ("/hours", "office-0", "9-9"),
    ("/review", "review_by", "mittags"),
    ("/review", "grace_seconds", "-1"),
    ("/review", "grace_seconds", "601"),
    ("/review", "grace_seconds", "x"),
    ("/review", "desk_days", "0"),
    ("/review", "desk_days", ""),
    ("/review", "code_hours_before", "0"),
    ("/review", "feed_code_hours", "0"),
    ("/review", "feed_code_hours", "169"),
    ("/limits", "open_per_contact", "0"),
    ("/limits", "open_per_room", "1e3"),
    ("/house", "name", " "),
    ("/house", "email", "buero@"),
    ("/house", "iban", "DE02120300000000202052"),
    ("/house", "iban", "ä"),
    ("/house", "vat_id", ""),
    ("/house", "country", "XX"),
    ("/house", "zone", "Mars/Olympus"),
    ("/house", "payment_days", "91"),
    ("/findings", "number-early", "x"),
    ("/findings", "weight-early", "schwer"),
]


@pytest.mark.rule("X8")
@pytest.mark.parametrize(("path", "field", "typed"), BAD)
def test_bad_input_is_named_at_its_field_and_nothing_typed_is_lost(
    site: "Site", path: str, field: str, typed: str
) -> None:
    before = house_of(site)
    answer = save(site.logged_in(Role.OWNER), HOME + path, **{field: typed})
    assert answer.status_code == 422
    assert f'id="{"tax_number" if field == "vat_id" else field}-error"' in answer.text
    assert "data-error-summary" in answer.text
    if typed.strip() and not answer.text.count(f'<select class="form-select is-invalid" id="{field}"'):
        assert f'value="{typed}"' in answer.text
    assert house_of(site) == before


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", ""),
        ("slot_minutes", "0"),
        ("longest_minutes", "90"),
        ("shortest_minutes", "300"),
        ("most_people", "viele"),
        ("price_list_id", "999"),
        ("door_id", "999"),
    ],
)
def test_bad_terms_of_a_room_are_named_and_change_nothing(site: "Site", field: str, typed: str) -> None:
    before = house_of(site)
    answer = save(site.logged_in(Role.OWNER), room_path(site), **{field: typed})
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert house_of(site) == before


def test_a_rooms_terms_and_hours_are_saved(site: "Site") -> None:
    visitor = site.logged_in(Role.OWNER)
    assert save(visitor, room_path(site), buffer_after_minutes="30", door_id="").status_code == 302
    assert save(visitor, f"{room_path(site)}/hours", **{"opening-5": "10-24", "opening-6": ""}).status_code == 302
    room = house_of(site).room(site.ids.hall)
    assert room.terms.buffer_after.total_seconds() == 1800
    assert room.door_id is None
    assert [one.closes.isoformat("minutes") for one in room.hours if one.weekday == 5] == ["00:00"]
    assert not [one for one in room.hours if one.weekday == 6]
    assert visitor.get(f"{room_path(site)}/hours").text.count("10:00\u201324:00") == 1
    visitor.post(f"{room_path(site)}/archive", {"archived": "yes"}, of=room_path(site))
    assert house_of(site).room(site.ids.hall).archived


def test_prices_are_made_changed_and_removed(site: "Site") -> None:
    visitor = site.logged_in(Role.OWNER)
    path = f"{HOME}/prices/{site.ids.price_list_id}/lines"
    evening = {"name": "Abend", "cents": "70,50", "per_hour": "yes", "from_time": "18:00", "to_time": "00:00"}
    assert save(visitor, f"{path}/new", **evening, **{"on-5": "yes"}).status_code == 302
    with site.database.read() as db:
        rule = db.scalars(select(PriceRule).where(PriceRule.name == "Abend")).one()
    assert (rule.cents, rule.weekdays, rule.per_hour) == (7050, [5], True)
    assert save(visitor, f"{path}/{rule.id}", cents="71").status_code == 302
    assert visitor.post(f"{path}/{rule.id}/remove", of=f"{path}/{rule.id}").status_code == 302
    with site.database.read() as db:
        assert db.scalars(select(PriceRule.name)).all() == ["Stunde"]


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("field", "typed"),
    [("cents", "-1"), ("cents", "1,234"), ("cents", "NaN"), ("cents", "viel"), ("from_time", "25:00"), ("rank", "1,5"),
     ("per_hour", "x"), ("name", ""), ("season_id", "77")],
)  # fmt: skip
def test_a_senseless_price_is_named_at_its_field(site: "Site", field: str, typed: str) -> None:
    good = {"name": "Abend", "cents": "70", "per_hour": "yes", "from_time": "18:00", "to_time": "00:00", "rank": "0"}
    path = f"{HOME}/prices/{site.ids.price_list_id}/lines/new"
    answer = site.logged_in(Role.OWNER).post(path, good | {field: typed}, of=path)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    with site.database.read() as db:
        assert db.scalars(select(PriceRule.name)).all() == ["Stunde"]


def test_without_vat_a_price_list_needs_its_reason(site: "Site") -> None:
    path = f"{HOME}/prices/{site.ids.price_list_id}"
    visitor = site.logged_in(Role.OWNER)
    assert save(visitor, path, vat_rate="0").status_code == 422
    assert save(visitor, path, vat_rate="0", exemption="§ 19 UStG").status_code == 302
    assert house_of(site).room(site.ids.hall).prices.exemption == "§ 19 UStG"


def test_seasons_and_closing_days_are_kept(site: "Site") -> None:
    visitor = site.logged_in(Role.OWNER)
    summer = {"name": "Sommer", "first_day": "2027-05-01", "last_day": "2027-09-30"}
    assert save(visitor, f"{HOME}/seasons/new", **summer).status_code == 302
    assert save(visitor, f"{HOME}/seasons/new", **(summer | {"last_day": "2027-04-30"})).status_code == 422
    assert {one.name for one in house_of(site).seasons} == {"Winter", "Sommer"}
    feast = {"first_day": "2026-12-24", "last_day": "2026-12-26", "reason": "Weihnachten"}
    assert save(visitor, f"{HOME}/closings/new", **feast).status_code == 302
    for bad in ({"first_day": "24.12."}, {"last_day": "2026-12-23"}, {"reason": ""}, {"room_id": "77"},
                {"closes_rooms": "-", "closes_office": "-"}):  # fmt: skip
        assert save(visitor, f"{HOME}/closings/new", **(feast | bad)).status_code == 422, bad
    with site.database.read() as db:
        (closing,) = db.scalars(select(ClosingDay)).all()
    path = f"{HOME}/closings/{closing.id}"
    assert visitor.post(f"{path}/remove", of=path).status_code == 302
    assert house_of(site).closings == ()


def test_findings_are_weighed_anew(site: "Site") -> None:
    answer = save(site.logged_in(Role.OWNER), f"{HOME}/findings", **{"weight-early": "off", "number-link": "3"})
    assert answer.status_code == 302
    thresholds = house_of(site).thresholds
    assert thresholds["early"].weight is None
    assert (thresholds["link"].weight, thresholds["link"].number) == (Weight.WARN, 3)
    assert set(thresholds) == {"early", "link"}


@pytest.mark.rule("X9")
def test_a_legal_text_is_published_as_a_new_version(site: "Site") -> None:
    visitor = site.logged_in(Role.OWNER)
    path = f"{HOME}/texts/terms/de"
    for text in ("Fassung eins", "Fassung zwei"):
        assert visitor.post(path, {"text": text}, of=path).status_code == 302
    assert visitor.post(path, {"text": "Fassung zwei"}, of=path).status_code == 422
    assert visitor.post(path, {"text": " "}, of=path).status_code == 422
    with site.database.read() as db:
        assert [(one.version, one.text) for one in db.scalars(select(Terms).order_by(Terms.version))] == [
            (1, "Fassung eins"),
            (2, "Fassung zwei"),
        ]
    assert visitor.get(f"{HOME}/texts/terms/ru").status_code == 404
    assert visitor.get(f"{HOME}/texts/secrets/de").status_code == 404


@pytest.mark.rule("R2")
def test_staff_is_made_changed_and_let_go(site: "Site") -> None:
    visitor = site.logged_in(Role.OWNER)
    new = {"name": "Frau Neu", "email": "neu@kirche.example", "role": "desk", "password": "ein ganz neues Passwort"}
    path = f"{HOME}/staff/new"
    for bad in (
        {"email": "neu"},
        {"password": "kurz"},
        {"role": "king"},
        {"email": "office@kirche.example"},
        {"name": ""},
    ):
        answer = visitor.post(path, new | bad, of=path)
        assert answer.status_code == 422, bad
        assert "ein ganz neues Passwort" not in answer.text
    assert visitor.post(path, new, of=path).status_code == 302
    with site.database.read() as db:
        person = db.scalars(select(Staff).where(Staff.email == new["email"])).one()
    here = f"{HOME}/staff/{person.public_id}"
    fresh = site.client()
    assert fresh.log_in(new["email"], new["password"]).status_code == 302
    assert visitor.post(f"{here}/role", {"role": "office"}, of=here).status_code == 302
    assert visitor.post(f"{here}/password", {"password": "kurz"}, of=here).status_code == 422
    assert visitor.post(f"{here}/password", {"password": "noch ein neues Passwort"}, of=here).status_code == 302
    assert fresh.get("/office/").status_code == 302, "all log-ins ended with the former password"
    assert site.client().log_in(new["email"], "noch ein neues Passwort").status_code == 302
    assert visitor.post(f"{here}/disabled", {"disabled": "yes"}, of=here).status_code == 302
    assert site.client().log_in(new["email"], "noch ein neues Passwort").status_code == 422


@pytest.mark.rule("R2")
def test_the_administration_makes_no_owner_and_touches_none(site: "Site") -> None:
    visitor = site.logged_in(Role.ADMIN)
    new = {"name": "x", "email": "x@kirche.example", "role": "owner", "password": "ein ganz neues Passwort"}
    assert visitor.post(f"{HOME}/staff/new", new, of=f"{HOME}/staff/new").status_code == 422
    with site.database.read() as db:
        owner = db.get_one(Staff, site.ids.owner)
    here = f"{HOME}/staff/{owner.public_id}"
    for path, data in (
        ("role", {"role": "desk"}),
        ("password", {"password": "ein ganz neues Passwort"}),
        ("disabled", {"disabled": "yes"}),
    ):
        assert visitor.post(f"{here}/{path}", data, of=here).status_code == 422, path
    with site.database.read() as db:
        after = db.get_one(Staff, site.ids.owner)
    assert (after.role, after.disabled_at, after.password_hash) == (Role.OWNER, None, owner.password_hash)


@pytest.mark.rule("R1")
def test_the_table_of_roles_is_shown_as_it_is_in_code(site: "Site") -> None:
    page = site.logged_in(Role.OWNER).get(f"{HOME}/roles").text
    row = re.search(r">Einstellungen ändern</th>(.*?)</tr>", page, re.DOTALL)
    assert row is not None
    assert [("> ja" in cell) for cell in row[1].split("</td>")[:4]] == [True, True, False, False]


@pytest.mark.rule("R1")
def test_settings_of_others_do_not_exist(site: "Site") -> None:
    with site.database.read() as db:
        room = db.get_one(Room, site.ids.hall).public_id
        office = db.get_one(Staff, site.ids.office).public_id
        before = db.scalars(select(Organisation.settings_revision).order_by(Organisation.id)).first()
    visitor = log_in_at(site, add_neighbour(site))
    lines = f"{HOME}/prices/{site.ids.price_list_id}"
    for path in (
        f"{HOME}/rooms/{room}",
        f"{HOME}/rooms/{room}/hours",
        lines,
        f"{lines}/lines/new",
        f"{lines}/lines/1",
        f"{HOME}/seasons/{site.ids.season_id}",
        f"{HOME}/staff/{office}",
    ):
        assert visitor.get(path).status_code == 404, path
        assert visitor.post(path, {"name": "x"}, of=f"{HOME}/seasons").status_code in {404, 405}, path
    with site.database.read() as db:
        after = db.scalars(select(Organisation.settings_revision).order_by(Organisation.id)).first()
    assert after == before
