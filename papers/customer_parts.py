"""What several mails to the customer share: the facts at the top, the access, the code for questions. Pure."""

from booking.values.codes import spoken
from papers.content import Block, Button, Content, Details, Fact
from papers.i18n import Translator
from papers.letters import Access, Codes, CodesBefore, CustomerLetter, DoorCode, NoCodes
from papers.phrases import footer


def what(letter: CustomerLetter, t: Translator) -> str:
    appointment = letter.appointment
    return f"{appointment.room}, {t.when(appointment.slot, appointment.zone)}"


def code_details(letter: CustomerLetter, t: Translator) -> tuple[Details, ...]:
    return (Details(t.gettext("For questions"), ((t.gettext("Booking code"), spoken(letter.appointment.code)),)),)


def access_note(access: Access, t: Translator) -> str:
    if isinstance(access, Codes):
        return t.ngettext(
            "The code opens the door only within the time beside it. Please give it to nobody outside your group.",
            "Each code opens its door only within the time beside it. Please give them to nobody outside your group.",
            len(access.codes),
        )
    return t.gettext("Your time has passed, so this mail carries no door code.") if access is NoCodes.PAST else ""


def _access_facts(access: Access, zone: str, t: Translator) -> tuple[Fact, ...]:
    if isinstance(access, Codes):
        return tuple(_code_fact(code, zone, t) for code in access.codes)
    if isinstance(access, CodesBefore):
        promise = t.ngettext(
            "The door code comes by mail %(num)d hour before the start",
            "The door code comes by mail %(num)d hours before the start",
            access.hours,
        )
        return (Fact(t.gettext("Access"), promise),)
    if access is NoCodes.AFTER_PAYMENT:
        return (Fact(t.gettext("Access"), t.gettext("The door code comes by mail when your payment has arrived")),)
    return ()


def _code_fact(code: DoorCode, zone: str, t: Translator) -> Fact:
    label = t.gettext("Door code %(door)s", door=code.door) if code.door else t.gettext("Door code")
    return Fact(label, code.code, t.gettext("valid %(window)s", window=t.when(code.valid, zone)), is_code=True)


def content(
    letter: CustomerLetter,
    t: Translator,
    *,
    subject: str,
    heading: str,
    blocks: tuple[Block, ...],
    button: Button,
    next_step: Fact | None = None,
    access: Access = NoCodes.NOT_NEEDED,
    by_name: bool = False,
) -> Content:
    """What, when, and the code or the next step come first; the rest follows."""
    appointment = letter.appointment
    place = ", ".join(part for part in (appointment.room, appointment.location) if part)
    facts = (
        Fact(t.gettext("What"), place),
        Fact(t.gettext("When"), t.when(appointment.slot, appointment.zone)),
        *((next_step,) if next_step else ()),
        *_access_facts(access, appointment.zone, t),
    )
    named = by_name and letter.customer
    return Content(
        house=letter.house,
        language=t.language,
        subject=subject,
        heading=heading,
        facts=facts,
        blocks=blocks,
        button=button,
        footer=footer(letter.house, t),
        greeting=t.gettext("Hello %(name)s,", name=letter.customer) if named else t.gettext("Hello,"),
        greets_by_name=by_name,
    )
