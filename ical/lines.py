"""Content lines of foreign calendars: unfold, split into name, parameters and value, unescape (RFC 5545 3.1, RFC 6868).

All of it takes time in proportion to the bytes, whatever they are. Nothing here refuses: what is no content line comes
back as None, and the reader of the component says so.
"""

import re
import unicodedata
from collections.abc import Mapping
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from ical.text import clean

_FIRST_MARK = "\u0300"
_MOST_MARKS = 30

BOM = b"\xef\xbb\xbf"

_ESCAPE = re.compile(r"\\([\\;,nN])")
_CARET = re.compile(r"\^([n^'])")
_CARETS = {"n": "\n", "^": "^", "'": '"'}
_QUOTED_HEAD = re.compile(r'((?:[^":]+|"[^"]*")*+):')
_PARAMETER = re.compile(r';[ \t]*([^=;:"]+)=((?:[^";]+|"[^"]*"|")*+)')
_NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


class Head(NamedTuple):
    """What stands before the colon: names in capitals; values unquoted, RFC 6868 undone."""

    name: str
    parameters: Mapping[str, str]


def with_line_feeds(body: bytes) -> bytes:
    """The body with LF for each CRLF, lone CR, and CRCRLF (a mail gateway's), and without byte order marks."""
    body = body.lstrip(BOM)
    usual = body.replace(b"\r\n", b"\n")
    if b"\r" not in usual:
        return usual
    return body.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def unfold(text: bytes) -> bytes:
    """Logical lines of a text with LF line ends. On bytes, so that a fold inside a UTF-8 sequence is healed."""
    text = text.replace(b"\n ", b"")
    return text.replace(b"\n\t", b"") if b"\t" in text else text  # one byte is looked for far faster than two


def split_line(line: str) -> tuple[str, str] | None:
    """Head and value of a content line, or None where it has no colon outside quotes.

    A quote that is never closed is taken for an ordinary character.
    """
    head, colon, value = line.partition(":")
    if '"' not in head:
        return (head, value) if colon else None
    found = _QUOTED_HEAD.match(line)
    if found is not None:
        return found[1], line[found.end() :]
    return (head, value) if colon else None


def head_of(head: str) -> Head:
    """Name and parameters of a head. What is no parameter is left out; of two with one name the first counts."""
    name, semicolon, _ = head.partition(";")
    if not semicolon:
        return Head(name.strip().upper(), _NO_PARAMETERS)
    parameters: dict[str, str] = {}
    for found in _PARAMETER.finditer(head, len(name)):
        parameters.setdefault(found[1].strip().upper(), _parameter(found[2]))
    return Head(name.strip().upper(), parameters)


def _parameter(raw: str) -> str:
    bare = raw.strip().replace('"', "")
    return _CARET.sub(lambda found: _CARETS[found[1]], bare) if "^" in bare else bare


def unescape(value: str) -> str:
    """The text of a TEXT value (section 3.3.11). A backslash before anything else stands for itself."""
    if "\\" not in value:
        return value
    if "\\\\" in value:
        return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
    return value.replace("\\,", ",").replace("\\n", "\n").replace("\\;", ";").replace("\\N", "\n")


def normal(text: str) -> str:
    """The one form of a text in which it is compared: clean, NFC, no white space at line ends, no empty last lines.

    Idempotent. Writing it and reading it again gives the same text. Of marks on one letter 30 are kept: ordering them
    takes the square of their number, and no language has more (UAX #15, section 13).
    """
    if not text.isprintable():
        text = clean(text)
    if not text.isascii():
        text = _composed(text)
    if "\n" in text:
        return "\n".join([line.rstrip() for line in text.split("\n")]).rstrip("\n")
    return text.rstrip()


def _composed(text: str) -> str:
    if max(text) < _FIRST_MARK:
        return text  # Latin-1 has nothing to compose
    return _calm(unicodedata.normalize("NFC", _calm(text)))


def _calm(text: str) -> str:
    runs = groupby(text, key=unicodedata.combining)
    kept: list[str] = []
    marks = 0
    for is_mark, run in runs:
        piece = "".join(run)
        marks = marks + len(piece) if is_mark else 0
        kept.append(piece if marks <= _MOST_MARKS else piece[: max(0, _MOST_MARKS - marks + len(piece))])
    return "".join(kept)
