"""The audit log in words: kinds of record, what was done, fields with before and after (SPEC X5)."""

from collections.abc import Mapping
from typing import Any

from booking.reads.audit_log import POINTS_TO, AuditLine, AuditPage, Named
from booking.reads.booking_file import Entry
from booking.values.house import Per
from booking.values.links import LinkPolicy
from booking.values.states import Role
from web.filters import role_name
from web.finding_words import finding_names
from web.i18n import gettext, translator
from web.link_texts import policy_name
from web.office import words
from web.office.audit_fields import field_names
from web.office.frame import address
from web.office.price_names import per_names


def kind_names() -> dict[str, str]:
    """Every kind of record that the log names."""
    return {
        "booking": gettext("Booking"),
        "customer": gettext("Customer"),
        "case": gettext("Case"),
        "door": gettext("Door"),
        "room": gettext("Room"),
        "branch": gettext("Branch"),
        "course": gettext("Course"),
        "series": gettext("Series"),
        "season": gettext("Season"),
        "closing_day": gettext("Closing days"),
        "price_list": gettext("Price list"),
        "price_rule": gettext("Price"),
        "price_extra": gettext("Extra"),
        "customer_group": gettext("Customer group"),
        "terms": gettext("Legal text"),
        "organisation": gettext("Organisation"),
        "staff": gettext("Staff"),
        "api_token": gettext("API token"),
        "feed": gettext("Calendar feed"),
        "connection": gettext("Booking site"),
        "calendar_link": gettext("Calendar link"),
        "desk": gettext("Desk"),
        "duty": gettext("Outgoing"),
    }


def action_name(line: AuditLine) -> str:
    known = {
        "made": gettext("Made"),
        "feed.made": gettext("Made"),
        "feed.revoked": gettext("Revoked"),
        "feed.rotated": gettext("New address"),
        "changed": gettext("Changed"),
        "removed": gettext("Removed"),
        "archived": gettext("Taken out of use"),
        "restored": gettext("Brought back"),
        "published": gettext("Published"),
        "logged-in": gettext("Logged in"),
        "log-in-refused": gettext("Log-in refused: wrong password"),
        "password-reset": gettext("Password set by somebody else"),
        "password-changed": gettext("Own password changed"),
        "disabled": gettext("Log-in ended for good"),
        "enabled": gettext("Let in again"),
        "revoked": gettext("Revoked"),
        "rotated": gettext("New address"),
        "closed": gettext("Closed"),
        "searched": gettext("Searched"),
        "paused": gettext("Paused"),
        "resumed": gettext("Resumed"),
        "proof": gettext("Tried out"),
        "proof-asked": gettext("Proof begun"),
        "calendars-chosen": gettext("Calendar links chosen"),
        "feed.renamed": gettext("Renamed"),
        "feed.changed": gettext("Changed"),
        "access-changed": gettext("Access changed"),
        "unlinked": gettext("Link ended"),
        "rebuilt": gettext("Found anew"),
        "plan-applied": gettext("Plan applied"),
        "deletions-approved": gettext("Held deletions let go"),
        "deletions-undone": gettext("Held deletions undone"),
        "key-changed": gettext("Key changed"),
        "secret-rotated": gettext("Secret replaced"),
        "pages-mapped": gettext("Pages assigned to rooms"),
        "tried-again": gettext("Tried again"),
        "codes-shown": gettext("Codes looked at"),
        "codes-generated": gettext("Codes made"),
        "codes-imported": gettext("Codes imported"),
        "address-verified": gettext("Mail address confirmed"),
        "opening-hours": gettext("Opening hours changed"),
        "office-hours": gettext("Office hours changed"),
        "desk-hours": gettext("Hours of the desk's phone changed"),
    }
    if line.subject == "calendar_link" and line.action == "decided":
        return gettext("Decided: theirs") if line.after.get("choice") == "TAKE_THEIRS" else gettext("Decided: ours")
    return known.get(line.action) or words.action_name(_entry(line, line.before, line.after))


def changes(line: AuditLine, page: AuditPage) -> list[tuple[str, str, str]]:
    """Field, before, after; what did not change is left out, ids are told by name."""
    before, after = (_plain(side, page) for side in (line.before, line.after))
    labels = finding_names() | field_names()
    return [(labels.get(name, name), old, new) for name, old, new in words.changes(_entry(line, before, after))]


def address_of(line: AuditLine) -> str | None:
    """The record's own page, where it has one."""
    pages = {
        "booking": ("office_bookings.show", "booking_id"),
        "customer": ("office_customers.show", "customer_id"),
        "room": ("office_settings.room_form", "room"),
        "branch": ("office_settings.branch_form", "branch"),
        "course": ("office_courses.show", "course"),
        "door": ("office_settings.door_form", "door"),
        "staff": ("office_settings.person_form", "person"),
        "connection": ("office_sites.show", "site"),
        "calendar_link": ("office_links.show", "link"),
    }
    if line.record is None or line.record.public_id is None or line.subject not in pages:
        return None
    endpoint, name = pages[line.subject]
    return address(endpoint, **{name: line.record.public_id})


def _entry(line: AuditLine, before: Mapping[str, Any], after: Mapping[str, Any]) -> Entry:
    return Entry(line.at, line.actor, line.origin, line.subject, line.action, dict(before), dict(after))


def _plain(side: Mapping[str, Any], page: AuditPage) -> dict[str, Any]:
    """Nested values side by side, lists and pairs as one text, ids as names."""
    found: dict[str, Any] = {}
    for key, value in side.items():
        if isinstance(value, dict):
            found |= {f"{name}": _text(inner) for name, inner in value.items()}
        elif key in POINTS_TO and isinstance(value, int):
            known: Named | None = page.names.get((POINTS_TO[key], value))
            found[key.removesuffix("_id")] = known.name if known else f"{value}"
        else:
            found[_AMBIGUOUS.get(key, key)] = _word(key, value)
    return found


_AMBIGUOUS = {"kind": "of_kind"}  # elsewhere a mail's kind


def _word(key: str, value: Any) -> Any:
    """Roles, who acts, steps of cancelling and what a price is for in words."""
    if key == "cancel_steps" and isinstance(value, list):
        return "; ".join(
            gettext("%(days)s days before: %(percent)s %%", days=one["days"], percent=one["percent"]) for one in value
        )
    if key == "weekdays" and isinstance(value, list):
        return ", ".join(translator().weekday(day) for day in sorted(value))
    if key == "per" and value in set(Per):
        return per_names()[Per(value)]
    if key == "policy" and value in set(LinkPolicy):
        return policy_name(LinkPolicy(value))
    if key == "role" and value in set(Role):
        return role_name(Role(value))
    return words.actor_name(value) if key == "who" and isinstance(value, str) else value


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return " · ".join(str(one) for one in value.values() if one is not None)
    return value
