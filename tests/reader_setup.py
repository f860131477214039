"""Foreign readers of calendars, beside icalendar and dateutil: `python -m tests.reader_setup` installs what is missing.

PyPI's `ical` has our own package's name and ical.js is for node, so both live in build/readers and run in processes of
their own. The tests use those that are there; a soak run wants both.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "build" / "readers"
PYTHON_FOLDER, NODE_FOLDER = FOLDER / "python", FOLDER / "node"
PYTHON_PACKAGE, NODE_PACKAGE = "ical==14.3.1", "ical.js@2.2.1"
HERE = Path(__file__).parent / "ical"
SECONDS = 300


def ical_command() -> list[str] | None:
    """How to start the reader with PyPI's `ical`, without our packages on its path; None where it is missing."""
    script = HERE / "reader_ical.py"
    return [sys.executable, "-I", "-S", str(script), str(PYTHON_FOLDER)] if (PYTHON_FOLDER / "ical").is_dir() else None


def node_command() -> list[str] | None:
    """How to start the reader with ical.js, or None where it or node is missing."""
    node, module = shutil.which("node"), NODE_FOLDER / "node_modules" / "ical.js" / "dist" / "ical.js"
    return [node, str(HERE / "reader_node.mjs"), str(module)] if node and module.is_file() else None


def install() -> list[str]:
    """Install what is missing; the reasons why something could not be."""
    failed = []
    for name, found, command in (("ical", ical_command, _pip()), ("ical.js", node_command, _npm())):
        if found() is None:
            try:
                subprocess.run(command, check=True, timeout=SECONDS, stdout=sys.stderr)
            except (OSError, subprocess.SubprocessError) as error:
                failed.append(f"{name}: {error}")
    return failed


def _pip() -> list[str]:
    options = ["--quiet", "--no-warn-conflicts", "--disable-pip-version-check", "--target", str(PYTHON_FOLDER)]
    return [sys.executable, "-m", "pip", "install", *options, PYTHON_PACKAGE]


def _npm() -> list[str]:
    return ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NODE_FOLDER), NODE_PACKAGE]


if __name__ == "__main__":
    for reason in install():
        print(f"a reader of calendars is missing: {reason}", file=sys.stderr)  # noqa: T201  # the tests go on without it
