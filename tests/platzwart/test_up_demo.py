"""`platzwart up --demo` with everything real: what a newcomer gets from one command."""

import json
import re
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.fixtures.family import Installation
from tests.fixtures.processes import get
from tests.fixtures.servers import wait_until

KEYS = {"base_url", "api_token", "logins", "rooms", "feeds", "hooks", "mail_url"}


def test_without_the_demonstration_the_link_to_the_first_page_is_printed(installation: Installation) -> None:
    process = installation.start(app=None)
    installation.ready(process, 120)
    found = re.search(r"Begin here: +http://127\.0\.0\.1:\d+(/setup\?key=\S+)", installation.output)
    assert found is not None, installation.output
    wait_until(lambda: installation.get(found[1])[0] == 200, 60, "the first page")
    assert installation.get("/")[0] == 404
    assert installation.stop(process) == 0


def link_of(facts: dict[str, Any]) -> dict[str, Any]:
    bearer = {"Authorization": f"Bearer {facts['api_token']}"}
    (link,) = requests.get(f"{facts['base_url']}/api/v1/calendar-links", headers=bearer, timeout=30).json()["links"]
    return dict(link)


@pytest.mark.rule("C6")
def test_one_command_gives_pages_mails_and_a_booking_site(installation: Installation) -> None:
    process = installation.start("--demo", app=None)
    installation.ready(process, 120)
    facts: dict[str, Any] = json.loads((installation.data / "demo.json").read_text())
    assert facts.keys() >= KEYS
    for login in facts["logins"].values():
        assert login["email"] in installation.output
        assert login["password"] in installation.output
    addresses = [facts["base_url"] + "/healthz", facts["mail_url"], *facts["feeds"].values()]
    assert [get(urlsplit(url).port or 0, urlsplit(url).path)[0] for url in addresses] == [200] * len(addresses)
    wait_until(lambda: link_of(facts)["imported"] == 2, 60, "the parish's times")
    assert installation.stop(process) == 0

    again = installation.start("--demo", app=None)
    installation.ready(again, 120)
    assert json.loads((installation.data / "demo.json").read_text()) == facts
    assert installation.stop(again) == 0


def sync_of(installation: Installation, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "platzwart", "sync", "--data", str(installation.data), *words, "--json"]
    done = subprocess.run(command, env=installation.environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.rule("C8")
def test_links_are_run_by_hand_beside_it_and_looked_at_when_it_has_stopped(installation: Installation) -> None:
    process = installation.start("--demo", app=None)
    installation.ready(process, 120)
    facts: dict[str, Any] = json.loads((installation.data / "demo.json").read_text())
    wait_until(lambda: link_of(facts)["imported"] == 2, 60, "the parish's times")
    (line,) = sync_of(installation, "list")["links"]
    assert line["imported"] == 2
    told = sync_of(installation, "plan", str(line["public_id"]))
    assert (told["outcome"], told["problem"], told["steps"]) == ("PLANNED", "", [])
    assert installation.stop(process) == 0
    (after,) = sync_of(installation, "list")["links"]
    assert after["public_id"] == line["public_id"]
