"""What the forms of calendar links send, read into values, and given back as it was typed, but for passwords."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import request

from booking.reads.house import House
from booking.reads.links import LinkPage
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings
from booking.values.refusals import NotFound, Reason, Refused
from booking.values.states import Variant
from web.i18n import gettext
from web.office import words

NUMBERS = ("months_back", "months_ahead", "every_minutes")
GUARDS = ("soon_count", "least", "writes_per_hour")
OWNED = ("TIME", "STATUS", "SUMMARY", "LOCATION", "DESCRIPTION")
EITHER = "EITHER_LOCAL"
DEFAULTS = {
    "kind": LinkKind.CALDAV.value,
    "policy": LinkPolicy.TWO_WAY.value,
    "variant": Variant.TITLES.value,
    "requested": "yes",
    "preview": "yes",
    "months_back": "1",
    "months_ahead": "12",
    "every_minutes": "10",
    "soon_count": "5",
    "least": "5",
    "writes_per_hour": "5000",
}
SECRET = frozenset({"password", "csrf_token"})


def typed() -> dict[str, str]:
    """Everything but what is secret."""
    return {name: value for name, value in request.form.items() if name not in SECRET}


def stored(page: LinkPage) -> dict[str, str]:
    """The settings of a link as its form shows them."""
    line = page.line
    numbers = {name: str(getattr(page, name)) for name in NUMBERS}
    guards = {name: str(page.limits.get(name, DEFAULTS[name])) for name in GUARDS}
    owners = {f"owner_{name}": str(page.owners.get(name, EITHER)) for name in OWNED}
    chosen = {"name": line.name, "policy": line.policy.value, "variant": page.variant.value}
    return chosen | numbers | guards | owners | ({"requested": "yes"} if page.requested else {})


def wanted_new(house: House) -> LinkSettings | Refused:
    """The settings of a new link; every field that cannot be read is told at once."""
    form = request.form
    reasons = _unread({"policy": set(LinkPolicy), "kind": set(LinkKind), "variant": set(Variant)})
    room = _room(house, form.get("room", ""))
    reasons += [] if room else [Reason("missing", "room")]
    numbers, wrong = _numbers(NUMBERS)
    if reasons or wrong or room is None:
        empty = [Reason("missing", name) for name in ("name", "url") if not form.get(name, "").strip()]
        return Refused(tuple(empty + reasons + wrong))
    return LinkSettings(
        name=form.get("name", ""),
        kind=LinkKind(form["kind"]),
        room_id=room,
        policy=LinkPolicy(form["policy"]),
        variant=Variant(form["variant"]),
        requested=form.get("requested") == "yes",
        months_back=numbers["months_back"],
        months_ahead=numbers["months_ahead"],
        every_minutes=numbers["every_minutes"],
    )


def wanted_change(page: LinkPage) -> LinkSettings | Refused:
    """Other settings of a link; what its form does not show stays."""
    form = request.form
    reasons = _unread({"policy": set(LinkPolicy), "variant": set(Variant)})
    numbers, wrong = _numbers(NUMBERS)
    guards, off = _numbers(GUARDS)
    if reasons or wrong or off:
        return Refused(tuple(reasons + wrong + off))
    policy = LinkPolicy(form["policy"])
    return LinkSettings(
        name=form.get("name", ""),
        kind=page.line.kind,
        room_id=page.line.room_id,
        policy=policy,
        variant=Variant(form["variant"]),
        requested=form.get("requested") == "yes",
        owners=_owners(page.owners),
        limits={name: value for name, value in guards.items() if str(value) != DEFAULTS[name] or name in page.limits},
        months_back=numbers["months_back"],
        months_ahead=numbers["months_ahead"],
        every_minutes=numbers["every_minutes"],
    )


def access() -> LinkAccess:
    form = request.form
    return LinkAccess(url=form.get("url", ""), user=form.get("user", ""), password=form.get("password", ""))


def errors(no: Refused) -> dict[str, list[str]]:
    """Texts by field; "" holds those of none."""
    found: dict[str, list[str]] = {}
    for reason in no.reasons:
        at = {"room_id": "room"}.get(reason.at or "", reason.at or "")
        found.setdefault(at, []).append(_unfit(at) if reason.code == "invalid" else words.reason_text(reason))
    return found


def labels() -> dict[str, str]:
    """What the fields are called, for the summary on top of a refused form."""
    return {
        "name": gettext("Name"),
        "kind": gettext("Kind"),
        "room": gettext("Room"),
        "policy": gettext("What the link does"),
        "variant": gettext("What may be read there"),
        "url": gettext("Address"),
        "user": gettext("User name"),
        "password": gettext("Password"),
        "months_back": gettext("Months back"),
        "months_ahead": gettext("Months ahead"),
        "every_minutes": gettext("Look every … minutes"),
        "soon_count": gettext("Deletions within two days"),
        "least": gettext("Deletions at once"),
        "writes_per_hour": gettext("Changes within an hour"),
    }


def _unfit(at: str) -> str:
    texts = {
        "url": gettext("This is no address of a calendar. It begins with https:// or webcal://."),
        "room": gettext("The room of a link stays. For another room make another link."),
    }
    return texts.get(at) or gettext("Please choose one of these.")


def _room(house: House, public_id: str) -> int | None:
    try:
        return house.room_by(public_id=UUID(public_id)).room_id
    except (ValueError, NotFound):
        return None


def _unread(choices: Mapping[str, set[Any]]) -> list[Reason]:
    return [Reason("missing", name) for name, known in choices.items() if request.form.get(name, "") not in known]


def _numbers(names: tuple[str, ...]) -> tuple[dict[str, int], list[Reason]]:
    found: dict[str, int] = {}
    wrong: list[Reason] = []
    for name in names:
        given = request.form.get(name, DEFAULTS[name]).strip()
        if given.isascii() and given.isdecimal() and len(given) < 10:
            found[name] = int(given)
        else:
            wrong.append(Reason("not-a-number", name))
    return found, wrong


def _owners(before: Mapping[str, Any]) -> dict[str, str]:
    given = {name: request.form.get(f"owner_{name}", "") for name in OWNED}
    chosen = dict(before) | {name: owner for name, owner in given.items() if owner}
    return {name: owner for name, owner in chosen.items() if owner != EITHER}
