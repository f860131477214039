"""`platzwart doctor`: looks for what goes wrong on real machines, and says what to do about it."""

import importlib
import importlib.metadata
import shutil
import sqlite3
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.settings import Settings, SettingsError, read_settings

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35, 0)
LEAST_FREE_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `advice` is empty where it is fine."""

    subject: str
    seen: str
    advice: str = ""


def examine(environment: Mapping[str, str]) -> tuple[Finding, ...]:
    """Look at interpreter, packages and settings; with usable settings also at disk, database and Redis."""
    findings = [_python(), _sqlite(), urllib3_finding(*_urllib3_versions())]
    try:
        settings = read_settings(environment)
    except SettingsError as error:
        return (
            *findings,
            *(Finding("settings", problem, "set it, see docs/settings.md") for problem in error.problems),
        )
    looked = (look(settings) for look in (_disk, _database, _redis))
    return (*findings, Finding("settings", "usable"), *looked, *_houses(settings))


def _python() -> Finding:
    advice = "" if sys.version_info >= OLDEST_PYTHON else "Python 3.11 or newer is needed"
    return Finding("python", sys.version.split()[0], advice)


def _sqlite() -> Finding:
    advice = "" if sqlite3.sqlite_version_info >= OLDEST_SQLITE else "SQLite 3.35 or newer is needed"
    return Finding("sqlite", sqlite3.sqlite_version, advice)


def _urllib3_versions() -> tuple[str, str]:
    return importlib.metadata.version("urllib3"), str(importlib.import_module("urllib3").__version__)


def urllib3_finding(installed: str, imported: str) -> Finding:
    """urllib3-future, which niquests brings, replaces urllib3 under everybody; then our guards are not in force."""
    advice = "" if installed == imported else "another package replaced urllib3; uninstall niquests and urllib3-future"
    return Finding("urllib3", imported, advice)


def _disk(settings: Settings) -> Finding:
    if not settings.data_dir.is_dir():
        return Finding("disk", f"{settings.data_dir} is absent", "make the folder, or set PLATZWART_DATA_DIR")
    free = shutil.disk_usage(settings.data_dir).free
    advice = "" if free >= LEAST_FREE_BYTES else "make room before the database cannot write"
    return Finding("disk", f"{free // 2**20} MiB free", advice)


def _database(settings: Settings) -> Finding:
    from booking.tables.database import Database
    from booking.tables.migrate import is_at_head

    def look() -> tuple[str, str]:
        database = Database(settings.database_url, pool_size=1)
        try:
            with database.read() as session:
                at_head = is_at_head(session)
        finally:
            database.close()
        return ("at head", "") if at_head else ("not at the newest revision", "run `platzwart migrate`")

    return _tried("database", look)


def _houses(settings: Settings) -> tuple[Finding, ...]:
    """Whether each house can write invoices (SPEC S12); nothing where the database cannot tell, as was said before."""
    from booking.reads.house import organisation_ids, read_house
    from booking.tables.database import Database
    from booking.tables.migrate import is_at_head

    try:
        database = Database(settings.database_url, pool_size=1)
        try:
            with database.read() as session:
                houses = [read_house(session, one) for one in organisation_ids(session)] if is_at_head(session) else []
        finally:
            database.close()
    except Exception:  # noqa: BLE001  # every driver has its own errors, and `_database` tells of them
        return ()
    return tuple(_invoices(house.name, house.lacks) for house in houses)


def _invoices(name: str, lacks: tuple[str, ...]) -> Finding:
    if not lacks:
        return Finding("invoices", f"{name}: can be written")
    advice = "enter it under Settings, Organisation and letterhead; nothing with a price can be confirmed until then"
    return Finding("invoices", f"{name}: lacks {', '.join(lacks)}", advice)


def _redis(settings: Settings) -> Finding:
    from redis import Redis

    def look() -> tuple[str, str]:
        with Redis.from_url(settings.redis_url, socket_connect_timeout=2) as connection:
            connection.ping()
        return "answers", ""

    return _tried("redis", look)


def _tried(subject: str, look: Callable[[], tuple[str, str]]) -> Finding:
    try:
        seen, advice = look()
    except Exception as error:  # noqa: BLE001  # every driver has its own errors; the class name holds no secret
        return Finding(subject, f"does not answer ({type(error).__name__})", "check its address and that it runs")
    return Finding(subject, seen, advice)
