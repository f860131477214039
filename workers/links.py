"""Links with external calendars as jobs: a wake-up says "look at link X", the run makes it agree (DESIGN rule 4)."""

import time
from dataclasses import replace

import structlog

from booking.reads.links import due_links
from booking.values.links import RunMode
from config.jobs import RUN_LINK, clear_nudge
from sync.progress import Progress, untold
from sync.runner import Engine, Ran, run_link
from workers.context import Context, clock, process_context

log = structlog.get_logger(__name__)

MOST_RUNS = 3
MOST_SECONDS = 30.0
"""In one job: what changes meanwhile is looked at, and others have their turn."""


def run(link_id: int) -> None:
    """The RQ job: run a link until nothing is due for it, a few times at most."""
    context = process_context()
    clear_nudge(context.redis, RUN_LINK, link_id)
    run_due(context, link_id)


def run_due(context: Context, link_id: int) -> list[Ran]:
    """While a run works the tick asks for no more of it; a job that comes too late finds nothing to do."""
    done: list[Ran] = []
    end = time.monotonic() + MOST_SECONDS
    while len(done) < MOST_RUNS and time.monotonic() < end and _is_due(context, link_id):
        ran = run_link(engine_of(context), link_id)
        if ran is None:
            break
        log.info("link run", link=link_id, outcome=ran.outcome.value, problem=ran.problem, requests=ran.requests)
        done.append(ran)
    return done


def run_now(
    context: Context, link_id: int, mode: RunMode, shown: str | None = None, progress: Progress = untold
) -> Ran | None:
    """Run a link whether or not it is due, for the command line. None where somebody else runs it."""
    return run_link(replace(engine_of(context), progress=progress), link_id, mode, shown=shown)


def engine_of(context: Context) -> Engine:
    settings = context.settings
    return Engine(
        database=context.database,
        tools=context.tools,
        allow_private=settings.allow_private_hosts,
        own_urls=(settings.base_url,),
        clock=clock,
    )


def _is_due(context: Context, link_id: int) -> bool:
    with context.database.read() as session:
        return link_id in due_links(session, clock())
