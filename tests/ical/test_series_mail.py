"""The calendar parts of mails about a series (RFC 5546 sections 3.2.2 and 3.2.5)."""

from datetime import date, time, timedelta

import pytest
from icalendar import Calendar, Component

from booking.values.recurrence import Frequency, Rule
from booking.values.states import ItemStatus
from ical.mail_part import (
    Correspondent,
    WrongStatus,
    cancel_occurrence,
    cancel_series,
    publish_series,
    request_series,
)
from ical.series import Series, Texts
from tests.ical.readers import READERS
from tests.ical.series_builders import HOST, ZONES, at, change, generated, local, made, meant, utc

OFFICE = Correspondent("office@hall.example", "Soccer-Kirche")
ANN = Correspondent("ann@b.example", "Ann Groß")
TO = ("de", HOST, OFFICE, ANN)
SECOND, THIRD, EXTRA = at(2026, 9, 8, 18), at(2026, 9, 15, 18), at(2026, 9, 4, 9)
BERLIN = "Europe/Berlin"


def events(body: bytes) -> list[Component]:
    return list(Calendar.from_ical(body).walk("VEVENT"))


@pytest.fixture
def eventful() -> Series:
    """One moved, one cancelled, one added by hand, one written apart."""
    return made(
        left_out=frozenset({date(2026, 9, 22)}),
        changes={
            SECOND: change(4, slot=local(BERLIN, 2026, 9, 9, 19)),
            THIRD: change(5, status=ItemStatus.CANCELLED, ended_at=utc(2026, 6, 1)),
            EXTRA: change(6),
            at(2026, 9, 29, 18): change(4, slot=local(BERLIN, 2026, 10, 6, 8)),
        },
    )


@pytest.mark.rule("C5")
def test_an_invitation_to_a_series_is_one_mail_for_each_uid(eventful: Series) -> None:
    parts = request_series(eventful, *TO)
    uids = [{str(event["UID"]) for event in events(part)} for part in parts]
    assert [len(one) for one in uids] == [1, 1, 1]
    assert uids[0] == {f"{eventful.uid}@{HOST}"}
    assert len(set.union(*uids)) == 3
    for part in parts:
        calendar = Calendar.from_ical(part)
        assert calendar["METHOD"] == "REQUEST"
        assert [zone["TZID"] for zone in calendar.walk("VTIMEZONE")] == [BERLIN]
        for event in events(part):
            assert event["ORGANIZER"] == "mailto:office@hall.example"
            assert event["ATTENDEE"] == "mailto:ann@b.example"
            assert event["ATTENDEE"].params["RSVP"] == "TRUE"
            assert event["STATUS"] == "CONFIRMED"


@pytest.mark.rule("C5")
def test_an_invitation_leaves_out_what_is_cancelled_and_tells_what_moved(eventful: Series) -> None:
    master, moved = events(request_series(eventful, *TO)[0])
    assert [str(event["SEQUENCE"]) for event in (master, moved)] == ["6", "6"]
    left_out = [one.dt.day for many in master["EXDATE"] for one in many.dts]
    assert left_out == [15, 22, 29]
    assert moved["RECURRENCE-ID"].dt.day == 8
    assert moved["DTSTART"].dt.day == 9
    assert "RRULE" not in moved


@pytest.mark.rule("C5")
@pytest.mark.parametrize(("last_sent", "sequence"), [(None, 6), (5, 6), (6, 7), (20, 21)])
def test_taking_back_a_series_takes_back_each_uid_above_what_was_sent(
    last_sent: int | None, sequence: int, eventful: Series
) -> None:
    ended = made(changes=eventful.changes, status=ItemStatus.CANCELLED, ended_at=utc(2026, 7, 1))
    parts = cancel_series(ended, *TO, last_sent)
    asked = {str(events(part)[0]["UID"]) for part in request_series(eventful, *TO)}
    assert {str(events(part)[0]["UID"]) for part in parts} >= asked
    [whole] = events(parts[0])
    assert Calendar.from_ical(parts[0])["METHOD"] == "CANCEL"
    assert (whole["STATUS"], whole["SEQUENCE"]) == ("CANCELLED", sequence)
    assert "RECURRENCE-ID" not in whole
    assert "RSVP" not in whole["ATTENDEE"].params
    assert all(events(part)[0]["SEQUENCE"] > (last_sent or 0) for part in parts)


