"""Why what the office keeps cannot be changed so, in the page's language (SPEC X8): pages and API say the same."""

from collections.abc import Callable, Iterable, Mapping

from web.i18n import gettext

Values = Mapping[str, str | int]


def lacking_words(codes: Iterable[str]) -> str:
    """What the house has not entered, by the names of `booking.rules.invoicing.house_lacks`."""
    known = {
        "seller": gettext("name and address"),
        "tax-number": gettext("tax number or VAT id"),
        "bank": gettext("payee and IBAN"),
    }
    return ", ".join(known.get(code, code) for code in codes)


OFFICE_TEXTS: dict[str, Callable[[Values], str]] = {
    "not-dead": lambda _values: gettext("This is under way already; there is nothing to start again."),
    "earlier-day": lambda _values: gettext(
        "This mail tells the codes of an earlier day. Today's has them as they are now, and so has the desk's page."
    ),
    "house-incomplete": lambda values: gettext(
        "No invoice can be written: the settings of the house lack %(what)s. Please enter that first.",
        what=lacking_words(str(values.get("lacking", "")).split(", ")),
    ),
    "no-terms": lambda _values: gettext("No terms are published here, so none can have been accepted."),
    "site-room": lambda _values: gettext("This booking came from a booking site; its room is that of its page there."),
    "case-closed": lambda _values: gettext("Somebody decided this case already."),
    "no-such-way": lambda _values: gettext("This case cannot be decided so."),
    "not-a-percentage": lambda _values: gettext("A percentage lies between 0 and 100."),
    "one-of-them": lambda _values: gettext("Please name a known customer or give a contact, not both."),
    "one-of-both": lambda _values: gettext("Please give a percentage or an amount, not both."),
    "ends-before": lambda _values: gettext("The last day lies before the first."),
    "no-note": lambda _values: gettext("Please write why; it stands on the invoice."),
    "not-a-date": lambda _values: gettext("Please give a date."),
    "out-of-range": lambda values: (
        gettext(
            "Please enter a number from %(least)s to %(most)s.",
            least=values.get("least", 0),
            most=values.get("most", 0),
        )
        if "most" in values
        else gettext("Please enter %(least)s or more.", least=values.get("least", 0))
    ),
    "currency-fixed": lambda _values: gettext("Invoices were issued already, so the currency can no longer change."),
    "no-tax-number": lambda _values: gettext("Invoices need the tax number or the VAT id. Please enter one of both."),
    "hours-overlap": lambda _values: gettext("Two of these times overlap."),
    "not-a-multiple-of-slot": lambda values: gettext(
        "This has to be a multiple of the slot of %(minutes)s minutes.", minutes=values.get("minutes", 0)
    ),
    "longest-below-shortest": lambda _values: gettext("The longest time cannot be shorter than the shortest."),
    "ends-before-begin": lambda _values: gettext("The last day lies before the first."),
    "closes-nothing": lambda _values: gettext("Please choose what is closed: rooms, office, or both."),
    "season-in-use": lambda _values: gettext(
        "Codes, opening hours or prices are kept for this season; it cannot be removed."
    ),
    "no-such-group": lambda _values: gettext("There is no such customer group any more."),
    "group-in-use": lambda _values: gettext("Customers are in this group, or prices are for it; it cannot be removed."),
    "no-group-price": lambda _values: gettext("The customer's group has no lower price for this time."),
    "unchanged": lambda _values: gettext("This is the text of the present version."),
    "last-owner": lambda _values: gettext("There has to be one owner at least."),
    "only-owners": lambda _values: gettext("Only an owner may do this with an owner."),
    "yourself": lambda _values: gettext("You cannot do this with your own account."),
    "no-address": lambda _values: gettext(
        "Please give an address that begins with https://, without a password in it."
    ),
    "no-calendar-address": lambda _values: gettext(
        "Please give an address that begins with https:// or webcal://, without a password in it."
    ),
    "only-read": lambda _values: gettext(
        "A calendar address can only be read: please choose one of the ways that write nothing."
    ),
    "calendar-port": lambda _values: gettext(
        "Calendars are called on port 443 or 8443. Whoever runs this installation can allow a host with another one."
    ),
    "password-again": lambda _values: gettext(
        "Please enter the password again: the stored one was given for another server or user."
    ),
    "unlinking": lambda _values: gettext("This link is being ended; it does nothing else any more."),
    "plan-not-ready": lambda _values: gettext("There is nothing in this plan to apply, or it is not made yet."),
    "case-changed": lambda _values: gettext(
        "What this case is about has changed since you opened it. Please look at it as it is now."
    ),
    "key-again": lambda _values: gettext(
        "Please enter the API key again: the stored one was given for another account or address."
    ),
    "too-long-text": lambda _values: gettext("This is too long."),
}
