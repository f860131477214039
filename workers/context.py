"""What a worker process works with, built once: settings, database, Redis, tools."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from redis import Redis

from booking.actions.tools import Tools
from booking.actions.vault import Vault
from booking.tables.database import Database
from config.settings import Settings, settings_from_process


@dataclass(frozen=True, slots=True)
class Context:
    settings: Settings
    database: Database
    redis: Redis
    tools: Tools


def build_context(settings: Settings) -> Context:
    keys = [(key.key_id, key.secret) for key in settings.code_keys]
    return Context(
        settings=settings,
        database=Database(settings.database_url, pool_size=2),
        redis=Redis.from_url(settings.redis_url),
        tools=Tools(settings.secret_key.encode(), Vault(keys)),
    )


@lru_cache(maxsize=1)
def process_context() -> Context:
    """The context of this process. RQ hands jobs nothing but ids, so they find it here."""
    return build_context(settings_from_process())


def clock() -> datetime:
    """The edge's clock: jobs read it here and pass it on."""
    return datetime.now(UTC)
