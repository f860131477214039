"""Why branches, rooms, doors and accounts cannot be changed so, in the page's language (SPEC X8)."""

from collections.abc import Callable, Mapping

from web.i18n import gettext, ngettext

Values = Mapping[str, str | int]


HOUSE_TEXTS: dict[str, Callable[[Values], str]] = {
    "name-taken": lambda _values: gettext("Another one has this name already."),
    "slug-taken": lambda _values: gettext("Another one has this address already."),
    "no-such-price-list": lambda _values: gettext("There is no price list of this name."),
    "day-twice": lambda values: gettext(
        "Another step begins %(days)s days before already.", days=values.get("days", 0)
    ),
    "fee-falls": lambda values: gettext(
        "An earlier step costs %(percent)s %% already: a fee never falls as the start comes nearer.",
        percent=values.get("percent", 0),
    ),
    "too-many-steps": lambda values: gettext("At most %(most)s steps.", most=values.get("most", 0)),
    "bad-slug": lambda _values: gettext("Please use small letters a to z, digits and single hyphens, 60 at most."),
    "no-zone": lambda _values: gettext("There is no such time zone."),
    "inside-itself": lambda _values: gettext("A room cannot lie within a room that it holds itself."),
    "other-branch": lambda values: gettext(
        "A room within another is in the same branch. Elsewhere: %(rooms)s.", rooms=values.get("rooms", "")
    ),
    "branch-in-use": lambda _values: gettext("Rooms, doors or courses are in this branch; it cannot be removed."),
    "door-has-rooms": lambda values: gettext(
        "Rooms have this door: %(rooms)s. Please take it from them first.", rooms=values.get("rooms", "")
    ),
    "bad-alphabet": lambda _values: gettext(
        "Please enter the characters of the lock once each, at least two: digits, capital letters, * or #."
    ),
    "bad-prefix": lambda _values: gettext(
        "A beginning is shorter than a code and made of its characters; several have commas between."
    ),
    "format-too-small": lambda values: gettext(
        "That allows fewer than %(least)s codes, and a code could be guessed.", least=values.get("least", 0)
    ),
    "password-changed": lambda _values: gettext("Your password was changed meanwhile. Please log in again."),
    "room-in-use": lambda values: ngettext(
        "%(num)d booking is still to come in this room. Please move or cancel it first.",
        "%(num)d bookings are still to come in this room. Please move or cancel them first.",
        int(values.get("count", 0)),
    ),
    "parts-in-use": lambda values: ngettext(
        "%(num)d booking is to come in: %(rooms)s. What a room is made of changes only while nothing is booked.",
        "%(num)d bookings are to come in: %(rooms)s. What a room is made of changes only while nothing is booked.",
        int(values.get("count", 0)),
        rooms=values.get("rooms", ""),
    ),
    "zone-in-use": lambda values: ngettext(
        "%(num)d booking is still to come there; another time zone would move its hours.",
        "%(num)d bookings are still to come there; another time zone would move their hours.",
        int(values.get("count", 0)),
    ),
    "door-in-use": lambda values: ngettext(
        "%(num)d booking to come in %(room)s has a code of the present door.",
        "%(num)d bookings to come in %(room)s have a code of the present door.",
        int(values.get("count", 0)),
        room=values.get("room", ""),
    ),
    "codes-given": lambda values: ngettext(
        "%(num)d code of this door was given out; it stays for the record.",
        "%(num)d codes of this door were given out; it stays for the record.",
        int(values.get("count", 0)),
    ),
}
