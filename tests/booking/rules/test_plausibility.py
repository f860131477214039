"""The review's findings: fifty honest requests pass, each kind of dishonest one is found (SPEC S8)."""

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from booking.rules.findings_table import DEFAULTS, KINDS
from booking.rules.made_up import spam_words
from booking.rules.plausibility import House, findings, is_same_contact, trusted
from booking.values.findings import Contact, Finding, Record, Threshold, Wish
from booking.values.house import RoomTerms
from booking.values.slot import Slot
from booking.values.states import Weight

HOUR = timedelta(hours=1)
TERMS = RoomTerms(HOUR, HOUR, HOUR, 8 * HOUR, 0 * HOUR, 0 * HOUR, 0 * HOUR, 180 * 24 * HOUR, most_people=30)
HOUSE = House(TERMS, ZoneInfo("Europe/Berlin"))
START = datetime(2026, 12, 5, 17, tzinfo=UTC)
DOCS = Path(__file__).parents[3] / "docs" / "plausibility.md"

HONEST: tuple[tuple[str, str, str, str, str], ...] = (
    # name, mail, phone, country, purpose
    ("Jürgen Müller", "juergen.mueller@t-online.de", "0221 9436120", "DE", "Training der Alten Herren"),
    ("Änne Groß-Böhm", "änne@groß-böhm.de", "0170/1234567", "DE", "Kindergeburtstag, 8 Jahre"),
    ("1. FC Köln 04 e. V.", "vorstand@fc-koeln04.de", "+49 (0) 221 / 28 01-0", "DE", "U17, siehe fc-koeln04.de"),
    ("TSV 1860 Ehrenfeld", "info@tsv1860-ehrenfeld.de", "(0221) 94 36 - 0", "DE", "Wintertraining Mo.Mi/Fr"),
    ("DJK SV Blau-Weiß", "kontakt@djk-bw.de", "02234 4711", "DE", "Hallenturnier, ca. 30 Personen"),
    ("Ayşe Yılmaz", "ayse.yilmaz@hotmail.com", "+90 532 123 45 67", "TR", "Futbol antrenmanı"),
    ("İbrahim Çağlıgül", "ibrahim@caglıgül.com.tr", "0532 123 45 67", "TR", "Hochzeitsspiel"),
    ("Mustafa Özgür Dağ", "m.oezguer@gmx.de", "0049 221 998877", "DE", "Freizeitkick"),
    ("Krzysztof Brzęczyszczykiewicz", "krzysztof@wp.pl", "+48 601 234 567", "PL", "Mecz towarzyski"),
    ("Grzegorz Szczęśniak-Wójcik", "g.szczesniak@onet.pl", "601 234 567", "PL", "Trening"),
    ("Łukasz Żółć", "lukasz.zolc@gmail.com", "0151 23456789", "DE", "Fußball mit Kollegen"),
    ("Nguyễn Thị Ánh", "anh.nguyen@gmail.com", "+84 91 234 56 78", "VN", "Bóng đá"),
    ("Đỗ Văn Đức", "duc.do@web.de", "0912 345 678", "VN", "Training"),
    ("Ng", "ng@ng-consulting.de", "0172 5556677", "DE", "Firmenlauf: Aufwärmen"),
    ("O", "o@posteo.de", "030 23125000", "DE", "Yoga"),
    ("Ö", "oe@mailbox.org", "0711 2841234", "DE", "Probe"),
    ("A. Ó Súilleabháin", "a@osuilleabhain.ie", "+353 85 012 3456", "IE", "Gaelic football"),
    ("Patrick O'Neil", "o'neil@t-online.de", "089 12345678", "DE", "Five-a-side"),
    ("Jan Vlk", "jan.vlk@seznam.cz", "+420 601 123 456", "CZ", "Florbal"),
    ("Krč", "krc@azet.sk", "+421 905 123 456", "SK", "Futsal"),
    ("Petr Čtvrtlík", "p.ctvrtlik@email.cz", "+420 777 123 456", "CZ", "Trénink"),
    ("Brigitte Wertz", "b.wertz@arcor.de", "06131 201234", "DE", "Seniorensport"),
    ("Kurt Angstschwitz", "kurt@angstschwitz.de", "0201 8471234", "DE", "Walking Football"),
    ("Hirschschläger GmbH & Co. KG", "events@hirschschlaeger.de", "+43 1 58858 0", "AT", "Betriebsfeier"),
    ("Olena Щербак", "olena@ukr.net", "+380 67 123 4567", "UA", "Тренування"),
    ("Владимир Кржижановский", "v.k@yandex.ru", "+7 916 123-45-67", "RU", "Мини-футбол"),
    ("王伟", "wang.wei@qq.com", "+86 138 0013 8000", "CN", "足球"),
    ("محمد علي", "m.ali@outlook.com", "0176 32145678", "DE", "Kinderfußball"),
    ("Γιώργος Παπαδόπουλος", "g.papadopoulos@otenet.gr", "+30 694 123 4567", "GR", "Ποδόσφαιρο"),
    ("Siobhán Nic Aodha", "siobhan@nicaodha.ie", "+353 1 234 5678", "IE", "Training"),
    ("Llwyd Gwynn", "llwyd@gwynn.cymru", "+44 29 2034 1234", "GB", "Football"),
    ("Hrvoje Grgić", "hrvoje.grgic@inet.hr", "+385 91 234 5678", "HR", "Mali nogomet"),
    ("Þórður Jónsson", "thordur@simnet.is", "+354 691 2345", "IS", "Fótbolti"),
    ("Søren Kjærgård", "soren@kjaergaard.dk", "+45 20 12 34 56", "DK", "Fodbold"),
    ("Zoë van 't Hoff", "zoe@vanthoff.nl", "+31 6 12345678", "NL", "Zaalvoetbal"),
    ("François L'Écuyer-Gagné", "fl@ecuyer.fr", "06 12 34 56 78", "FR", "Foot en salle"),
    ("João Simões", "joao@simoes.pt", "+351 912 345 678", "PT", "Futebol"),
    ("Ștefan Țîrlea", "stefan@tirlea.ro", "+40 721 234 567", "RO", "Fotbal"),
    ("Gergő Szűcs", "gergo@szucs.hu", "+36 20 123 4567", "HU", "Foci"),
    ("Dr. med. Rüdiger Freiherr von Schwarz-Pfützner", "dr@praxis-sp.de", "02203 1234-56", "DE", "Betriebssport"),
    ("BSG HTWK", "bsg@htwk.de", "0341 30760", "DE", "Hochschulsport"),
    ("KSG Ütterlingsen 09", "post@ksg09.de", "02393 1234", "DE", "Jugend F2"),
    ("Jojo Lala", "jojo@lala-band.de", "0163 4567890", "DE", "Videodreh"),
    ("Katholische Kirchengemeinde St. Anna", "pfarramt@st-anna.de", "0221 5104 30", "DE", "Messdiener-Turnier"),
    ("Grundschule Kunterbunt", "sekretariat@gs-kunterbunt.nrw.de", "0221/221-99001", "DE", "AG Fußball, 24 Kinder"),
    ("Markus Test", "markus.test@example.org", "0176 47110815 abends", "DE", "Geburtstag"),
    ("Seoul Kulturverein e. V.", "info@seoul-kultur.de", "0221 987654 oder 0171 2345678", "DE", "Seoul-Abend"),
    ("Heinrich III. Reuß", "heinrich@reuss.de", "03661 706123", "DE", "Casino-Abend des Vereins"),
    ("María José Ñúñez", "mj@nunez.es", "+34 612 34 56 78", "ES", ""),
    ("John Smith", "john.smith@gmail.com", "+1 212 555 2368", "US", "Questions? Mail me: john.smith@gmail.com"),
)

