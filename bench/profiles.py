"""What caldav-server-tester says of Radicale and Xandikos, written down for the tests of our own probe.

`python -m bench.profiles` renews tests/sync/remotes/profiles. The tester has an environment of its own in build/peers.
It lists what differs from its defaults and ends with 0 whatever it found, so only its answer counts.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bench import peers
from tests.sync.remotes.live import LiveServer, radicale, xandikos

FOLDER = Path(__file__).parent.parent / "tests" / "sync" / "remotes" / "profiles"
SERVERS: dict[str, tuple[Callable[[Path], AbstractContextManager[LiveServer]], str]] = {
    "radicale": (radicale, "/"),
    "xandikos": (xandikos, "/user/"),
}
PASSING = ("ts", "url", "name")
SECONDS = 600


def main() -> int:
    program = peers.caldav_server_tester()
    if program is None:
        return 1
    for name, (start, home) in SERVERS.items():
        with tempfile.TemporaryDirectory(prefix="bench-profile-") as folder, start(Path(folder)) as server:
            found = _asked(program, f"http://{server.netloc}{home}")
        text = json.dumps({key: found[key] for key in sorted(found) if key not in PASSING}, indent=2, sort_keys=True)
        (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    return 0


def _asked(program: peers.Command, url: str) -> dict[str, Any]:
    options = ["--caldav-url", url, "--caldav-user", "u", "--caldav-pass", "p", "--format", "json", "--quiet"]
    done = subprocess.run([*program, *options], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
