"""Calendar links as pages: set up, seen before anything is applied, decided, ended (SPEC C6, C8, C9, C15)."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.tables.bookings import AuditEntry
from booking.tables.link_wishes import LinkWish
from booking.tables.links import CalendarLink, SyncRun
from booking.values.links import LinkPolicy, LinkProblem, LinkStatus
from booking.values.states import OccupancyKind, Role
from outside.errors import (
    BadAnswer,
    OutsideError,
    RefusedAddress,
    RefusedRedirect,
    SiteDenied,
    SiteDown,
    SiteMissing,
    SiteRefused,
    SiteThrottled,
    SiteUnreadable,
    TooLarge,
    TooSlow,
    Unreachable,
)
from tests.neighbours import add_neighbour, log_in_at
from tests.sync.linked import event
from tests.web.conftest import Site
from tests.web.office.linked import HOME, PASSWORD, SECRET_PATH, Linked, world_of
from web.link_texts import problem_words

WHERE = "https://dav.example:443"
HASH = re.compile(r'name="hash" value="([0-9a-f]{32})"')
ALL = 12


@pytest.fixture
def linked(site: Site) -> Linked:
    return Linked(site, site.logged_in(Role.ADMIN), world_of(site))


@pytest.fixture
def linked_on_both(site_on_both: Site) -> Linked:
    return Linked(site_on_both, site_on_both.logged_in(Role.ADMIN), world_of(site_on_both))


def row(linked: Linked) -> CalendarLink:
    with linked.site.database.read() as db:
        return db.scalars(select(CalendarLink)).one()


def wishes(linked: Linked) -> list[LinkWish]:
    return linked.world.rows(select(LinkWish).order_by(LinkWish.id))


def plan_forms(page: str) -> list[tuple[str, str]]:
    """Where a plan can be applied, with the hash that is sent."""
    return re.findall(r'action="(/office/links/[^"]+/plans/[^"]+/apply)">.*?name="hash" value="([0-9a-f]+)"', page)


@pytest.mark.rule("C6", "C8")
def test_a_new_link_rests_and_shows_its_plan_before_anything_is_written(linked_on_both: Linked) -> None:
    linked, world = linked_on_both, linked_on_both.world
    world.book(3)
    path = linked.make(preview="yes")
    page = linked.get(path)
    assert "Diese Verknüpfung ruht." in page
    assert "data-refresh" in page
    assert linked.serve() == 1
    assert world.remote.bodies == {}, "only looked at"
    page = linked.get(path)
    assert "data-refresh" not in page
    assert "Dort eintragen" in page
    assert "Fr, 27. November 2026" in page
    ((where, shown),) = plan_forms(page)
    answer = linked.post(where, {"hash": shown}, of=path)
    assert answer.status_code == 302
    assert linked.serve() == 1
    assert len(world.remote.bodies) == 1
    page = linked.get(path)
    assert "Der Plan wurde ausgeführt." in page
    assert row(linked).state is LinkStatus.PAUSED, "it goes on when somebody says so"
    assert linked.post(f"{path}/pause", {}, of=path).status_code == 302
    assert row(linked).state is LinkStatus.ACTIVE


@pytest.mark.rule("C8", "C9")
def test_a_plan_that_changed_meanwhile_is_shown_anew_and_not_applied(linked: Linked) -> None:
    linked.world.book(3)
    path = linked.make(preview="yes")
    linked.serve()
    ((where, shown),) = plan_forms(linked.get(path))
    linked.world.book(4)
    linked.post(where, {"hash": shown}, of=path)
    linked.serve()
    page = linked.get(path)
    assert "Der Plan hat sich geändert, seit Sie ihn gesehen haben." in page
    assert linked.world.remote.bodies == {}
    ((again, now_shown),) = plan_forms(page)
    assert now_shown != shown
    stale = linked.post(again, {"hash": shown}, of=path)
    assert stale.status_code == 409
    assert len(wishes(linked)) == 2, "nothing was asked for"
    linked.post(again, {"hash": now_shown}, of=path)
    linked.serve()
    assert len(linked.world.remote.bodies) == 2


@pytest.mark.rule("C6")
def test_credentials_are_sealed_and_shown_nowhere(linked: Linked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    path = linked.make(kind="ICS", policy="IMPORT", url=f"webcal://cal.example/{SECRET_PATH}.ics")
    bad = linked.post(f"{HOME}/new", linked.given(name="", password=f"{PASSWORD}-2"))
    linked.post(f"{path}/access", {"password": f"{PASSWORD}-3"}, of=f"{path}/settings")
    refused = linked.post(f"{path}/access", {"url": "http://x", "password": PASSWORD}, of=f"{path}/settings")
    assert (bad.status_code, refused.status_code) == (422, 422)
    linked.serve()
    pages = [linked.get(where) for where in (HOME, path, f"{path}/settings", "/office/settings/audit")]
    with linked.site.database.read() as db:
        told = str([(one.before, one.after) for one in db.scalars(select(AuditEntry))])
    assert [one for one in (*pages, bad.text, refused.text, told, caplog.text) if PASSWORD in one] == []
    assert [one for one in (*pages, refused.text, told, caplog.text) if SECRET_PATH in one] == []
    assert SECRET_PATH in bad.text, "what was typed is not lost"
    assert PASSWORD.encode() not in row(linked).access_cipher


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(linked: Linked) -> None:
    given = linked.given(name=" ", url="https://user:pass@dav.example/", room="", months_ahead="viel", preview="yes")
    page = html.unescape(linked.post(f"{HOME}/new", given).text)
    for at in ("name", "url", "room", "months_ahead"):
        assert f'href="#{at}"' in page, at
        assert f'id="{at}-error"' in page, at
    for kept in ('value="kirche"', 'value="viel"', 'value="https://user:pass@dav.example/"'):
        assert kept in page
    assert PASSWORD not in page
    only_read = html.unescape(linked.post(f"{HOME}/new", linked.given(kind="ICS")).text)
    assert "Eine Kalenderadresse lässt sich nur lesen" in only_read
    assert linked.world.rows(select(CalendarLink)) == []


def test_without_the_preview_a_link_works_at_once(linked: Linked) -> None:
    linked.world.book(3)
    path = linked.make(preview="")
    assert row(linked).state is LinkStatus.ACTIVE
    assert "data-refresh" in linked.get(path)
    linked.world.settle()
    page = linked.get(path)
    assert "data-refresh" not in page
    assert "1 dort eingetragen" in page


@pytest.mark.rule("C9")
@pytest.mark.parametrize(("what", "left"), [("apply", 0), ("restore", ALL)])
def test_held_deletions_go_or_stay_as_they_were_shown(linked: Linked, what: str, left: int) -> None:
    world = linked.world
    path = linked.connect(LinkPolicy.IMPORT)
    for index in range(ALL):
        world.put(event(f"x{index}", 5 + index, summary=f"Chorprobe {index}"))
    world.settle()
    for index in range(ALL - 1):
        world.delete_theirs(f"x{index}")
    world.run()
    page = linked.get(path)
    assert "11 Einträge sind betroffen" in page
    assert "Chorprobe 3" in page
    assert "11 Löschungen warten auf Sie" in linked.get(HOME)
    stale = HASH.findall(page)[0]
    world.delete_theirs(f"x{ALL - 1}")
    world.run()
    no = linked.post(f"{path}/held", {"what": what, "hash": stale}, of=path)
    assert no.status_code == 409
    assert "hat sich seitdem geändert" in no.text
    assert len(world.taken(OccupancyKind.EXTERNAL)) == ALL
    shown = HASH.findall(linked.get(path))[0]
    assert shown != stale
    assert linked.post(f"{path}/held", {"what": what, "hash": shown}, of=path).status_code == 302
    linked.later(timedelta(seconds=5))
    world.run()
    assert len(world.taken(OccupancyKind.EXTERNAL)) == left
    assert "Löschungen, die auf Sie warten" not in linked.get(path)


@pytest.mark.rule("C9", "C15")
@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (SiteDenied(WHERE, 401), LinkProblem.AUTH),
        (SiteMissing(WHERE, 404), LinkProblem.GONE),
        (TooLarge(WHERE, 1), LinkProblem.TOO_LARGE),
        (TooSlow(WHERE, 1.0), LinkProblem.TOO_SLOW),
        (SiteUnreadable(WHERE, "empty"), LinkProblem.UNREADABLE),
        (BadAnswer(WHERE, "packed"), LinkProblem.UNREADABLE),
        (Unreachable(WHERE, "connect"), LinkProblem.UNREACHABLE),
        (Unreachable(WHERE, "tls"), LinkProblem.CERTIFICATE),
        (RefusedRedirect(WHERE, "elsewhere"), LinkProblem.REDIRECTED),
        (RefusedAddress(WHERE, "private"), LinkProblem.REFUSED_ADDRESS),
        (SiteThrottled(WHERE, 429, 60), LinkProblem.THROTTLED),
        (SiteDown(WHERE, 503), LinkProblem.DOWN),
        (SiteRefused(WHERE, 409), LinkProblem.REFUSED),
    ],
)
def test_each_failure_says_what_happened_what_is_safe_and_what_to_do(
    linked: Linked, error: OutsideError, problem: LinkProblem
) -> None:
    world = linked.world
    path = linked.connect(LinkPolicy.IMPORT_BUSY)
    world.put(event("x", 5))
    world.settle()

    def fail(moment: str, method: str) -> None:
        raise error

    hook, world.remote.hook = world.remote.hook, fail
    linked.later(timedelta(minutes=20))
    world.run()
    world.remote.hook = hook
    assert row(linked).problem == problem
    with linked.site.app.test_request_context(headers={"Accept-Language": "de"}):
        what, advice = problem_words(problem)
    for page in (html.unescape(linked.get(path)), html.unescape(linked.get(HOME))):
        assert what in page
        assert advice in page
    page = linked.get(path)
    assert "Alle belegten Zeiten bleiben belegt" in page
    assert len(world.taken(OccupancyKind.EXTERNAL)) == 1
    assert "zuletzt" not in row(linked).detail
    assert linked.post(f"{path}/look", {}, of=path).status_code == 302
    linked.later(timedelta(hours=7))
    world.run()
    assert what not in html.unescape(linked.get(path).partition('id="runs"')[0])


def test_every_problem_has_words_in_both_languages(site: Site) -> None:
    for language in ("de", "en"):
        with site.app.test_request_context(headers={"Accept-Language": language}):
            told = {problem: problem_words(problem) for problem in LinkProblem}
        assert len({what for what, _ in told.values()}) == len(LinkProblem)
        assert all(what != problem and advice for problem, (what, advice) in told.items())


def test_a_link_rests_and_goes_on(linked: Linked) -> None:
    path = linked.connect()
    linked.world.put(event("x", 5))
    linked.world.settle()
    linked.post(f"{path}/pause", {"paused": "yes"}, of=path)
    page = linked.get(path)
    assert "Diese Verknüpfung ruht." in page
    assert len(linked.world.taken(OccupancyKind.CLOSURE)) == 1, "its times stay taken"
    assert "Jetzt nachsehen" not in page
    linked.post(f"{path}/pause", {}, of=path)
    assert row(linked).state is LinkStatus.ACTIVE


@pytest.mark.rule("C6")
def test_settings_are_changed_and_a_stored_password_goes_to_no_other_server(linked: Linked) -> None:
    path = linked.make(preview="")
    form = f"{path}/settings"
    given = linked.given(name="Neu", policy="EXPORT_BUSY", owner_TIME="REMOTE", soon_count="7", least="5")
    assert linked.post(form, given | {"writes_per_hour": "5000"}, of=form).status_code == 302
    now = row(linked)
    assert (now.name, now.policy, now.owners, now.limits) == (
        "Neu",
        LinkPolicy.EXPORT_BUSY,
        {"TIME": "REMOTE"},
        {"soon_count": 7},
    )
    bad = linked.post(form, given | {"every_minutes": "0", "soon_count": "x"}, of=form)
    assert bad.status_code == 422
    assert 'id="soon_count-error"' in bad.text
    before = now.access_cipher
    no = linked.post(f"{path}/access", {"url": "https://evil.example/"}, of=form)
    assert no.status_code == 422
    assert 'id="password-error"' in no.text
    assert 'value="https://evil.example/"' in html.unescape(no.text)
    assert row(linked).access_cipher == before
    yes = linked.post(f"{path}/access", {"url": "https://new.example/", "password": "other"}, of=form)
    assert yes.status_code == 302
    assert row(linked).address == "https://new.example/"


def test_the_end_removes_what_was_written_only_where_that_is_wanted(linked: Linked) -> None:
    world = linked.world
    path = linked.connect()
    world.book(3)
    world.put(event("x", 5))
    world.settle()
    assert len(world.remote.bodies) == 2
    linked.post(f"{path}/unlink", {"removes": "yes"}, of=f"{path}/settings")
    assert "Diese Verknüpfung wird beendet." in linked.get(path)
    world.run()
    assert len(world.remote.bodies) == 1, "theirs stays"
    assert world.rows(select(CalendarLink)) == []
    other = linked.connect()
    world.settle()
    answer = linked.post(f"{other}/unlink", {}, of=f"{other}/settings")
    assert answer.location == HOME
    assert len(world.remote.bodies) == 2
    assert world.rows(select(CalendarLink)) == world.rows(select(SyncRun)) == []


@pytest.mark.rule("C8")
def test_each_run_is_recorded_with_its_steps(linked: Linked) -> None:
    path = linked.connect()
    linked.world.book(3)
    linked.world.settle()
    runs = re.findall(rf'href="({path}/runs/\d+)"', linked.get(path))
    assert len(runs) == 2
    page = linked.get(runs[-1])
    assert "Dort eintragen" in page
    assert "hier neu" in page
    assert "Beide Seiten stimmten überein" in linked.get(runs[0])


@pytest.mark.rule("R1", "R3")
def test_only_who_may_set_up_links_sees_them_and_only_of_the_own_house(linked: Linked) -> None:
    path = linked.make()
    office = linked.site.logged_in(Role.OFFICE)
    assert {office.get(where).status_code for where in (HOME, path, f"{path}/settings")} == {403}
    assert f'href="{HOME}"' not in office.get("/office/").text
    assert f'href="{HOME}"' in linked.get("/office/")
    stranger = log_in_at(linked.site, add_neighbour(linked.site))
    assert stranger.get(path).status_code == 404
    for action in ("plan", "held", "look", "pause", "settings", "access", "unlink"):
        assert stranger.post(f"{path}/{action}", {}, of=f"{HOME}/new").status_code == 404, action
        assert linked.site.app.test_client().post(f"{path}/{action}").status_code in {302, 400, 401, 403}
    assert row(linked).name == "Pfarrkalender"


@pytest.mark.rule("X5")
def test_what_was_done_stands_in_the_log_in_words(linked: Linked) -> None:
    path = linked.make(preview="")
    linked.post(f"{path}/pause", {"paused": "yes"}, of=path)
    linked.post(f"{path}/access", {"password": "x"}, of=f"{path}/settings")
    page = html.unescape(linked.get("/office/settings/audit"))
    for words in ("Kalenderverknüpfung", "Pfarrkalender", "Zugang geändert", "Angehalten"):
        assert words in page, words


@pytest.mark.rule("C13", "C14")
@pytest.mark.parametrize(
    ("policy", "word", "title"),
    [
        (LinkPolicy.TWO_WAY, "Geschlossen · Kalender", "Gemeindefest"),
        (LinkPolicy.IMPORT, "Extern · Kalender", "Gemeindefest"),
        (LinkPolicy.IMPORT_BUSY, "Extern · Kalender", "Belegt"),
    ],
)
def test_what_a_link_brought_stands_in_the_calendar_with_its_source(
    linked: Linked, policy: LinkPolicy, word: str, title: str
) -> None:
    linked.connect(policy)
    linked.world.put(event("x", 3, 2, summary="Gemeindefest"))
    linked.world.settle()
    page = html.unescape(linked.get("/office/calendar?day=2026-11-27"))
    assert word in page
    assert title in page
    assert ("Gemeindefest" in page) is (title == "Gemeindefest")
