"""The command as typed."""

import base64
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.settings import read_settings
from platzwart.cli import main
from platzwart.doctor import urllib3_finding
from tests.fixtures.servers import Valkey

SECRETS = {
    "PLATZWART_SECRET_KEY": "kJ3-x81_ZQ0pLm77vRtYuI92wErTaSdF",
    "PLATZWART_CODE_KEY": "k1:" + base64.b64encode(bytes(range(32))).decode(),
    "PLATZWART_SMTP_URL": "smtp://user:hunter22@mail.example",
}
OPEN = {
    "PLATZWART_DATABASE_URL": "postgresql://hall:hunter22@db.example/hall",
    "PLATZWART_REDIS_URL": "redis://:hunter22@cache.example",
    "PLATZWART_BASE_URL": "https://halle.example",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A runner in an empty folder, without settings of ours around it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PLATZWART_")]:
        monkeypatch.delenv(name)
    return CliRunner()


def test_help_answers_at_once() -> None:
    command = [sys.executable, "-P", "-m", "platzwart", "--help"]
    subprocess.run(command, check=True, capture_output=True)
    spent = os.times().children_user
    started = time.monotonic()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert min(time.monotonic() - started, os.times().children_user - spent) < 0.5
    for name in ("up", "web", "worker", "tick", "migrate", "keys", "setup-link", "config", "ics", "doctor"):
        assert re.search(rf"^  {name} ", said, re.MULTILINE)
    assert "mail-sink" not in said


def test_printed_keys_are_usable(run: CliRunner) -> None:
    printed = dict(line.split("=", 1) for line in run.invoke(main, ["keys"]).output.splitlines())
    assert read_settings(SECRETS | OPEN | printed).secret_key == printed["PLATZWART_SECRET_KEY"]


def test_check_says_one_line_for_each_problem_and_exits_with_2(run: CliRunner) -> None:
    bad = run.invoke(
        main, ["config", "check"], env={**SECRETS, **OPEN, "PLATZWART_PORT": "x", "PLATZWART_SECRET_KEY": "y"}
    )
    assert bad.exit_code == 2
    assert [line.partition(":")[0] for line in bad.stderr.splitlines()] == ["PLATZWART_SECRET_KEY", "PLATZWART_PORT"]
    assert run.invoke(main, ["config", "check"], env=SECRETS | OPEN).exit_code == 0


def test_show_hides_secrets_and_passwords(run: CliRunner) -> None:
    shown = run.invoke(main, ["config", "show"], env=SECRETS | OPEN | {"PLATZWART_CODE_KEY_FILE": "/run/code"})
    assert shown.exit_code == 0
    assert "hunter22" not in shown.output
    assert not any(value in shown.output for value in SECRETS.values())
    assert "postgresql://hall:[hidden]@db.example/hall" in shown.output
    assert "PLATZWART_CODE_KEY_FILE=/run/code" in shown.output
    assert "PLATZWART_PORT=8000  (default)" in shown.output


@pytest.mark.parametrize(
    "command", [["up"], ["web"], ["tick"], ["setup-link"], ["config", "check"], ["config", "show"], ["doctor"]]
)
def test_a_dotenv_that_cannot_be_read_is_one_line(
    run: CliRunner, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"PLATZWART_MAIL_FROM=b\xfcro@halle.example\n")
    monkeypatch.chdir(tmp_path)
    said = run.invoke(main, command)
    assert (said.exit_code, said.stderr) == (2, ".env: line 1 is not UTF-8\n")


def test_show_takes_an_address_that_is_none(run: CliRunner) -> None:
    shown = run.invoke(main, ["config", "show"], env=SECRETS | OPEN | {"PLATZWART_BASE_URL": "https://[::1"})
    assert (shown.exit_code, "PLATZWART_BASE_URL=[hidden]" in shown.output) == (0, True)


@pytest.mark.parametrize("command", [["web"], ["worker", "quick"], ["tick"], ["migrate"]])
def test_single_processes_refuse_to_start_without_settings(run: CliRunner, command: list[str]) -> None:
    refused = run.invoke(main, command)
    assert refused.exit_code == 2
    assert "PLATZWART_DATABASE_URL: is not set" in refused.stderr.splitlines()


def test_doctor_is_content_with_a_good_installation(
    run: CliRunner, sqlite_url: str, valkey: Valkey, tmp_path: Path
) -> None:
    good = {
        "PLATZWART_DATABASE_URL": sqlite_url,
        "PLATZWART_REDIS_URL": valkey.url,
        "PLATZWART_DATA_DIR": str(tmp_path),
    }
    said = run.invoke(main, ["doctor"], env=SECRETS | OPEN | good)
    assert said.exit_code == 0, said.output
    assert "database: at head" in said.output


def test_doctor_names_what_is_wrong_without_secrets(run: CliRunner, tmp_path: Path) -> None:
    bad = {
        "PLATZWART_REDIS_URL": "unix:///nowhere?password=hunter22",
        "PLATZWART_DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
    }
    said = run.invoke(main, ["doctor"], env=SECRETS | OPEN | bad)
    assert said.exit_code == 1
    assert "!!  redis: does not answer" in said.output
    assert "!!  database: not at the newest revision" in said.output
    assert "hunter22" not in said.output


def test_doctor_sees_a_replaced_urllib3() -> None:
    assert urllib3_finding("2.8.0", "2.8.0").advice == ""
    assert "niquests" in urllib3_finding("2.8.0", "2.25.904").advice


def test_the_link_to_the_first_page_is_printed(run: CliRunner) -> None:
    answer = run.invoke(main, ["setup-link"], env={**SECRETS, **OPEN})
    assert answer.exit_code == 0
    assert re.fullmatch(r"https://halle\.example/setup\?key=[A-Za-z0-9_-]{43}\n", answer.output)
