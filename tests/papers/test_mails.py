"""What each letter says, and what it must not: in both languages, in the text as in the HTML."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import get_args

import pytest

from booking.values.house import Price, PriceLine
from booking.values.money import BasisPoints, Cents
from booking.values.slot import Slot
from papers import letters
from papers.letters import Access, Audience, Codes, CodesBefore, DoorCode, Letter, NoCodes, Payment, Phone, access_at
from papers.mails import Draft, render

KINDS = tuple(kind.__name__ for kind in get_args(Letter))
CUSTOMER_KINDS = tuple(kind.__name__ for kind in get_args(Letter) if issubclass(kind, letters.CustomerLetter))
WITH_CODE = {"Confirmation", "CodesArrive", "CodesReplaced", "Moved", "DeskDigest"}
BEFORE_A_PERSON_LOOKED = {"AddressCheck", "Acknowledgement", "Rejection", "Cancellation", "Expired"}
DOOR_CODE = "482913#"
BOOKING_CODE = "W7RF-C4KA"
WHEN = {"de": "Sa, 5. Dezember 2026, 18:00\u201319:30", "en": "Sat, 5 December 2026, 18:00\u201319:30"}
Build = Callable[..., Letter]

every_kind = pytest.mark.parametrize("kind", KINDS)
every_language = pytest.mark.parametrize("language", ["de", "en"])


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, _tag: str) -> None:
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if not self.in_style:
            self.words.append(data)


def _read(draft: Draft) -> tuple[str, str]:
    """Text and HTML as somebody reads them, every run of blanks one."""
    parser = _Words()
    parser.feed(draft.html)
    return tuple(" ".join(part.split()) for part in (draft.text, " ".join(parser.words)))  # type: ignore[return-value]  # two in, two out


def _says(draft: Draft, *facts: str) -> None:
    for form in _read(draft):
        for fact in facts:
            assert fact in form, (fact, form)


def _is_silent_about(draft: Draft, *facts: str) -> None:
    for fact in facts:
        assert fact not in draft.text
        assert fact not in draft.html
        assert fact not in draft.subject


@every_kind
@every_language
def test_text_and_html_say_the_same_facts_and_lead_to_the_same_page(build: Build, kind: str, language: str) -> None:
    letter = build(kind, language)
    draft = render(letter)
    assert draft.language == language
    parser = _Words()
    parser.feed(draft.html)
    assert len(parser.links) == 1
    assert f"\n{parser.links[0]}\n" in draft.text
    _says(draft, "Soccer-Kirche Krümpel", "61440 Oberursel")
    if hasattr(letter, "appointment"):
        _says(draft, "Große Halle", WHEN[language])
    if kind in CUSTOMER_KINDS and kind != "AddressCheck":
        _says(draft, BOOKING_CODE)


@pytest.mark.rule("X1")
@every_kind
def test_no_german_mail_holds_an_english_sentence(build: Build, kind: str) -> None:
    german, english = render(build(kind, "de")), render(build(kind, "en"))
    shared = set(german.text.splitlines()) & set(english.text.splitlines())
    assert not {line for line in shared if line.endswith((".", ":", ",")) and not line.startswith(">")}


@every_kind
@every_language
def test_door_codes_stand_only_in_letters_made_for_them(build: Build, kind: str, language: str) -> None:
    draft = render(build(kind, language))
    forms = (draft.text, draft.html)
    assert all((DOOR_CODE in form) is (kind in WITH_CODE) for form in forms)


@every_kind
@every_language
def test_a_subject_is_one_line_without_any_code_and_names_nobody(build: Build, kind: str, language: str) -> None:
    subject = render(build(kind, language)).subject
    assert subject
    assert subject.isprintable()
    for secret in (DOOR_CODE, "771204#", BOOKING_CODE, "W7RFC4KA", "Müßiggang"):
        assert secret not in subject


@pytest.mark.parametrize("kind", CUSTOMER_KINDS)
def test_only_confirmed_customers_are_named(build: Build, kind: str) -> None:
    draft = render(build(kind))
    assert draft.greets_by_name is (kind not in BEFORE_A_PERSON_LOOKED)
    assert ("Müßiggang" in draft.text) is draft.greets_by_name


def test_what_when_and_the_code_come_first(build: Build) -> None:
    text = render(build("Confirmation")).text
    places = [text.index(part) for part in ("Große Halle", WHEN["de"], DOOR_CODE, "https://", "Guten Tag", "Zahlung")]
    assert places == sorted(places)


@pytest.mark.rule("S6")
@pytest.mark.parametrize(
    ("language", "no_confirmation", "review"),
    [
        ("de", "Dies ist noch keine Bestätigung.", "bis Mo, 23. November 2026, 12:00"),
        ("en", "This is not a confirmation yet.", "by Mon, 23 November 2026, 12:00"),
    ],
    ids=["de", "en"],
)
def test_the_acknowledgement_is_no_confirmation_and_says_when_it_is_reviewed(
    build: Build, language: str, no_confirmation: str, review: str
) -> None:
    draft = render(build("Acknowledgement", language))
    _says(draft, no_confirmation, review, BOOKING_CODE)
    _is_silent_about(draft, DOOR_CODE)


@pytest.mark.rule("S25")
def test_price_lines_and_their_vat_are_explained(build: Build) -> None:
    _says(
        render(build("Acknowledgement")),
        "Große Halle, Samstagabend",
        "60,00 €",
        "Flutlicht",
        "5,00 €",
        "65,00 €",
        "19 %",
    )
    exempt = Price((PriceLine("Halle", 60, Cents(100), Cents(100), BasisPoints(0)),), "Steuerfrei nach § 4 Nr. 22 UStG")
    draft = render(build("Acknowledgement", price=exempt))
    _says(draft, "Steuerfrei nach § 4 Nr. 22 UStG")
    _is_silent_about(draft, "enthält")


@pytest.mark.rule("S15")
@every_language
def test_on_short_notice_the_number_to_call_stands_among_the_first_facts(build: Build, language: str) -> None:
    phone = letters.Phone("0171 4440000", build("Expired").house.desk.hours)
    draft = render(build("Acknowledgement", language, short_notice=True, call=phone))
    _says(draft, "0171 4440000", "07:00\u201322:00")
    assert draft.text.index("0171 4440000") < draft.text.index("https://")
    _is_silent_about(render(build("Acknowledgement", language, short_notice=False, call=phone)), "0171 4440000")


@pytest.mark.rule("S14", "S15")
@pytest.mark.parametrize("call", [None, Phone("0171 4440000", ())], ids=["no number", "nobody answers"])
def test_on_short_notice_nobody_is_asked_to_call_where_nobody_answers(build: Build, call: Phone | None) -> None:
    draft = render(build("Acknowledgement", short_notice=True, call=call))
    _is_silent_about(draft, "0171 4440000", "rufen Sie")
    _says(draft, "Ihr Termin beginnt vor unserer nächsten Prüfung.", "bis Mo, 23. November 2026, 12:00")


@pytest.mark.rule("S14")
@every_kind
def test_the_foot_shows_the_office_number_only_with_the_hours_in_which_it_is_answered(build: Build, kind: str) -> None:
    letter = build(kind)
    _says(render(letter), "06171 12345 (Mo\u2013Fr 09:00\u201317:00)")
    silent = replace(letter.house, office=replace(letter.house.office, hours=()))
    _is_silent_about(render(replace(letter, house=silent)), "06171 12345")
    _is_silent_about(render(replace(letter, house=replace(letter.house, office=None))), "06171 12345", "Büro:")


@pytest.mark.rule("S11", "S12", "S13")
@every_language
def test_the_one_mail_has_the_code_with_its_window_and_all_that_is_needed_to_pay(build: Build, language: str) -> None:
    draft = render(build("Confirmation", language))
    amount, due = {"de": ("65,00 €", "Sa, 19. Dezember 2026"), "en": ("€65.00", "Sat, 19 December 2026")}[language]
    _says(
        draft, DOOR_CODE, "17:45\u201319:45", amount, due, "Krümpel GmbH", "DE89 3704 0044 0532 0130 00", "COBADEFFXXX"
    )
    _says(draft, BOOKING_CODE, "2026-0001")
    assert [picture.png[:4] for picture in draft.pictures] == [b"\x89PNG"]
    assert f'src="cid:{draft.pictures[0].cid}"' in draft.html


def test_the_bic_is_left_out_where_there_is_none(build: Build) -> None:
    payment = replace(build("Confirmation").payment, bic="")
    _is_silent_about(render(build("Confirmation", payment=payment)), "BIC")


@pytest.mark.rule("S12")
def test_a_girocode_is_drawn_for_euro_only_and_never_for_nothing(build: Build) -> None:
    payment: Payment = build("Confirmation").payment
    assert not render(build("Confirmation", payment=replace(payment, currency="CHF"))).pictures
    assert not render(build("Confirmation", payment=replace(payment, amount=Cents(0)))).pictures
    free = render(build("Confirmation", payment=None, invoice_number=None))
    assert not free.pictures
    _says(free, "Es ist nichts zu zahlen.", BOOKING_CODE)
    _is_silent_about(free, "IBAN")


@pytest.mark.rule("S12", "S13", "S27")
def test_a_moved_rental_is_paid_under_the_reference_of_its_invoice_and_what_differs_is_said(build: Build) -> None:
    payment: Payment = replace(build("Confirmation").payment, reference="H7K3N9QD")
    moved = render(build("Confirmation", payment=payment, invoice_differs=True))
    _says(moved, "H7K3-N9QD", "der Buchungscode auf Ihrer Rechnung", "Ihre Rechnung ist noch die der bisherigen Zeit.")
    _is_silent_about(moved, "Der Verwendungszweck ist Ihr Buchungscode")
    paid = render(build("Confirmation", payment=None, invoice_differs=True))
    _is_silent_about(paid, "Es ist nichts zu zahlen", "IBAN")


@pytest.mark.rule("S12")
def test_an_invoice_that_comes_later_is_announced(build: Build) -> None:
    later = render(build("Confirmation", payment=None, invoice_number=None, invoice_follows=True))
    _says(later, "Ihre Rechnung kommt später in einer eigenen Mail.")
    _is_silent_about(later, "Es ist nichts zu zahlen")


@pytest.mark.rule("S1", "S11")
def test_several_codes_stand_in_their_order_each_with_its_window(build: Build) -> None:
    first = DoorCode(
        "Haupttür", "111111", Slot(datetime(2026, 12, 5, 16, tzinfo=UTC), datetime(2026, 12, 5, 18, tzinfo=UTC))
    )
    second = DoorCode(
        "Haupttür", "222222", Slot(datetime(2026, 12, 5, 18, tzinfo=UTC), datetime(2026, 12, 5, 20, tzinfo=UTC))
    )
    for form in _read(render(build("Confirmation", access=Codes((first, second))))):
        places = [form.index(part) for part in ("111111", "17:00\u201319:00", "222222", "19:00\u201321:00")]
        assert places == sorted(places)


@pytest.mark.rule("S22")
@every_language
@pytest.mark.parametrize(
    ("access", "german", "english"),
    [
        (CodesBefore(1), "1 Stunde vor Beginn", "1 hour before"),
        (CodesBefore(24), "24 Stunden vor Beginn", "24 hours before"),
        (NoCodes.AFTER_PAYMENT, "sobald Ihre Zahlung eingegangen ist", "when your payment has arrived"),
        (NoCodes.PAST, "Ihr Termin ist vorbei", "Your time has passed"),
    ],
    ids=["one hour", "a day", "after payment", "past"],
)
def test_a_confirmation_without_the_code_says_when_it_comes_or_why_it_does_not(
    build: Build, language: str, access: Access, german: str, english: str
) -> None:
    draft = render(build("Confirmation", language, access=access))
    _says(draft, {"de": german, "en": english}[language], "DE89 3704 0044 0532 0130 00")
    _is_silent_about(draft, DOOR_CODE)


@pytest.mark.rule("S18")
def test_a_code_goes_into_the_mail_until_its_window_is_past() -> None:
    start = datetime(2026, 12, 5, 17, tzinfo=UTC)
    first = DoorCode("Tür", "1", Slot(start, start + timedelta(hours=1)))
    second = DoorCode("Tür", "2", Slot(start + timedelta(hours=1), start + timedelta(hours=2)))
    assert access_at(start, (first, second)) == Codes((first, second))
    assert access_at(first.valid.end - timedelta(seconds=1), (first, second)) == Codes((first, second))
    assert access_at(first.valid.end, (first, second)) == Codes((second,))
    assert access_at(second.valid.end, (first, second)) is NoCodes.PAST
    assert access_at(start, ()) is NoCodes.NOT_NEEDED


@pytest.mark.rule("S18")
def test_after_a_code_by_phone_the_mail_still_brings_payment_and_invoice(build: Build) -> None:
    draft = render(build("Confirmation", by_phone=True, access=NoCodes.PAST))
    _says(draft, "am Telefon erhalten", "DE89 3704 0044 0532 0130 00", "Die Rechnung liegt dieser E-Mail bei.")
    _is_silent_about(draft, DOOR_CODE)


@pytest.mark.rule("S22")
def test_a_replaced_code_calls_the_old_one_dead(build: Build) -> None:
    _says(render(build("CodesReplaced")), DOOR_CODE, "Der frühere öffnet nicht mehr.")


@pytest.mark.rule("S10")
def test_a_rejection_gives_its_reason_and_says_that_the_time_is_free(build: Build) -> None:
    draft = render(build("Rejection"))
    _says(draft, "die Zeit ist wieder frei", "Der Platz ist gesperrt.")
    assert "\n> Der Platz ist gesperrt.\n> Bitte im Januar wieder.\n" in draft.text


@pytest.mark.rule("S27")
def test_a_cancellation_names_fee_and_refund_and_nothing_that_is_zero(build: Build) -> None:
    _says(render(build("Cancellation")), "Stornogebühr", "15,00 €", "50,00 €", "auf Ihren Wunsch")
    free = render(build("Cancellation", by_customer=False, fee=Cents(0), refund=Cents(0), reason=""))
    _says(free, "Wir mussten diese Buchung leider stornieren.")
    _is_silent_about(free, "Stornogebühr", "0,00", "auf Ihren Wunsch")


def test_a_move_names_the_old_time_and_the_new_one(build: Build) -> None:
    _says(render(build("Moved")), "Sa, 28. November 2026, 18:00\u201319:00", WHEN["de"], DOOR_CODE)
    _is_silent_about(render(build("Moved", access=NoCodes.NOT_NEEDED)), "Für die Tür")


@pytest.mark.rule("S26")
def test_an_expired_request_is_called_the_house_s_own_mistake(build: Build) -> None:
    _says(render(build("Expired")), "der Fehler liegt bei uns", "Kosten entstehen nicht")


@pytest.mark.rule("S26")
def test_the_check_of_an_address_leads_to_its_own_page(build: Build) -> None:
    draft = render(build("AddressCheck"))
    assert "https://book.example/c/77" in draft.text
    _says(draft, "bestätigen bis Mo, 23. November 2026, 12:00")
    _is_silent_about(draft, "https://book.example/b/")


@pytest.mark.rule("S7")
@every_language
def test_office_and_desk_read_the_request_each_with_what_they_need(build: Build, language: str) -> None:
    office = render(build("RequestNotice", language))
    desk = render(build("RequestNotice", language, audience=Audience.DESK))
    for draft in (office, desk):
        _says(draft, "Erika Müßiggang", "0171 5550001", "12", "Training der D-Jugend", BOOKING_CODE)
    _says(office, "erika@kunden.example")
    _is_silent_about(desk, "erika@kunden.example", "65,00", "65.00")


@pytest.mark.rule("S15")
def test_a_request_on_short_notice_says_now_in_its_subject(build: Build) -> None:
    draft = render(build("RequestNotice", short_notice=True))
    assert draft.subject.startswith("JETZT")
    _says(draft, "Der Kunde wurde gebeten anzurufen")


@pytest.mark.rule("S3")
def test_the_digest_lists_each_code_with_its_window_and_who_has_it(build: Build) -> None:
    draft = render(build("DeskDigest"))
    _says(
        draft,
        "2 Codes, davon 1 vergeben",
        DOOR_CODE,
        "771204#",
        "17:45\u201319:45",
        f"Erika Müßiggang ({BOOKING_CODE})",
        "frei",
    )
    _says(render(build("DeskDigest", entries=())), "Für diese Tage gibt es keine Codes.")


@pytest.mark.rule("S22")
def test_codes_that_run_out_are_announced_with_the_last_day(build: Build) -> None:
    _says(render(build("CodesRunningOut")), "Winter 2026/27", "Sa, 5. Dezember 2026", "1 Zugangscode ist noch frei")
    _says(render(build("CodesRunningOut", left=3, last_day=date(2026, 12, 6))), "3 Zugangscodes sind noch frei")


@pytest.mark.rule("S10")
def test_a_stuck_cancel_says_where_and_that_the_time_stays_blocked(build: Build) -> None:
    _says(render(build("CancelStuck")), "YouCanBook.me", "Die Zeit bleibt blockiert", "7 Mal")


@pytest.mark.rule("C15")
def test_a_silent_site_is_told_with_its_last_success(build: Build) -> None:
    _says(render(build("SiteSilent")), "YouCanBook.me", "Letzter Erfolg", "5. Dezember 2026")


@every_kind
def test_the_html_carries_its_styles_and_nothing_from_elsewhere(build: Build, kind: str) -> None:
    html = render(build(kind)).html
    assert "@media (prefers-color-scheme: dark)" in html
    assert 'class="value" style="' in html or 'class="code" style="' in html
    sources = re.findall(r'(?:src|background)="([^"]*)"|url\(|<link|<script', html)
    assert all(source.startswith("cid:") for source in sources)


@pytest.mark.rule("S27", "S6", "S7")
@every_language
@pytest.mark.parametrize("kind", ["Acknowledgement", "RequestNotice"])
def test_a_request_that_was_moved_is_told_with_both_times(build: Build, kind: str, language: str) -> None:
    letter = build(kind, language)
    assert isinstance(letter, letters.Acknowledgement | letters.RequestNotice)
    week, slot = timedelta(days=7), letter.appointment.slot
    draft, first = render(replace(letter, before=Slot(slot.start - week, slot.end - week))), render(letter)
    assert draft.subject != first.subject
    day = {"de": "28. November 2026", "en": "28 November 2026"}[language]
    _says(draft, day)
    _is_silent_about(first, day)
