"""A long line of duties drained: by the machinery alone, and as mails that a server takes.

`python -m bench.outbox`. SQLite and PostgreSQL, durable and on the disk. Goal: 5,000 rows a second of duties that take
no time themselves.
"""

import time
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.house import CODE_KEY, SECRET_KEY, Site, databases, furnish
from booking.actions import outbox
from booking.tables.outgoing import Outbox
from booking.values.slot import Slot
from config.settings import read_settings
from tests.builders import contact, request, slot_in
from tests.fixtures.mail import SmtpSink, listening_sink
from workers import outbox as worker
from workers.context import Context, build_context
from workers.outcome import Done

ROWS, REQUESTS, ROUNDS = 20_000, 100, 3
BARE = "bench"


def run(console: Console) -> None:
    """One row for each database; of the bare duties the best, the median and the worst of the rounds."""
    table = Table(title="the outbox drained by one worker, rows a second")
    for column in ("database", f"{ROWS:,} duties that are done at once", "mails of requests to a server here"):
        table.add_column(column, justify="left" if column == "database" else "right")
    worker.HANDLERS[BARE] = lambda _context, _duty: Done()
    with databases() as urls, listening_sink() as sink:
        for name, url in urls.items():
            site = furnish(url)
            context = _context(url, sink)
            bare = sorted(_bare(context, site) for _ in range(ROUNDS))
            table.add_row(
                name, ", ".join(f"{rate:,.0f}" for rate in reversed(bare)), f"{_mails(context, site, sink):,.0f}"
            )
            context.database.close()
    console.print(table)


def _context(url: str, sink: SmtpSink) -> Context:
    given = {
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BASE_URL": "http://127.0.0.1",
        "SECRET_KEY": SECRET_KEY,
        "CODE_KEY": CODE_KEY,
        "SMTP_URL": sink.url,
    }
    return build_context(read_settings({f"PLATZWART_{name}": value for name, value in given.items()}))


def _bare(context: Context, site: Site) -> float:
    now = datetime.now(UTC)
    known = _count(context)
    duties = [(1, f"{BARE}:{known + number}", now) for number in range(ROWS)]
    organisation = site.ids.organisation_id
    context.database.write(lambda session: outbox.put_all(session, now, organisation, BARE, duties))
    return _drained(context, ROWS)


def _mails(context: Context, site: Site, sink: SmtpSink) -> float:
    for number in range(REQUESTS):
        _request(context, site, slot_in(3 + number // 6, 8 + number % 6 * 2, 10 + number % 6 * 2, site.now), number)
    waiting, before = _count(context, waiting=True), len(sink.received)
    rate = _drained(context, waiting)
    assert len(sink.received) == before + waiting >= REQUESTS
    return rate


def _request(context: Context, site: Site, slot: Slot, number: int) -> None:
    def work(session: Session) -> object:
        return request(session, site.now, context.tools, site.ids, site.ids.hall, slot, contact(f"Kundin {number}"))

    context.database.write(work)


def _drained(context: Context, count: int) -> float:
    begun, done = time.perf_counter(), 0
    while claimed := worker.drain_once(context):
        done += claimed
    spent = time.perf_counter() - begun
    assert done == count, (done, count)
    assert _count(context, waiting=True) == 0
    return count / spent


def _count(context: Context, *, waiting: bool = False) -> int:
    query = select(func.count()).select_from(Outbox)
    with context.database.read() as session:
        return session.scalar(query.where(Outbox.done_at.is_(None)) if waiting else query) or 0


if __name__ == "__main__":
    run(Console())
