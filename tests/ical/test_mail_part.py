from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from icalendar import Calendar

from booking.values.agenda import AgendaEntry
from booking.values.slot import Slot
from booking.values.states import ItemStatus
from ical.mail_part import Correspondent, WrongStatus, cancel, publish, request

Make = Callable[..., AgendaEntry]
Read = Callable[[bytes], list[tuple[str, str, str]]]
HOST = "hall.example"
OFFICE = Correspondent("office@hall.example", "Soccer-Kirche")
ANN = Correspondent("ann+hall@example.org", 'Ann "Libero" Groß; Söhne')


def people(lines: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [line for line in lines if line[0] in {"ORGANIZER", "ATTENDEE"}]


@pytest.mark.rule("C5", "S6")
def test_a_request_for_a_time_goes_out_as_a_tentative_event_without_people(make_entry: Make, read: Read) -> None:
    body = publish(make_entry(status=ItemStatus.TENTATIVE), "de", HOST)
    lines = read(body)
    assert ("METHOD", "", "PUBLISH") in lines
    assert ("STATUS", "", "TENTATIVE") in lines
    assert ("SUMMARY", "", "Angefragt: Training") in lines
    assert people(lines) == []
    assert [part.name for part in Calendar.from_ical(body).subcomponents] == ["VTIMEZONE", "VEVENT"]


@pytest.mark.rule("C5")
def test_an_invitation_asks_its_reader_for_an_answer_to_the_organiser(make_entry: Make, read: Read) -> None:
    lines = read(request(make_entry(), "en", HOST, OFFICE, ANN))
    assert ("METHOD", "", "REQUEST") in lines
    assert ("SEQUENCE", "", "3") in lines
    name = "\"Ann 'Libero' Groß; Söhne\""
    assert people(lines) == [
        ("ORGANIZER", ';CN="Soccer-Kirche"', "mailto:office@hall.example"),
        (
            "ATTENDEE",
            f";CN={name};ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE",
            "mailto:ann+hall@example.org",
        ),
    ]


@pytest.mark.rule("C5")
@pytest.mark.parametrize(("last_sent", "sequence"), [(None, 4), (2, 4), (3, 4), (4, 5), (9, 10)])
def test_a_cancellation_is_above_every_sequence_that_was_sent(
    last_sent: int | None, sequence: int, make_entry: Make
) -> None:
    ended = make_entry(status=ItemStatus.CANCELLED, sequence=4)
    calendar = Calendar.from_ical(cancel(ended, "de", HOST, OFFICE, ANN, last_sent))
    [event] = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "CANCEL"
    assert event["SEQUENCE"] == sequence
    assert event["STATUS"] == "CANCELLED"
    assert event["ATTENDEE"] == "mailto:ann+hall@example.org"
    assert event["ORGANIZER"] == "mailto:office@hall.example"
    assert "RSVP" not in event["ATTENDEE"].params


@pytest.mark.rule("C5")
def test_all_parts_of_one_entry_carry_one_uid(make_entry: Make) -> None:
    ended = make_entry(status=ItemStatus.CANCELLED)
    bodies = [
        publish(make_entry(), "de", HOST),
        request(make_entry(), "de", HOST, OFFICE, ANN),
        cancel(ended, "de", HOST, OFFICE, ANN),
    ]
    assert len({str(Calendar.from_ical(body).walk("VEVENT")[0]["UID"]) for body in bodies}) == 1


@pytest.mark.rule("C5")
def test_a_method_that_does_not_fit_the_status_is_an_error(make_entry: Make) -> None:
    with pytest.raises(WrongStatus) as refused:
        cancel(make_entry(), "de", HOST, OFFICE, ANN)
    assert (refused.value.method, refused.value.status) == ("CANCEL", ItemStatus.CONFIRMED)
    with pytest.raises(WrongStatus):
        request(make_entry(status=ItemStatus.CANCELLED), "de", HOST, OFFICE, ANN)


def test_a_name_or_an_address_cannot_start_a_line(make_entry: Make, read: Read) -> None:
    evil = Correspondent("a@b.example\r\nX-EVIL:1", 'A"\r\nX-EVIL:1')
    lines = read(request(make_entry(), "de", HOST, OFFICE, evil))
    assert "X-EVIL" not in {name for name, _, _ in lines}
    assert [value for name, _, value in lines if name == "BEGIN"].count("VEVENT") == 1


def test_a_part_in_utc_needs_no_zone(make_entry: Make, read: Read) -> None:
    night = Slot(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 4, tzinfo=UTC))
    lines = read(publish(make_entry(slot=night), "de", HOST))
    assert "TZID" not in {name for name, _, _ in lines}
    assert ("DTSTART", "", "20261025T003000Z") in lines


@pytest.mark.rule("C5")
def test_a_mail_sent_again_carries_the_same_bytes(make_entry: Make) -> None:
    assert request(make_entry(), "de", HOST, OFFICE, ANN) == request(make_entry(), "de", HOST, OFFICE, ANN)
