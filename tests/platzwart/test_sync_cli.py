"""`platzwart sync` against a live calendar server: what it prints, what it applies, how it ends (SPEC C8, C9, C11)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from booking.actions.link_runs import begin_run
from booking.actions.links import change_link_access, pause_link, resume_link
from booking.tables.bookings import AuditEntry
from booking.values.links import LinkAccess, RunMode
from booking.values.states import OccupancyKind
from tests.platzwart.terminals import AHEAD, NAME, Terminal, at_terminal
from tests.sync.acting import slot_of, uid_of
from tests.sync.linked import OFFICE
from tests.sync.remotes.live import LiveServer, radicale


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as found:
        yield found


@pytest.fixture
def terminal(sqlite_url: str, server: LiveServer, tmp_path: Path) -> Iterator[Terminal]:
    with at_terminal(sqlite_url, server, tmp_path) as made:
        yield made


@pytest.mark.rule("C8")
def test_a_plan_is_printed_and_applied_by_its_hash_alone(terminal: Terminal) -> None:
    here = terminal.world
    made = here.book(AHEAD + 5)
    terminal.put("x1", 6)
    told = terminal.ask("plan", NAME)
    assert {(one["kind"], one["side"], one["uid"]) for one in told["steps"]} == {
        ("CREATE", "REMOTE", uid_of(here, made)),
        ("CREATE", "LOCAL", "x1"),
    }
    assert here.taken(OccupancyKind.CLOSURE) == []
    assert terminal.ask("apply", NAME, "--hash", "0" * 32, code=3)["there"] == 0
    done = terminal.ask("apply", NAME, "--hash", told["hash"])
    assert (done["outcome"], done["here"], done["there"]) == ("DONE", 1, 1)
    assert len(here.taken(OccupancyKind.CLOSURE)) == 1
    assert terminal.ask("plan", NAME)["steps"] == []
    (line,) = terminal.ask("list")["links"]
    assert (line["name"], line["items"], line["imported"], line["problem"]) == (NAME, 2, 1, "")
    assert "Kalender: Halle" in terminal.call("list")
    assert terminal.ask("probe", str(line["public_id"]))["quirks"]["cursor_kind"] == "TOKEN"


@pytest.mark.rule("C8")
def test_a_link_that_rests_applies_the_plan_that_was_shown_and_rests_again(terminal: Terminal) -> None:
    here = terminal.world
    here.write(lambda db: pause_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    made = here.book(AHEAD + 5)
    told = terminal.ask("plan", NAME)
    assert terminal.ask("apply", NAME, "--hash", "0" * 32, code=3)["error"] == "preview-changed"
    assert here.index() == []
    done = terminal.ask("apply", NAME, "--hash", told["hash"])
    assert (done["outcome"], done["there"], "error" in done) == ("DONE", 1, False)
    assert [row.uid for row in here.index()] == [uid_of(here, made)]
    assert here.link.state == "PAUSED"
    notes = here.rows(select(AuditEntry).where(AuditEntry.action == "plan-applied"))
    assert [one.after for one in notes] == [{"plan": told["hash"]}]
    here.book(AHEAD + 6)
    assert terminal.ask("apply", NAME, "--yes")["there"] == 1  # what it plans right before it
    assert here.link.state == "PAUSED"


@pytest.mark.rule("C8")
def test_what_keeps_a_command_from_its_work_is_one_object_too(terminal: Terminal) -> None:
    here = terminal.world
    assert terminal.ask("plan", "no such link", code=2)["error"] == "no-such-link"
    assert terminal.ask("apply", NAME, code=1)["error"] == "not-confirmed"  # nobody answers
    assert terminal.ask("restore", NAME, "--hash", "0" * 32, code=3)["error"]
    here.write(lambda db: pause_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    assert terminal.ask("rebuild", NAME, "--yes", code=1)["error"] == "resting"
    here.write(lambda db: resume_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    now = datetime.now(UTC)
    here.write(lambda db: begin_run(db, now, here.link_id, RunMode.NORMAL, "another"))
    assert terminal.ask("plan", NAME, code=1)["error"] == "busy"
    assert terminal.ask("apply", NAME, "--hash", "0" * 32, code=1)["error"] == "busy"


@pytest.mark.rule("C8")
def test_what_was_deleted_there_is_not_told_as_if_it_stood_there(terminal: Terminal) -> None:
    here = terminal.world
    terminal.put("x1", 6)
    made = here.book(AHEAD + 5)
    terminal.call("apply", NAME, "--yes")
    for row in here.index():
        assert terminal.server.ask("DELETE", row.href) == 200
    steps = {one["uid"]: one for one in terminal.ask("plan", NAME)["steps"]}
    assert {uid: (one["kind"], one["theirs"]) for uid, one in steps.items()} == {
        "x1": ("DELETE", {}),
        uid_of(here, made): ("PROPOSE", {}),
    }
    assert all(one["ours"]["starts_at"] for one in steps.values())


@pytest.mark.rule("C9", "C13")
def test_a_question_is_decided_and_held_deletions_go_by_the_hash_that_was_shown(terminal: Terminal) -> None:
    here = terminal.world
    made = here.book(AHEAD + 5)
    for number in range(8):
        terminal.put(f"x{number}", 6 + number)
    terminal.call("apply", NAME, "--yes")
    for number in range(7):
        assert terminal.server.ask("DELETE", f"/u/hall/x{number}.ics") == 200
    assert terminal.server.ask("DELETE", next(row.href for row in here.index() if row.origin == "LOCAL")) == 200
    told = terminal.ask("plan", NAME, code=1)
    assert (told["held"], told["hold"]) == (8, "SHARE")
    terminal.call("apply", NAME, "--yes", code=1)
    assert len(here.taken(OccupancyKind.CLOSURE)) == 8
    told = terminal.ask("plan", NAME, code=1)
    assert "held" in terminal.call("plan", NAME, code=1)
    assert terminal.ask("apply", NAME, "--hash", told["hash"])["here"] == 7
    assert len(here.taken(OccupancyKind.CLOSURE)) == 1
    before = slot_of(here, made)
    assert terminal.ask("resolve", NAME, uid_of(here, made), "ours") == {"decided": True, "refused": []}
    assert terminal.ask("resolve", NAME, uid_of(here, made), "ours", code=1)["refused"] == ["case-closed"]
    assert terminal.ask("apply", NAME, "--yes")["there"] == 1
    assert slot_of(here, made) == before


@pytest.mark.rule("C9")
def test_what_was_deleted_there_in_bulk_is_written_again_by_the_hash_that_was_shown(terminal: Terminal) -> None:
    here = terminal.world
    made = [here.book(AHEAD + 5 + number) for number in range(8)]
    terminal.call("apply", NAME, "--yes")
    for row in here.index():
        assert terminal.server.ask("DELETE", row.href) == 200
    told = terminal.ask("plan", NAME, code=1)
    assert told["held"] == 8
    terminal.call("restore", NAME, "--hash", "0" * 32, code=3)
    done = terminal.ask("restore", NAME, "--hash", told["hash"])
    assert (done["there"], done["held"]) == (8, 0)
    assert {row.uid for row in here.index() if row.state == "ACTIVE"} == {uid_of(here, one) for one in made}
    assert terminal.ask("plan", NAME)["steps"] == []


@pytest.mark.rule("C11")
def test_an_index_that_was_lost_is_built_anew_and_nothing_is_written(terminal: Terminal) -> None:
    here = terminal.world
    here.book(AHEAD + 5)
    terminal.put("x1", 6)
    terminal.call("apply", NAME, "--yes")
    done = terminal.ask("rebuild", NAME, "--yes")
    assert (done["here"], done["there"], done["outcome"]) == (0, 0, "DONE")
    assert len(here.index()) == 2


def test_a_server_that_is_away_and_a_link_that_is_none_are_told_by_the_exit_code(terminal: Terminal) -> None:
    here = terminal.world
    access = LinkAccess(f"http://{terminal.server.netloc}/u/nothing/", "u", "p")
    organisation_id = here.ids.organisation_id
    here.write(lambda db: change_link_access(db, here.now, here.tools, organisation_id, OFFICE, here.link_id, access))
    assert terminal.ask("apply", NAME, "--hash", "0" * 32, code=1)["problem"] == "gone"
    terminal.call("plan", "no such link", code=2)
    assert here.link.failures == 1


@pytest.mark.rule("C6")
def test_a_probe_of_an_account_names_its_calendars(terminal: Terminal) -> None:
    here, server = terminal.world, terminal.server
    server.make("small")
    try:
        access = LinkAccess(f"http://{server.netloc}/u/", "u", "p")
        mine = here.ids.organisation_id
        here.write(lambda db: change_link_access(db, here.now, here.tools, mine, OFFICE, here.link_id, access))
        told = terminal.ask("probe", NAME, code=1)
        assert told["problem"] == "account"
        assert [one["url"] for one in told["quirks"]["calendars"]] == [server.url("hall"), server.url("small")]
        assert server.url("small") in terminal.call("probe", NAME, code=1)
    finally:
        server.ask("DELETE", f"{server.home}small/")
    terminal.ask("probe", NAME)
    assert terminal.ask("list")["links"][0]["address"] == server.url("hall")
