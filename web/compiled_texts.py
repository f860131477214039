"""Catalogues of texts as gettext reads them, kept in the data folder: to compile all `.po` files takes a start 0.1 s.

A kept file is used only where its name is the checksum of its sources and of what compiled them, and where it begins
with its own. Whoever may write there may change what pages say, as whoever may read the keys beside it.
"""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile

import babel

MARK = b"1"
CHECKED = 32  # bytes
FOLDER = "texts"


def compiled(language: str, sources: Sequence[Path], folder: Path | None) -> bytes:
    """All texts of the `.po` files as one `.mo` file; kept in `folder` where that can be written to."""
    texts = [source.read_bytes() for source in sources]
    if folder is None:
        return _compile(language, texts)
    path = folder / f"{language}-{_checksum(texts)}.mo"
    with suppress(OSError):
        kept = path.read_bytes()
        if kept[:CHECKED] == sha256(kept[CHECKED:]).digest():
            return kept[CHECKED:]
    made = _compile(language, texts)
    with suppress(OSError):
        _keep(path, made)
    return made


def _checksum(texts: Sequence[bytes]) -> str:
    parts = (MARK, babel.__version__.encode(), *(sha256(text).digest() for text in texts))
    return sha256(b"\0".join(parts)).hexdigest()[:40]


def _compile(language: str, texts: Sequence[bytes]) -> bytes:
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole, made = Catalog(locale=language), BytesIO()
    for text in texts:
        for message in read_po(BytesIO(text), locale=language):
            whole[message.id] = message
    write_mo(made, whole)
    return made.getvalue()


def _keep(path: Path, made: bytes) -> None:
    """Several processes may do so at once: the file is whole under its name, or not there."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(sha256(made).digest() + made)
    Path(file.name).replace(path)
    for old in path.parent.glob(f"{path.name.partition('-')[0]}-*.mo"):
        if old != path:
            old.unlink(missing_ok=True)
