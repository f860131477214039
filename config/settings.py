"""Settings from the environment: one frozen value, read once per process, wrong in one clear line each.

Every variable carries the prefix `PLATZWART_`. A secret may come from a file instead (`PLATZWART_SECRET_KEY_FILE`).
`docs/settings.md` lists them all; a test holds that table against `VARIABLES`.
"""

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

PREFIX = "PLATZWART_"
WEAK_SECRETS = frozenset({"secret", "changeme", "change-me", "dev", "default", "platzwart", "password"})


class SettingsError(Exception):
    """The settings cannot be used. `problems` holds one line for each, naming the variable."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CodeKey:
    """A key for door codes and credentials, kept outside the database (DESIGN rule 7)."""

    key_id: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a process is told from outside. `code_keys[0]` encrypts, all of them decrypt."""

    data_dir: Path
    database_url: str
    redis_url: str
    base_url: str
    secret_key: str
    code_keys: tuple[CodeKey, ...]
    smtp_url: str
    mail_from: str
    host: str
    port: int
    web_processes: int
    web_threads: int
    trusted_proxies: int
    allow_private_hosts: frozenset[str]
    log_level: str
    metrics_dir: Path | None


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment: its name without prefix, what it is for, how it is read."""

    name: str
    read: Callable[[str], Any]
    default: str | None
    purpose: str
    secret: bool = False


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _secret(value: str) -> str:
    if len(value) < 32 or value.lower() in WEAK_SECRETS or len(set(value)) < 8:
        raise ValueError("needs at least 32 random characters; `platzwart keys` prints good ones")
    return value


def _code_keys(value: str) -> tuple[CodeKey, ...]:
    keys = []
    for part in value.split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            secret = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            secret = b""
        if not key_id or len(secret) != 32 or len(set(secret)) < 8:
            raise ValueError("needs name:base64 of 32 random bytes, newest first; `platzwart keys` prints one")
        keys.append(CodeKey(key_id, secret))
    if len({key.key_id for key in keys}) != len(keys):
        raise ValueError("names a key twice")
    return tuple(keys)


def _url_of(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if _parts(value).scheme not in schemes:
            raise ValueError(f"must start with one of {', '.join(scheme + '://' for scheme in schemes)}")
        return value.strip().rstrip("/")

    return read


def _server_of(*schemes: str) -> Callable[[str], str]:
    """As `_url_of`; a host has to be named."""

    def read(value: str) -> str:
        address = _url_of(*schemes)(value)
        if not _parts(address).hostname:
            raise ValueError("names no host")
        return address

    return read


def _origin(value: str) -> str:
    """Scheme, host and port alone: cookies, links and webhooks are made for the whole of a host."""
    origin = _server_of("http", "https")(value)
    parts = _parts(origin)
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must end with the host or its port: Platzwart needs a host name of its own")
    return origin


def _parts(value: str) -> SplitResult:
    """The library's own words would show parts of a password that holds a sign with a meaning."""
    try:
        parts = urlsplit(value.strip())
        usable = parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is no address: its host or port cannot be read")
    return parts


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return read


def _hosts(value: str) -> frozenset[str]:
    hosts = frozenset(part.strip() for part in value.split(",") if part.strip())
    if any(not host.rpartition(":")[2].isdigit() for host in hosts):
        raise ValueError("must list host:port pairs, separated by commas")
    return hosts


def _level(value: str) -> str:
    if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return value.upper()


def _path(value: str) -> Path:
    return Path(_text(value)).expanduser().resolve()


def _optional_path(value: str) -> Path | None:
    return _path(value) if value.strip() else None


VARIABLES: tuple[Variable, ...] = (
    Variable("DATA_DIR", _path, "data", "folder for the SQLite file, the embedded Valkey and generated keys"),
    Variable(
        "DATABASE_URL", _url_of("sqlite", "postgresql", "postgresql+psycopg"), None, "SQLite or PostgreSQL address"
    ),
    Variable("REDIS_URL", _url_of("redis", "rediss", "unix"), None, "Redis or Valkey address"),
    Variable("BASE_URL", _origin, None, "public address; every mailed link starts with it"),
    Variable("SECRET_KEY", _secret, None, "signs links, feeds and forms", secret=True),
    Variable("CODE_KEY", _code_keys, None, "encrypts door codes and credentials: name:base64[,older:…]", secret=True),
    Variable(
        "SMTP_URL", _server_of("smtp", "smtps"), None, "outgoing mail: smtp://user:password@host:port", secret=True
    ),
    Variable("MAIL_FROM", _text, "platzwart@localhost", "sender address where an organisation has none"),
    Variable("HOST", _text, "127.0.0.1", "address the web process listens on"),
    Variable("PORT", _number(1, 65535), "8000", "port the web process listens on"),
    Variable("WEB_PROCESSES", _number(1, 64), "2", "number of web processes"),
    Variable("WEB_THREADS", _number(1, 64), "4", "threads in each web process, and size of its database pool"),
    Variable("TRUSTED_PROXIES", _number(0, 5), "0", "how many proxies stand in front and set X-Forwarded-For"),
    Variable("ALLOW_PRIVATE_HOSTS", _hosts, "", "host:port on private addresses that may be called, also by http"),
    Variable("LOG_LEVEL", _level, "INFO", "DEBUG, INFO, WARNING or ERROR"),
    Variable("METRICS_DIR", _optional_path, "", "shared folder for the counters of several web processes"),
)
FIELDS = {variable.name: variable.name.lower() for variable in VARIABLES} | {"CODE_KEY": "code_keys"}


def allowed_private_hosts(environment: Mapping[str, str]) -> frozenset[str]:
    """`ALLOW_PRIVATE_HOSTS` alone, for a command that needs no other setting. Raises SettingsError."""
    (variable,) = (variable for variable in VARIABLES if variable.name == "ALLOW_PRIVATE_HOSTS")
    try:
        return frozenset(variable.read(_raw(variable, environment)))
    except (ValueError, OSError) as error:
        raise SettingsError((f"{PREFIX}{variable.name}: {error}",)) from None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read all variables. Raises SettingsError with one line for each variable that is missing or wrong."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for variable in VARIABLES:
        try:
            values[FIELDS[variable.name]] = variable.read(_raw(variable, environment))
        except (ValueError, OSError) as error:
            problems.append(f"{PREFIX}{variable.name}: {error}")
    if problems:
        raise SettingsError(tuple(problems))
    return Settings(**values)


def _raw(variable: Variable, environment: Mapping[str, str]) -> str:
    name = PREFIX + variable.name
    if file := environment.get(name + "_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    value = environment.get(name, variable.default)
    if value is None:
        raise ValueError("is not set")
    return value


def read_dotenv(path: Path) -> dict[str, str]:
    """Lines `NAME=value` of a .env file, quotes taken off; an absent file is empty. Raises SettingsError."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise SettingsError((f"{path}: cannot be read ({error.strerror})",)) from error
    except UnicodeDecodeError as error:
        line_number = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError((f"{path}: line {line_number} is not UTF-8",)) from None
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            found[name.strip().removeprefix("export ")] = value.strip().strip("'\"")
    return found


def settings_from_process() -> Settings:
    """Settings of this process: the environment over `.env` in the working folder."""
    return read_settings(read_dotenv(Path(".env")) | dict(os.environ))
