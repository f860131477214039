"""What the customer reads. Pure: a tidied letter and a translator in, the content out.

Until a person has confirmed the booking the house does not know who wrote: such mails name nobody and repeat no free
text, so that nobody can make the house send words of theirs to a stranger.
"""

from hashlib import sha256

from booking.values.codes import spoken
from papers.content import Block, Button, Content, Details, Fact, Paragraph, Picture, Quote
from papers.customer_parts import access_note, code_details, content, what
from papers.girocode import Transfer, girocode_png
from papers.i18n import Translator
from papers.letters import (
    Access,
    Acknowledgement,
    AddressCheck,
    Cancellation,
    Codes,
    CodesArrive,
    CodesReplaced,
    Confirmation,
    Expired,
    Moved,
    NoCodes,
    Payment,
    Phone,
    Rejection,
)
from papers.phrases import iban_groups, lines, paragraphs, phone_line, price_table


def address_check(letter: AddressCheck, t: Translator) -> Content:
    until = t.moment(letter.held_until, letter.appointment.zone)
    return content(
        letter,
        t,
        subject=t.gettext("Please confirm your e-mail address"),
        heading=t.gettext("Is this your address?"),
        next_step=Fact(t.gettext("Next"), t.gettext("Confirm by %(until)s", until=until)),
        blocks=paragraphs(
            t.gettext("Somebody asked for this time and gave this address. We hold the time until you confirm it."),
            t.gettext("If it was not you, do nothing: the time becomes free again and we write no more."),
        ),
        button=Button(t.gettext("Confirm address"), letter.confirm_url),
    )


def acknowledgement(letter: Acknowledgement, t: Translator) -> Content:
    review = t.gettext("We review it by %(when)s", when=t.moment(letter.review_by, letter.appointment.zone))
    call = _call(letter, t)
    subject, heading = _arrival_heads(letter, t)
    return content(
        letter,
        t,
        subject=subject,
        heading=heading,
        next_step=call or Fact(t.gettext("Next"), review),
        blocks=(
            Paragraph(t.gettext("This is not a confirmation yet. The time is blocked for you."), strong=True),
            *paragraphs(_no_longer(letter, t)),
            *paragraphs(*_what_follows(letter, review, t), _fee_to_come(letter, t)),
            *code_details(letter, t),
            price_table(letter.price, letter.currency, t),
        ),
        button=Button(t.gettext("See your request"), letter.appointment.status_url),
    )


def _fee_to_come(letter: Acknowledgement, t: Translator) -> str:
    fee = t.money(letter.move_fee, letter.currency)
    return t.gettext("Changing the time costs %(fee)s once we confirm it.", fee=fee) if letter.move_fee else ""


def _arrival_heads(letter: Acknowledgement, t: Translator) -> tuple[str, str]:
    about = what(letter, t)
    if letter.before is not None:
        return t.gettext("Your request has a new time: %(what)s", what=about), t.gettext("Your request has a new time")
    return t.gettext("Your request has arrived: %(what)s", what=about), t.gettext("We have received your request")


def _no_longer(letter: Acknowledgement, t: Translator) -> str:
    if letter.before is None:
        return ""
    before = t.when(letter.before, letter.appointment.zone)
    return t.gettext("Before, it was for this time: %(before)s. That time is free again.", before=before)


def _call(letter: Acknowledgement, t: Translator) -> Fact | None:
    """Whom to call on short notice (SPEC S15); nobody where nobody answers (SPEC S14)."""
    phone = phone_line(letter.call, t) if letter.short_notice else ""
    return Fact(t.gettext("Please call"), phone) if phone else None


def _what_follows(letter: Acknowledgement, review: str, t: Translator) -> tuple[str, ...]:
    if not letter.short_notice:
        return (t.gettext("When we have reviewed it you get one mail with all you need: access, payment, invoice."),)
    if _answered(letter.call):
        return (
            t.gettext(
                "Your time begins before our next review. Please call the number above and give your booking code: "
                "then we can confirm your booking at once."
            ),
        )
    return (
        t.gettext("Your time begins before our next review. We try to answer before; please look at your request."),
        f"{review}.",
    )


def _answered(phone: Phone | None) -> bool:
    return phone is not None and phone.answered


