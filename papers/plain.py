"""Content as plain text: lines of at most 72 characters where words allow it, no `format=flowed` needed."""

from collections.abc import Callable, Iterable
from textwrap import wrap
from typing import Any

from papers.content import Content, Details, Fact, Paragraph, Picture, Quote, Table

WIDTH = 72


def plain(content: Content) -> str:
    """The whole mail as text, ending with a line feed. A picture is left out: what it says stands in the details.

    Addresses stand on lines of their own and are never broken.
    """
    sections = (
        _underlined(content.heading, "="),
        _facts(content.facts),
        f"{content.button.label}:\n{content.button.url}",
        content.greeting,
        *(_BLOCKS[type(block)](block) for block in content.blocks if not isinstance(block, Picture)),
        "\n".join(("-- ", *(_wrapped(line) for line in content.footer))),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _wrapped(text: str, indent: str = "", first: str | None = None) -> str:
    start = indent if first is None else first
    return "\n".join(
        wrap(
            text,
            WIDTH,
            initial_indent=start,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _underlined(text: str, mark: str) -> str:
    return f"{text}\n{mark * min(len(text), WIDTH)}"


def _facts(facts: Iterable[Fact]) -> str:
    return _pairs((fact.label, f"{fact.value}  ({fact.note})" if fact.note else fact.value) for fact in facts)


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Labels in one column, values in the next; a value that does not fit goes on below itself."""
    given = tuple(rows)
    column = max((len(label) for label, _ in given), default=0) + 2
    return "\n".join(_wrapped(value, " " * column, f"{label:<{column}}") for label, value in given)


def _paragraph(block: Paragraph) -> str:
    return _wrapped(block.text)


def _quote(block: Quote) -> str:
    return "\n".join(_wrapped(line, "> ") for line in block.lines)


def _details(block: Details) -> str:
    return f"{_underlined(block.title, '-')}\n{_pairs(block.rows)}"


def _table(block: Table) -> str:
    """Two columns stand beside each other, more stand as one paragraph for each row."""
    if len(block.columns) == 2:
        rows = (*block.rows, *((block.total,) if block.total else ()))
        figures = max(len(row[1]) for row in rows)
        texts = min(max(len(row[0]) for row in rows), WIDTH - figures - 2)
        body = "\n".join(_figure_row(text, figure.rjust(figures), texts) for text, figure in rows)
    else:
        body = "\n\n".join(_pairs(zip(block.columns, row, strict=True)) for row in block.rows)
    return "\n".join(
        part for part in (_underlined(block.title, "-"), body, block.note and _wrapped(block.note)) if part
    )


def _figure_row(text: str, figure: str, column: int) -> str:
    first, *rest = wrap(text, column, break_on_hyphens=False) or [""]
    return "\n".join((f"{first:<{column}}  {figure}", *rest))


_BLOCKS: dict[type, Callable[[Any], str]] = {
    Paragraph: _paragraph,
    Quote: _quote,
    Details: _details,
    Table: _table,
}
