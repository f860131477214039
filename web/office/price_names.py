"""What prices of extras are for, in words."""

from booking.values.house import Per
from web.i18n import gettext


def per_names() -> dict[Per, str]:
    return {
        Per.BOOKING: gettext("for the booking"),
        Per.HOUR: gettext("for an hour"),
        Per.PERSON: gettext("for a person"),
    }
