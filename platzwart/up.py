"""`platzwart up`: furnish the data folder, plan the family of processes, run it in the foreground."""

import http.client
import json
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from config.logs import be_ready_to_log, set_up_logging
from config.settings import PREFIX, Settings, read_settings
from platzwart import modules
from platzwart.births import Births
from platzwart.children import Child, Fork, Stage, Start
from platzwart.embedded import (
    Choice,
    House,
    MailPorts,
    check_place,
    free_port,
    furnish,
    open_mail_ports,
    reachable,
    take_folder,
)
from platzwart.remembered import remember
from platzwart.supervisor import Supervisor

READY_SECONDS = 0.5
FIRST_PAGE = "first-page.txt"
PEER_CONFIG, PEER_STATE = "ycbm-peer.json", "ycbm-peer-state.json"


def command(*arguments: str) -> tuple[str, ...]:
    """`platzwart` with other arguments; `-P` keeps modules of the working folder out."""
    return (sys.executable, "-P", "-m", "platzwart", *arguments)


def born(
    name: str, stage: Stage, imports: tuple[str, ...], *arguments: str, start: Start = Start.PREPARED, **more: Any
) -> Child:
    """A child that is `platzwart` with these arguments, and imports these modules."""
    return Child(name, command(*arguments), stage, start, fork=Fork(arguments, imports), **more)


def plan(house: House, lock: int, mail: MailPorts | None, peer: str | None, app: str | None) -> tuple[Child, ...]:
    """The processes of `up`. The engine and the preparation start at once, the web loads beside them.

    `peer` is host:port of the stand-in for YouCanBook.me and belongs to the demonstration; None runs without both.
    """
    mail_url = ("--mail-url", mail.page_url) if mail else ()
    to_prepare = ("--first-page", str(house.data_dir / FIRST_PAGE), *mail_url, *(("--peer", peer) if peer else ()))
    web = ("web", "--app", app) if app else ("web",)
    children: list[Child] = []
    if mail is not None:  # first: it is small, and who waits for workers need not wait for the page of mails
        fds = (mail.smtp.fileno(), mail.page.fileno())
        sink = ("mail-sink", *map(str, fds), str(house.data_dir / "mail"))
        children.append(born("mail sink", Stage.OUTSIDE, modules.MAIL_SINK, *sink, fds=fds))
    children += [
        born("prepare", Stage.FRONT, modules.PREPARATION, "prepare", *to_prepare, start=Start.AT_ONCE, once=True),
        born("web", Stage.FRONT, modules.STAND_IN if app else modules.WEB, *web, start=Start.GATED),
        born("worker quick", Stage.WORKERS, modules.WORK, "worker", "quick"),
        born("worker sites", Stage.WORKERS, modules.WORK, "worker", "sites"),
        # two, so that a calendar that hangs holds up no other for longer than SPEC S5 allows
        born("worker calendars", Stage.WORKERS, modules.WORK, "worker", "calendars"),
        born("worker calendars 2", Stage.WORKERS, modules.WORK, "worker", "calendars"),
        born("tick", Stage.TICK, modules.WORK, "tick"),
    ]
    if house.engine is not None:
        children.insert(0, Child("valkey", house.engine, Stage.ENGINE, Start.AT_ONCE, fds=(lock,)))
    if peer is not None:
        children.append(Child("ycbm peer", peer_command(house.data_dir, peer), Stage.OUTSIDE))
    return tuple(children)


def peer_command(data_dir: Path, peer: str) -> tuple[str, ...]:
    """The stand-in for YouCanBook.me. The demonstration writes its configuration, it keeps its state beside that."""
    host, _, port = peer.rpartition(":")
    files = ("--config", str(data_dir / PEER_CONFIG), "--state", str(data_dir / PEER_STATE))
    return (sys.executable, "-P", "-m", "platzwart.peers.ycbm", "--host", host, "--port", port, *files)


def is_ready(host: str, port: int) -> bool:
    """Whether `/readyz` says yes: database, Redis and migrations are all there."""
    with closing(http.client.HTTPConnection(reachable(host).strip("[]"), port, timeout=READY_SECONDS)) as connection:
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def up(
    given: Mapping[str, str], choice: Choice, *, demo: bool, app: str | None = None, births: Births | None = None
) -> int:
    """Run all of Platzwart until a stop signal. Returns the exit code; raises SettingsError before anything starts.

    `births` is where children come from, if there is such a place.
    """
    data_dir, lock = take_folder(given, choice)
    house = furnish(given, choice, data_dir)
    environment = dict(house.environment)
    settings, mail = _settings_and_mail(environment)
    check_place(settings.host, settings.port)
    set_up_logging(settings.log_level, structured=False)

    def announce() -> None:
        click.echo(greeting(settings, mail, data_dir, peer))
        be_ready_to_log()

    peer = _admit_peer(environment, settings.port + 3) if demo else None
    remember(data_dir, given, environment)
    children = plan(house, lock, mail, peer, app)
    supervisor = Supervisor(
        children,
        environment,
        lambda: is_ready(settings.host, settings.port),
        announce,
        births=births,
        later=() if app else modules.LATER,
    )
    code = supervisor.run()
    os.close(lock)
    return code


def _admit_peer(environment: dict[str, str], near: int) -> str:
    """A place for the stand-in, host:port, which our clients may call although it is on this machine."""
    peer = f"127.0.0.1:{free_port(near)}"
    name = PREFIX + "ALLOW_PRIVATE_HOSTS"
    environment[name] = ",".join(filter(None, (environment.get(name), peer)))
    return peer


def _settings_and_mail(environment: dict[str, str]) -> tuple[Settings, MailPorts | None]:
    """Read the settings; where no mail server is named, open our own ports and name them in `environment`."""
    needs_sink = not (environment.get(PREFIX + "SMTP_URL") or environment.get(PREFIX + "SMTP_URL_FILE"))
    if not needs_sink:
        return read_settings(environment), None
    port = read_settings(environment | {PREFIX + "SMTP_URL": "smtp://127.0.0.1"}).port
    mail = open_mail_ports(near=port)
    environment[PREFIX + "SMTP_URL"] = mail.smtp_url
    return read_settings(environment), mail


def greeting(settings: Settings, mail: MailPorts | None, data_dir: Path, peer: str | None) -> str:
    """What the operator reads once all is up: where to go, and how to log in, or where to begin."""
    lines = ["", f"  Platzwart is ready:  {settings.base_url}/", f"  Data folder:         {data_dir}"]
    if (first_page := data_dir / FIRST_PAGE).exists():
        lines.append(f"  Begin here:          {first_page.read_text(encoding='utf-8').strip()}")
    if mail is not None:
        lines.append(f"  Mails (kept here):   {mail.page_url}")
    if peer is not None:
        lines.append(f"  YouCanBook.me here:  http://{peer}/")
        lines += login_lines(data_dir / "demo.json")
    return "\n".join([*lines, "  Stop with Ctrl-C.", ""])


def login_lines(demo_file: Path) -> list[str]:
    """The demonstration's log-ins as it wrote them down."""
    try:
        logins = json.loads(demo_file.read_text(encoding="utf-8"))["logins"]
    except (OSError, ValueError, KeyError):
        return []
    width = max((len(role) for role in logins), default=0)
    lines = [f"    {role:<{width}}  {login['email']}  {login['password']}" for role, login in logins.items()]
    return ["  Log-ins:", *lines]