def confirmation(letter: Confirmation, t: Translator) -> Content:
    lead = (
        t.gettext("You got access by phone. Here are the payment details and your invoice.")
        if letter.by_phone
        else t.gettext("Your booking is confirmed. We look forward to seeing you.")
    )
    return content(
        letter,
        t,
        subject=t.gettext("Your booking is confirmed: %(what)s", what=what(letter, t)),
        heading=t.gettext("Your booking is confirmed"),
        access=letter.access,
        blocks=(
            *paragraphs(lead, _only_this_mail(letter.access, t) if letter.replaced else ""),
            *paragraphs(access_note(letter.access, t)),
            *_payment(letter, t),
            price_table(letter.price, letter.currency, t),
            *paragraphs(_fee_due(letter, t)),
        ),
        button=Button(t.gettext("See your booking"), letter.appointment.status_url),
        by_name=True,
    )


def _fee_due(letter: Confirmation, t: Translator) -> str:
    fee = t.money(letter.move_fee, letter.currency)
    text = t.gettext("Changing the time costs %(fee)s besides. We write to you about it.", fee=fee)
    return text if letter.move_fee else ""


def _payment(letter: Confirmation, t: Translator) -> tuple[Block, ...]:
    payment = letter.payment
    if payment is None:
        nothing = "" if letter.invoice_differs or letter.invoice_follows else t.gettext("There is nothing to pay.")
        return (*paragraphs(nothing, *_of_invoice(letter, t)), *code_details(letter, t))
    reference = spoken(payment.reference)
    rows = (
        (t.gettext("Amount"), t.money(payment.amount, payment.currency)),
        (t.gettext("Due by"), t.day(payment.due)),
        (t.gettext("Payee"), payment.payee),
        ("IBAN", iban_groups(payment.iban)),
        ("BIC", payment.bic),
        (t.gettext("Payment reference"), reference),
        (t.gettext("Invoice"), letter.invoice_number or ""),
    )
    return (
        Details(t.gettext("Payment"), tuple(row for row in rows if row[1])),
        *_girocode(payment, reference, t),
        *paragraphs(
            _reference_note(letter, payment, t),
            t.gettext("Your invoice is attached.") if letter.invoice_number else "",
            *_of_invoice(letter, t),
        ),
    )


def _reference_note(letter: Confirmation, payment: Payment, t: Translator) -> str:
    if payment.reference == letter.appointment.code:
        return t.gettext("The payment reference is your booking code. Please give it exactly as it stands here.")
    return t.gettext(
        "The payment reference is the booking code on your invoice. Please give it exactly as it stands here."
    )


def _of_invoice(letter: Confirmation, t: Translator) -> tuple[str, ...]:
    """What the office has still to do about the invoice (SPEC S27)."""
    differs = t.gettext("Your invoice is still the one of the time before. We check it and write to you.")
    follows = t.gettext("Your invoice comes later, in a mail of its own.")
    return (differs if letter.invoice_differs else "", follows if letter.invoice_follows else "")


def _girocode(payment: Payment, reference: str, t: Translator) -> tuple[Picture, ...]:
    if payment.currency != "EUR" or payment.amount <= 0 or not payment.iban:
        return ()
    png = girocode_png(Transfer(payment.payee, payment.iban, payment.amount, reference, payment.bic))
    caption = t.gettext("Scan this code with your banking app to pay.")
    return (Picture(f"{sha256(png).hexdigest()[:24]}@girocode", png, "GiroCode", caption),)


def codes_arrive(letter: CodesArrive, t: Translator) -> Content:
    return content(
        letter,
        t,
        subject=t.gettext("Your access: %(what)s", what=what(letter, t)),
        heading=t.gettext("Here is your access"),
        access=letter.access,
        blocks=(*paragraphs(access_note(letter.access, t)), *code_details(letter, t)),
        button=Button(t.gettext("See your booking"), letter.appointment.status_url),
        by_name=True,
    )


def codes_replaced(letter: CodesReplaced, t: Translator) -> Content:
    has_codes = isinstance(letter.access, Codes)
    phone = "" if has_codes else phone_line(letter.call, t)
    return content(
        letter,
        t,
        subject=t.gettext("New access: %(what)s", what=what(letter, t)),
        heading=t.gettext("Your door code has changed"),
        next_step=Fact(t.gettext("Please call"), phone) if phone else None,
        access=letter.access,
        blocks=(
            Paragraph(_only_these(letter.access, phone, t), strong=True),
            *paragraphs(access_note(letter.access, t)),
            *code_details(letter, t),
        ),
        button=Button(t.gettext("See your booking"), letter.appointment.status_url),
        by_name=True,
    )


