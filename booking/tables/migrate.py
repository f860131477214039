"""Bring a database to the newest revision, and tell whether it is there.

The head is read from the revision files and the database's own revision from its one row, so that a process that only
asks (every web process does) never loads Alembic.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql import column, table

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent.parent / "migrations"
_ASSIGNED = re.compile(r"""^(revision|down_revision)\b[^=]*=\s*["']([^"']+)["']""", re.MULTILINE)
_VERSION = table("alembic_version", column("version_num"))


def alembic_config(url: str) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["url"] = url
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade to the revision. Safe to run twice and by several processes at once: the second waits, then is done."""
    if revision == "head" and _url_is_at_head(url):
        return
    from alembic import command

    command.upgrade(alembic_config(url), revision)


@lru_cache
def head() -> str:
    """The revision that no other builds on. Raises ValueError unless there is exactly one."""
    texts = [path.read_text(encoding="utf-8") for path in (SCRIPTS / "versions").glob("*.py")]
    found: list[dict[str, str]] = [dict(_ASSIGNED.findall(text)) for text in texts]
    built_on = {each.get("down_revision") for each in found}
    (newest,) = {each["revision"] for each in found}.difference(built_on)
    return newest


def is_at_head(session: Session) -> bool:
    """Whether the schema is the newest. A database without any schema is not."""
    try:
        return session.scalar(select(_VERSION.c.version_num)) == head()
    except DBAPIError:
        return False


def engine_url(url: str) -> str:
    """The address with the driver that we use."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def _url_is_at_head(url: str) -> bool:
    engine = create_engine(engine_url(url))
    try:
        with Session(engine) as session:
            return is_at_head(session)
    finally:
        engine.dispose()
