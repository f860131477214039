"""Why a place, a guest, a mark or a timetable is not to be had so, in the page's language (SPEC V7, X8)."""

from collections.abc import Callable, Mapping
from datetime import datetime

from booking.values.places import Consent
from web.filters import moment, money
from web.i18n import gettext

Values = Mapping[str, str | int]


def _moment(values: Values, name: str) -> str:
    """An instant that a rule wrote in ISO form, as people read it."""
    value = values.get(name)
    return moment(datetime.fromisoformat(str(value))) if value else ""


def _consent(values: Values) -> str:
    names = {Consent.PHOTO.value: gettext("photos"), Consent.HEALTH.value: gettext("health")}
    return names.get(str(values.get("consent")), "")


_PLACES: dict[str, Callable[[Values], str]] = {
    "event-cancelled": lambda _values: gettext("This event does not take place."),
    "event-begun": lambda _values: gettext("This event has begun already."),
    "event-over": lambda _values: gettext("This event is over."),
    "not-online": lambda _values: gettext("This event cannot be booked online. The office books you."),
    "booking-not-open": lambda values: gettext("It can be booked from %(opens)s on.", opens=_moment(values, "opens")),
    "booking-closed": lambda values: gettext(
        "It could be booked online until %(closed)s.", closed=_moment(values, "closed")
    ),
    "event-full": lambda values: gettext("All places are taken (%(capacity)s).", capacity=values.get("capacity", "")),
    "already-booked": lambda _values: gettext("This participant has a place in this event."),
    "already-waiting": lambda values: gettext(
        "This participant is on the waiting list already, at position %(position)s.",
        position=values.get("position", ""),
    ),
    "time-clash": lambda values: gettext(
        "Another booking of this participant meets this time: %(start)s.", start=_moment(values, "start")
    ),
    "place-free": lambda _values: gettext("A place is free: you can book it."),
    "no-waiting-list": lambda _values: gettext("This event has no waiting list."),
    "no-such-offer": lambda _values: gettext("There is no offer of a place any more."),
    "offer-over": lambda _values: gettext("This offer is over."),
    "override-without-reason": lambda _values: gettext("Please write why this is set aside."),
    "override-not-yours": lambda _values: gettext("You cannot set this aside."),
}
_NEEDS: dict[str, Callable[[Values], str]] = {
    "birth-date-missing": lambda _values: gettext("This course has an age limit. Please enter the date of birth."),
    "too-young": lambda values: gettext(
        "This course is for participants from the age of %(years)s.", years=values.get("years", "")
    ),
    "too-old": lambda values: gettext(
        "This course is for participants up to the age of %(years)s.", years=values.get("years", "")
    ),
    "level-missing": lambda _values: gettext("This course is for certain levels. Please ask the office for yours."),
    "level-too-low": lambda values: gettext("This course is from level %(level)s on.", level=values.get("level", "")),
    "level-too-high": lambda values: gettext("This course is up to level %(level)s.", level=values.get("level", "")),
    "consent-missing": lambda values: gettext("A consent is missing: %(consent)s.", consent=_consent(values)),
    "emergency-contact-missing": lambda _values: gettext("Please enter an emergency contact."),
    "roster-only": lambda _values: gettext("This course is for those on its roster alone."),
    "club-card-missing": lambda _values: gettext("A club card is needed that is valid on that day."),
    "no-pass-pays": lambda values: gettext(
        "No pass pays for this event; it costs units: %(units)s.", units=values.get("units", "")
    ),
    "customer-blocked": lambda values: gettext(
        "Something is still to be paid: %(amount)s.", amount=money(int(values.get("cents", 0)))
    ),
    "no-guests": lambda _values: gettext("This event takes no guests."),
    "too-many-guests": lambda values: gettext("This event takes %(most)s guests at most.", most=values.get("most", "")),
    "no-guest-named": lambda values: gettext("Please name one to %(most)s guests.", most=values.get("most", "")),
    "guest-without-name": lambda _values: gettext("Please enter the guest's name."),
    "guest-twice": lambda _values: gettext("This guest is on the list already."),
    "host-missing": lambda _values: gettext("Please choose who brings the guests and pays for them."),
}
_AFTERWARDS: dict[str, Callable[[Values], str]] = {
    "place-not-active": lambda _values: gettext("This place was cancelled already."),
    "place-begun": lambda _values: gettext("The event has begun: please mark the attendance instead."),
    "cancel-without-reason": lambda _values: gettext("Please give a reason."),
    "no-such-cancel-reason": lambda _values: gettext("This reason is not on the list."),
    "give-back-not-yours": lambda _values: gettext("What comes back is for the office to decide."),
    "give-back-unexplained": lambda _values: gettext("Please write why you decide otherwise."),
    "marks-not-yours": lambda _values: gettext("Attendance is marked by the team."),
    "mark-unchanged": lambda _values: gettext("It is marked so already."),
    "check-in-not-open": lambda values: gettext("Check-in opens %(opens)s.", opens=_moment(values, "opens")),
    "no-show-too-early": lambda _values: gettext("Nobody is missing before the event has begun."),
    "mark-admin-only": lambda values: gettext(
        "Until %(until)s it could be corrected; now only an admin can.", until=_moment(values, "until")
    ),
    "mark-without-reason": lambda _values: gettext("Please write why this is marked so late."),
}
_TIMETABLE: dict[str, Callable[[Values], str]] = {
    "change-nothing": lambda _values: gettext("Nothing would be otherwise."),
    "starts-in-past": lambda values: gettext(
        "An event would begin in the past: %(start)s.", start=_moment(values, "start")
    ),
    "rule-of-one": lambda _values: gettext("One event has no pattern. Please choose this and later ones."),
    "no-series": lambda _values: gettext("This event belongs to no series."),
    "shift-breaks-pattern": lambda _values: gettext(
        "Some days would fall into weeks that the series leaves out. Please choose the weekdays anew."
    ),
}

CLASS_TEXTS: dict[str, Callable[[Values], str]] = _PLACES | _NEEDS | _AFTERWARDS | _TIMETABLE
