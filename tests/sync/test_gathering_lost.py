"""What is not read is not gone, and what is gone while its row rests is not forgotten (SPEC C9, C10, C12)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from booking.values.links import LinkPolicy, RunOutcome
from outside.errors import SiteDown
from sync.many import Outcome
from sync.remotes.memory import Etags
from sync.runner import run_link
from tests.sync.acting import cancel, move, uid_of
from tests.sync.linked import World, event, read_here, world

LATER = timedelta(minutes=16)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def refuse(here: World, refused: str) -> None:
    def hook(moment: str, method: str) -> None:
        if (moment, method) == ("before", refused):
            raise SiteDown("https://dav.example", 500)

    here.remote.hook = hook


def heal(here: World) -> None:
    here.remote.hook = lambda _moment, _method: None


def run_for_a_while(here: World) -> None:
    for _ in range(4):
        here.now += LATER
        assert here.run().outcome is RunOutcome.DONE


@pytest.mark.rule("C9", "C12")
def test_what_was_never_read_is_never_taken_for_gone(here: World) -> None:
    """The reader gives up after some bodies that killed it; what it left is there all the same."""
    here.remote.manners = replace(here.remote.manners, deltas=False, etags=Etags.NONE)
    here.connect(LinkPolicy.IMPORT)
    for number in range(8):
        here.put(event(f"x{number}", 5 + number))
    here.run()

    def gives_up(bodies: Sequence[bytes], zone: str) -> list[Outcome | None]:
        return [*read_here(bodies[:6], zone), *([None] * len(bodies[6:]))]

    for _ in range(3):
        ran = run_link(replace(here.engine, reader=gives_up), here.link_id)
        assert ran is not None
        assert ran.outcome is RunOutcome.PARTIAL
        here.now += LATER
    assert len(here.imported()) == 8
    assert {row.miss_count for row in here.index()} == {0}


@pytest.mark.rule("C6", "C10")
def test_what_could_not_be_written_again_at_once_is_written_later(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    made = here.book(5)
    here.settle()
    here.delete_theirs(uid_of(here, made))
    refuse(here, "create")
    assert here.run().applied.failed == 1
    heal(here)
    run_for_a_while(here)
    assert list(here.theirs()) == [uid_of(here, made)]
    here.assert_quiet()


@pytest.mark.rule("C9", "C13")
@pytest.mark.parametrize("policy", [LinkPolicy.TWO_WAY, LinkPolicy.EXPORT])
def test_what_is_deleted_there_while_its_row_rests_is_found_out(here: World, policy: LinkPolicy) -> None:
    here.connect(policy)
    made = here.book(5)
    here.settle()
    move(here, made, timedelta(hours=1))
    refuse(here, "update")
    assert here.run().applied.failed == 1
    heal(here)
    here.delete_theirs(uid_of(here, made))
    assert here.run().outcome is RunOutcome.DONE  # and the cursor has moved on
    run_for_a_while(here)
    if policy is LinkPolicy.EXPORT:
        assert list(here.theirs()) == [uid_of(here, made)]
    else:
        assert "link-cancelled" in here.cases()


@pytest.mark.rule("C10")
def test_what_ended_on_both_sides_while_its_row_rests_is_at_rest_for_good(here: World) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    made = here.book(5)
    here.settle()
    cancel(here, made)
    refuse(here, "delete")
    assert here.run().applied.failed == 1
    heal(here)
    here.delete_theirs(uid_of(here, made))
    assert here.run().outcome is RunOutcome.DONE
    run_for_a_while(here)
    assert [row.state for row in here.index()] == ["TOMBSTONE"]
    here.assert_quiet()
