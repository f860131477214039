"""The line of a link's last runs: what failed, what changed something, what found nothing (SPEC C15)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from booking.reads.link_history import LAST_RUNS
from booking.reads.links import RunLine
from booking.values.links import RunMode, RunOutcome
from booking.values.states import Role
from tests.builders import NOW
from tests.sync.linked import event
from tests.web.conftest import Site
from tests.web.office.linked import Linked, world_of
from web.office.links_history import MOST, QUIET, history

LABEL = re.compile(r'<svg class="chart"[^>]*aria-label="([^"]*)"')


@pytest.fixture
def asked(site: Site) -> Iterator[None]:
    with site.app.test_request_context(headers={"Accept-Language": "en"}):
        yield


def ran(outcome: RunOutcome = RunOutcome.DONE, *, problem: str = "", hold: str = "", **counts: int) -> RunLine:
    given: dict[str, Any] = {"writes": 0, "drift": 0, "plan_hash": "", "requests": 1, "octets": 0, "detail": ""}
    return RunLine(1, RunMode.NORMAL, outcome, NOW, NOW, counts, hold=hold, problem=problem, **given)


@pytest.mark.usefixtures("asked")
def test_each_run_has_its_place_and_says_what_it_was() -> None:
    found = history([ran(), ran(here=3), ran(RunOutcome.FAILED, problem="unreachable"), ran(held=2, hold="EMPTY")])
    assert len(found.bars) == LAST_RUNS
    assert {(bar.value, bar.title) for bar in found.bars[:-4]} == {(0, "")}
    quiet, changed, failed, held = found.bars[-4:]
    assert [bar.tone for bar in (quiet, changed, failed, held)] == ["quiet", "brand", "stop", "wait"]
    assert quiet.value == QUIET < changed.value < failed.value == MOST
    assert quiet.title.endswith("Done: nothing to do")
    assert changed.title.endswith("Done: 3 changed here")
    assert "Failed: " in failed.title
    assert found.label == "The last 4 runs: 1 failed"


@pytest.mark.usefixtures("asked")
def test_a_plan_to_look_at_changed_nothing() -> None:
    assert history([ran(RunOutcome.PLANNED, here=7)]).bars[-1].tone == "quiet"
    assert history([ran()]).label == "The last run: none failed"


@pytest.mark.rule("C15")
def test_list_and_page_draw_the_last_runs(site: Site) -> None:
    linked = Linked(site, site.logged_in(Role.ADMIN), world_of(site))
    linked.connect()
    assert LABEL.findall(linked.visitor.get("/office/links").text) == []
    linked.world.put(event("x", 5))
    linked.world.run()
    label = "Der letzte Lauf: keiner gescheitert"
    assert LABEL.findall(linked.visitor.get("/office/links").text) == [label]
    assert LABEL.findall(linked.visitor.get(f"/office/links/{linked.world.public_id}").text) == [label]


@pytest.mark.rule("C8")
@pytest.mark.usefixtures("asked")
def test_what_is_removed_is_counted_once() -> None:
    (bar,) = history([ran(here=1, deletions=1, proposals=1)]).bars[-1:]
    assert bar.title.endswith("Done: 1 changed here, 1 of them removed, 1 to decide")
    assert bar.value == history([ran(here=1, proposals=1)]).bars[-1].value


@pytest.mark.rule("C15")
@pytest.mark.usefixtures("asked")
def test_a_run_whose_writes_were_not_taken_failed() -> None:
    found = history([ran(), ran(problem="unwritten", failed=1)])
    assert (found.bars[-1].tone, found.bars[-1].value, found.label) == ("stop", MOST, "The last 2 runs: 1 failed")
    assert "does not take everything" in found.bars[-1].title
