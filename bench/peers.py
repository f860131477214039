"""Programs measured beside ours. What the machine lacks is put into build/peers, where nothing else sees it.

Python programs get an environment of their own; Debian's are downloaded and unpacked, not installed. What cannot be had
is left out of the tables, and why is said.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "build" / "peers"
VDIRSYNCER = "vdirsyncer==0.21.0"
TESTER = ("caldav-server-tester==1.7.0", "vobject==0.9.9")
PRETIX = ("pretix==2026.8.0", "gunicorn==27.0.1")
PARSERS = ("ical==14.3.1", "icalendar==7.3.0", "recurring-ical-events==3.8.2")
SECONDS = 300
Command = list[str]


def vdirsyncer() -> Command | None:
    """How to start vdirsyncer."""
    folder = _environment("vdirsyncer", VDIRSYNCER)
    return [str(folder / "bin" / "vdirsyncer")] if folder else None


def caldav_server_tester() -> Command | None:
    """How to start the tester of CalDAV servers."""
    folder = _environment("tester", *TESTER)
    return [str(folder / "bin" / "caldav-server-tester")] if folder else None


def parsers() -> Command | None:
    """A Python in which the other libraries are importable and nothing of ours is."""
    folder = _environment("parsers", *PARSERS)
    return [str(folder / "bin" / "python"), "-I"] if folder else None


def pretix() -> Path | None:
    """The folder of an environment with pretix and the server that its documentation names."""
    return _environment("pretix", *PRETIX)


def nginx() -> Command | None:
    """How to start nginx."""
    return _debian("nginx", "usr/sbin/nginx", "nginx")


def wrk() -> Command | None:
    """How to start wrk, which asks as fast as a web server can answer."""
    return _debian("wrk", "usr/bin/wrk", "wrk", "libluajit-5.1-2")


def _environment(name: str, *requirements: str) -> Path | None:
    folder = FOLDER / name
    if (folder / "made").is_file():
        return folder
    uv, python = str(Path(sys.prefix) / "bin" / "uv"), str(folder / "bin" / "python")
    made = ran(name, [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
    options = ["--quiet", "--compile-bytecode", "--python", python]
    if not (made and ran(name, [uv, "--no-config", "pip", "install", *options, *requirements])):
        return None
    (folder / "made").touch()
    return folder


def _debian(name: str, program: str, *packages: str) -> Command | None:
    if found := shutil.which(name):
        return [found]
    folder = FOLDER / name
    if not (folder / program).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        if not ran(name, ["apt-get", "download", "-qq", *packages], folder):
            return None
        for package in folder.glob("*.deb"):
            if not ran(name, ["dpkg", "-x", package.name, "."], folder):
                return None
    libraries = ":".join(str(path) for path in sorted((folder / "usr" / "lib").glob("*-linux-*")))
    return ["env", f"LD_LIBRARY_PATH={libraries}", str(folder / program)]


def ran(name: str, command: Command, folder: Path | None = None, seconds: int = SECONDS) -> bool:
    """Whether the command ended well, in time; if not, it is said that `name` is left out, and why."""
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    try:
        subprocess.run(command, cwd=folder, env=environment, check=True, timeout=seconds, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{name} is left out: {error}", file=sys.stderr)
        return False
    return True
