"""`platzwart up --demo` with everything real: what a newcomer gets from one command."""

import json
from typing import Any
from urllib.parse import urlsplit

from tests.fixtures.family import Installation
from tests.fixtures.processes import get

KEYS = {"base_url", "api_token", "logins", "rooms", "feeds", "hooks", "mail_url"}


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
    assert installation.stop(process) == 0

    again = installation.start("--demo", app=None)
    installation.ready(again, 120)
    assert json.loads((installation.data / "demo.json").read_text()) == facts
    assert installation.stop(again) == 0
