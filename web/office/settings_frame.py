"""What the pages of the settings share: the blueprint, the list of tasks, a page with one form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.rules.permissions import Capability, may
from booking.values.refusals import Refused
from web.i18n import gettext
from web.office.settings_forms import Form, filled, shown
from web.request import write
from web.security import logged_in_staff

blueprint = Blueprint("office_settings", __name__, url_prefix="/office/settings")


@dataclass(frozen=True, slots=True)
class Task:
    """A page of the settings, named by what one wants to do there."""

    endpoint: str
    title: str
    text: str
    capability: Capability


def tasks() -> list[Task]:
    """What this person may set, in the order in which a new house needs it."""
    settings, prices = Capability.SETTINGS, Capability.PRICES
    everything = (
        ("hours", gettext("Hours and phones"), gettext("When the office works, which number answers when."), settings),
        ("review", gettext("Review and codes"), gettext("Deadline, undo, when codes are sent."), settings),
        ("branches", gettext("Branches"), gettext("Where rooms and doors are, and in which time zone."), settings),
        ("rooms", gettext("Rooms"), gettext("Opening hours, slots, buffers, notice, cancelling."), settings),
        ("doors", gettext("Doors and locks"), gettext("Which rooms lie behind, which codes a lock takes."), settings),
        ("prices", gettext("Prices"), gettext("What an hour costs, by weekday, time and season; VAT."), prices),
        ("seasons", gettext("Seasons and closing days"), gettext("When the house is open at all."), settings),
        ("house", gettext("Organisation and letterhead"), gettext("What stands on mails and invoices."), settings),
        ("findings", gettext("Plausibility"), gettext("How heavily each finding weighs."), settings),
        ("limits", gettext("Limits"), gettext("How many requests may wait for their review."), settings),
        ("texts", gettext("Legal texts"), gettext("Terms, house rules, privacy, imprint."), settings),
        ("staff", gettext("Staff"), gettext("Who works here, in which role."), Capability.STAFF),
        ("roles", gettext("Who may do what"), gettext("The table of roles."), Capability.ROLES_READ),
        ("tokens", gettext("API tokens"), gettext("What other programs call this one with."), Capability.API_TOKENS),
        ("audit", gettext("Audit log"), gettext("Who changed what, when, from where."), Capability.AUDIT_ALL),
    )
    role = logged_in_staff().role
    return [Task(*task) for task in everything if may(role, task[3])]


def page(template: str, form: Form | None = None, status: int = 200, **values: Any) -> AnyResponse:
    return make_response(render_template(f"office/settings_{template}.html", form=form, **values), status)


def form_page(
    title: str, fields: tuple[Any, ...], now_set: Mapping[str, Any], *, lead: str = "", back: str, **more: Any
) -> AnyResponse:
    """A page that is one form."""
    form = shown(fields, now_set)
    return page("form", form, title=title, lead=lead, back=back, **more)


def save(
    title: str,
    fields: tuple[Any, ...],
    action: Callable[[Session, Mapping[str, Any]], object],
    *,
    back: str,
    lead: str = "",
    then: str = "",
    **more: Any,
) -> AnyResponse:
    """Read the form, run the action, lead back; else the form again with the messages at its fields."""
    form = filled(fields, request.form)
    if not form.errors:
        done = write(lambda session: action(session, form.values), nudge=False)
        if not isinstance(done, Refused):
            flash(gettext("Saved."), "ok")
            return redirect(then or back)
        form = form.refused(done)
    return page("form", form, 422, title=title, lead=lead, back=back, **more)
