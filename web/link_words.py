"""What a case of a calendar link is called, what it asks, and what each answer does (SPEC C9, C13)."""

from booking.actions.deciding_cases import Way
from web.i18n import gettext


def link_title(kind: str) -> str:
    titles = {
        "link-moved": gettext("Moved in the linked calendar"),
        "link-cancelled": gettext("Deleted in the linked calendar"),
        "link-clash": gettext("Taken in the linked calendar as well"),
        "link-conflict": gettext("Changed here and in the linked calendar"),
        "link-held": gettext("Deletions of a calendar link wait"),
        "link-silent": gettext("A linked calendar is not reached"),
        "link-full": gettext("A linked calendar holds more times than may be kept"),
        "link-unwritten": gettext("A linked calendar does not take our bookings"),
    }
    return titles.get(kind, "")


def link_question(kind: str) -> str:
    texts = {
        "link-moved": gettext("Somebody changed this booking in the calendar. Here its time is kept until you decide."),
        "link-cancelled": gettext("Somebody deleted this booking in the calendar. Here it stands and keeps its time."),
        "link-clash": gettext(
            "The calendar says that the room is taken in the time of this booking or course, which stands."
        ),
        "link-conflict": gettext("What was changed in the calendar did not hold. Both versions are kept for review."),
        "link-held": gettext(
            "More is missing in the calendar than people delete by hand. Nothing ends until you look at the link's "
            "plan."
        ),
        "link-full": gettext(
            "The nearest times of this calendar are taken here; later ones are left out and wrongly show as free. This "
            "case closes by itself when all of them are kept."
        ),
        "link-silent": gettext(
            "Nothing was read there for longer than it should take. What is entered there is not known here, and "
            "changes made here do not arrive there. This case closes by itself when it works again."
        ),
        "link-unwritten": gettext(
            "What is booked here does not stand in the calendar, for longer than it should take. All else works, and "
            "it is tried again by itself. Please see whether the link may write there and whether the calendar is "
            "full. This case closes by itself when everything is written."
        ),
    }
    return texts.get(kind, "")


def link_effect(kind: str, way: Way) -> str:
    effects = {
        ("link-moved", Way.TAKE): gettext("The customer gets a mail with the new time and a code for it."),
        ("link-moved", Way.KEEP): gettext("It is written into the calendar again as it stands here."),
        ("link-cancelled", Way.CANCEL): gettext("The time is free at once, and the customer gets a mail."),
        ("link-cancelled", Way.KEEP): gettext("It is written into the calendar again as it stands here."),
        ("link-clash", Way.SETTLED): gettext(
            "Nothing changes by this. Please move or cancel one of both first, here or there."
        ),
        ("link-conflict", Way.SETTLED): gettext("You have seen it. What holds stays as it is."),
        ("link-full", Way.SETTLED): gettext("Nothing changes by this. While times are left out, the case opens again."),
        ("link-silent", Way.SETTLED): gettext("The next silence is a new case."),
        ("link-unwritten", Way.SETTLED): gettext("It is tried again by itself. What is not taken later is a new case."),
        ("link-held", Way.KEEP): gettext("Nothing ends. What the link writes is written into the calendar again."),
        ("link-held", Way.LET_GO): gettext(
            "What is listed ends, exactly as it is listed. A confirmed booking is never cancelled by this; it becomes "
            "a case of its own."
        ),
    }
    return effects.get((kind, way), "")
