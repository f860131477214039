"""The gate alone, as granian loads it for `bench.feeds`: no Flask behind it."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from booking.tables.database import Database
from web.hot_feeds import FeedGate


def nothing(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("404 Not Found", [("Content-Length", "0")])
    return ()


application = FeedGate(nothing, Database(os.environ["BENCH_DATABASE_URL"]))
