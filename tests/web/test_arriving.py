"""What a process answers before all of it is loaded, and that it is what it answers afterwards."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from flask import Flask, redirect, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter
from werkzeug.test import Client
from werkzeug.wrappers.response import Response

from tests.fixtures.servers import wait_until
from web import arriving
from web.app import EARLY, PARTS, PROBES, made_of
from web.arriving import Arriving, Step
from web.limits import limited

if TYPE_CHECKING:
    from tests.web.conftest import Site

LATE_SECONDS = 0.3
LATEST = 2.0
SAMPLES = {"int": "7", "uuid": "0190a0d2-0000-7000-8000-000000000000"}


def small(name: str, *pages: str) -> Flask:
    """An application whose pages say whose they are; `counted` may be called three times a minute."""
    app = Flask(name)
    for page in pages:
        app.add_url_rule(f"/{page}", page, lambda: name)
    app.add_url_rule("/counted", "counted", limited("3 per minute")(lambda: name), methods=["POST"])
    app.add_url_rule("/leads", "leads", lambda: redirect(url_for("late", of="early")))
    return app


class Slow:
    """A whole application that is made when the test allows it, and a client of what arrives."""

    def __init__(self) -> None:
        self.allowed, self.begun, self.followed = threading.Event(), threading.Event(), threading.Event()
        self.site = Arriving(small("early", "first"), Step(self._make, LATEST), after=self.followed.set)
        self.client = Client(self.site)

    def _make(self) -> Flask:
        self.begun.set()
        assert self.allowed.wait(10)
        return small("whole", "first", "late")

    def ask(self, path: str) -> str:
        return self.client.get(path).text


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    made.site.load()
    yield made
    made.allowed.set()
    made.site.whole()


def in_background(work: Callable[[], str]) -> list[str]:
    answers: list[str] = []
    threading.Thread(target=lambda: answers.append(work()), daemon=True).start()
    return answers


def test_the_first_pages_are_answered_before_the_rest_is_loaded(slow: Slow) -> None:
    assert slow.ask("/first") == "early"
    assert slow.begun.wait(5)
    assert slow.ask("/first") == "early"
    slow.allowed.set()
    assert slow.followed.wait(5)
    assert slow.ask("/first") == "whole"


def test_who_asks_for_what_is_not_loaded_waits_for_it_and_loads_it_at_once(slow: Slow) -> None:
    answers = in_background(lambda: slow.ask("/late"))
    assert slow.begun.wait(LATEST / 2)
    time.sleep(LATE_SECONDS)
    assert answers == []
    slow.allowed.set()
    wait_until(lambda: answers == ["whole"], 5)


def test_loading_leaves_the_processor_to_the_first_answer(slow: Slow) -> None:
    assert not slow.begun.wait(LATE_SECONDS)
    slow.ask("/first")
    assert slow.begun.wait(arriving.QUIET_SECONDS + 1)


def test_nobody_has_to_ask_for_the_rest_to_be_loaded(slow: Slow) -> None:
    slow.allowed.set()
    assert slow.followed.wait(LATEST + 2)


class Growing:
    """Three applications, each of which is made when the test allows it."""

    def __init__(self) -> None:
        self.allowed, self.made = [threading.Event(), threading.Event()], [threading.Event(), threading.Event()]
        self.site = Arriving(small("probes", "first"), Step(self._pages, LATEST), Step(self._whole, LATEST))
        self.client = Client(self.site)

    def _pages(self) -> Flask:
        assert self.allowed[0].wait(10)
        self.made[0].set()
        return small("pages", "first", "second")

    def _whole(self) -> Flask:
        assert self.allowed[1].wait(10)
        self.made[1].set()
        return small("whole", "first", "second", "late")

    def ask(self, path: str) -> str:
        return self.client.get(path).text


@pytest.fixture
def growing() -> Iterator[Growing]:
    made = Growing()
    made.site.load()
    yield made
    for each in made.allowed:
        each.set()
    made.site.whole()


def test_a_page_waits_for_the_first_application_that_knows_it_and_no_longer(growing: Growing) -> None:
    second, late = (in_background(lambda path=path: growing.ask(path)) for path in ("/second", "/late"))  # type: ignore[misc]  # bound now
    time.sleep(LATE_SECONDS)
    assert (second, late, growing.ask("/first")) == ([], [], "probes")
    growing.allowed[0].set()
    wait_until(lambda: second == ["pages"], 5)
    assert (late, growing.ask("/first")) == ([], "pages")
    growing.allowed[1].set()
    wait_until(lambda: late == ["whole"], 5)
    assert (growing.ask("/first"), growing.ask("/second")) == ("whole", "whole")


def test_a_page_that_is_waited_for_does_not_hurry_what_comes_after_it(growing: Growing) -> None:
    for each in growing.allowed:
        each.set()
    waiting = in_background(lambda: growing.ask("/second"))
    assert growing.made[0].wait(LATEST / 2)
    wait_until(lambda: waiting == ["pages"], 5)
    assert not growing.made[1].is_set()
    assert growing.made[1].wait(arriving.QUIET_SECONDS + 1)


def test_a_page_that_was_waited_for_has_the_processor_for_itself() -> None:
    """What comes next begins when it is answered, not while it is made: also where a probe was answered before."""
    answering, begun = threading.Event(), threading.Event()
    pages = small("pages", "first")
    pages.add_url_rule("/slow", "slow", lambda: "pages" if answering.wait(10) else "late")

    def whole() -> Flask:
        begun.set()
        return small("whole", "first", "slow")

    site = Arriving(small("probes", "first"), Step(lambda: pages, LATEST), Step(whole, LATEST))
    client = Client(site)
    client.get("/first")
    time.sleep(arriving.QUIET_SECONDS * 2)
    answers = in_background(lambda: client.get("/slow").text)
    site.load()
    assert not begun.wait(LATEST / 2)
    answering.set()
    wait_until(lambda: answers == ["pages"], 5)
    assert begun.wait(arriving.QUIET_SECONDS + 1)


def test_an_address_that_nobody_knows_is_for_the_whole_to_refuse(growing: Growing) -> None:
    for each in growing.allowed:
        each.set()
    assert growing.client.get("/nowhere").status_code == 404
    assert growing.made[1].is_set()


def test_what_is_counted_is_answered_by_the_whole_alone(slow: Slow) -> None:
    """The early application has nothing to count with."""
    answers = in_background(lambda: str(slow.client.post("/counted").status_code))
    time.sleep(LATE_SECONDS)
    assert answers == []
    slow.allowed.set()
    wait_until(lambda: len(answers) == 1, 5)


def test_a_first_page_can_lead_to_one_that_is_not_loaded(slow: Slow) -> None:
    slow.allowed.set()
    answer: Response = slow.client.get("/leads")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/late?of=early")


def test_a_process_that_cannot_load_all_of_itself_ends() -> None:
    code = (
        "from flask import Flask\nfrom web.arriving import Arriving, Step\nimport time\n"
        "site = Arriving(Flask('x'), Step(lambda: 1 / 0, 0))\nsite.load()\ntime.sleep(20)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=15)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def found(addresses: MapAdapter, path: str, method: str) -> object:
    try:
        return addresses.match(path, method)
    except HTTPException as error:
        return type(error), error.get_response().headers.get("Location")


@pytest.mark.parametrize(
    ("parts", "among_them"),
    [(PROBES, {"health.alive", "health.ready"}), (EARLY, {"health.ready", "login.form", "portal_rooms.home"})],
    ids=["probes", "pages"],
)
def test_an_address_means_the_same_before_and_after(site: "Site", parts: tuple[str, ...], among_them: set[str]) -> None:
    early = made_of(parts, site.context)
    (first,) = Arriving(early, Step(lambda: site.app, LATEST))._known
    before, after = (app.url_map.bind("localhost") for app in (early, site.app))
    known = set()
    for rule in site.app.url_map.iter_rules():
        path = re.sub(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>", lambda part: SAMPLES.get(part[1], "x"), rule.rule)
        for each in (path, path.rstrip("/"), f"{path}/"):
            for method in ("GET", "POST", "PUT"):
                if first.answers(each, method):
                    known.add(rule.endpoint)
                    assert found(before, each, method) == found(after, each, method), (each, method)
    assert among_them <= known
    assert not any(endpoint.startswith(("api", "office")) for endpoint in known)


def test_the_early_parts_are_parts() -> None:
    assert set(PROBES) < set(EARLY) < set(PARTS)
    assert list(EARLY) == [part for part in PARTS if part in EARLY]


def test_probes_are_answered_alike_by_all(site: "Site") -> None:
    first, last = (Client(made_of(parts, site.context)) for parts in (PROBES, PARTS))
    for path in ("/healthz", "/readyz"):
        before, after = first.get(path), last.get(path)
        assert (before.status, before.data, list(before.headers)) == (after.status, after.data, list(after.headers))


HEAVY = (
    "prometheus_client",
    "web.hot_feeds",
    "web.portal",
    "booking.tables.links",
    "booking.actions.messages",
    "flask_openapi3",
    "pydantic",
    "redis",
    "flask_limiter",
    "structlog",
    "rq",
    "email_validator",
    "web.office.frame",
)


def test_what_the_first_answer_does_not_need_is_not_loaded_for_it() -> None:
    code = (
        "import sys, importlib\nfrom platzwart.modules import WEB\n"
        "for name in WEB: importlib.import_module(name)\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


def test_no_part_of_the_web_writes_its_logs_by_structlog() -> None:
    """A web process sets up standard logging alone (`config.logs`)."""
    code = (
        "import sys, importlib\nfrom web.app import PARTS\nfrom web.context import LOADED_LATE\n"
        "for name in ('web.described', *PARTS, *LOADED_LATE, 'config.jobs'): importlib.import_module(name)\n"
        "from web.office import PAGES\nfor name in PAGES: importlib.import_module(f'web.office.{name}')\n"
        "print('structlog' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False"]
