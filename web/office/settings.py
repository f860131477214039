"""Settings by task, not by table (FACE, Settings)."""

from flask import render_template

from booking.rules.permissions import Capability
from web.access import require
from web.office import (
    settings_findings,
    settings_house,
    settings_prices,
    settings_rooms,
    settings_seasons,
    settings_staff,
    settings_texts,
)
from web.office.settings_frame import blueprint, tasks

__all__ = [  # the modules' views belong to the blueprint
    "blueprint",
    "settings_findings",
    "settings_house",
    "settings_prices",
    "settings_rooms",
    "settings_seasons",
    "settings_staff",
    "settings_texts",
]


@blueprint.get("")
@require(Capability.SETTINGS)
def index() -> str:
    return render_template("office/settings_index.html", tasks=tasks())
