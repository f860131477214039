"""What the site may answer, read into values: three forms of time, odd shapes, no secrets kept."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.slot import Slot
from outside.ycbm_values import Party, Tentative, marked_name, read_booking, read_time, read_zone

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
RAW = {
    "id": "bkg_1",
    "ref": "AB12",
    "profileId": "prf",
    "title": "Halle",
    "startsAt": "2020-09-04T10:00:00",
    "endsAt": "2020-09-04T11:00:00",
    "timeZone": "Asia/Tokyo",
}


@pytest.mark.rule("Y6")
@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2026-07-01T12:00:00+0200", None),
        ("2026-07-01T12:00:00+02:00", None),
        ("2026-07-01T12:00:00+02", None),
        ("2026-07-01T10:00:00+0000", None),
        ("2026-07-01T05:30:00-0430", None),
        ("2026-07-01T10:00:00Z", None),
        ("2026-07-01T10:00:00.999Z", None),
        ("2026-07-01T10:00Z", None),
        ("2026-07-01T12:00:00+02:00[Europe/Berlin]", None),
        ("2026-07-01T12:00:00", BERLIN),
        ("2026-07-01 12:00", BERLIN),
        ("2026-07-01T12:00:00+0200", ZoneInfo("Asia/Tokyo")),
        (" 1782900000000 ", None),
        (1_782_900_000_000, None),
    ],
)
def test_every_form_of_a_time_is_the_same_instant(text: str | int, zone: ZoneInfo | None) -> None:
    assert read_time(text, zone) == NOON
    assert read_time(text, zone).tzinfo is UTC


@pytest.mark.rule("Y6")
@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        ("2026-03-29T02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
    ids=["gap", "fold"],
)
def test_a_wall_time_at_a_clock_change_follows_the_house_policy(wall: str, instant: datetime) -> None:
    assert read_time(wall, BERLIN) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-07-01",
        "12:00",
        "2026-13-01T00:00:00Z",
        "2026-07-01T25:00:00Z",
        "2026-07-01T12:00:00+0260",
        "2026-07-01T12:00:00+9900",
        "0001-01-01T00:00:00+0200",
        "9999-12-31T23:00:00-0200",
        "123",
        "2026-W27-3T12:00:00Z",
        "2026-07-01T12:00:00",
        "{START-ISO}",
        "\uff12026-07-01T12:00:00Z",
    ],
)
def test_what_is_no_time_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_time(text)


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:?\d\d|Z)?", fullmatch=True))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        assert read_time(text, BERLIN).tzinfo is UTC
    except ValueError:
        return


@pytest.mark.rule("Y6")
@pytest.mark.parametrize(
    "times",
    [
        {},
        {"startsAtUTC": "2020-09-04T01:00:00Z", "endsAtUTC": "2020-09-04T02:00:00Z", "startsAt": "x", "timeZone": None},
        {"startsAt": "2020-09-04T10:00:00+0900", "endsAt": "2020-09-04T11:00:00+09:00", "timeZone": None},
        {"startsAtUTC": {}, "endsAtUTC": None},
    ],
    ids=["wall and zone", "utc", "offset", "empty utc"],
)
def test_a_booking_has_one_slot_whichever_fields_the_site_sent(times: dict[str, object]) -> None:
    slot = Slot(datetime(2020, 9, 4, 1, tzinfo=UTC), datetime(2020, 9, 4, 2, tzinfo=UTC))
    assert read_booking(RAW | times).slot == slot


def test_a_booking_is_read_with_its_answers_and_without_secrets() -> None:
    answers = [{"code": "FNAME", "string": " Zoë "}, {"code": "LNAME", "string": 'O"Hara'}, {}, {"code": "EMAIL"}, 7]
    phone = {"code": "phone", "string": "+49 30 1"}
    secrets = {"ip": "100.1.2.3", "ownerSecret": "canary", "bookerSecret": "canary", "lobbyPassword": "canary"}
    booking = read_booking(
        RAW
        | secrets
        | {"answers": [*answers, phone], "tentative": "UNDECIDED", "cancelled": True, "cancelledBy": "BOOKER"}
        | {"updatedAt": "2020-09-01T00:00:00Z", "createdAt": "garbage", "noShow": True}
    )
    assert (booking.name, booking.email, booking.phone) == ('Zoë O"Hara', "", "+49 30 1")
    assert (booking.tentative, booking.cancelled, booking.cancelled_by) == (Tentative.UNDECIDED, True, Party.BOOKER)
    assert (booking.no_show, booking.created_at, booking.updated_at) == (True, None, datetime(2020, 9, 1, tzinfo=UTC))
    assert "canary" not in str(booking.raw)
    assert "100.1.2.3" not in str(booking.raw)


def test_words_outside_the_documentation_are_unknown_not_guessed() -> None:
    booking = read_booking(RAW | {"tentative": "MAYBE", "cancelledBy": "ROBOT", "answers": "none"})
    assert (booking.tentative, booking.cancelled_by, dict(booking.answers)) == (Tentative.UNKNOWN, None, {})


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "x",
        {},
        RAW | {"id": ""},
        RAW | {"id": None},
        RAW | {"id": True},
        RAW | {"startsAt": None},
        RAW | {"endsAt": "x"},
        RAW | {"timeZone": "Mars/Base"},
        RAW | {"timeZone": "../etc/passwd"},
        RAW | {"endsAt": RAW["startsAt"]},
    ],
)
def test_a_booking_that_makes_no_sense_is_a_value_error(raw: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_booking(raw)


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        (marked_name("m1"), "m1"),
        (marked_name(""), "PLATZWART"),
        ("PLATZWART m1 x", None),
        ("My PLATZWART m1", None),
        ("", None),
    ],
)
def test_a_block_of_ours_is_recognised_by_its_name_alone(name: str, mark: str | None) -> None:
    assert read_booking(RAW | {"answers": [{"code": "FNAME", "string": name}]}).mark == mark


def test_a_zone_that_is_none_is_none() -> None:
    assert [read_zone(name) for name in (None, "", 7, "Nowhere/Land", "/etc/passwd", "Europe")] == [None] * 6
