"""New codes of a season: drawn by ourselves, or read from the lock's list (SPEC S1, X7). Preview first, then apply."""

import base64
import binascii
import zlib
from typing import Any
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.code_lists import Drawn
from booking.actions.doors import ImportPreview, apply_import, draw_season, generate_season, preview_import
from booking.reads.doors import side_by_side
from booking.rules.code_import import Problem
from booking.rules.doorcodes import Pattern
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from booking.values.refusals import refused as no_for
from web.access import require
from web.i18n import gettext, ngettext
from web.office.doors_frame import blueprint, door_of, name_of, refused
from web.request import actor, house, now, read, tools, write

MOST_BYTES = 1_000_000
MOST_POOL = 50
MOST_PROBLEMS = 100


@blueprint.get("/<uuid:door>/generate")
@require(Capability.DOORS_MANAGE)
def generate_form(door: UUID) -> str:
    return render_template("office/doors_generate.html", door=name_of(door), **_chosen(door))


@blueprint.post("/<uuid:door>/generate")
@require(Capability.DOORS_MANAGE)
def generate(door: UUID) -> AnyResponse:
    """Draw and count; with `apply` draw anew and keep. What was drawn for a preview is thrown away."""
    chosen = _chosen(door)
    drawn = _drawn(door, chosen)
    if isinstance(drawn, Refused):
        return refused(door, "office/doors_generate.html", drawn, **chosen)
    if request.form.get("step") != "apply":
        page = render_template(
            "office/doors_generate.html", door=name_of(door), preview=True, count=len(drawn.codes), **chosen
        )
        return make_response(page)
    facts = house()
    made = write(lambda db: generate_season(db, now(), facts, drawn, actor()))
    if isinstance(made, Refused):
        return refused(door, "office/doors_generate.html", made, **chosen)
    return _done(door, made.count)


@blueprint.get("/<uuid:door>/import")
@require(Capability.DOORS_MANAGE)
def import_form(door: UUID) -> str:
    return render_template("office/doors_import.html", door=name_of(door))


@blueprint.post("/<uuid:door>/import")
@require(Capability.DOORS_MANAGE)
def import_list(door: UUID) -> AnyResponse:
    """Preview of an uploaded list; with `apply` and the preview's fingerprint take over all of it or nothing."""
    body = _kept() if request.form.get("step") == "apply" else _uploaded()
    if not body:
        return refused(door, "office/doors_import.html", no_for("no-file"))
    facts, known = house(), name_of(door)
    preview = preview_import(read(), now(), tools(), facts, known.door_id, body)
    if request.form.get("step") != "apply":
        return _previewed(door, preview, body)
    seen = request.form.get("fingerprint", "")
    made = write(lambda db: apply_import(db, now(), facts, preview, seen, actor()))
    if isinstance(made, Refused):
        return refused(door, "office/doors_import.html", made)
    return _done(door, made.count)


def problem_text(problem: Problem) -> str:
    """What is wrong with a line of the lock's list."""
    texts = {
        "unreadable": gettext("The file cannot be read as text."),
        "too-large": gettext("The file is too large."),
        "empty": gettext("The file holds no codes."),
        "missing-column": gettext("The columns code, from and until are needed; one is missing."),
        "bad-format": gettext("The lock does not take such a code."),
        "bad-time": gettext("This is not a date that can be read."),
        "no-such-time": gettext("This time does not exist: the clocks go forward then."),
        "until-before-from": gettext("It ends before it begins."),
        "too-long": gettext("The window is longer than 32 days."),
        "in-use": gettext("The door has this code already, at an overlapping time."),
        "duplicate": gettext("The same code stands in another line, at an overlapping time."),
    }
    return texts.get(problem.code, gettext("This line cannot be read."))


def _previewed(door: UUID, preview: ImportPreview, body: bytes) -> Response:
    problems = [
        {"line": one.line, "at": one.column or "", "text": problem_text(one)}
        for one in preview.problems[:MOST_PROBLEMS]
    ]
    page = render_template(
        "office/doors_import.html",
        door=name_of(door),
        preview=preview,
        problems=problems,
        more=len(preview.problems) - len(problems),
        kept=base64.b64encode(zlib.compress(body)).decode(),
    )
    return make_response(page, 422 if preview.problems else 200)


def _uploaded() -> bytes:
    file = request.files.get("file")
    return file.stream.read(MOST_BYTES + 1) if file else b""


def _kept() -> bytes:
    """The list that the preview was made of, sent back by the page; the fingerprint tells if it is another one."""
    try:
        packed = base64.b64decode(request.form.get("kept", ""), validate=True)
        return zlib.decompressobj().decompress(packed, MOST_BYTES)
    except (binascii.Error, ValueError, zlib.error):
        return b""


def _drawn(door: UUID, chosen: dict[str, Any]) -> Drawn | Refused:
    if chosen["season"] is None:
        return no_for("unknown-season")
    if not 1 <= chosen["pool"] <= MOST_POOL:
        return no_for("bad-pool")
    return draw_season(
        read(),
        now(),
        tools(),
        house(),
        name_of(door).door_id,
        chosen["season"],
        chosen["pattern"],
        chosen["pool"],
    )


def _chosen(door: UUID) -> dict[str, Any]:
    """What the form says, or what is usual."""
    facts, behind = house(), door_of(name_of(door))
    typed = request.form.get("season", str(facts.seasons[-1].season_id) if facts.seasons else "")
    season = next((one.season_id for one in facts.seasons if str(one.season_id) == typed), None)
    pattern = request.form.get("pattern", "")
    pool = request.form.get("pool", str(max(1, side_by_side(behind.rooms))))
    return {
        "season": season,
        "seasons": facts.seasons,
        "pattern": Pattern(pattern) if pattern in set(Pattern) else Pattern.EACH_SLOT,
        "pool": int(pool) if pool.isascii() and pool.isdigit() and len(pool) < 4 else 0,
        "typed_pool": pool,
        "rooms": behind.rooms,
        "most_pool": MOST_POOL,
    }


def _done(door: UUID, count: int) -> AnyResponse:
    flash(ngettext("%(num)d new code.", "%(num)d new codes.", count), "ok")
    return redirect(url_for("office_doors.show", door=door))
