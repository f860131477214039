"""Doors in the office, through the real application (SPEC S1, S2, S22)."""

import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from booking.actions.requests import Made
from booking.tables.bookings import AuditEntry
from booking.tables.doors import Door, DoorCode
from booking.tables.outgoing import Message
from booking.values.states import CodeState, Role
from tests.builders import add_code, request, slot_in
from tests.neighbours import add_neighbour, log_in_at

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

CODE, OTHER = "734921", "918273"
DAY, NEXT_DAY = "2026-11-25", "2026-11-26"
TOLERANCE = timedelta(minutes=15)


@pytest.fixture
def door(site: "Site") -> str:
    with site.database.read() as db:
        public_id = db.scalars(select(Door.public_id).where(Door.organisation_id == site.ids.organisation_id)).one()
    return f"/office/doors/{public_id}"


def add(site: "Site", text: str, days: int = 1) -> int:
    window = slot_in(days, 18, 20).widened(TOLERANCE, TOLERANCE)
    tools = site.context.tools
    return site.database.write(lambda db: add_code(db, site.now, tools, site.ids, text, window).id)


def book(site: "Site", days: int = 1) -> Made:
    slot = slot_in(days, 18, 20)
    return site.database.write(lambda db: request(db, site.now, site.context.tools, site.ids, site.ids.hall, slot))


def count(site: "Site", *which: object) -> int:
    with site.database.read() as db:
        return db.scalar(select(func.count()).select_from(DoorCode).where(*which)) or 0


def upload(visitor: "Visitor", door: str, text: str) -> TestResponse:
    return visitor.post(
        f"{door}/import",
        {"file": (io.BytesIO(text.encode()), "codes.csv")},
        of=f"{door}/import",
        content_type="multipart/form-data",
    )


def fields(answer: TestResponse) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(step|fingerprint|kept)" value="([^"]*)"', answer.text))


def plain(answer: TestResponse) -> str:
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", answer.text))


def given_out(site: "Site", *, other: bool = True) -> int:
    """A confirmed booking whose code the desk told; another code of its time is free."""
    code_id = add(site, CODE)
    made = book(site)
    if other:
        add(site, OTHER)
    visitor = site.logged_in(Role.DESK)
    answer = visitor.post(f"/desk/issue/{made.public_id}", {"booking_code": "yes"}, of="/desk/")
    assert answer.status_code == 200
    return code_id


@pytest.mark.rule("S2")
def test_the_office_sees_the_season_and_what_is_free_given_and_missing(site: "Site", door: str) -> None:
    given_out(site, other=False)
    page = site.logged_in().get(f"{door}?month=2026-12")
    assert page.status_code == 200
    assert "Dezember 2026" in page.text
    assert "fehlen" in page.text, "no code was made for December"
    assert "1 vergeben" in site.logged_in().get(f"{door}?month=2026-11").text


@pytest.mark.rule("S2")
def test_codes_are_shown_on_demand_only_and_each_look_is_recorded(site: "Site", door: str) -> None:
    add(site, CODE)
    visitor = site.logged_in()
    assert CODE not in plain(visitor.get(f"{door}?from={DAY}&all=yes"))
    shown = visitor.post(f"{door}/codes", {"from": DAY, "until": DAY}, of=door)
    assert CODE in plain(shown)
    with site.database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "codes-shown")).one()
    assert (entry.actor, entry.after["count"]) == ("Frau Office", 1)
    assert CODE not in plain(visitor.post(f"{door}/codes", {"from": NEXT_DAY, "until": NEXT_DAY}, of=door))


@pytest.mark.rule("S1")
def test_a_season_is_counted_first_and_then_made(site: "Site", door: str) -> None:
    visitor = site.logged_in()
    form = {"season": str(site.ids.season_id), "pattern": "each-day", "pool": "2"}
    preview = visitor.post(f"{door}/generate", {**form, "step": "preview"}, of=f"{door}/generate")
    found = re.search(r"(\d+) Codes würden", preview.text)
    assert found is not None
    assert count(site) == 0
    done = visitor.post(f"{door}/generate", {**form, "step": "apply"}, of=f"{door}/generate")
    assert done.status_code == 302
    assert count(site) == int(found[1]) == 2 * 150
    again = visitor.post(f"{door}/generate", {**form, "step": "preview"}, of=f"{door}/generate")
    assert "0 Codes würden" in again.text, "windows that have their codes get no others"


@pytest.mark.parametrize("pool", ["0", "51", "-1", "", "x", "9999999"])
def test_a_senseless_pool_is_refused_at_once_and_kept(site: "Site", door: str, pool: str) -> None:
    form = {"season": str(site.ids.season_id), "pattern": "each-day", "pool": pool, "step": "apply"}
    answer = site.logged_in().post(f"{door}/generate", form, of=f"{door}/generate")
    assert answer.status_code == 422
    assert f'value="{pool}"' in answer.text
    assert count(site) == 0


