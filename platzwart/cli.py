"""The command. Imports stay inside the functions, so that `platzwart --help` answers at once."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click

from config.settings import PREFIX, VARIABLES, Settings, SettingsError, read_dotenv, read_settings
from platzwart.sync_cli import sync

P = ParamSpec("P")
UNUSABLE = 2
HIDDEN = "[hidden]"
CHATTY = ("alembic", "rq", "mail.log")


def process_environment() -> Mapping[str, str]:
    """The environment over `.env` in the working folder."""
    return read_dotenv(Path(".env")) | dict(os.environ)


def started_settings(environment: Mapping[str, str] | None = None, *, structured: bool = True) -> Settings:
    """Settings of a process that is about to work: read, and its logs set up by them (`config.logs`)."""
    from config.logs import set_up_logging

    settings = read_settings(process_environment() if environment is None else environment)
    set_up_logging(settings.log_level, structured=structured)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return settings


def says_what_is_wrong(function: Callable[P, Any]) -> Callable[P, Any]:
    """Unusable settings: one line each on standard error, exit 2."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return function(*args, **kwargs)
        except SettingsError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            sys.exit(UNUSABLE)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="platzwart")
def main() -> None:
    """Bookings of halls and studios: requests, review, doors, calendars.

    Settings come from the environment (PLATZWART_…) and from a file .env in the working folder; docs/settings.md lists
    them. `platzwart up` needs none.
    """


main.add_command(sync)


@main.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder.  [default: data]")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: 8000]")
@click.option("--demo", is_flag=True, help="Load a demonstration and write its log-ins to DATA/demo.json.")
@click.option("--app", hidden=True)
@says_what_is_wrong
def up(data: Path | None, host: str | None, port: int | None, app: str | None, *, demo: bool) -> None:
    """Run everything in the foreground: database, queue, web, workers, tick and mail sink."""
    from platzwart import births, modules

    nursery = births.begin(modules.STAND_IN if app else (*modules.PREPARATION, *modules.WEB))
    from platzwart.embedded import Choice
    from platzwart.up import up as run_up

    try:
        sys.exit(run_up(process_environment(), Choice(data, host, port), demo=demo, app=app, births=nursery))
    finally:
        if nursery is not None:
            nursery.close()


@main.command()
@click.option("--app", hidden=True)
@says_what_is_wrong
def web(app: str | None) -> None:
    """Serve pages, feeds and the API."""
    from config.loading import loading

    with loading():
        from platzwart.children import wait_for_gate
        from platzwart.embedded import check_place
        from platzwart.web_server import TARGET, serve

    settings = started_settings(structured=False)
    check_place(settings.host, settings.port)
    serve(settings, app or TARGET, lambda: wait_for_gate(os.environ))


@main.command()
@click.argument("queue", type=click.Choice(["quick", "sites", "calendars"]))
@says_what_is_wrong
def worker(queue: str) -> None:
    """Work on one queue."""
    settings = started_settings()
    from platzwart.rq_worker import modules_of, run_worker

    sys.exit(run_worker(queue, settings.redis_url, modules_of(queue)))


@main.command()
@says_what_is_wrong
def tick() -> None:
    """Look every two seconds for work that is due."""
    settings = started_settings()
    from platzwart.tick import main as run_tick

    run_tick(settings)


@main.command()
@says_what_is_wrong
def migrate() -> None:
    """Bring the database to the newest revision."""
    settings = started_settings()
    from booking.tables.migrate import migrate as run_migrate

    run_migrate(settings.database_url)


@main.command(hidden=True)
@click.option("--first-page", type=click.Path(path_type=Path))
@click.option("--mail-url")
@click.option("--peer")
@says_what_is_wrong
def prepare(first_page: Path | None, mail_url: str | None, peer: str | None) -> None:
    """Migrate, load the demonstration, or write down where to begin, for `up`."""
    settings = started_settings()
    from platzwart.prepare import prepare as run_prepare

    run_prepare(settings, first_page, mail_url, peer)


@main.command(hidden=True)
@click.argument("smtp_fd", type=int)
@click.argument("page_fd", type=int)
@click.argument("folder", type=click.Path(path_type=Path))
def mail_sink(smtp_fd: int, page_fd: int, folder: Path) -> None:
    """Keep all mails and show them, for `up`."""
    import socket

    from platzwart.mail_sink import run

    run(socket.socket(fileno=smtp_fd), socket.socket(fileno=page_fd), folder)


@main.command()
def keys() -> None:
    """Print new random keys for PLATZWART_SECRET_KEY and PLATZWART_CODE_KEY."""
    from platzwart.keys import new_code_key, new_secret_key

    click.echo(f"{PREFIX}SECRET_KEY={new_secret_key()}")
    click.echo(f"{PREFIX}CODE_KEY={new_code_key()}")


@main.command()
@says_what_is_wrong
def setup_link() -> None:
    """Print the link to the page that makes the first organisation and its owner."""
    from booking.values.tokens import setup_path

    settings = read_settings(process_environment())
    click.echo(settings.base_url + setup_path(settings.secret_key.encode()))


@main.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@says_what_is_wrong
def check() -> None:
    """Say whether the settings can be used, one line for each that cannot."""
    read_settings(process_environment())
    click.echo("settings are usable")


@config.command()
@says_what_is_wrong
def show() -> None:
    """Print all settings with their sources; secrets stay hidden."""
    environment = process_environment()
    for variable in VARIABLES:
        name = PREFIX + variable.name
        if file := environment.get(name + "_FILE"):
            click.echo(f"{name}_FILE={file}")
        elif (value := environment.get(name)) is not None:
            click.echo(f"{name}={HIDDEN if variable.secret else without_password(value)}")
        elif variable.default is not None:
            click.echo(f"{name}={variable.default}  (default)")
        else:
            click.echo(f"{name}  (not set)")


def without_password(value: str) -> str:
    """An address without the password in it; anything else as it is, unless nobody knows what it is."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
    except ValueError:
        return HIDDEN
    if not parts.password:
        return value
    user_and_password, _, rest = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user_and_password.partition(':')[0]}:{HIDDEN}@{rest}").geturl()


@main.command()
@says_what_is_wrong
def doctor() -> None:
    """Look for what goes wrong on real machines; exit 1 where something needs care."""
    from platzwart.doctor import examine

    findings = examine(process_environment())
    for finding in findings:
        mark = "!!" if finding.advice else "ok"
        click.echo(f"{mark}  {finding.subject}: {finding.seen}" + (f" — {finding.advice}" if finding.advice else ""))
    sys.exit(1 if any(finding.advice for finding in findings) else 0)


@main.group()
def ics() -> None:
    """Look at calendars."""


@ics.command("check")
@click.argument("source")
@click.option("--zone", default="Europe/Berlin", show_default=True, help="Zone of times without one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@says_what_is_wrong
def check_calendar(source: str, zone: str, *, as_json: bool) -> None:
    """Read a calendar (file, address or - for standard input) as a link would; exit 1 with problems, 2 unreadable."""
    from zoneinfo import available_timezones

    if zone not in available_timezones():
        raise click.BadParameter(f"{zone} is no zone of the tz database", param_hint="--zone")
    from config.settings import allowed_private_hosts
    from platzwart.ics_check import run

    sys.exit(run(source, zone, allowed_private_hosts(process_environment()), as_json=as_json))
