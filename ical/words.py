"""The few words that the codec itself adds to a calendar. A table, because feeds are rendered without translations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    cancelled: str
    requested: str
    busy: str


_WORDS = {
    "de": Words(cancelled="Abgesagt:", requested="Angefragt:", busy="Belegt"),
    "en": Words(cancelled="Cancelled:", requested="Requested:", busy="Busy"),
}
LANGUAGES = frozenset(_WORDS)


def words_of(language: str) -> Words:
    """The words of a language tag such as "en" or "en-GB"; German, the house's default, for one that has none."""
    found = _WORDS.get(language)
    return found or _WORDS.get(language.replace("_", "-").partition("-")[0].lower(), _WORDS["de"])
