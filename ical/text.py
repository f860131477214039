"""Content lines: clean, escape, fold (RFC 5545 sections 3.1, 3.2 and 3.3.11). Lines are str without their CRLF."""

import re
from datetime import timedelta

LONGEST_LINE = 75
_SHORT = LONGEST_LINE // 4  # letters: no line of so few is too long in UTF-8
CRLF = "\r\n"

# Everything that a reader could take for the end of a line, whatever its idea of one (also `str.splitlines`).
_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_CARRIED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_URI_SAFE = "%:/?#[]@!$&'()*+,;=-._~"
_URI = re.compile(r"[A-Za-z0-9%:/?#\[\]@!$&'()*+,;=\-._~]*")
_ADDRESS_SAFE = "@!$'*+-._~="


def clean(text: str) -> str:
    """What of a text can be carried: each kind of line break becomes a LF, other control characters but TAB go.

    A lone surrogate, which has no UTF-8, becomes U+FFFD. Idempotent; this is what a reader gets back.
    """
    if _NOT_CARRIED.search(text) is None:
        return text
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", _BREAK.sub("\n", text)))


def escape(text: str) -> str:
    """The TEXT value of any string (section 3.3.11); it never holds a line break."""
    carried = text if text.isprintable() else clean(text)  # nothing printable needs cleaning
    return carried.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold(line: str) -> str:
    """The line in pieces of at most 75 octets, joined by CRLF and a space (section 3.1).

    Nothing is cut inside a UTF-8 sequence or an escape.
    """
    if len(line) <= LONGEST_LINE and line.isascii():
        return line
    octets = line.encode()
    if len(octets) <= LONGEST_LINE:
        return line
    pieces = []
    start, room = 0, LONGEST_LINE
    while len(octets) - start > room:
        cut = _cut(octets, start, start + room)
        pieces.append(octets[start:cut])
        start, room = cut, LONGEST_LINE - 1  # the space at the front counts
    pieces.append(octets[start:])
    return b"\r\n ".join(pieces).decode()


def _cut(octets: bytes, start: int, cut: int) -> int:
    """The last place at or before *cut* that is neither inside a UTF-8 sequence nor inside an escape."""
    while octets[cut] & 0xC0 == 0x80:
        cut -= 1
    slashes = cut - len(octets[start:cut].rstrip(b"\\")) - start
    return cut - slashes % 2


def text_line(name: str, text: str) -> str:
    """One folded content line with a TEXT value."""
    line = f"{name}:{escape(text)}"
    return line if len(line) <= _SHORT or (len(line) <= LONGEST_LINE and line.isascii()) else fold(line)


def uri(address: str) -> str:
    """A URI value: what is not allowed in a URI (RFC 3986) is percent-encoded, so that no line can be injected."""
    if _URI.fullmatch(address):
        return address
    return _quote(address, _URI_SAFE)


def _quote(text: str, safe: str) -> str:
    from urllib.parse import quote  # loaded when first needed: what reads many calendars rarely does

    return quote(text, safe=safe, errors="replace")


def mailto(email: str) -> str:
    """A calendar address (section 3.3.3, RFC 6068)."""
    return "mailto:" + _quote(email, _ADDRESS_SAFE)


def parameter(text: str) -> str:
    """A quoted parameter value on one line. A double quote becomes a single one, since RFC 6868's ^' is little read."""
    flat = " ".join(clean(text).split())
    return '"' + flat.replace("^", "^^").replace('"', "'") + '"'


def duration(length: timedelta) -> str:
    """A DURATION in whole minutes (section 3.3.6). Raises ValueError below one minute."""
    minutes = int(length.total_seconds()) // 60
    if minutes < 1:
        raise ValueError(f"a duration needs at least a minute: {length}")
    hours, rest = divmod(minutes, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{rest}M" if rest else "")
