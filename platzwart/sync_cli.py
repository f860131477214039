"""`platzwart sync`: look at calendar links, see a plan before it is applied, decide what they ask (SPEC C8, C9, C11).

Exit codes: 0 all is well, 1 the run failed or something waits for a person, 2 wrong use, 3 the plan is another by now.
With --json one object is printed in any case; what kept a command from its work is its `error`, a code.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from booking.actions.audit import Actor
    from booking.reads.links import LinkLine, StepLine
    from sync.runner import Ran
    from workers.context import Context

FAILED, WRONG_USE, CHANGED = 1, 2, 3
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
LINK = click.argument("link")


@click.group()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of `up`.  [default: data]")
@click.pass_context
def sync(here: click.Context, data: Path | None) -> None:
    """Look at calendar links, and run them by hand.

    LINK is the id or the name of a link, as `platzwart sync list` prints them. The settings are those of the last
    `platzwart up` on the data folder, whether or not it runs, under those of the environment.
    """
    here.obj = data


@sync.command("list")
@AS_JSON
def list_links(*, as_json: bool) -> None:
    """Print all links with what they come to."""
    from booking.reads.links import links_of

    context = _context()
    with context.database.read() as session:
        found = links_of(session)
    if as_json:
        _print({"links": [_plain(one) for one in found]})
        return
    for one in found:
        problem = f"  {one.problem}" if one.problem else ""
        waits = "".join(f", {count} {word}" for word, count in _waiting(one) if count)
        click.echo(f"{one.public_id}  {one.name}: {one.room}, {one.policy}, {one.state}{problem}")
        click.echo(f"    last success {_when(one.last_success_at)}, next run {_when(one.next_run_at)}")
        click.echo(f"    {one.items} items, {one.imported} brought here{waits}")


@sync.command()
@LINK
@AS_JSON
def probe(link: str, *, as_json: bool) -> None:
    """Find out again what the server of a link can, and read it as a run would. Nothing is applied."""
    from booking.actions.links import forget_quirks
    from booking.reads.links import link_by

    context, line = _found(link)
    context.database.write(lambda session: forget_quirks(session, line.link_id))
    ran = _run(context, line, is_plan=True)
    with context.database.read() as session:
        page = link_by(session, line.organisation_id, line.public_id)
    if as_json:
        _print({"quirks": page.quirks, "problem": ran.problem})
    else:
        for name, value in page.quirks.items():
            click.echo(f"{name}: {value}" if name != "calendars" else _calendars(value))
        if ran.problem:
            click.echo(f"problem: {ran.problem}", err=True)
    _leave(ran)


@sync.command()
@LINK
@AS_JSON
def plan(link: str, *, as_json: bool) -> None:
    """Print what a run would do now, and the hash by which to apply it."""
    context, line = _found(link)
    ran = _run(context, line, is_plan=True)
    _show(context, ran, as_json=as_json)
    _leave(ran)


@sync.command()
@LINK
@click.option("--hash", "shown", help="Apply nothing but the plan with this hash, its held deletions among it.")
@click.option("--yes", is_flag=True, help="Apply without asking what is not held.")
@AS_JSON
def apply(link: str, shown: str | None, *, yes: bool, as_json: bool) -> None:
    """Print the plan of a link and apply it. Deletions that are held go only by --hash.

    A link that rests does what is shown and rests again.
    """
    context, line = _found(link)
    if shown is None:
        before = _run(context, line, is_plan=True)
        if not as_json or before.plan is None:
            _show(context, before, as_json=as_json)
        made = before.plan
        if made is None:
            _leave(before)
        if not yes:
            _confirm("Apply this plan?")
        shown = made.hash if line.state == "PAUSED" and not made.held else None
    ran = _run(context, line, shown=shown)
    if shown is not None and ran.plan is not None and ran.outcome == "PLANNED":
        _show(context, ran, as_json=as_json, error="preview-changed")
        click.echo("the plan is another by now; nothing was applied", err=True)
        sys.exit(CHANGED)
    if shown is not None and ran.plan is not None:
        _note_applied(context, line, shown)
    _show(context, ran, as_json=as_json)
    _leave(ran)


@sync.command()
@LINK
@click.option("--hash", "shown", required=True, help="The hash of the plan whose held deletions are not to be.")
@AS_JSON
def restore(link: str, shown: str, *, as_json: bool) -> None:
    """Keep what the held deletions of a plan would end, and run the link: ours is written there again."""
    from booking.actions.links import restore_held
    from workers.context import clock

    context, line = _found(link)
    no = context.database.write(
        lambda session: restore_held(session, clock(), line.organisation_id, _actor(), line.link_id, shown)
    )
    if no is not None:
        _stop(no.codes[0], f"refused: {', '.join(no.codes)}", CHANGED)
    ran = _run(context, line)
    _show(context, ran, as_json=as_json)
    _leave(ran)


@sync.command()
@LINK
@click.argument("uid")
@click.argument("choice", type=click.Choice(["ours", "theirs"]))
@AS_JSON
def resolve(link: str, uid: str, choice: str, *, as_json: bool) -> None:
    """Decide what a link asks about the item UID: keep ours, or take theirs."""
    from booking.actions.link_cases import resolve as decide
    from booking.reads.house import read_house
    from booking.values.links import Choice
    from booking.values.refusals import Refused
    from workers.context import clock

    context, line = _found(link)
    with context.database.read() as session:
        house = read_house(session, line.organisation_id)
    chosen = Choice.KEEP_OURS if choice == "ours" else Choice.TAKE_THEIRS
    actor = _actor()
    no = context.database.write(
        lambda session: decide(session, clock(), context.tools, house, actor, line.link_id, uid, chosen)
    )
    codes = no.codes if isinstance(no, Refused) else ()
    if as_json:
        _print({"decided": not codes, "refused": list(codes)})
    elif codes:
        click.echo(f"refused: {', '.join(codes)}", err=True)
    sys.exit(FAILED if codes else 0)


@sync.command()
@LINK
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
def rebuild(link: str, *, yes: bool, as_json: bool) -> None:
    """Drop the index of a link and find everything anew by UID, mark and content; nothing is written twice."""
    from booking.actions.links import rebuild_link
    from workers.context import clock

    context, line = _found(link)
    if not yes:
        _confirm(f"Drop the index of {line.name} and build it anew?")
    context.database.write(lambda session: rebuild_link(session, clock(), line.organisation_id, _actor(), line.link_id))
    ran = _run(context, line)
    _show(context, ran, as_json=as_json)
    _leave(ran)


def _context() -> "Context":
    from config.settings import SettingsError
    from platzwart.cli import UNUSABLE, process_environment, started_settings
    from platzwart.remembered import settings_beside
    from workers.context import build_context

    try:
        environment = settings_beside(process_environment(), click.get_current_context().obj)
        return build_context(started_settings(environment))
    except SettingsError as error:
        _stop("settings", "\n".join(error.problems), UNUSABLE)


def _waiting(one: "LinkLine") -> tuple[tuple[str, int], ...]:
    return ("asked", one.asked), ("held", one.held), ("resting", one.resting), ("not written there", one.unwritten)


def _actor() -> "Actor":
    from booking.actions.audit import Actor

    return Actor("command line", None, "platzwart sync")


def _found(link: str) -> "tuple[Context, LinkLine]":
    from booking.reads.links import links_of

    context = _context()
    with context.database.read() as session:
        found = [one for one in links_of(session) if link in {str(one.public_id), one.name}]
    if len(found) != 1:
        _stop(
            "no-such-link" if not found else "several-links",
            f"{len(found)} links are called {link!r}; `platzwart sync list` prints their ids",
            WRONG_USE,
        )
    return context, found[0]


def _run(context: "Context", line: "LinkLine", *, is_plan: bool = False, shown: str | None = None) -> "Ran":
    from booking.values.links import RunMode
    from platzwart.progress import Bars
    from workers.links import run_now

    with Bars() as bars:
        ran = run_now(context, line.link_id, RunMode.PLAN if is_plan else RunMode.NORMAL, shown, bars)
    if ran is None:
        _stop(*_why_not(context, line), FAILED)
    return ran


def _why_not(context: "Context", line: "LinkLine") -> tuple[str, str]:
    """Why a link does not run now, as a code and in words."""
    from booking.reads.links import link_of

    with context.database.read() as session:
        now = link_of(session, line.organisation_id, line.link_id)
    if now is None:
        return "no-such-link", "this link has ended"
    if now.state == "PAUSED":
        return "resting", "this link rests: apply the plan that was shown by --hash, or let it work first"
    return "busy", "somebody else runs this link just now"


def _note_applied(context: "Context", line: "LinkLine", shown: str) -> None:
    from booking.actions.audit import note
    from workers.context import clock

    told = {"plan": shown}
    mine, key = line.organisation_id, line.link_id
    context.database.write(
        lambda session: note(session, clock(), mine, _actor(), "calendar_link", key, "plan-applied", after=told)
    )


def _confirm(question: str) -> None:
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        _stop("not-confirmed", "nothing was done", FAILED)


def _stop(error: str, text: str, code: int) -> NoReturn:
    """Say what keeps the command from its work, and end."""
    if click.get_current_context().params.get("as_json"):
        _print({"error": error, "text": text})
    click.echo(text, err=True)
    sys.exit(code)


def _show(context: "Context", ran: "Ran", *, as_json: bool, error: str = "") -> None:
    from booking.reads.links import steps_of

    with context.database.read() as session:
        steps = steps_of(session, ran.run_id)
    if as_json:
        _print(_told(ran, steps) | ({"error": error} if error else {}))
        return
    for one in steps:
        what = one.theirs or one.ours
        text = f"{what.get('starts_at', '')} {what.get('summary', '')}".strip()
        problem = f" ({one.problem})" if one.problem else ""
        click.echo(f"{one.state:8} {one.kind:8} {one.side:6} {one.reason:16} {one.uid}  {text}{problem}")
    if ran.problem:
        click.echo(f"problem: {ran.problem}", err=True)
    if ran.plan is None:
        return
    held = f", {len(ran.plan.held)} deletions held ({ran.plan.hold})" if ran.plan.held else ""
    click.echo(f"{ran.outcome}: {len(steps)} steps{held}; {ran.requests} requests; hash {ran.plan.hash}")


def _told(ran: "Ran", steps: "Iterable[StepLine]") -> dict[str, Any]:
    made = ran.plan
    return {
        "outcome": ran.outcome,
        "problem": ran.problem,
        "hash": made.hash if made else "",
        "held": len(made.held) if made else 0,
        "hold": made.hold.value if made and made.hold else "",
        "counts": asdict(made.counts) if made else {},
        "requests": ran.requests,
        "here": ran.applied.here,
        "there": ran.applied.there,
        "failed": ran.applied.failed,
        "steps": [_plain(one) for one in steps],
    }


def _leave(ran: "Ran") -> NoReturn:
    is_held = ran.plan is not None and bool(ran.plan.held)
    sys.exit(FAILED if ran.problem or is_held or ran.outcome in {"FAILED", "INCOMPLETE", "LOST"} else 0)


def _calendars(found: list[dict[str, str]]) -> str:
    lines = (f"    {one['name']}  {one['url']}" for one in found)
    return "\n".join(("the address is that of an account; give the link that of one of its calendars:", *lines))


def _plain(value: Any) -> dict[str, Any]:
    return asdict(value)


def _print(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, default=_word, ensure_ascii=False))


def _word(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
