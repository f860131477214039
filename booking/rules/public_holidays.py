"""Public holidays of a region, from the `holidays` package: a table of dates, no network."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def public_holiday_names(
    country: str, subdivision: str | None, years: Iterable[int], language: str | None = None
) -> dict[date, str]:
    """Each public holiday's date and name. `country` is ISO 3166-1, `subdivision` the part after ISO 3166-2's hyphen.

    A country, region or language that the package does not know has no public holidays here: a wrong setting costs a
    reminder, never a page. Names are in the country's own language where `language` is unknown to the package.
    """
    import holidays  # late: it costs a start 30 ms, and web.context loads it in the background

    with suppress(Exception):  # whatever it is, the package then does it its own way
        _load_alone(country)
    wanted = tuple(years)
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=wanted, language=language)
    except NotImplementedError:
        return public_holiday_names(country, None, wanted, language) if subdivision else {}
    return {day: name for day, name in found.items() if day.year in wanted}


@lru_cache(maxsize=64)
def public_holidays(country: str, subdivision: str | None, years: range | tuple[int, ...]) -> frozenset[date]:
    """The days alone, as the other rules take them (SPEC S8). They are worked out once."""
    return frozenset(public_holiday_names(country, subdivision, years))


def _load_alone(country: str) -> None:
    """Give the package's own loader the country from its file. It would import every country there is for one."""
    import holidays

    loader = getattr(holidays, country)
    if loader.entity is None:
        package, _, name = loader.module_name.rpartition(".")
        folders = [f"{folder}/{package.rpartition('.')[2]}" for folder in holidays.__path__]
        spec = PathFinder.find_spec(f"{package}.{name}", folders)
        assert spec is not None and spec.loader is not None  # noqa: PT018, S101 - narrows the types
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        loader.entity = getattr(module, loader.entity_name)
