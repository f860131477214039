"""What is asked of a WebDAV server and what its answers say (RFC 4918, 4791, 6578). Pure: text in, values out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType
from xml.sax.saxutils import escape

DAV = "{DAV:}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
CTAG = "{http://calendarserver.org/ns/}getctag"
COLOUR = "{http://apple.com/ns/ical/}calendar-color"
NAMESPACES = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/" '
    'xmlns:A="http://apple.com/ns/ical/"'
)
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
PREFIXES = {DAV: "", CAL: "C:", "{http://calendarserver.org/ns/}": "S:", "{http://apple.com/ns/ical/}": "A:"}

_HREF, _STATUS, _PROPSTAT, _PROP = f"{DAV}href", f"{DAV}status", f"{DAV}propstat", f"{DAV}prop"
MOST_NODES = 400_000
DEEPEST = 100
TAG = re.compile(rb"<[/?]?")
STEPS = {b"<": 1, b"</": -1, b"<?": 0}
LONGEST_STATUS = 100
LONG_TAG = re.compile(rb"<[A-Za-z_:][^<>]{65536}")
PLAIN_PATH = re.compile(r"/(?!/)[A-Za-z0-9/_@.~-]*")
PLAIN_SEGMENT = "!$&'()*+,;=:@-._~"


class Unreadable(ValueError):  # noqa: N818 - names what it says about the answer
    """Not what the standards say; the text says what, without quoting it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One `response` of a multistatus. `status` is its own, 200 where only its properties have one, 0 if unreadable.
    `props` are those that came with 200, by Clark name, as elements of the tree.
    """

    href: str
    status: int
    props: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The text of a property, None where it is not there or empty."""
        element = self.props.get(name)
        return (element.text or "").strip() or None if element is not None else None

    def content(self, name: str) -> str:
        """The text of a property as it came."""
        element = self.props.get(name)
        return "" if element is None else element.text or ""

    def names(self, name: str) -> frozenset[str]:
        """The names of all elements inside a property."""
        element = self.props.get(name)
        return frozenset() if element is None else frozenset(inner.tag for inner in element.iter())

    def hrefs(self, name: str) -> tuple[str, ...]:
        element = self.props.get(name)
        found = () if element is None else tuple(inner.text for inner in element.iter(f"{DAV}href"))
        return tuple(text.strip() for text in found if text)


@dataclass(frozen=True, slots=True)
class Multistatus:
    rows: tuple[Row, ...]
    sync_token: str | None = None


def screen(body: bytes) -> None:
    """Raise Unreadable for what must not reach a parser that builds a tree: what is not well-formed UTF-8, DTDs (and so
    entities), deep nesting, more nodes than any calendar has. Works as a stream; its own memory is that of one tag.
    """
    if LONG_TAG.search(body):
        raise Unreadable("XML with an endless tag")
    parser = ParserCreate(encoding="utf-8", namespace_separator=" ")
    if not _is_plain(body):
        _watch(parser)
    try:
        parser.Parse(body, True)
    except ExpatError:
        raise Unreadable("not well-formed XML") from None


def _is_plain(body: bytes) -> bool:
    """Whether the tags alone, counted as bytes, show that the body is flat, small and without a DTD: nearly always.

    Without `<!` each `<` of what is well-formed begins a tag, and each attribute needs a `=`. An element that closes
    itself is counted as one that stays open, so that the depth is never taken for less than it is.
    """
    if b"<!" in body or body.count(b"<") + body.count(b"=") > MOST_NODES:
        return False
    return max(accumulate([STEPS[tag] for tag in TAG.findall(body)]), default=0) <= DEEPEST


def _watch(parser: XMLParserType) -> None:
    """Count each element as it comes; several times slower."""
    depth = nodes = 0

    def begin(_name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, nodes
        depth, nodes = depth + 1, nodes + 1 + len(attributes)
        if depth > DEEPEST or nodes > MOST_NODES:
            raise Unreadable("XML that is too deep or too large")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_parts: object) -> None:
        raise Unreadable("XML with a DTD")

    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = begin, end, doctype


def read(tree: Any) -> Multistatus:
    """Read a multistatus. Raises Unreadable where the root is something else, or a response has no href."""
    if tree is None or tree.tag != f"{DAV}multistatus":
        raise Unreadable("no multistatus")
    token = tree.find(f"{DAV}sync-token")
    return Multistatus(
        tuple(_row(response) for response in tree.iterchildren(f"{DAV}response")),
        (token.text or "").strip() or None if token is not None else None,
    )


def _row(response: Any) -> Row:
    href, status, props = "", 200, {}
    for child in response:
        tag = child.tag
        if tag == _HREF:
            href = (child.text or "").strip()
        elif tag == _PROPSTAT:
            props.update(_props(child))
        elif tag == _STATUS:
            status = _code((child.text or "")[:LONGEST_STATUS])
    if not href:
        raise Unreadable("a response without href")
    return Row(href, status, props)


def _props(propstat: Any) -> dict[str, Any]:
    """What came with a status of 2xx; SOGo and others leave the status out where all is well."""
    props: dict[str, Any] = {}
    status = None
    for child in propstat:
        tag = child.tag
        if tag == _PROP:
            for element in child:
                props[element.tag] = element
        elif tag == _STATUS and status is None:
            status = _code((child.text or "")[:LONGEST_STATUS])
    return props if status is None or 200 <= status < 300 else {}


@lru_cache(maxsize=64)
def _code(line: str) -> int:
    parts = line.split()
    return int(parts[1]) if len(parts) > 1 and re.fullmatch(r"[1-5][0-9]{2}", parts[1]) else 0


def _tag(name: str) -> str:
    space, _, local = name.partition("}")
    return f"<{PREFIXES[space + '}']}{local}/>"


def propfind(names: Iterable[str]) -> bytes:
    return f"{HEAD}<propfind {NAMESPACES}><prop>{''.join(map(_tag, names))}</prop></propfind>".encode()


def sync_collection(token: str) -> bytes:
    """Never with DAV:limit: one known server answers it by losing what is beyond."""
    return (
        f"{HEAD}<sync-collection {NAMESPACES}><sync-token>{escape(token)}</sync-token><sync-level>1</sync-level>"
        "<prop><getetag/></prop></sync-collection>"
    ).encode()


def multiget(hrefs: Iterable[str]) -> bytes:
    named = "".join(f"<href>{escape(href)}</href>" for href in hrefs)
    asked = "<prop><getetag/><C:calendar-data/></prop>"
    return f"{HEAD}<C:calendar-multiget {NAMESPACES}>{asked}{named}</C:calendar-multiget>".encode()


def path_of(href: str, base: str = "/") -> str:
    """The path of an href in one spelling: servers write `@` and `%40`, whole addresses and bare names, for the same
    thing. Raises Unreadable for what cannot be a path here.
    """
    if PLAIN_PATH.fullmatch(href) and "/." not in href:  # nearly always
        return href
    try:
        path = urlsplit(href).path if "://" in href[:12] or href.startswith("//") else href.partition("?")[0]
    except ValueError:
        raise Unreadable("an href that is no address") from None
    if not path.startswith("/"):
        path = base + path
    segments = [quote(unquote_to_bytes(segment), safe=PLAIN_SEGMENT) for segment in path.split("/")]
    if any(segment in {".", ".."} for segment in segments) or "%00" in path:
        raise Unreadable("an href that climbs")
    return "/".join(segments)


def calendar_bytes(text: str) -> bytes:
    """Calendar data out of XML, where line ends have become LF by the rules of XML; RFC 5545 has CRLF."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return f"{lines}\n".replace("\n", "\r\n").encode() if lines else b""
