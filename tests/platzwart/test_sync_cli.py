"""`platzwart sync` against a live calendar server: what it prints, what it applies, how it ends (SPEC C8, C9, C11)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from booking.actions.links import change_link_access
from booking.values.links import LinkAccess
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
