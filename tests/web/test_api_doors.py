"""Door codes by program: counted, made, imported, shown, replaced; looked at first where asked (S1, S2, S22)."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from booking.tables.bookings import AuditEntry
from booking.tables.doors import Door, DoorCode
from booking.tables.outgoing import Message
from booking.values.slot import Slot
from booking.values.states import CodeState, Role
from tests.builders import add_code, build_house, request, slot_in

if TYPE_CHECKING:
    from tests.web.conftest import Caller, Site

QUARTER = timedelta(minutes=15)
CODE, OTHER = "471193", "582204"
LIST = f"code;von;bis\n{CODE};25.11.2026 17:45;25.11.2026 20:15\n"


@pytest.fixture
def door(site: "Site") -> str:
    return door_path(site)


def door_path(site: "Site") -> str:
    with site.database.read() as db:
        return f"/doors/{db.get_one(Door, site.ids.door_id).public_id}"


def season(program: "Caller") -> str:
    return str(program.get("/door-stock").get_json()["doors"][0]["seasons"][0]["season"])


def count(site: "Site", *which: Any) -> int:
    with site.database.read() as db:
        return db.scalar(select(func.count()).select_from(DoorCode).where(*which)) or 0


def add(site: "Site", text: str, days: int = 1) -> str:
    slot, tools, ids = slot_in(days, 18, 20), site.context.tools, site.ids
    window = Slot(slot.start - QUARTER, slot.end + QUARTER)
    return str(site.database.write(lambda db: add_code(db, site.now, tools, ids, text, window).public_id))


def given_out(site: "Site") -> str:
    """A booking whose code was told at the desk."""
    code_id = add(site, CODE)
    slot, tools, ids = slot_in(1, 18, 20), site.context.tools, site.ids
    made = site.database.write(lambda db: request(db, site.now, tools, ids, ids.left, slot))
    told = site.api(Role.DESK).post(f"/desk/bookings/{made.public_id}/issue", {"booking_code": True})
    assert told.status_code == 200, told.text
    return code_id


def reasons(answer: Any) -> set[tuple[str, str | None]]:
    return {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


@pytest.mark.rule("S1", "X3")
def test_a_season_is_counted_first_then_made_once_for_each_key(site_on_both: "Site") -> None:
    site = site_on_both
    program, path = site.api(), f"{door_path(site)}/codes/generate"
    body = {"season": season(program), "pattern": "each-day"}
    preview = program.post(f"{path}?preview=true", body)
    assert (preview.status_code, preview.get_json()["applied"], count(site)) == (200, False, 0)
    made = program.post(path, body, key="season")
    assert made.get_json() == {"applied": True, "count": preview.get_json()["count"]}
    assert count(site) == made.get_json()["count"] > 0
    assert program.post(path, body, key="season").get_json() == made.get_json()
    assert program.post(path, body).get_json() == {"applied": True, "count": 0}
    stock = program.get("/door-stock").get_json()["doors"][0]
    assert (stock["name"], stock["side_by_side"], stock["seasons"][0]["free"]) == ("Haupteingang", 2, count(site))


@pytest.mark.rule("S1", "X7")
def test_a_list_is_taken_over_by_the_fingerprint_of_its_preview(site: "Site", door: str) -> None:
    program, path = site.api(), f"{door}/codes/import"
    preview = program.post(f"{path}?preview=true", {"csv": LIST})
    assert (preview.get_json()["count"], preview.get_json()["applied"], count(site)) == (1, False, 0)
    assert CODE not in preview.text
    blind = program.post(path, {"csv": LIST})
    assert (blind.status_code, reasons(blind)) == (409, {("preview-changed", None)})
    seen = {"csv": LIST, "fingerprint": preview.get_json()["fingerprint"]}
    done = program.post(path, seen, key="list")
    assert (done.status_code, done.get_json()["applied"], count(site)) == (200, True, 1)
    assert program.post(path, seen, key="list").get_json() == done.get_json()
    assert program.post(path, seen).status_code == 409, "the door holds other codes now than the preview said"


@pytest.mark.rule("X7")
def test_a_list_with_a_problem_is_told_line_by_line_and_changes_nothing(site: "Site", door: str) -> None:
    program, path = site.api(), f"{door}/codes/import"
    body = {"csv": LIST + "12;26.11.2026;27.11.2026\n"}
    found = program.post(f"{path}?preview=true", body).get_json()
    assert [(one["line"], one["code"]) for one in found["problems"]] == [(3, "bad-format")]
    answer = program.post(path, body | {"fingerprint": found["fingerprint"]})
    assert (answer.status_code, reasons(answer), count(site)) == (422, {("has-problems", None)}, 0)


@pytest.mark.rule("S2")
def test_codes_are_listed_page_by_page_and_told_by_a_logged_look_alone(
    site: "Site", door: str, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [add(site, f"47110{number}", days=1 + number // 2) for number in range(5)]
    program, seen, query = site.api(), [], {"limit": 2}
    while True:
        page = program.get(f"{door}/codes", query_string=query).get_json()
        seen += [one["id"] for one in page["codes"]]
        if page["next"] is None:
            break
        query = query | {"cursor": page["next"]}
    assert seen == ids
    day = slot_in(1, 0, 23)
    stretch = {"from": day.start.isoformat(), "to": day.end.isoformat(), "state": "free"}
    assert len(program.get(f"{door}/codes", query_string=stretch).get_json()["codes"]) == 2
    with caplog.at_level(logging.DEBUG):
        shown = program.post(f"{door}/codes/show", {"start": day.start.isoformat(), "end": day.end.isoformat()})
    assert [one["code"] for one in shown.get_json()["codes"]] == ["471100", "471101"]
    assert shown.headers["Cache-Control"] == "no-store"
    assert "471100" not in caplog.text
    assert "47110" not in program.get(f"{door}/codes").text
    with site.database.read() as db:
        looks = db.scalars(select(AuditEntry).where(AuditEntry.action == "codes-shown")).all()
    assert [(look.actor, look.after["count"]) for look in looks] == [("api:office", 2)]


def test_the_days_of_a_door_tell_what_is_left(site: "Site", door: str) -> None:
    add(site, CODE)
    given, day = site.api(), slot_in(1, 0, 23)
    stretch = {"from": day.start.isoformat(), "to": day.end.isoformat()}
    days = given.get(f"{door}/days", query_string=stretch).get_json()["days"]
    assert [(one["free"], one["given"]) for one in days] == [(1, 0)]
    too_long = stretch | {"to": slot_in(90, 0, 23).end.isoformat()}
    assert reasons(given.get(f"{door}/days", query_string=too_long)) == {("window-too-long", "to")}


@pytest.mark.rule("S22")
def test_a_replacement_names_who_gets_a_mail_first_and_then_sends_it(site: "Site", door: str) -> None:
    code_id, program = given_out(site), site.api()
    path = f"{door}/codes/{code_id}/replace"
    without = program.post(path, {"reason": "verraten"})
    assert (without.status_code, reasons(without)) == (409, {("no-code", None)})
    add(site, OTHER)
    preview = program.post(f"{path}?preview=true", {"reason": "verraten"}).get_json()
    assert ([one["gets_mail"] for one in preview["holders"]], preview["applied"]) == ([True], False)
    assert count(site, DoorCode.state == CodeState.RETIRED) == 0
    done = program.post(path, {"reason": "verraten"}, key="leak")
    assert (done.get_json()["retired"], done.get_json()["mails"]) == (1, 1), done.text
    assert program.post(path, {"reason": "verraten"}, key="leak").get_json() == done.get_json()
    assert program.post(path, {"reason": "verraten"}).status_code == 409
    assert {CODE, OTHER} & set(done.text.split('"')) == set()
    with site.database.read() as db:
        assert db.scalar(select(func.count()).where(Message.kind == "code-replaced")) == 1


@pytest.mark.rule("S22")
def test_a_whole_season_is_replaced_with_all_who_hold_its_codes(site: "Site", door: str) -> None:
    given_out(site)
    program = site.api()
    body = {"season": season(program), "reason": "Liste verloren"}
    preview = program.post(f"{door}/codes/replace?preview=true", body).get_json()
    assert (len(preview["holders"]), count(site, DoorCode.state == CodeState.RETIRED)) == (1, 0)
    done = program.post(f"{door}/codes/replace", body, key="all")
    assert (done.status_code, done.get_json()["retired"]) == (200, 1), done.text
    assert program.post(f"{door}/codes/replace", body, key="all").get_json() == done.get_json()
    assert count(site, DoorCode.state == CodeState.ISSUED) == 1
    assert program.post(f"{door}/codes/replace", body | {"reason": " "}).status_code == 422


@pytest.mark.rule("R1", "R5")
def test_the_desk_and_neighbours_have_no_way_to_these_doors(site: "Site", door: str) -> None:
    code_id = add(site, CODE)
    day = slot_in(1, 0, 23)
    stretch = {"start": day.start.isoformat(), "end": day.end.isoformat()}
    other = site.database.write(lambda db: build_house(db, slug="nachbar"))
    neighbour, mine = site.api(organisation_id=other.organisation_id), season(site.api())
    calls: list[tuple[str, dict[str, Any]]] = [
        ("codes/show", stretch),
        ("codes/generate", {"season": mine}),
        ("codes/import", {"csv": LIST}),
        ("codes/replace", {"season": mine, "reason": "x"}),
        (f"codes/{code_id}/replace", {"reason": "x"}),
    ]
    for path, body in calls:
        assert site.api(Role.DESK).post(f"{door}/{path}", body).status_code == 403, path
        assert neighbour.post(f"{door}/{path}", body).status_code == 404, path
    assert site.api(Role.DESK).get("/door-stock").status_code == 403
    assert neighbour.get(f"{door}/codes").status_code == 404
    assert count(site) == 1


def test_an_id_that_was_never_given_out_is_not_there(site: "Site", door: str) -> None:
    body = {"season": "00000000-0000-0000-0000-000000000001"}
    assert site.api().post(f"{door}/codes/generate", body).status_code == 404
