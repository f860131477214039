"""The inbox: what stands on top, what it shows, confirm, reject with a reason, undo; the slower of two is told."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from booking.tables.bookings import Occupancy
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Invoice
from booking.values.states import BookingState, CodeState, MessageState, Role
from tests.builders import build_house, contact, request, slot_in
from tests.web.conftest import Site, email_of
from tests.web.office.conftest import Desk

DAY = timedelta(days=1)


def names(page: str) -> list[str]:
    return [
        re.sub(r"<[^>]+>", "", name).strip()
        for name in re.findall(r"data-inbox-item.*?<strong>(.*?)</strong>", page, re.DOTALL)
    ]


def path(made: object, what: str = "") -> str:
    return f"/office/requests/{made.public_id}{what}"  # type: ignore[attr-defined]


@pytest.mark.rule("S8", "S15")
def test_what_is_on_short_notice_stands_on_top_then_what_is_overdue(desk: Desk) -> None:
    desk.ask(name="Alt Überfällig")
    desk.site.now += 3 * DAY
    desk.ask(days=9, first=10, last=12, name="Neu Wartend")
    desk.ask(days=1, first=8, last=9, name="Kurz Fristig")
    page = desk.get("/office/requests")
    assert names(page) == ["Kurz Fristig", "Alt Überfällig", "Neu Wartend"]
    assert "Überfällig" in page
    assert "Jetzt" in page
    assert "1 überfällig" in page


@pytest.mark.rule("S8")
def test_the_deadline_of_the_review_is_shown(desk: Desk) -> None:
    made = desk.ask()
    assert "Zu prüfen bis Mi, 25. November 2026, 12:00." in desk.get(path(made))


@pytest.mark.rule("S8")
def test_findings_are_computed_again_when_the_request_is_opened(desk: Desk) -> None:
    made = desk.ask()
    assert "finding is-stop" in desk.get(path(made))
    desk.code(made.slot)
    assert "finding is-stop" not in desk.get(path(made))
    desk.write(lambda db, _: db.execute(update(DoorCode).values(state=CodeState.RETIRED)))
    assert "finding is-stop" in desk.get(path(made))
    assert desk.booking(made).findings[0]["code"] == "no-code"  # what was found when it was made stays as it was


@pytest.mark.rule("S8")
def test_a_clash_that_came_later_is_a_finding(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    unit = desk.ids.units[0]

    def clash(db: object, _: object) -> None:
        db.add(  # type: ignore[attr-defined]  # a session
            Occupancy(
                organisation_id=desk.ids.organisation_id,
                unit_id=unit,
                starts_at=made.slot.start + timedelta(minutes=30),
                ends_at=made.slot.end,
                kind="external",
                source_id=1,
                exclusive=False,
            )
        )

    desk.write(clash)
    page = desk.get(path(made))
    assert "finding is-stop" in page
    assert "Externer Kalender" in page


@pytest.mark.rule("S8")
def test_the_request_shows_its_day_its_contact_and_what_was_before(desk: Desk) -> None:
    desk.confirmed(days=3, first=8, last=10)
    desk.ask(first=14, last=16, name="Nachbar Verein", room=desk.ids.hall)
    page = desk.get(path(desk.ask(first=18, last=20)))
    assert "Halle" in page
    assert "14:00–16:00" in page
    assert "anna.mueller@verein.example" in page
    assert "Fr, 27. November 2026, 08:00–10:00" in page


@pytest.mark.rule("S8", "S11")
def test_confirming_rests_for_the_grace_time_then_the_mail_with_code_and_invoice_goes_out(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    answer = desk.visitor.post(path(made, "/approve"), of=path(made))
    assert answer.status_code == 302
    assert desk.booking(made).state is BookingState.REQUESTED
    assert desk.mails("confirmation") == []
    page = desk.get("/office/requests")
    assert "data-toast" in page
    assert 'data-seconds="60"' in page
    desk.settle()
    assert desk.booking(made).state is BookingState.CONFIRMED
    assert len(desk.mails("confirmation")) == 1
    assert len(desk.rows(select(Invoice))) == 1


@pytest.mark.rule("S8")
def test_undo_restores_all_and_nothing_was_sent(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    desk.visitor.post(path(made, "/approve"), of=path(made))
    assert desk.rows(select(DoorCode.state)) == [CodeState.RESERVED]
    desk.site.now += timedelta(seconds=59)
    answer = desk.visitor.post(path(made, "/undo"), of="/office/requests")
    assert answer.location == path(made)
    assert desk.rows(select(DoorCode.state)) == [CodeState.FREE]
    assert "data-toast" not in desk.get("/office/requests")
    desk.settle()
    assert desk.booking(made).state is BookingState.REQUESTED
    assert desk.mails("confirmation") == []


@pytest.mark.rule("S8")
def test_undo_after_the_grace_time_says_that_it_is_too_late(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    desk.visitor.post(path(made, "/approve"), of=path(made))
    desk.settle()
    answer = desk.visitor.post(path(made, "/undo"), of="/office/requests")
    assert answer.status_code == 409
    assert "endgültig" in answer.text
    assert desk.booking(made).state is BookingState.CONFIRMED


@pytest.mark.rule("S9")
def test_a_rejection_without_a_reason_is_refused_and_the_request_stays(desk: Desk) -> None:
    made = desk.ask()
    answer = desk.visitor.post(path(made, "/reject"), {"reason": "   "}, of=path(made))
    assert answer.status_code == 422
    assert "den Grund" in answer.text
    desk.settle()
    assert desk.booking(made).state is BookingState.REQUESTED


@pytest.mark.rule("S9", "S10")
def test_a_rejection_frees_the_time_and_tells_the_customer_the_reason(desk: Desk) -> None:
    made = desk.ask()
    desk.visitor.post(path(made, "/reject"), {"preset": "twice", "reason": "Gruß"}, of=path(made))
    assert len(desk.rows(select(Occupancy))) == 1  # a rejected time stays held while it can be undone
    desk.settle()
    assert desk.booking(made).state is BookingState.REJECTED
    assert desk.rows(select(Occupancy)) == []
    assert desk.mails("rejection")[0].facts["reason"].startswith("Diese Zeit wurde doppelt angefragt")
    assert desk.mails("rejection")[0].facts["reason"].endswith("\nGruß")


@pytest.mark.rule("S8")
def test_on_short_notice_a_decision_is_final_at_once_and_asks_before(desk: Desk) -> None:
    made = desk.ask(days=0, first=14, last=16)
    desk.code(made.slot)
    assert 'id="confirm-now"' in desk.get(path(made))
    desk.visitor.post(path(made, "/approve"), of=path(made))
    assert desk.booking(made).state is BookingState.CONFIRMED


@pytest.mark.rule("S11")
def test_the_mail_that_will_go_out_is_shown_without_a_code_in_a_frame_that_runs_nothing(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot, "835512")
    page = desk.visitor.get(path(made))
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    answer = desk.visitor.get(path(made, "/mail/approve"))
    assert "••••" in answer.text
    assert "100,00" in answer.text
    assert "835512" not in answer.text
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert desk.visitor.get(path(made, "/mail/reject")).status_code == 200


@pytest.mark.rule("S8")
def test_the_slower_of_two_reviewers_is_told_who_was_faster(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    other = desk.site.logged_in(Role.OWNER)
    desk.visitor.post(path(made, "/approve"), of=path(made))
    answer = other.post(path(made, "/reject"), {"reason": "Nein"}, of="/office/requests")
    assert answer.status_code == 409
    assert "Frau Office hat diese Anfrage bestätigt" in answer.text
    desk.settle()
    assert desk.booking(made).state is BookingState.CONFIRMED


def test_pressing_twice_is_no_race_with_oneself(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    assert desk.visitor.post(path(made, "/approve"), of=path(made)).status_code == 302
    assert desk.visitor.post(path(made, "/approve"), of="/office/requests").status_code == 302


def test_a_request_that_changed_since_it_was_opened_is_not_decided_unseen(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    answer = desk.visitor.post(path(made, "/approve"), {"seen": "0123456789abcdef"}, of=path(made))
    assert answer.status_code == 409
    assert "geändert" in answer.text
    desk.settle()
    assert desk.booking(made).state is BookingState.REQUESTED


def test_after_a_decision_the_next_request_follows(desk: Desk) -> None:
    first, second = desk.ask(first=8, last=10), desk.ask(first=10, last=12, name="Bernd Beispiel")
    desk.code(first.slot)
    assert desk.visitor.post(path(first, "/approve"), of=path(first)).location == path(second)
    desk.visitor.post(path(second, "/reject"), {"reason": "Nein"}, of=path(second))
    assert desk.visitor.get("/office/requests").status_code == 200


def test_what_is_decided_leads_on_to_its_booking(desk: Desk) -> None:
    made = desk.confirmed()
    assert desk.visitor.get(path(made)).location == f"/office/bookings/{made.public_id}"


@pytest.mark.parametrize("typed", ["müller", "555123", "CODE", "anna.mueller@"])
def test_search_finds_by_name_phone_mail_and_code_in_every_state(desk: Desk, typed: str) -> None:
    ended, waits = desk.confirmed(), desk.ask(days=11)
    desk.ask(days=12, name="Zoe Anders")
    code = desk.booking(ended).code
    page = desk.get(f"/office/requests?q={f'{code[:4]}-{code[4:]}'.lower() if typed == 'CODE' else typed}")
    assert str(ended.public_id) in page
    assert (str(waits.public_id) in page) is (typed != "CODE")
    assert names(page).count("Zoe Anders") == (1 if typed == "555123" else 0)


def test_a_search_for_signs_of_the_query_language_finds_nothing(desk: Desk) -> None:
    desk.confirmed()
    assert "/office/bookings/" not in desk.get("/office/requests?q=%25%25")
    assert "/office/bookings/" not in desk.get("/office/requests?q=__")


def test_an_empty_inbox_says_what_belongs_here(desk: Desk) -> None:
    assert "Alles ist entschieden" in desk.get("/office/requests")


def test_the_keys_are_on_the_page(desk: Desk) -> None:
    made = desk.ask()
    page = desk.get(path(made))
    assert {"c", "r", "/", "?"} <= set(re.findall(r'data-key="(.)"', page))
    assert "data-keys" in page


def test_every_decision_tells_by_whom_and_from_where(desk: Desk) -> None:
    made = desk.ask()
    desk.visitor.post(path(made, "/reject"), {"reason": "Nein"}, of=path(made))
    entry = desk.audit("booking", "decided")[0]
    assert (entry.actor, entry.staff_id, entry.origin) == ("Frau Office", desk.ids.office, "127.0.0.1")


@pytest.mark.rule("R1")
def test_another_organisations_request_is_not_there(desk: Desk) -> None:
    other = desk.site.database.write(lambda db: build_house(db, slug="andere"))
    tools, now = desk.site.context.tools, desk.site.now
    slot = slot_in(10, 18, 20)
    made = desk.site.database.write(lambda db: request(db, now, tools, other, other.left, slot, contact()))
    mine = desk.ask()
    for what in ("", "/mail/approve"):
        assert desk.visitor.get(path(made, what)).status_code == 404
    for what in ("/approve", "/reject", "/undo"):
        assert desk.visitor.post(path(made, what), {"reason": "x"}, of=path(mine)).status_code == 404
    assert str(made.public_id) not in desk.get("/office/requests")
    assert desk.visitor.get(f"/office/requests/{uuid4()}").status_code == 404


def test_a_mail_goes_to_nobody_while_a_decision_rests(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    before = len(desk.rows(select(Invoice)))
    desk.visitor.post(path(made, "/approve"), of=path(made))
    assert len(desk.rows(select(Invoice))) == before
    assert [mail.state for mail in desk.mails("acknowledgement")] == [MessageState.QUEUED]


def test_nobody_reviews_without_logging_in(site: Site) -> None:
    answer = site.client().get("/office/requests")
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=/office/requests")


@pytest.mark.rule("R5")
def test_the_desk_is_refused(site: Site) -> None:
    visitor = site.client()
    visitor.log_in(email_of(Role.DESK))
    for page in (
        "/office/",
        "/office/requests",
        "/office/calendar",
        "/office/customers",
        "/office/mails",
        "/office/cases",
    ):
        assert visitor.get(page).status_code == 403, page


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.OFFICE])
def test_owner_administration_and_office_see_every_page(site: Site, role: Role) -> None:
    visitor = site.logged_in(role)
    for page in (
        "/office/",
        "/office/requests",
        "/office/calendar",
        "/office/customers",
        "/office/mails",
        "/office/cases",
    ):
        assert visitor.get(page).status_code == 200, page


def test_a_mail_of_another_verdict_is_not_there(desk: Desk) -> None:
    made = desk.ask()
    assert desk.visitor.get(path(made, "/mail/perhaps")).status_code == 404
