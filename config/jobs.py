"""Queue names and job import paths. The web asks for work by a row in the database and a nudge by name (DESIGN rule 4).

A nudge is a hint and may be lost: the tick finds every row that is due. Redis carries no truth.
"""

import logging
from typing import Final

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

QUICK: Final = "quick"
SITES: Final = "sites"
CALENDARS: Final = "calendars"

DRAIN_OUTBOX: Final = "workers.outbox.drain"
DRAIN_SITES: Final = "workers.outbox.drain_sites"
READ_HOOKS: Final = "workers.ycbm.read_hooks"
POLL_CONNECTION: Final = "workers.ycbm.poll"
RUN_LINK: Final = "workers.links.run"
SERVE_LINKS: Final = "workers.link_wishes.serve"

# What waits for booking sites has a worker of its own: a site that hangs holds up no mail.
JOBS: Final = {
    DRAIN_OUTBOX: QUICK,
    DRAIN_SITES: SITES,
    READ_HOOKS: SITES,
    POLL_CONNECTION: CALENDARS,
    RUN_LINK: CALENDARS,
    SERVE_LINKS: CALENDARS,
}
COALESCE_MS: Final = 200
JOB_SECONDS: Final = 120
# A link bounds its runs by itself; the job only ends what hangs.
LONGER: Final = {RUN_LINK: 300}
# Somebody sits before the page and waits for it.
FIRST: Final = frozenset({SERVE_LINKS})

log = logging.getLogger(__name__)


def queue_for(job: str, redis: "Redis") -> Queue:
    return Queue(JOBS[job], connection=redis, serializer=JSONSerializer)


def ask_for(redis: "Redis", job: str, *ids: int) -> "Pipeline":
    """What `nudge` sends, not sent yet: for one nudge, since it holds the job's id. Raises RedisError."""
    one_trip = redis.pipeline()
    queue_for(job, redis).enqueue(
        job,
        *ids,
        result_ttl=0,
        failure_ttl=86_400,
        job_timeout=LONGER.get(job, JOB_SECONDS),
        at_front=job in FIRST,
        pipeline=one_trip,
    )
    return one_trip


def nudge(redis: "Redis", job: str, *ids: int, asking: "Pipeline | None" = None) -> bool:
    """Ask a worker to look. Returns False where Redis is away or somebody just asked; both are fine.

    `asking` is what `ask_for` made of the same job before, where it has to be quick.
    """
    try:
        if not redis.set(_mark(job, ids), 1, px=COALESCE_MS, nx=True):
            return False
        with asking or ask_for(redis, job, *ids) as one_trip:
            one_trip.execute()
    except RedisError as error:
        log.warning("nudge of %s failed (%s); the tick will find the row", job, type(error).__name__)
        return False
    return True


def clear_nudge(redis: "Redis", job: str, *ids: int) -> None:
    """A job that starts lets the next nudge through, so that what is written from now on is not waited for."""
    try:
        redis.delete(_mark(job, ids))
    except RedisError:
        log.warning("the mark of %s stays; it ends by itself", job)


def _mark(job: str, ids: tuple[int, ...]) -> str:
    return f"platzwart:nudged:{job}:{'-'.join(map(str, ids))}"
