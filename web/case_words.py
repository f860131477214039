"""What a case is called, what it asks of a person, and what each answer does, in the page's language (SPEC S10, Y6)."""

from booking.actions.deciding_cases import Way
from web.i18n import gettext
from web.link_words import link_effect, link_question, link_title


def case_title(kind: str) -> str:
    titles = {
        "site-moved": gettext("Moved on the booking site"),
        "site-cancelled": gettext("Cancelled on the booking site, not by the customer"),
        "site-vanished": gettext("Gone from the booking site"),
        "site-block-gone": gettext("Our block on the booking site was removed"),
        "site-clash": gettext("Taken on the booking site as well"),
        "site-double": gettext("Taken here and on the booking site"),
        "cancel-stuck": gettext("Cancelling on the booking site fails"),
        "invoice-differs": gettext("Invoice and booking differ"),
        "invoice-waived": gettext("Waived after the invoice went out"),
        "invoice-cancelled": gettext("Cancelled: settle invoice and fee"),
        "invoice-incomplete": gettext("The invoice cannot be written"),
        "late-move": gettext("Moved late: a fee is due"),
        "not-reviewed": gettext("Not reviewed in time"),
        "approval-clash": gettext("Approved, but the time is taken"),
        "codes-low": gettext("Door codes run out"),
        "site-silent": gettext("A booking site is not reached"),
        "site-unproven": gettext("Times taken here may no longer be blocked on the booking site"),
    }
    return titles.get(kind) or link_title(kind) or kind


def case_question(kind: str) -> str:
    texts = {
        "site-moved": gettext("A confirmed booking was moved there. Both times are held until you decide."),
        "site-cancelled": gettext(
            "The owner of the account, or nobody known, cancelled it there. Here it still stands and its time is kept."
        ),
        "site-vanished": gettext("It is in no listing there any more. Here it still stands and its time is kept."),
        "site-block-gone": gettext("Somebody can book this time there now, although it is taken here."),
        "site-clash": gettext("The site refused our block: somebody has this time there too."),
        "site-double": gettext("Both bookings stand. Please reject or move one of them, then settle the case."),
        "cancel-stuck": gettext("It ended here, but the site does not take the cancel. The time stays held."),
        "invoice-differs": gettext(
            "The moved booking has another price, day or length than the invoice that went out. Please correct it."
        ),
        "invoice-waived": gettext("The invoice went out before it was waived. Please correct it by hand."),
        "invoice-cancelled": gettext(
            "Please correct the invoice of the cancelled booking, charge the fee and give back what is paid beyond it."
        ),
        "invoice-incomplete": gettext(
            "Something that the law asks for is missing, so the customer got the mail without an invoice."
        ),
        "late-move": gettext("The customer saw this fee before moving. Please charge it."),
        "not-reviewed": gettext(
            "Nobody reviewed this request before its time began. It has expired, and the customer was told by mail."
        ),
        "approval-clash": gettext(
            "Another booking or calendar took this time before the approval was final. The request waits again."
        ),
        "codes-low": gettext("Please import or make more codes; this case closes by itself then."),
        "site-silent": gettext(
            "Nothing was read there for longer than it should take. What is booked there is not known here, and times "
            "taken here may still be offered there. This case closes by itself when it works again."
        ),
        "site-unproven": gettext(
            "What was proven with a test time holds no more. What is booked on both sides becomes a case. This case "
            "closes by itself when the connection is proven again."
        ),
    }
    return texts.get(kind) or link_question(kind)


def way_label(kind: str, way: Way) -> str:
    labels = {
        Way.TAKE: gettext("Take over the new time"),
        Way.KEEP: gettext("Keep ours"),
        Way.CANCEL: gettext("Cancel it here too, without a fee"),
        Way.AGAIN: _again(kind),
        Way.FREE: gettext("Free the time anyway"),
        Way.LET_GO: gettext("Let these deletions go"),
        Way.SETTLED: gettext("Settled"),
    }
    return labels[way]


def way_effect(kind: str, way: Way) -> str:
    """What the button does, in one sentence beside it."""
    effects = {
        ("site-moved", Way.TAKE): gettext("The customer gets a mail with the new time and a code for it."),
        ("site-moved", Way.KEEP): gettext("The site is asked to move it back. No mail goes out."),
        ("site-cancelled", Way.CANCEL): gettext("The time is free at once, and the customer gets a mail."),
        ("site-cancelled", Way.KEEP): gettext("Nothing changes here. No mail goes out."),
        ("site-vanished", Way.CANCEL): gettext("The time is free at once, and the customer gets a mail."),
        ("site-vanished", Way.KEEP): gettext("Nothing changes here. No mail goes out."),
        ("cancel-stuck", Way.FREE): gettext("Nothing more is tried there: please cancel it there by hand."),
        ("cancel-stuck", Way.AGAIN): gettext("The time stays held until the site answers."),
        ("invoice-incomplete", Way.AGAIN): gettext("The customer gets the mail again, with the invoice."),
    }
    return effects.get((kind, way)) or link_effect(kind, way)


def _again(kind: str) -> str:
    labels = {
        "site-block-gone": gettext("Block it there again"),
        "invoice-incomplete": gettext("Write the invoice now"),
    }
    return labels.get(kind) or gettext("Try again")