MADE_UP = (
    "|  |???|12345|-|😀|test|Test Test|asdf|Asdfgh Jkl|qwertz|lkjhgf|ertzuiop|xxx|aaaa B|sdfkjhsdkf|askjdhfkjsdh|dfgdfg"
    "|Bcdfg Hjklm|hahaha|asdasd|http://x.example|www.pillen.de|a@b.de|Peter 0123456789|John Doe|n/a|Vorname Nachname"
)


def contact(**changes: str) -> Contact:
    honest = Contact("Jürgen Müller", "", "j@mueller.de", "0221 9436120", "Ring 1", "50667", "Köln", "DE")
    return dataclasses.replace(honest, **changes)


def wish(start: datetime = START, length: timedelta = HOUR, purpose: str = "Training", people: int = 10) -> Wish:
    return Wish(contact(), Slot(start, start + length), purpose, people, START - 100 * HOUR)


def codes(found: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in found]


def judged(wished: Wish, record: Record | None = None, **settings: Threshold) -> tuple[Finding, ...]:
    named = {code.replace("_", "-"): threshold for code, threshold in settings.items()}
    return findings(wished, record or Record(), named, HOUSE)


def test_there_are_fifty_honest_requests() -> None:
    assert len(set(HONEST)) == 50


@pytest.mark.rule("S8")
@pytest.mark.parametrize(("name", "email", "phone", "country", "purpose"), HONEST, ids=[row[0] for row in HONEST])
def test_an_honest_request_passes_without_a_warn(name: str, email: str, phone: str, country: str, purpose: str) -> None:
    person = contact(name=name, email=email, phone=phone, country=country)
    found = judged(dataclasses.replace(wish(purpose=purpose, people=30), contact=person))
    assert [finding for finding in found if finding.weight is not Weight.INFO] == []


