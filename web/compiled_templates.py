"""Templates as Jinja compiled them, kept in the data folder: the first page of a process need not wait for it again.

A file is used only where its checksum is that of the template's source and its mark that of this Python and Jinja.
Whoever may write there may run code here, as whoever may read the keys beside it.
"""

from contextlib import suppress
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

FOLDER = "templates"


class CompiledTemplates(FileSystemBytecodeCache):
    """A full disk costs the time of compiling, and no page."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def keep_compiled(app: Flask, data_dir: Path) -> None:
    """Keep them in `data_dir/templates`; without a data folder that can be written to they are compiled each time."""
    folder = data_dir / FOLDER
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        app.jinja_env.bytecode_cache = CompiledTemplates(str(folder))
