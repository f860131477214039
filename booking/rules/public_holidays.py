"""Public holidays of a region, from the `holidays` package: a table of dates, no network."""

from collections.abc import Iterable
from datetime import date


def public_holiday_names(
    country: str, subdivision: str | None, years: Iterable[int], language: str | None = None
) -> dict[date, str]:
    """Each public holiday's date and name. `country` is ISO 3166-1, `subdivision` the part after ISO 3166-2's hyphen.

    A country, region or language that the package does not know has no public holidays here: a wrong setting costs a
    reminder, never a page. Names are in the country's own language where `language` is unknown to the package.
    """
    import holidays  # late: it costs a start 30 ms, and web.context loads it in the background

    wanted = tuple(years)
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=wanted, language=language)
    except NotImplementedError:
        return public_holiday_names(country, None, wanted, language) if subdivision else {}
    return {day: name for day, name in found.items() if day.year in wanted}


def public_holidays(country: str, subdivision: str | None, years: Iterable[int]) -> frozenset[date]:
    """The days alone, as the other rules take them (SPEC S8)."""
    return frozenset(public_holiday_names(country, subdivision, years))
