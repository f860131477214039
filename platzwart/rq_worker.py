"""A worker on exactly one queue: with several, RQ pops destructively and a kill loses the job (DESIGN rule 4)."""

import importlib
import logging
import signal
from collections.abc import Iterable, Mapping
from typing import Final

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, Worker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.timeouts import UnixSignalDeathPenalty
from rq.worker import BaseWorker

from config.jobs import CALENDARS, JOBS, QUICK, SITES
from config.loading import loading
from platzwart.lifeline import guard_forks


class JobLimit(UnixSignalDeathPenalty):
    """Says each second from then on that a job's time is over, until the job ends.

    An exception that is raised at just any moment may be lost: within a finalizer Python drops it, and SQLAlchemy
    makes an error of a statement of it, which a job takes for its duty's.
    """

    def setup_death_penalty(self) -> None:
        super().setup_death_penalty()  # type: ignore[no-untyped-call]  # RQ's
        signal.setitimer(signal.ITIMER_REAL, self._timeout, AGAIN_SECONDS)


class OneTrip:
    """Beats in one trip to Redis where RQ makes three, twice before each job begins."""

    connection: Redis

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)  # type: ignore[misc]  # the worker's that this is mixed into
            return
        with self.connection.pipeline() as one_trip:
            super().heartbeat(timeout, one_trip)  # type: ignore[misc]
            one_trip.execute()


class QuickWorker(OneTrip, SimpleWorker):
    """Runs its jobs in its own process. The beat after taking a job is left out: the job's start beats a moment later,
    with a trip that is made anyway.
    """

    death_penalty_class = JobLimit
    _has_just_taken = False

    def reorder_queues(self, reference_queue: Queue) -> None:
        """RQ calls it between taking a job and that beat."""
        super().reorder_queues(reference_queue)
        self._has_just_taken = True

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        is_left_out, self._has_just_taken = self._has_just_taken, False
        if pipeline is not None or not is_left_out:
            super().heartbeat(timeout, pipeline)


class ForkingWorker(OneTrip, Worker):
    """Runs each job in a process of its own."""

    death_penalty_class = JobLimit


# Calendars of strangers may take a process down, so each such job has one of its own; the quick ones must be quick.
KINDS: Final[Mapping[str, type[BaseWorker]]] = {
    QUICK: QuickWorker,
    SITES: QuickWorker,
    CALENDARS: ForkingWorker,
}
WORKER_TTL = 30
MAINTENANCE_SECONDS = 30
LONGEST_RECONNECT_SECONDS = 5.0
AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


def modules_of(queue: str) -> tuple[str, ...]:
    """Modules whose functions are jobs of `queue`, each once."""
    return tuple(dict.fromkeys(job.rpartition(".")[0] for job, its_queue in JOBS.items() if its_queue == queue))


def run_worker(queue: str, redis_url: str, modules: Iterable[str]) -> int:
    """Work until SIGTERM, which lets the running job finish. Returns an exit code: 1 where Redis went away.

    `modules` are imported first, so that a forked job starts with them loaded.
    """
    with loading():
        for module in modules:
            importlib.import_module(module)
    guard_forks(signal.SIGKILL)
    connection = Redis.from_url(redis_url)
    try:
        worker = KINDS[queue](
            [Queue(queue, connection=connection, serializer=JSONSerializer)],
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )
        worker.max_connection_wait_time = LONGEST_RECONNECT_SECONDS
        worker.log_result_lifespan = False
        worker.work(logging_level="WARNING")
    except StopRequested:
        log.debug("stopped before the first job")
    except RedisError as error:
        log.warning("worker of %s lost Redis (%s)", queue, type(error).__name__)
        return 1
    return 0