@pytest.mark.rule("S8")
@pytest.mark.parametrize("name", MADE_UP.split("|"))
def test_a_made_up_name_is_found(name: str) -> None:
    assert codes(judged(dataclasses.replace(wish(), contact=contact(name=name)))) == ["nonsense-name"]


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    "email", ["", "a", "a@b", "a b@c.de", "a..b@c.de", "a@c.invalid", "a@@c.de", "a@c.de\nBcc: x@y.de"]
)
def test_a_mail_address_that_cannot_exist_stops(email: str) -> None:
    (found,) = judged(dataclasses.replace(wish(), contact=contact(email=email)))
    assert (found.code, found.weight) == ("invalid-mail", Weight.STOP)


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("email", "found"),
    [
        ("a@mailinator.com", ["throwaway-mail"]),
        ("a@Trashmail.DE", ["throwaway-mail"]),
        ("a@eu.yopmail.com", ["throwaway-mail"]),
        ("a@own.example.com", ["throwaway-mail"]),
        ("a@notmailinator.com", []),
        ("mailinator.com@posteo.de", []),
    ],
)
def test_a_throw_away_domain_is_found_with_its_subdomains(email: str, found: list[str]) -> None:
    house = dataclasses.replace(HOUSE, throwaway_domains=frozenset({"own.example.com"}))
    assert codes(findings(dataclasses.replace(wish(), contact=contact(email=email)), Record(), {}, house)) == found


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    "phone",
    ["", "abc", "0", "110", "12345", "0000000", "0123456789", "1234567890", "99999999999999", "+1 555", "+49 0"],
)
def test_a_phone_number_that_cannot_exist_is_found(phone: str) -> None:
    assert codes(judged(dataclasses.replace(wish(), contact=contact(phone=phone)))) == ["impossible-phone"]


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("purpose", "found"),
    [
        ("Kommt alle: https://spiel.example/anmelden", ["link"]),
        ("see www.pillen.example", ["link"]),
        ("bit.ly/3xYz", ["link"]),
        ("<a href='x'>hier</a>", ["link"]),
        ("[url=x]hier[/url]", ["link"]),
        ("Bitcoin casino, jetzt kaufen", ["spam"]),
        ("SEO  and backlinks for you", ["spam"]),
        ("Buy viagra at http://www.pillen.example/seo", ["link", "spam"]),
        ("Turnier der Gruppen A/B, s. verein-koeln.de", []),
        ("Kreditreform-Betriebssport", []),
    ],
)
def test_links_and_advertising_in_the_purpose_are_found(purpose: str, found: list[str]) -> None:
    assert codes(judged(wish(purpose=purpose))) == found


def test_one_link_counts_once_however_it_is_written() -> None:
    (found,) = judged(wish(purpose="https://www.verein.de/a und www.verein.de"))
    assert found.values == {"count": 2}


def test_short_words_of_advertising_must_stand_alone() -> None:
    assert spam_words("Seoul Porncharoen Loanda") == ()


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("record", "code"),
    [
        (Record(overlapping=(Slot(START, START + HOUR),)), "overlapping"),
        (Record(repeated=1), "repeated"),
        (Record(open_requests=4), "too-many-open"),
        (Record(unpaid_invoices=1), "unpaid-invoices"),
        (Record(no_shows=2), "no-shows"),
        (Record(codes_left=0), "no-code"),
        (Record(in_season=False), "outside-season"),
        (Record(clashes=("Google: Halle",)), "clash"),
    ],
)
def test_what_the_house_knows_is_found(record: Record, code: str) -> None:
    assert codes(judged(wish(), record)) == [code]


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    "record", [Record(open_requests=3), Record(no_shows=1), Record(codes_left=1), Record(codes_left=None)]
)
def test_just_below_the_threshold_nothing_is_found(record: Record) -> None:
    assert judged(wish(), record) == ()


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("wished", "found"),
    [
        (wish(people=30), []),
        (wish(people=31), ["too-many-people"]),
        (wish(length=6 * HOUR, start=datetime(2026, 12, 5, 8, tzinfo=UTC)), []),
        (wish(length=6 * HOUR + timedelta(minutes=1), start=datetime(2026, 12, 5, 8, tzinfo=UTC)), ["unusual-length"]),
        (wish(start=datetime(2026, 12, 5, 6, tzinfo=UTC)), []),
        (wish(start=datetime(2026, 12, 5, 5, 59, tzinfo=UTC)), ["early"]),
        (wish(start=datetime(2026, 12, 5, 21, tzinfo=UTC)), []),
        (wish(start=datetime(2026, 12, 5, 21, 1, tzinfo=UTC)), ["late"]),
        (wish(start=datetime(2026, 12, 5, 22, 30, tzinfo=UTC)), ["late"]),
        (wish(start=datetime(2026, 7, 5, 5, tzinfo=UTC)), []),  # 7:00 in summer
        (wish(start=datetime(2026, 7, 5, 20, 30, tzinfo=UTC)), ["late"]),
    ],
)
def test_length_hour_and_people_are_measured_in_local_time(wished: Wish, found: list[str]) -> None:
    assert codes(judged(wished)) == found


