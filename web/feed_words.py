"""What a feed says of door codes, in its own language: a feed is rendered outside any request."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from booking.values.slot import Slot

_GIVEN = {"de": "Türcode ausgegeben", "en": "Door code given"}
_CODE = {"de": "Türcode", "en": "Door code"}
_MOMENT = {"de": "%d.%m. %H:%M", "en": "%d/%m %H:%M"}


def code_given(language: str) -> str:
    """That a code was given out; never which."""
    return _GIVEN[_spoken(language)]


def code_line(language: str) -> Callable[[str, Slot | None, str], str]:
    """How a code is told: its text, from when to when it opens where there are several, and the zone to say that in."""
    spoken = _spoken(language)

    def line(text: str, window: Slot | None, zone: str) -> str:
        if window is None:
            return f"{_CODE[spoken]}: {text}"
        begins, ends = (
            f"{moment.astimezone(ZoneInfo(zone)):{_MOMENT[spoken]}}" for moment in (window.start, window.end)
        )
        return f"{_CODE[spoken]} ({begins} – {ends}): {text}"

    return line


def _spoken(language: str) -> str:
    return language[:2] if language[:2] in _CODE else "de"
