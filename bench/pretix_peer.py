"""pretix measured: the calendar of an organiser whose event series has many dates, asked of gunicorn as it advises.

It answers no more than 1,000 dates. With the Redis that its documentation wants it keeps an answer for five minutes,
whatever changes meanwhile; here it has none, so that each answer is of its moment, as ours and the others' are.
"""

import http.client
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from bench import peers
from bench.feed_peers import Target, running
from bench.house import free_port

PROCESSES = 2
ASKED_SECONDS = 12
PATH = "/bench/events/ical/"
DATABASE = "db.sqlite3"
MIGRATING_SECONDS = 1200
SETTINGS = """\
[pretix]
url=http://127.0.0.1:{port}
datadir={root}
ecb_rates=off
[django]
debug=off
"""
DATES = """\
import sys
from datetime import timedelta

import django

django.setup()

from django.utils.timezone import now
from django_scopes import scopes_disabled
from pretix.base.models import Event, Organizer, SubEvent
from pretix.base.settings import GlobalSettingsObject

with scopes_disabled():
    GlobalSettingsObject().settings.update_check_perform = False
    begin = now().replace(microsecond=0) + timedelta(days=3)
    shown = {"live": True, "is_public": True, "has_subevents": True}
    organizer = Organizer.objects.create(name="Bench", slug="bench")
    event = Event.objects.create(organizer=organizer, name="Training", slug="feed", date_from=begin, **shown)
    starts = [begin + timedelta(hours=2 * number) for number in range(int(sys.argv[1]))]
    facts = {"event": event, "name": "Training", "location": "Platz 1, 10115 Berlin", "active": True, "is_public": True}
    SubEvent.objects.bulk_create(
        SubEvent(date_from=start, date_to=start + timedelta(hours=1), **facts) for start in starts
    )
"""


def installed() -> Path | None:
    """The folder of pretix's environment. A migrated, empty database lies in it, made once: that takes minutes."""
    place = peers.pretix()
    if place is None or (place / DATABASE).is_file():
        return place
    with tempfile.TemporaryDirectory(dir=place) as made:
        folder = Path(made)
        command = [*_python(place, folder, 0), "-m", "pretix", "migrate", "-v0"]
        if not peers.ran("pretix", command, seconds=MIGRATING_SECONDS):
            return None
        (folder / DATABASE).rename(place / DATABASE)
    return place


@contextmanager
def pretix(place: Path, folder: Path, dates: int) -> Iterator[Target]:
    """Two processes, as ours, each asked over one connection; the name tells how many dates an answer has."""
    port, root = free_port(), folder / "pretix"
    root.mkdir()
    shutil.copy(place / DATABASE, root)
    python = _python(place, root, port)
    subprocess.run([*python, "-c", DATES, str(dates)], check=True, timeout=peers.SECONDS, stdout=subprocess.DEVNULL)
    # preloaded, so that both processes are there when the port answers
    options = ["--preload", "--workers", str(PROCESSES), "--max-requests", "1200", "--max-requests-jitter", "50"]
    with running([*python, "-m", "gunicorn", "pretix.wsgi", *options, "--bind", f"127.0.0.1:{port}"], port):
        with ThreadPoolExecutor(PROCESSES) as first:
            found = min(first.map(_dates, [port] * PROCESSES))
        yield Target(f"pretix, {found:,} dates, no cache", port, PATH, connections=PROCESSES, seconds=ASKED_SECONDS)


def _python(place: Path, root: Path, port: int) -> list[str]:
    """The Python of pretix, with all its data in `root`, and nothing of our environment."""
    settings = root / "pretix.cfg"
    settings.write_text(SETTINGS.format(port=port, root=root), encoding="utf-8")
    given = [f"PRETIX_CONFIG_FILE={settings}", "DJANGO_SETTINGS_MODULE=pretix.settings"]
    return ["env", "-i", *given, str(place / "bin" / "python"), "-I"]


def _dates(port: int) -> int:
    """How many dates an answer has. The first of a process takes long, for it loads what it needs."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=180)) as connection:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, answer.status
        return body.count(b"BEGIN:VEVENT")
