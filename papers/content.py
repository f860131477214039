"""A mail before it has a form: the same content becomes HTML and plain text, so neither knows more."""

from dataclasses import dataclass
from typing import ClassVar

from papers.letters import House


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the few things that the mail is about. A `code` is set large, in letters that cannot be confused."""

    label: str
    value: str
    note: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    kind: ClassVar[str] = "paragraph"
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a person, line by line, marked as such."""

    kind: ClassVar[str] = "quote"
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Details:
    kind: ClassVar[str] = "details"
    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as there are columns; `figures` are the columns that stand to the right."""

    kind: ClassVar[str] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    figures: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG that the HTML shows from the same mail; plain text says `caption` alone."""

    kind: ClassVar[str] = "picture"
    cid: str
    png: bytes
    alt: str
    caption: str


Block = Paragraph | Quote | Details | Table | Picture


@dataclass(frozen=True, slots=True)
class Button:
    """The one thing to do. ValueError unless the address is http or https."""

    label: str
    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith(("https://", "http://")):
            raise ValueError(f"a button leads to a web page, not to {self.url!r}")


@dataclass(frozen=True, slots=True)
class Content:
    """All texts in the reader's language, each of one line. `greets_by_name` decides whether headers may name them."""

    house: House
    language: str
    subject: str
    heading: str
    facts: tuple[Fact, ...]
    blocks: tuple[Block, ...]
    button: Button
    footer: tuple[str, ...]
    greeting: str = ""
    greets_by_name: bool = False
