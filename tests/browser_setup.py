"""Find Chromium or install it: `python -m tests.browser_setup` prints its path and fails where there is none.

Order: PLATZWART_CHROMIUM, the usual places, an earlier npm install; then apt as root, else npm. It never skips.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APT = ("chromium", "fonts-dejavu-core")
NPM_PACKAGE = "@sparticuz/chromium"
NPM_FOLDER = Path(__file__).parent.parent / "build" / "chromium"
NPM_SCRIPT = (
    "import('@sparticuz/chromium').then(async m => console.log(JSON.stringify(await m.default.executablePath())))"
)
SECONDS = 600


class NoBrowserError(Exception):
    """Chromium was neither found nor could it be installed; the message names each try."""


def find() -> Path | None:
    """Chromium on this machine, or None."""
    if named := os.environ.get("PLATZWART_CHROMIUM"):
        return Path(named)
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else from_npm()


def from_npm() -> Path | None:
    """The npm build, where it was installed. It is made for small containers and needs other flags."""
    noted = NPM_FOLDER / "path"
    path = Path(noted.read_text(encoding="utf-8")) if noted.is_file() else None
    return path if path and path.is_file() else None


def install() -> Path:
    """Install Chromium: by apt as root, else by npm into build/. Raises NoBrowserError with what was tried."""
    tried = []
    for way in (_by_apt, _by_npm):
        try:
            way()
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            tried.append(f"{way.__name__.removeprefix('_by_')}: {error}")
        if path := find():
            return path
    raise NoBrowserError("no Chromium and none could be installed; set PLATZWART_CHROMIUM. Tried " + "; ".join(tried))


def _by_apt() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise OSError("needs root and apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *APT]):
        subprocess.run(["apt-get", *command], env=environment, check=True, timeout=SECONDS, stdout=sys.stderr)  # noqa: S607


def _by_npm() -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise OSError("needs node and npm")
    NPM_FOLDER.mkdir(parents=True, exist_ok=True)
    install_it = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NPM_FOLDER), NPM_PACKAGE]
    subprocess.run(install_it, check=True, timeout=SECONDS, stdout=sys.stderr)
    said = subprocess.run(
        [node, "-e", NPM_SCRIPT], cwd=NPM_FOLDER, check=True, timeout=SECONDS, capture_output=True, text=True
    )
    (NPM_FOLDER / "path").write_text(said.stdout.strip(), encoding="utf-8")


if __name__ == "__main__":
    try:
        print(find() or install())  # noqa: T201  # its one result
    except NoBrowserError as error:
        sys.exit(str(error))
