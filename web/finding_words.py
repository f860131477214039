"""What a finding says of a request, and what each kind looks for, in the page's language (SPEC S8)."""

from dataclasses import dataclass

from booking.rules.findings_table import KINDS
from booking.values.findings import Finding
from booking.values.states import Weight
from web.i18n import gettext


@dataclass(frozen=True, slots=True)
class Line:
    """A finding, ready to show."""

    weight: Weight
    text: str


def finding_line(finding: Finding) -> Line:
    """The finding in the page's language."""
    kind = KINDS.get(finding.code)
    return Line(finding.weight, gettext(kind.message, **finding.values) if kind else finding.code)


def finding_names() -> dict[str, str]:
    """What each finding looks for."""
    return {
        "clash": gettext("An external calendar reports a clash"),
        "no-code": gettext("No door code is left"),
        "invalid-mail": gettext("The mail address cannot exist"),
        "overlapping": gettext("The contact has bookings at this time already"),
        "repeated": gettext("The same time was asked for before"),
        "too-many-open": gettext("Many open requests of one contact"),
        "other-data": gettext("Name, phone or address differ from the mail address's file"),
        "throwaway-mail": gettext("Throw-away mail address"),
        "impossible-phone": gettext("The phone number cannot exist"),
        "nonsense-name": gettext("The name looks made up"),
        "link": gettext("Links in the purpose"),
        "spam": gettext("Advertising in the purpose"),
        "too-many-people": gettext("More people than the room holds"),
        "unpaid-invoices": gettext("Unpaid invoices"),
        "no-shows": gettext("Did not come before"),
        "outside-season": gettext("Outside the season"),
        "unusual-length": gettext("Unusually long"),
        "discount-elsewhere": gettext("A standing discount on another file"),
        "early": gettext("Early start"),
        "late": gettext("Late end"),
    }
