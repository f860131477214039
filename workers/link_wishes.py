"""Plans that people ask for: a worker makes or applies them, apart from the runs that come by themselves (SPEC C8)."""

import time

import structlog

from booking.actions.link_wishes import settle_wish
from booking.reads.link_wishes import WishLine, open_wishes
from booking.values.link_wishes import WishKind
from booking.values.links import RunMode
from config.jobs import SERVE_LINKS, clear_nudge
from sync.runner import Engine, run_link
from workers.context import process_context
from workers.links import engine_of

log = structlog.get_logger(__name__)

LONGEST_SECONDS = 30.0
"""Until when another one is begun; a run has 80 seconds of its own, and a job 120."""


def serve() -> None:
    """The RQ job: make the plans that wait, and apply those that were asked for."""
    context = process_context()
    clear_nudge(context.redis, SERVE_LINKS)
    serve_all(engine_of(context))


def serve_all(engine: Engine) -> int:
    """Serve what waits, each once; returns how many were. A link that is run just now waits for the next job."""
    begun, served = time.monotonic(), 0
    with engine.database.read() as session:
        waiting = open_wishes(session)
    for wish in waiting:
        if time.monotonic() - begun > LONGEST_SECONDS:
            break
        served += _serve(engine, wish)
    return served


def _serve(engine: Engine, wish: WishLine) -> bool:
    mode = RunMode.PLAN if wish.kind is WishKind.PLAN else RunMode.NORMAL
    ran = run_link(engine, wish.link_id, mode, shown=wish.shown or None)
    if ran is None:
        return False
    log.info("link wish", link=wish.link_id, kind=wish.kind.value, outcome=ran.outcome.value, problem=ran.problem)
    engine.database.write(lambda session: settle_wish(session, engine.clock(), wish.wish_id, ran.run_id))
    return True
