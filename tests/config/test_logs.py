"""Logs: one JSON object a line, and nothing secret in it, whoever writes."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from config.logs import CUT, set_up_logging

TOKEN = "q8Yx0f3mNcVbH2kLpZ7RtW"


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    "name",
    ["password", "secret_key", "token", "Authorization", "cookie", "api_key", "apikey", "door_code", "smtp_url"],
)
def test_values_under_telling_names_are_cut(capsys: pytest.CaptureFixture[str], name: str) -> None:
    set_up_logging("INFO")
    structlog.get_logger("x").info("event", **{name: TOKEN})
    (line,) = written(capsys)
    assert line[name] == CUT


@pytest.mark.parametrize("path", ["/feeds/", "/b/", "/undo/", "/login/"])
def test_tokens_in_addresses_are_cut_from_both_kinds_of_logger(capsys: pytest.CaptureFixture[str], path: str) -> None:
    set_up_logging("INFO")
    structlog.get_logger("x").info("get", path=f"{path}{TOKEN}.ics")
    logging.getLogger("y").warning("GET %s%s", path, TOKEN)
    first, second = written(capsys)
    assert TOKEN not in json.dumps([first, second])
    assert first["path"] == f"{path}{CUT}.ics"
    assert second["event"] == f"GET {path}{CUT}"


def test_a_traceback_does_not_carry_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO")
    try:
        int(f"/feeds/{TOKEN}.ics")
    except ValueError:
        logging.getLogger("y").exception("failed")
    (line,) = written(capsys)
    assert TOKEN not in json.dumps(line)
    assert "ValueError" in line["exception"]


def test_the_level_holds_and_setting_up_twice_writes_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("WARNING")
    set_up_logging("WARNING")
    logging.getLogger("y").info("quiet")
    logging.getLogger("y").warning("loud")
    assert [line["event"] for line in written(capsys)] == ["loud"]


def test_standard_logging_alone_writes_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    for structured in (True, False):
        set_up_logging("INFO", structured=structured)
        logging.getLogger("y").warning("GET /b/%s", TOKEN)
    first, second = written(capsys)
    assert TOKEN not in json.dumps(second)
    assert {**first, "timestamp": ""} == {**second, "timestamp": ""}


@pytest.mark.parametrize("cause", ["logging.warning('x')", "be_ready_to_log()"])
def test_without_structured_logs_structlog_is_loaded_with_the_first_record_or_before(cause: str) -> None:
    code = (
        "import sys, logging\nfrom config.logs import be_ready_to_log, set_up_logging\n"
        "set_up_logging('INFO', structured=False)\n"
        f"print('structlog' in sys.modules)\n{cause}\nprint('structlog' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == ["False", "True"]
