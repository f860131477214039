"""Whoever is logged in changes their own password: the present one is asked, other devices are logged out."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from booking.actions.accounts import LOGIN_TRIES, LOGIN_WINDOW, change_own_password
from booking.actions.audit import SYSTEM
from booking.tables.bookings import AuditEntry
from booking.tables.people import Staff
from booking.values.states import Role
from tests.web.conftest import PASSWORD, email_of

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

FRESH = "noch ein langes Passwort"


def change(visitor: "Visitor", present: str = PASSWORD, new: str = FRESH, again: str | None = None) -> Any:
    given = {"present": present, "new": new, "again": new if again is None else again}
    return visitor.post("/password", given, of="/password")


def stored(site: "Site", role: Role = Role.DESK) -> str:
    with site.database.read() as db:
        return db.scalars(select(Staff.password_hash).where(Staff.email == email_of(role))).one()


@pytest.mark.parametrize("role", list(Role))
def test_everybody_who_is_logged_in_may_and_the_new_password_holds(site: "Site", role: Role) -> None:
    visitor = site.logged_in(role)
    answer = change(visitor)
    assert (answer.status_code, answer.location) == (302, "/sessions")
    assert site.client().log_in(email_of(role), FRESH).status_code == 302
    assert site.client().log_in(email_of(role)).status_code == 422


def test_other_devices_are_logged_out_and_this_one_stays(site_on_both: "Site") -> None:
    site = site_on_both
    here, there, colleague = (site.logged_in(role) for role in (Role.DESK, Role.DESK, Role.OFFICE))
    assert change(here).status_code == 302
    assert here.get("/sessions").status_code == 200
    assert there.get("/sessions").status_code == 302
    assert colleague.get("/sessions").status_code == 200


def test_the_page_is_linked_from_the_sessions_and_asks_for_a_log_in(site: "Site") -> None:
    assert 'href="/password"' in site.logged_in(Role.DESK).get("/sessions").text
    assert site.client().get("/password").status_code == 302
    assert site.client().post("/password", {}).status_code == 401


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"present": "falsch"}, "present"),
        ({"present": ""}, "present"),
        ({"new": "kurz"}, "new"),
        ({"new": " " * 20}, "new"),
        ({"new": "x" * 501}, "new"),
        ({"new": PASSWORD}, "new"),
        ({"again": "etwas anderes"}, "again"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_no_password_comes_back(
    site: "Site", given: dict[str, str], field: str
) -> None:
    before = stored(site)
    answer = change(site.logged_in(Role.DESK), **given)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert answer.text.count('class="field-error"') == 1
    assert FRESH not in answer.text
    assert PASSWORD not in answer.text
    assert stored(site) == before


def test_a_stolen_session_cannot_guess_the_password(site: "Site") -> None:
    visitor = site.logged_in(Role.DESK)
    answers = [change(visitor, present=f"falsch {number}").status_code for number in range(LOGIN_TRIES)]
    assert set(answers) == {422}
    last = change(visitor)
    assert (last.status_code, int(last.headers["Retry-After"])) == (429, LOGIN_WINDOW.total_seconds())
    assert change(site.logged_in(Role.OFFICE)).status_code == 302
    site.now += LOGIN_WINDOW + timedelta(seconds=1)
    assert change(visitor).status_code == 302


@pytest.mark.rule("X5")
def test_the_change_is_in_the_log_without_the_password(site: "Site") -> None:
    change(site.logged_in(Role.DESK))
    with site.database.read() as db:
        told = db.scalars(select(AuditEntry).where(AuditEntry.action == "password-changed")).one()
        assert (told.actor, told.subject, told.subject_id, told.before, told.after) == (
            "Frau Desk", "staff", site.ids.desk, {}, {},
        )  # fmt: skip
        assert db.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.action == "password-changed")) == 1


def test_a_password_that_was_reset_meanwhile_is_not_overwritten(site: "Site") -> None:
    """The office resets it between the check and the write: compare-and-set finds another hash."""
    mine, now, desk = site.ids.organisation_id, site.now, site.ids.desk
    no = site.database.write(
        lambda db: change_own_password(db, now, mine, SYSTEM, desk, 0, "what was checked", "new", b"key")
    )
    assert no is not None
    assert no.codes == ("password-changed",)
    assert stored(site) not in {"new", "what was checked"}
