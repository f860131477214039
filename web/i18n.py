"""Languages of the pages: German by default, English complete (SPEC X1).

Msgids are English source text. The catalogues are compiled from the `.po` files when they are first asked for, as the
papers' are, and kept in the data folder: no build step, no `.mo` file to forget. Each part of the web has a file of its
own. Dates, times and money come from `papers.i18n`.
"""

from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, Domain, refresh  # type: ignore[import-untyped]

from papers.i18n import LOCALES, SOURCE_LANGUAGE, Translator, supported, translations
from web.compiled_texts import FOLDER, compiled

__all__ = ["LANGUAGES", "catalogue", "gettext", "language", "ngettext", "remember", "speak", "supported", "translator"]

_kept: dict[str, Path] = {}  # where this process may keep what it compiled
TRANSLATIONS = Path(__file__).parent / "translations"
LANGUAGES = (("de", "Deutsch"), ("en", "English"))
CHOSEN = "language"


class Catalogues(Domain):  # type: ignore[misc]  # flask-babel is untyped
    """flask-babel's domain, read from our `.po` files; English outside a request.

    flask-babel would work out the locale anew for each text.
    """

    def get_translations(self) -> NullTranslations:
        return _current()


@lru_cache
def catalogue(language: str) -> NullTranslations:
    """The texts of a language, of all its files; English has none, its texts are the msgids."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    sources = sorted((TRANSLATIONS / language / "LC_MESSAGES").glob("*.po"))
    return Translations(fp=BytesIO(compiled(language, sources, _kept.get(FOLDER))))


def _current() -> NullTranslations:
    return catalogue(language() if has_request_context() else SOURCE_LANGUAGE)


def gettext(message: str, /, **values: object) -> str:
    """The text in the language of this request, its `%(name)s` places filled."""
    text = _current().gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, num: int, /, **values: object) -> str:
    """The plural form for *num*, which fills `%(num)d`."""
    return _current().ngettext(singular, plural, num) % {"num": num, **values}


def language() -> str:
    """`de` or `en`: what was chosen, else the staff member's own, else what the browser asks for, else German."""
    found: str | None = g.get("language")
    if found is None:
        found = g.language = _chosen() or _asked_for() or supported("")
    return found


def speak(chosen: str) -> None:
    """Answer this request in a language, whatever was chosen before: a customer's page in the customer's."""
    g.language = supported(chosen)
    refresh()


def remember(chosen: str) -> None:
    """Keep the choice for this browser."""
    session[CHOSEN] = supported(chosen)
    speak(chosen)


def translator() -> Translator:
    """Dates, times and money in the language of this request."""
    return translations(language())


def set_up(app: Flask, data_dir: Path) -> None:
    if data_dir.is_dir():
        _kept[FOLDER] = data_dir / FOLDER
    babel = Babel()
    babel.__dict__["domain_instance"] = Catalogues()
    babel.init_app(app, default_locale="de", locale_selector=lambda: LOCALES[language()])


def _asked_for() -> str | None:
    return request.accept_languages.best_match(list(LOCALES)) if "HTTP_ACCEPT_LANGUAGE" in request.environ else None


def _chosen() -> str | None:
    """Only what this browser or the person logged in said."""
    chosen = session.get(CHOSEN) or g.get("staff_language")
    return supported(chosen) if chosen else None