@pytest.mark.rule("S8")
def test_findings_come_by_weight() -> None:
    record = Record(unpaid_invoices=2, clashes=("A", "B"), codes_left=0)
    found = judged(wish(start=datetime(2026, 12, 5, 3, tzinfo=UTC)), record)
    assert codes(found) == ["clash", "no-code", "unpaid-invoices", "early"]
    assert [finding.values for finding in found] == [{"calendars": "A, B"}, {}, {"count": 2}, {"hour": 7}]


@pytest.mark.rule("S8")
def test_the_settings_move_weight_and_number_or_switch_off() -> None:
    record = Record(no_shows=3)
    assert judged(wish(), record)[0].weight is Weight.WARN
    assert judged(wish(), record, no_shows=Threshold(Weight.STOP))[0].weight is Weight.STOP
    assert judged(wish(), record, no_shows=Threshold(Weight.STOP, 4)) == ()
    assert judged(wish(), record, no_shows=Threshold(None, 1)) == ()
    assert judged(wish(), None, no_shows=Threshold(Weight.WARN, 0), gone=Threshold(Weight.STOP)) == ()


@pytest.mark.rule("S8")
def test_each_text_names_only_values_that_the_finding_has() -> None:
    everything = Record(
        (Slot(START, START + HOUR),),
        9,
        9,
        9,
        9,
        0,
        0,
        in_season=False,
        clashes=("A",),
        differs=True,
        discount_elsewhere=True,
    )
    person = contact(name="asdf", email="a b@mailinator.com", phone="0")
    long_night = wish(datetime(2026, 12, 5, 3, tzinfo=UTC), 23 * HOUR, "http://casino.example viagra bitcoin", 99)
    found = findings(dataclasses.replace(long_night, contact=person), everything, {}, HOUSE)
    assert {finding.code for finding in found} == set(KINDS)
    for finding in found:
        assert KINDS[finding.code].message % finding.values


@pytest.mark.rule("S8")
def test_the_documented_defaults_are_the_real_ones() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (\w+) \| (\d*) \| ([^|]*) \| ([^|]*) \|$", DOCS.read_text("utf-8"), re.MULTILINE
    )
    documented = {
        code: (Threshold(Weight(weight), int(number) if number else None), measure.strip() or None, message)
        for code, weight, number, measure, message in rows
    }
    assert documented == {code: (kind.threshold, kind.measure, kind.message) for code, kind in KINDS.items()}
    assert {code: kind.threshold for code, kind in KINDS.items()} == DEFAULTS


KNOWN = Record(kept_bookings=3, is_proven=True)


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, True),
        ({"name": "ANNA  MÜLLER", "phone": "0049 (0)221/555-123".replace("(0)", "")}, True),
        ({"phone": "0221 555123", "street": "Ringstrasse 7", "city": "KÖLN"}, True),
        ({"name": "Karl Fremd"}, False),
        ({"phone": "+49 151 23456789"}, False),
        ({"phone": "123"}, False),
        ({"street": "Ringstraße 17"}, False),
        ({"postcode": "50675"}, False),
    ],
)
def test_a_contact_is_the_same_however_it_is_written(other: dict[str, str], *, expected: bool) -> None:
    given = contact(name="Anna Müller", phone="+49 221 555123", street="Ringstr. 7", postcode="50674", city="Köln")
    assert is_same_contact(dataclasses.replace(given, **other), given) is expected


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("record", "found", "n", "expected"),
    [
        (KNOWN, (), 3, True),
        (dataclasses.replace(KNOWN, is_proven=False), (), 3, False),
        (dataclasses.replace(KNOWN, kept_bookings=2), (), 3, False),
        (dataclasses.replace(KNOWN, unpaid_invoices=1), (), 3, False),
        (KNOWN, (Finding("late", Weight.INFO),), 3, True),
        (KNOWN, (Finding("late", Weight.INFO), Finding("link", Weight.WARN)), 3, False),
        (KNOWN, (Finding("clash", Weight.STOP),), 3, False),
        (dataclasses.replace(KNOWN, kept_bookings=0), (), 0, False),
    ],
    ids=["enough", "typed only", "too few", "unpaid", "info", "warn", "stop", "never a stranger"],
)
def test_only_a_known_and_clean_contact_is_trusted(
    record: Record, found: tuple[Finding, ...], n: int, *, expected: bool
) -> None:
    assert trusted(record, found, n) is expected
