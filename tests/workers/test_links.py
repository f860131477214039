"""Who wakes a link, and what a job does with it (SPEC S5, C15; DESIGN rule 4)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select

from booking.actions.audit import Actor
from booking.actions.links import make_link
from booking.tables.bookings import CaseFile
from booking.tables.links import CalendarLink, SyncRun
from booking.tables.outgoing import Message
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings, RunOutcome
from config.jobs import RUN_LINK, queue_for
from tests.builders import slot_in
from tests.fixtures.mail import SmtpSink
from tests.fixtures.servers import Valkey
from tests.sync.remotes.live import LiveServer, radicale
from tests.workers.conftest import Works, make_works
from workers.context import clock
from workers.links import run_due
from workers.tick import PERIOD_SECONDS, SETTLING, Tick

OFFICE = Actor("Frau Office", None, "test")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as found:
        yield found


@pytest.fixture
def linked_works(
    sqlite_url: str, smtp_sink: SmtpSink, traveller: time_machine.Traveller, server: LiveServer, tmp_path: Path
) -> Iterator[Works]:
    allowed = {"ALLOW_PRIVATE_HOSTS": server.netloc, "DATA_DIR": str(tmp_path)}
    made = make_works(sqlite_url, smtp_sink, traveller, "redis://127.0.0.1:1/0", **allowed)
    server.make("hall")
    yield made
    server.ask("DELETE", "/u/hall/")
    made.context.database.close()


def connect(works: Works, url: str) -> int:
    wanted = LinkSettings("Kalender", LinkKind.CALDAV, works.ids.hall, LinkPolicy.TWO_WAY)
    access = LinkAccess(url, "u", "p")
    made = works.context.database.write(
        lambda db: make_link(db, clock(), works.context.tools, works.ids.organisation_id, OFFICE, wanted, access)
    )
    assert isinstance(made, UUID)
    with works.context.database.read() as session:
        return session.scalars(select(CalendarLink.id)).one()


@pytest.mark.rule("S5", "Y8")
def test_a_request_is_in_the_linked_calendar_one_tick_later(
    linked_works: Works, server: LiveServer, valkey: Valkey
) -> None:
    """The tick comes every two seconds; ten are promised."""
    works = linked_works
    link_id = connect(works, server.url("hall"))
    assert [ran.outcome for ran in run_due(works.context, link_id)] == [RunOutcome.DONE]
    assert run_due(works.context, link_id) == []
    works.request(slot_in(10, 18, 20))
    works.later(timedelta(seconds=PERIOD_SECONDS))
    context = replace(works.context, redis=valkey.client())
    assert Tick(context).step(clock())
    (job,) = queue_for(RUN_LINK, context.redis).jobs
    assert (job.func_name, job.args) == (RUN_LINK, [link_id])
    context.redis.close()
    (ran,) = run_due(works.context, link_id)
    assert (ran.outcome, ran.applied.there) == (RunOutcome.DONE, 1)
    assert run_due(works.context, link_id) == []


def test_a_link_that_is_run_just_now_is_not_asked_for_again(linked_works: Works, server: LiveServer) -> None:
    from booking.actions.link_runs import begin_run
    from booking.reads.links import due_links
    from booking.values.links import RunMode

    works = linked_works
    link_id = connect(works, server.url("hall"))
    works.write(lambda db: begin_run(db, clock(), link_id, RunMode.NORMAL, "another"))
    with works.context.database.read() as session:
        assert due_links(session, clock()) == []
    assert run_due(works.context, link_id) == []
    works.later(timedelta(minutes=1))  # it died
    assert [ran.outcome for ran in run_due(works.context, link_id)] == [RunOutcome.DONE]
    with works.context.database.read() as session:
        outcomes = session.scalars(select(SyncRun.outcome).order_by(SyncRun.id)).all()
    assert outcomes == [RunOutcome.LOST, RunOutcome.DONE]


@pytest.mark.rule("C15")
def test_the_tick_tells_the_office_of_a_link_that_is_silent(linked_works: Works, server: LiveServer) -> None:
    works = linked_works
    link_id = connect(works, server.url("nothing"))
    (ran,) = run_due(works.context, link_id)
    assert (ran.outcome, ran.problem) == (RunOutcome.FAILED, "gone")
    tick = Tick(works.context)
    tick.step(clock())
    works.later(SETTLING + timedelta(minutes=20))
    for _ in range(2):
        tick.step(clock())
    with works.context.database.read() as session:
        cases = session.scalars(select(CaseFile.kind)).all()
        mails = session.scalars(select(Message.kind)).all()
    assert (cases.count("link-silent"), mails.count("site-silent")) == (1, 1)
    works.drain()
    assert [one for one in works.sink.received if "Kalender" in str(one.message["Subject"])]