@pytest.mark.rule("S1", "X7")
def test_a_list_is_looked_at_first_and_taken_over_by_its_fingerprint(site: "Site", door: str) -> None:
    visitor = site.logged_in()
    preview = upload(visitor, door, f"code;von;bis\n{CODE};25.11.2026 17:45;25.11.2026 20:15\n")
    assert preview.status_code == 200
    assert CODE not in plain(preview)
    assert count(site) == 0
    done = visitor.post(f"{door}/import", fields(preview), of=f"{door}/import")
    assert done.status_code == 302
    assert count(site, DoorCode.state == CodeState.FREE) == 1
    stale = visitor.post(f"{door}/import", fields(preview), of=f"{door}/import")
    assert stale.status_code == 422, "the door holds other codes now than the preview said"
    assert count(site) == 1


@pytest.mark.rule("S1", "X7")
def test_problems_are_told_line_by_line_and_nothing_is_taken_over(site: "Site", door: str) -> None:
    visitor = site.logged_in()
    lines = [f"{CODE};25.11.2026;26.11.2026", "12;25.11.2026;26.11.2026", f"{OTHER};26.11.2026 10:00;25.11.2026 10:00"]
    preview = upload(visitor, door, "code;von;bis\n" + "\n".join(lines))
    assert preview.status_code == 422
    assert re.findall(r'<th scope="row" class="is-num">(\d+)</th>', preview.text) == ["3", "4"]
    forced = visitor.post(f"{door}/import", {**fields(preview), "step": "apply"}, of=f"{door}/import")
    assert forced.status_code == 422
    assert count(site) == 0


@pytest.mark.parametrize("kept", ["", "????", "eJw=", "AAAA"])
def test_a_broken_file_in_the_second_step_changes_nothing(site: "Site", door: str, kept: str) -> None:
    form = {"step": "apply", "fingerprint": "x", "kept": kept}
    assert site.logged_in().post(f"{door}/import", form, of=f"{door}/import").status_code == 422
    assert count(site) == 0


@pytest.mark.rule("S22")
def test_replacing_a_code_shows_first_who_gets_a_mail_and_then_sends_it(site: "Site", door: str) -> None:
    code_id = given_out(site)
    visitor = site.logged_in()
    preview = visitor.get(f"{door}/replace/{code_id}")
    assert "anna.mueller@verein.example" in preview.text
    assert CODE not in plain(preview)
    done = visitor.post(f"{door}/replace/{code_id}", {"reason": "stand im Netz"}, of=f"{door}/replace/{code_id}")
    assert done.status_code == 302
    assert count(site, DoorCode.id == code_id, DoorCode.state == CodeState.RETIRED) == 1
    assert count(site, DoorCode.state == CodeState.ISSUED) == 1
    with site.database.read() as db:
        assert db.scalar(
            select(func.count()).select_from(Message).where(Message.recipient == "anna.mueller@verein.example")
        )
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "codes-replaced")).one()
    assert entry.after["reason"] == "stand im Netz"


@pytest.mark.rule("S22")
def test_without_another_code_nothing_is_replaced(site: "Site", door: str) -> None:
    code_id = given_out(site, other=False)
    path = f"{door}/replace/{code_id}"
    answer = site.logged_in().post(path, {"reason": "stand im Netz"}, of=path)
    assert answer.status_code == 422
    assert "stand im Netz" in answer.text, "what was typed is kept"
    assert count(site, DoorCode.state == CodeState.RETIRED) == 0


@pytest.mark.rule("S22")
def test_a_whole_list_is_replaced_with_all_who_hold_its_codes(site: "Site", door: str) -> None:
    given_out(site)
    visitor = site.logged_in()
    path = f"{door}/replace-season"
    assert "anna.mueller@verein.example" in visitor.get(path).text
    season = {"season": str(site.ids.season_id)}
    assert visitor.post(path, season, of=path).status_code == 422, "it needs a reason"
    assert count(site, DoorCode.state == CodeState.RETIRED) == 0
    done = visitor.post(path, {**season, "reason": "Liste verloren"}, of=path)
    assert done.status_code == 302
    assert count(site, DoorCode.state == CodeState.RETIRED) == 2
    assert count(site, DoorCode.state == CodeState.ISSUED) == 1


@pytest.mark.rule("R1")
def test_doors_of_others_do_not_exist(site: "Site", door: str) -> None:
    code_id = add(site, CODE)
    visitor = log_in_at(site, add_neighbour(site))
    for path in ("", "/generate", "/import", "/replace-season", f"/replace/{code_id}"):
        assert visitor.get(door + path).status_code == 404, path
    assert visitor.post(f"{door}/codes", of="/office/doors").status_code == 404
    own = site.logged_in(Role.OFFICE)
    assert own.get(f"{door}/replace/{code_id + 1}").status_code == 404


@pytest.mark.rule("R5", "S3")
def test_the_desk_has_no_way_into_the_offices_doors(site: "Site", door: str) -> None:
    visitor = site.logged_in(Role.DESK)
    for path in ("/generate", "/import", "/replace-season"):
        assert visitor.get(door + path).status_code == 403, path


@pytest.mark.rule("S3")
def test_the_desk_sees_no_more_than_its_days_even_here(site: "Site", door: str) -> None:
    add(site, CODE, days=5)
    visitor = site.logged_in(Role.DESK)
    assert visitor.get(door).status_code == 403
    answer = visitor.post(f"{door}/codes", {"from": DAY, "until": "2026-12-20"}, of="/desk/")
    assert answer.status_code == 403
