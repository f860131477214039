"""What the typesetter's own fonts can print. The papers look the same everywhere because no other font is used.

PDF/A refuses a character without a glyph, and a name that cannot be printed must not keep an invoice from being
written. Latin, Greek and Cyrillic are there; what is not (Chinese, emoji) is printed in its compatible form or as `?`.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from typst import Compiler, TypstError

SUBSTITUTE = "?"
_LAST_LATIN = "\u017f"
TEMPLATES = Path(__file__).parent / "templates"
_NO_GLYPH = "could not be displayed"


def printable(value: Any) -> Any:
    """The same JSON value, its texts without characters that have no glyph."""
    if isinstance(value, str):
        return _printable_text(value)
    if isinstance(value, dict):
        return {key: printable(item) for key, item in value.items()}
    return [printable(item) for item in value] if isinstance(value, list | tuple) else value


def _printable_text(text: str) -> str:
    if max(text, default="") <= _LAST_LATIN:
        return text
    if _has_glyphs(text):
        return text
    return "".join(_printable_character(character) for character in text)


@lru_cache(maxsize=4096)
def _printable_character(character: str) -> str:
    forms = (character, unicodedata.normalize("NFKC", character))
    return next((form for form in forms if _has_glyphs(form)), SUBSTITUTE)


@lru_cache(maxsize=1024)
def _has_glyphs(text: str) -> bool:
    compiler, lock = _compiler()
    try:
        with lock:
            compiler.compile(sys_inputs={"text": text}, format="pdf", pdf_standards=["a-3b"], timestamp=0)
    except TypstError as error:
        if _NO_GLYPH in str(error):
            return False
        raise
    return True


@lru_cache
def _compiler() -> tuple[Compiler, Lock]:
    return Compiler(TEMPLATES / "probe.typ", root=TEMPLATES, ignore_system_fonts=True), Lock()