def _only_these(access: Access, phone: str, t: Translator) -> str:
    if not isinstance(access, Codes):
        if phone:
            return t.gettext(
                "The door code you know opens nothing any more. If you need the new one now, please call us."
            )
        return t.gettext("The door code you know opens nothing any more. The new one comes in a mail of its own.")
    return t.ngettext(
        "Please use only this code. What we sent you before opens nothing any more.",
        "Please use only these codes. What we sent you before opens nothing any more.",
        len(access.codes),
    )


def _only_this_mail(access: Access, t: Translator) -> str:
    needs_none = access is NoCodes.NOT_NEEDED
    return "" if needs_none else t.gettext("For the door only what this mail says is valid now.")


def moved(letter: Moved, t: Translator) -> Content:
    before = t.when(letter.before, letter.appointment.zone)
    return content(
        letter,
        t,
        subject=t.gettext("Your booking has moved: %(what)s", what=what(letter, t)),
        heading=t.gettext("Your booking has a new time"),
        access=letter.access,
        blocks=(
            *paragraphs(
                t.gettext("Until now it was %(before)s. That time is free for others now.", before=before),
                _only_this_mail(letter.access, t),
                access_note(letter.access, t),
            ),
            *code_details(letter, t),
            price_table(letter.price, letter.currency, t),
        ),
        button=Button(t.gettext("See your booking"), letter.appointment.status_url),
        by_name=True,
    )


def rejection(letter: Rejection, t: Translator) -> Content:
    return content(
        letter,
        t,
        subject=t.gettext("Your request was declined: %(what)s", what=what(letter, t)),
        heading=t.gettext("We cannot confirm your request"),
        next_step=Fact(t.gettext("State"), t.gettext("Declined; the time is free again and nothing is owed")),
        blocks=(
            *paragraphs(t.gettext("We have reviewed your request and have to decline it, for this reason:")),
            Quote(lines(letter.reason)),
            *paragraphs(t.gettext("You are welcome to ask for another time.")),
            *code_details(letter, t),
        ),
        button=Button(t.gettext("Find another time"), letter.room_url),
    )


def cancellation(letter: Cancellation, t: Translator) -> Content:
    lead = (
        t.gettext("As you wished we have cancelled this booking. A door code that you got for it is no longer valid.")
        if letter.by_customer
        else t.gettext("We had to cancel this booking. A door code that you got for it is no longer valid.")
    )
    sums = (
        (t.gettext("Cancellation fee"), letter.fee),
        (t.gettext("You get back"), letter.refund),
    )
    rows = tuple((label, t.money(cents, letter.currency)) for label, cents in sums if cents)
    return content(
        letter,
        t,
        subject=t.gettext("Cancelled: %(what)s", what=what(letter, t)),
        heading=t.gettext("Your booking is cancelled"),
        next_step=Fact(t.gettext("State"), t.gettext("Cancelled; you need do nothing more")),
        blocks=(
            *paragraphs(lead),
            *((Quote(lines(letter.reason)),) if letter.reason else ()),
            *((Details(t.gettext("Settlement"), rows),) if rows else ()),
            *code_details(letter, t),
        ),
        button=Button(t.gettext("See your booking"), letter.appointment.status_url),
    )


def expired(letter: Expired, t: Translator) -> Content:
    if letter.stays is not None:
        return _move_expired(letter, t.when(letter.stays, letter.appointment.zone), t)
    return content(
        letter,
        t,
        subject=t.gettext("Your request was not answered: %(what)s", what=what(letter, t)),
        heading=t.gettext("We did not answer in time"),
        next_step=Fact(t.gettext("State"), t.gettext("Expired; nothing is owed")),
        blocks=(
            *paragraphs(
                t.gettext("Your time has begun before we reviewed the request. We are sorry; the mistake is ours."),
                t.gettext("You are welcome to ask for another time."),
            ),
            *code_details(letter, t),
        ),
        button=Button(t.gettext("Find another time"), letter.room_url),
    )


def _move_expired(letter: Expired, stays: str, t: Translator) -> Content:
    """The old time was never given up, and stands."""
    return content(
        letter,
        t,
        subject=t.gettext("Your wish for another time was not answered: %(what)s", what=what(letter, t)),
        heading=t.gettext("We did not answer in time"),
        next_step=Fact(t.gettext("State"), t.gettext("Expired; your booking stays as it was")),
        blocks=(
            *paragraphs(
                t.gettext("Before we reviewed it one of the two times began. We are sorry; the mistake is ours."),
                t.gettext("Your booking stays at its time so far: %(when)s. The change costs nothing.", when=stays),
            ),
            *code_details(letter, t),
        ),
        button=Button(t.gettext("Find another time"), letter.room_url),
    )
