"""Settings by task, not by table (FACE, Settings)."""

from flask import render_template

from booking.rules.permissions import Capability
from web.access import require
from web.office import (
    settings_audit,
    settings_branches,
    settings_cancelling,
    settings_doors,
    settings_extras,
    settings_findings,
    settings_house,
    settings_places,
    settings_prices,
    settings_rooms,
    settings_seasons,
    settings_staff,
    settings_texts,
    settings_tokens,
)
from web.office.settings_frame import blueprint, tasks

__all__ = [  # the modules' views belong to the blueprint
    "blueprint",
    "settings_audit",
    "settings_branches",
    "settings_cancelling",
    "settings_doors",
    "settings_extras",
    "settings_findings",
    "settings_house",
    "settings_places",
    "settings_prices",
    "settings_rooms",
    "settings_seasons",
    "settings_staff",
    "settings_texts",
    "settings_tokens",
]


@blueprint.get("")
@require(Capability.SETTINGS)
def index() -> str:
    return render_template("office/settings_index.html", tasks=tasks())