@pytest.mark.rule("C5")
def test_taking_back_one_occurrence_names_it_by_its_planned_time(eventful: Series) -> None:
    [gone] = events(cancel_occurrence(eventful, THIRD, *TO))
    assert str(gone["UID"]) == f"{eventful.uid}@{HOST}"
    assert gone["RECURRENCE-ID"].to_ical() == b"20260915T180000"
    assert (gone["STATUS"], gone["SEQUENCE"]) == ("CANCELLED", 6)
    [raised] = events(cancel_occurrence(eventful, THIRD, *TO, last_sent=9))
    assert raised["SEQUENCE"] == 10


@pytest.mark.rule("C5")
def test_taking_back_what_was_written_apart_names_its_own_uid() -> None:
    night = made(first=date(2026, 3, 27), wall=time(2, 30), rule=Rule(Frequency.DAILY, count=5))
    skipped = at(2026, 3, 29, 2, 30)
    ended = made(
        first=night.first,
        wall=night.wall,
        rule=night.rule,
        changes={skipped: change(status=ItemStatus.CANCELLED, ended_at=utc(2026, 3, 1))},
    )
    _, invited = request_series(night, *TO)
    [gone] = events(cancel_occurrence(ended, skipped, *TO))
    assert str(gone["UID"]) == str(events(invited)[0]["UID"])
    assert "RECURRENCE-ID" not in gone


@pytest.mark.rule("C5")
def test_a_method_that_does_not_fit_the_status_is_an_error(eventful: Series) -> None:
    with pytest.raises(WrongStatus):
        cancel_series(eventful, *TO)
    with pytest.raises(WrongStatus):
        request_series(made(status=ItemStatus.CANCELLED), *TO)
    with pytest.raises(WrongStatus):
        cancel_occurrence(eventful, SECOND, *TO)
    with pytest.raises(KeyError):
        cancel_occurrence(eventful, at(2026, 9, 8, 19), *TO)


@pytest.mark.rule("C5")
def test_a_series_in_a_zone_that_cannot_be_told_goes_out_as_single_events() -> None:
    parts = request_series(made(zone="Africa/Casablanca", rule=Rule(count=3)), *TO)
    assert len(parts) == 3
    assert all(b"VTIMEZONE" not in part and b"RRULE" not in part for part in parts)


@pytest.mark.rule("C5", "S6")
@pytest.mark.parametrize("reader", list(READERS))
def test_a_file_to_keep_holds_the_whole_series(reader: str) -> None:
    some = [generated(zone, seed) for zone in ZONES[::3] for seed in range(2)]
    bodies = [publish_series(series, "de", HOST) for series in some]
    found = READERS[reader](bodies, utc(2026, 1, 1), utc(2029, 1, 1))
    assert found == [meant(series) for series in some]
    for body in bodies:
        assert b"METHOD:PUBLISH" in body
        assert b"ATTENDEE" not in body
        assert b"VHS" not in body  # the party is who reads it


@pytest.mark.rule("C5")
def test_a_mail_sent_again_carries_the_same_bytes(eventful: Series) -> None:
    assert request_series(eventful, *TO) == request_series(eventful, *TO)


def test_a_requested_series_goes_out_as_tentative() -> None:
    [event] = events(publish_series(made(status=ItemStatus.TENTATIVE, texts=Texts("Yoga")), "de", HOST))
    assert (event["STATUS"], str(event["SUMMARY"])) == ("TENTATIVE", "Angefragt: Yoga")
    assert event["DTSTART"].dt + timedelta(hours=2) == event["DTEND"].dt
