"""What the office and the partner desk read. Pure: a tidied letter and a translator in, the content out."""

from booking.values.codes import spoken
from papers.content import Block, Button, Content, Details, Fact, Paragraph, Quote, Table
from papers.i18n import Translator
from papers.letters import (
    Appointment,
    Audience,
    CancelStuck,
    CodesRunningOut,
    DeskDigest,
    DigestEntry,
    HouseLetter,
    RequestNotice,
    SiteSilent,
)
from papers.phrases import footer, lines, paragraphs


def request_notice(letter: RequestNotice, t: Translator) -> Content:
    appointment = letter.appointment
    what = f"{appointment.room}, {t.when(appointment.slot, appointment.zone)}"
    office = letter.audience is Audience.OFFICE
    return _content(
        letter,
        t,
        subject=_notice_subject(letter, what, t),
        heading=t.gettext("A request has a new time") if letter.before else t.gettext("A new request has arrived"),
        facts=(*_where_and_when(appointment, t), _notice_step(letter, t)),
        blocks=_notice_blocks(letter, t),
        button=Button(t.gettext("Review the request") if office else t.gettext("Open the desk"), letter.inbox_url),
    )


def _notice_subject(letter: RequestNotice, what: str, t: Translator) -> str:
    if letter.short_notice:
        return t.gettext("NOW, short notice: %(what)s", what=what)
    if letter.before is not None:
        return t.gettext("Request moved: %(what)s", what=what)
    return t.gettext("New request: %(what)s", what=what)


def _notice_step(letter: RequestNotice, t: Translator) -> Fact:
    if letter.short_notice:
        return Fact(t.gettext("Next"), t.gettext("Short notice: the customer was asked to call"))
    return Fact(t.gettext("Review by"), t.moment(letter.review_by, letter.appointment.zone))


def _notice_blocks(letter: RequestNotice, t: Translator) -> tuple[Block, ...]:
    for_office = letter.audience is Audience.OFFICE
    before = t.when(letter.before, letter.appointment.zone) if letter.before else ""
    rows = (
        (t.gettext("Before"), before),
        (t.gettext("Name"), letter.customer),
        (t.gettext("Phone"), letter.phone),
        (t.gettext("E-mail"), letter.email if for_office else ""),
        (t.gettext("People"), str(letter.people)),
        (t.gettext("Price"), t.money(letter.price, letter.currency) if for_office else ""),
        (t.gettext("Booking code"), spoken(letter.appointment.code)),
    )
    purpose = lines(letter.purpose)
    return (
        Details(t.gettext("As the customer wrote it"), tuple(row for row in rows if row[1])),
        *((Quote(purpose),) if purpose else ()),
    )


def desk_digest(letter: DeskDigest, t: Translator) -> Content:
    days = f"{t.day(letter.first_day)} \u2013 {t.day(letter.last_day)}"
    given = sum(bool(entry.booking_code) for entry in letter.entries)
    number = t.ngettext(
        "%(num)d code, %(given)d given out", "%(num)d codes, %(given)d given out", len(letter.entries), given=given
    )
    return _content(
        letter,
        t,
        subject=t.gettext("Door codes %(days)s", days=days),
        heading=t.gettext("Door codes of the next days"),
        facts=(
            Fact(t.gettext("Days"), days),
            Fact(t.gettext("Codes"), number),
            Fact(t.gettext("Next"), t.gettext("Give out a code only from the desk's page, so that it is recorded")),
        ),
        blocks=_digest_blocks(letter, t),
        button=Button(t.gettext("Open the desk"), letter.desk_url),
    )


def _digest_blocks(letter: DeskDigest, t: Translator) -> tuple[Block, ...]:
    if not letter.entries:
        return (Paragraph(t.gettext("There are no codes for these days."), strong=True),)
    columns = (t.gettext("When"), t.gettext("Door"), t.gettext("Door code"), t.gettext("Who"))
    rows = tuple(_digest_row(entry, letter.zone, t) for entry in letter.entries)
    return (Table(t.gettext("The codes"), columns, rows),)


def _digest_row(entry: DigestEntry, zone: str, t: Translator) -> tuple[str, ...]:
    booking = f" ({spoken(entry.booking_code)})" if entry.booking_code else ""
    who = f"{entry.party}{booking}" if entry.party or booking else t.gettext("free")
    return (t.when(entry.valid, zone), entry.door, entry.code, who)


def codes_running_out(letter: CodesRunningOut, t: Translator) -> Content:
    left = t.ngettext("%(num)d code is left", "%(num)d codes are left", letter.left)
    return _content(
        letter,
        t,
        subject=t.gettext("Door codes are running out: %(season)s", season=letter.season),
        heading=t.gettext("Door codes are running out"),
        facts=(
            Fact(t.gettext("What"), f"{letter.season}, {letter.door}"),
            Fact(t.gettext("Last day with a code"), t.day(letter.last_day)),
            Fact(t.gettext("Next"), t.gettext("Make or import new codes")),
        ),
        blocks=paragraphs(f"{left}.", t.gettext("Requests for later days cannot be confirmed with a door code.")),
        button=Button(t.gettext("Open doors"), letter.doors_url),
    )


def site_silent(letter: SiteSilent, t: Translator) -> Content:
    return _content(
        letter,
        t,
        subject=t.gettext("%(site)s is not reached", site=letter.site),
        heading=t.gettext("%(site)s is not reached", site=letter.site),
        facts=(
            Fact(t.gettext("Last success"), t.moment(letter.since, letter.zone)),
            Fact(t.gettext("Next"), t.gettext("Look at the connection; check account, key and address")),
        ),
        blocks=paragraphs(
            t.gettext(
                "What is booked there is not known here until it works again, and times taken here may still be "
                "offered there."
            )
        ),
        button=Button(t.gettext("Open the connections"), letter.sites_url),
    )


def cancel_stuck(letter: CancelStuck, t: Translator) -> Content:
    appointment = letter.appointment
    tried = t.ngettext("We have tried %(num)d time.", "We have tried %(num)d times.", letter.attempts)
    return _content(
        letter,
        t,
        subject=t.gettext(
            "Cancel not possible at %(site)s: %(what)s",
            site=letter.site,
            what=f"{appointment.room}, {t.when(appointment.slot, appointment.zone)}",
        ),
        heading=t.gettext("A rejected request could not be cancelled outside"),
        facts=(
            *_where_and_when(appointment, t),
            Fact(t.gettext("Next"), t.gettext("Look at the case, or cancel it at %(site)s by hand", site=letter.site)),
        ),
        blocks=(
            *paragraphs(
                t.gettext("Here the request is rejected. The time stays blocked until the cancel outside succeeds."),
                tried,
            ),
            Details(
                t.gettext("The request"),
                ((t.gettext("Name"), letter.customer), (t.gettext("Booking code"), spoken(appointment.code))),
            ),
        ),
        button=Button(t.gettext("Open the case"), letter.case_url),
    )


def _where_and_when(appointment: Appointment, t: Translator) -> tuple[Fact, Fact]:
    return (
        Fact(t.gettext("What"), appointment.room),
        Fact(t.gettext("When"), t.when(appointment.slot, appointment.zone)),
    )


def _content(
    letter: HouseLetter,
    t: Translator,
    *,
    subject: str,
    heading: str,
    facts: tuple[Fact, ...],
    blocks: tuple[Block, ...],
    button: Button,
) -> Content:
    return Content(
        house=letter.house,
        language=t.language,
        subject=subject,
        heading=heading,
        facts=facts,
        blocks=blocks,
        button=button,
        footer=footer(letter.house, t),
        greets_by_name=True,
    )
