"""The schedule: a small loop under a database lease that finds what is due and wakes the workers (DESIGN rule 4).

It repairs every lost nudge within seconds, ends requests whose time has come, posts the day's mails, asks for polls,
and counts the door codes that appear in feeds and go from them (SPEC C4).
"""

import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from redis import Redis
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking.actions import hooks, idempotency, outbox
from booking.actions.accounts import forget_attempts
from booking.actions.calendar_proofs import SITE_TOPICS
from booking.actions.doors import announce_low_codes, post_digest
from booking.actions.endings import expire_requests
from booking.actions.feed_codes import count_turned
from booking.actions.leases import hold_lease
from booking.actions.link_alarms import announce_silent_links, silent_links
from booking.actions.link_runs import forget_runs
from booking.actions.series import extend_series, series_to_extend
from booking.actions.site_alarms import announce_silent, silent_connections
from booking.reads.house import House, read_house
from booking.reads.link_turns import links_in_turn
from booking.reads.link_wishes import open_wishes
from booking.tables.connections import Connection, HookDelivery
from booking.tables.houses import Organisation
from booking.tables.people import StaffSession
from booking.values.clock import DAY, local_time
from config.jobs import DRAIN_OUTBOX, DRAIN_SITES, POLL_CONNECTION, READ_HOOKS, RUN_LINK, SERVE_LINKS, nudge
from config.settings import Settings
from workers.context import Context, build_context, clock

log = structlog.get_logger(__name__)

PERIOD_SECONDS = 2.0
LEASE = timedelta(seconds=15)
HOURLY = timedelta(hours=1)
SETTLING = timedelta(minutes=15)


class Tick:
    """One ticking process. Only the holder of the lease acts; another takes over when the lease runs out."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._owner = f"{socket.gethostname()}-{os.getpid()}"
        self._cleaned_at: datetime | None = None
        self._began_at: datetime | None = None

    def step(self, now: datetime) -> bool:
        """Do what is due. Returns whether this process holds the lease."""
        database = self._context.database
        fence = database.write(lambda session: hold_lease(session, now, "tick", self._owner, LEASE))
        if fence is None:
            return False
        self._began_at = self._began_at or now
        for organisation_id in self._organisations():
            self._apart("organisation", partial(self._keep, now, organisation_id))
        self._apart("wake", lambda: self._wake(now))
        if self._cleaned_at is None or now - self._cleaned_at > HOURLY:
            self._apart("clean", lambda: database.write(lambda session: clean(session, now)))
            self._cleaned_at = now
        return True

    def _organisations(self) -> list[int]:
        with self._context.database.read() as session:
            return list(session.scalars(select(Organisation.id).order_by(Organisation.id)))

    @staticmethod
    def _apart(what: str, work: Callable[[], object]) -> None:
        """One thing that fails never stops the others; it is tried again with the next step."""
        try:
            work()
        except Exception:
            log.exception("tick failed", what=what)

    def _keep(self, now: datetime, organisation_id: int) -> None:
        database = self._context.database
        with database.read() as session:
            house = read_house(session, organisation_id)
        database.write(lambda session: expire_requests(session, now, house))
        if house.feed_code_hours is not None:
            database.write(lambda session: count_turned(session, now, organisation_id))
        if is_digest_time(now, house):
            database.write(lambda session: post_digest(session, now, house))
            database.write(lambda session: announce_low_codes(session, now, house))
        with database.read() as session:
            due = series_to_extend(session, now, house)
        for series_id in due:
            extend = partial(extend_series, now=now, house=house, series_id=series_id)
            self._apart("series", partial(database.write, extend))
        self._watch_sites(now, house)

    def _watch_sites(self, now: datetime, house: House) -> None:
        """After a stop of the house sites and links have time to be read again before anybody is alarmed (SPEC C15)."""
        if now - (self._began_at or now) < SETTLING:
            return
        with self._context.database.read() as session:
            found = silent_connections(session, now, house.organisation_id)
            links = silent_links(session, now, house.organisation_id)
        if found:
            self._context.database.write(lambda session: announce_silent(session, now, house))
        if links:
            self._context.database.write(lambda session: announce_silent_links(session, now, house))

    def _wake(self, now: datetime) -> None:
        with self._context.database.read() as session:
            due = outbox.due_topics(session, now)
            hooks = session.scalar(select(HookDelivery.id).where(HookDelivery.read_at.is_(None)).limit(1))
            polls = list(
                session.scalars(
                    select(Connection.id).where(Connection.next_poll_at <= now, Connection.paused_at.is_(None))
                )
            )
            links = links_in_turn(session, now)
            wishes = open_wishes(session)
        redis = self._context.redis
        for link_id in links:
            nudge(redis, RUN_LINK, link_id)
        if wishes:
            nudge(redis, SERVE_LINKS)
        wake(redis, due=bool(due - SITE_TOPICS), sites=bool(due & SITE_TOPICS), hooks=hooks is not None, polls=polls)


def is_digest_time(now: datetime, house: House) -> bool:
    """From the digest's hour on; that it goes out once a day is its message's own key."""
    return local_time(now, house.zone) >= house.digest_at


def wake(redis: "Redis", *, due: bool, sites: bool, hooks: bool, polls: list[int]) -> None:
    if due:
        nudge(redis, DRAIN_OUTBOX)
    if sites:
        nudge(redis, DRAIN_SITES)
    if hooks:
        nudge(redis, READ_HOOKS)
    for connection_id in polls:
        nudge(redis, POLL_CONNECTION, connection_id)


def clean(session: Session, now: datetime) -> None:
    """Drop what is only kept for a while: counted tries, stored answers of the API, sessions long over, webhooks that
    were followed, duties that were done, runs of links.
    """
    forget_attempts(session, now - DAY)
    idempotency.forget(session, now - idempotency.KEPT)
    hooks.forget_hooks(session, now - hooks.KEPT)
    outbox.forget(session, now - outbox.KEPT)
    forget_runs(session, now)
    session.execute(delete(StaffSession).where(StaffSession.expires_at < now - timedelta(days=30)))


def run(settings: Settings, stop: threading.Event) -> None:
    """Tick until told to stop. A database or Redis that is away costs a step, not the process."""
    tick = Tick(build_context(settings))
    while not stop.wait(PERIOD_SECONDS):
        try:
            tick.step(clock())
        except Exception:
            log.exception("tick failed")
