"""Cases that calendar links bring: both versions side by side, decided by one click (SPEC C7, C9, C13, C14)."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.actions.link_alarms import announce_silent_links
from booking.actions.requests import Made
from booking.tables.bookings import Booking, CaseFile, Event
from booking.values.links import LinkPolicy
from booking.values.states import BookingState, OccupancyKind, Role, Verdict
from outside.errors import SiteMissing
from tests.builders import NOW, slot_in
from tests.sync.linked import World, event
from tests.web.conftest import Site
from tests.web.office.conftest import Desk
from tests.web.office.linked import Linked, world_of

MARK = re.compile(r'name="shown" value="([0-9a-f]{32})"')
DAY = timedelta(days=1)


@pytest.fixture
def world(site: Site) -> World:
    return world_of(site)


@pytest.fixture
def linked(site: Site, world: World) -> Linked:
    return Linked(site, site.logged_in(Role.ADMIN), world)


def case_of(desk: Desk, kind: str) -> str:
    (found,) = desk.rows(select(CaseFile).where(CaseFile.kind == kind, CaseFile.closed_at.is_(None)))
    return f"/office/cases/{found.id}"


def decide(desk: Desk, path: str, way: str, **more: str) -> Any:
    page = desk.get(path)
    shown = MARK.search(page)
    assert shown is not None
    return desk.visitor.post(path, {"way": way, "shown": shown[1]} | more, of=path)


def confirmed(desk: Desk) -> Made:
    """A confirmed booking of the hall, ten days from now at 18:00."""
    made = desk.ask(room=desk.ids.hall)
    desk.code(made.slot)
    desk.decide(made, Verdict.APPROVE)
    desk.settle()
    return made


def confirmed_there(desk: Desk, world: World) -> str:
    """A confirmed booking that the link has written; its UID there."""
    confirmed(desk)
    world.now = desk.site.now
    world.connect(LinkPolicy.TWO_WAY)
    world.settle()
    (uid,) = world.theirs()
    return uid


@pytest.mark.rule("C7", "C13")
def test_a_move_in_the_calendar_is_shown_with_both_versions_and_followed_by_one_click(desk: Desk, world: World) -> None:
    uid = confirmed_there(desk, world)
    world.move_theirs(uid, DAY)
    world.run()
    path = case_of(desk, "link-moved")
    page = html.unescape(desk.get(path))
    assert "Beide Fassungen" in page
    assert "Fr, 4. Dezember 2026, 18:00–20:00" in page
    assert "Sa, 5. Dezember 2026, 18:00–20:00" in page
    assert "abweichend" in page
    assert desk.rows(select(Event.starts_at)) == [slot_in(10, 18, 20).start], "its time is kept"
    desk.code(slot_in(11, 18, 20), "9911")
    assert decide(desk, path, "take").status_code == 302
    assert desk.rows(select(Event.starts_at)) == [slot_in(11, 18, 20).start]
    world.run()
    world.assert_quiet(None)
    assert [kind for kind in world.cases() if kind.startswith("link-")] == []


@pytest.mark.rule("C7", "C13")
def test_keeping_ours_writes_it_there_again(desk: Desk, world: World) -> None:
    uid = confirmed_there(desk, world)
    before = world.theirs()[uid].master
    world.move_theirs(uid, DAY)
    world.run()
    assert decide(desk, case_of(desk, "link-moved"), "keep").status_code == 302
    world.run()
    after = world.theirs()[uid].master
    assert before is not None
    assert after is not None
    assert (after.start, after.end) == (before.start, before.end)
    assert desk.rows(select(Event.starts_at)) == [slot_in(10, 18, 20).start]


@pytest.mark.rule("C9", "C13")
@pytest.mark.parametrize(("way", "state"), [("cancel", BookingState.CANCELLED), ("keep", BookingState.CONFIRMED)])
def test_what_was_deleted_there_stands_until_somebody_decides(
    desk: Desk, world: World, way: str, state: BookingState
) -> None:
    uid = confirmed_there(desk, world)
    world.delete_theirs(uid)
    world.run()
    path = case_of(desk, "link-cancelled")
    assert desk.rows(select(Booking.state)) == [BookingState.CONFIRMED]
    assert len(world.taken(OccupancyKind.BOOKING)) == 1
    page = html.unescape(desk.get(path))
    assert "Hier besteht sie weiter und behält ihre Zeit." in page
    assert decide(desk, path, way).status_code == 302
    world.run()
    assert desk.rows(select(Booking.state)) == [state]
    assert list(world.theirs()) == ([uid] if way == "keep" else [])


@pytest.mark.rule("C7", "C9")
def test_a_case_that_was_renewed_while_somebody_read_it_is_not_decided(desk: Desk, world: World) -> None:
    """A second move there: the time that was read on the page is not the one that would be taken over."""
    uid = confirmed_there(desk, world)
    world.move_theirs(uid, DAY)
    world.run()
    path = case_of(desk, "link-moved")
    stale = MARK.search(desk.get(path))
    assert stale is not None
    world.move_theirs(uid, DAY)
    world.run()
    desk.code(slot_in(12, 18, 20), "9911")
    no = decide(desk, path, "take", shown=stale[1])
    assert no.status_code == 409
    assert "Worum es in diesem Klärfall geht, hat sich geändert" in no.text
    assert desk.rows(select(Event.starts_at)) == [slot_in(10, 18, 20).start]
    assert decide(desk, path, "take").status_code == 302
    assert desk.rows(select(Event.starts_at)) == [slot_in(12, 18, 20).start]


@pytest.mark.rule("C9")
@pytest.mark.parametrize(("way", "left"), [("let-go", 0), ("keep", 12)])
def test_held_deletions_are_decided_in_the_inbox_by_who_may_not_set_up_links(
    desk: Desk, world: World, way: str, left: int
) -> None:
    world.connect(LinkPolicy.IMPORT)
    for index in range(12):
        world.put(event(f"x{index}", 5 + index, summary=f"Chorprobe {index}"))
    world.settle()
    for index in range(12):
        world.delete_theirs(f"x{index}")
    world.run()
    path = case_of(desk, "link-held")
    page = html.unescape(desk.get(path))
    assert "Chorprobe 7" in page
    assert "/office/links/" not in page, "the office's role has no page of links"
    stale = MARK.search(page)
    assert stale is not None
    world.put(event("y", 30))
    world.run()
    world.delete_theirs("y")
    world.run()
    assert decide(desk, path, way, shown=stale[1]).status_code == 409
    assert decide(desk, path, way).status_code == 302
    world.now += timedelta(seconds=5)
    world.run()
    assert len(world.taken(OccupancyKind.EXTERNAL)) == left + (way == "keep")
    assert "link-held" not in world.cases()


@pytest.mark.rule("C14")
def test_a_clash_is_shown_with_both_and_nothing_is_resolved_by_itself(desk: Desk, world: World) -> None:
    made = confirmed(desk)
    world.now = desk.site.now
    world.connect(LinkPolicy.IMPORT)
    world.put(event("x", (made.slot.start - NOW) / DAY, 1, summary="Gemeindefest"))
    world.settle()
    path = case_of(desk, "link-clash")
    page = html.unescape(desk.get(path))
    assert "Gemeindefest" in page
    assert "Anna Müller" in page
    assert "Fr, 4. Dezember 2026, 18:00–19:00" in page
    assert desk.rows(select(Booking.state)) == [BookingState.CONFIRMED]
    assert decide(desk, path, "settled").status_code == 302
    assert world.cases() == {}


@pytest.mark.rule("C15")
def test_a_silent_link_is_told_in_words_and_leads_to_its_page(desk: Desk, linked: Linked) -> None:
    path = linked.connect(LinkPolicy.IMPORT)
    hook = linked.world.remote.hook

    def fail(moment: str, method: str) -> None:
        raise SiteMissing("https://dav.example:443", 404)

    linked.world.remote.hook = fail
    linked.world.run()
    linked.world.remote.hook = hook
    later = linked.world.now + timedelta(hours=1)
    desk.write(lambda db, here: announce_silent_links(db, later, here))
    case = case_of(desk, "link-silent")
    page = html.unescape(linked.get(case))
    assert "Unter dieser Adresse gibt es keinen Kalender mehr." in page
    assert f'href="{path}"' in page
    assert case in linked.get(path)
