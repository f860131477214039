"""`platzwart ics check` as typed: exit codes, the JSON object, files and addresses."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from outside.http import Limits
from platzwart.cli import main
from sync.remotes import ics
from tests.ical.hostile import calendar, event
from tests.outside.server import listening, steadily

WHOLE = calendar(event("RRULE:FREQ=DAILY;COUNT=5", uid="a"), event(uid="b"), head="X-WR-CALNAME:Halle\n")
KEYS = {"name", "events", "uids", "occurrences", "zones", "problems", "further_problems", "whole", "seconds"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLATZWART_ALLOW_PRIVATE_HOSTS", raising=False)
    return tmp_path


def check(*arguments: str, **options: Any) -> Result:
    result = CliRunner().invoke(main, ["ics", "check", *arguments], **options)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def served(here: Path) -> Iterator[str]:
    """A web server of the folder's bytes that are in `served.ics`; 404 without them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = here / "served.ics"
            body = path.read_bytes() if path.exists() else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.rule("C12")
def test_a_good_file_is_read_with_0(here: Path) -> None:
    (here / "a.ics").write_bytes(WHOLE)
    result = check("a.ics", "--json")
    said = json.loads(result.output)
    assert (result.exit_code, said.keys()) == (0, KEYS)
    assert (said["name"], said["events"], said["uids"], said["problems"], said["whole"]) == ("Halle", 3, 3, [], True)
    assert said["seconds"] < 10


def test_a_series_counts_each_date_of_the_coming_year(here: Path) -> None:
    (here / "a.ics").write_bytes(calendar(event("RRULE:FREQ=DAILY", uid="a")))
    assert json.loads(check("a.ics", "--json").output)["occurrences"] in {366, 367}


@pytest.mark.rule("C9")
def test_what_cannot_be_read_of_an_event_is_a_problem_with_its_line_and_1(here: Path) -> None:
    (here / "a.ics").write_bytes(calendar(event("RRULE:FREQ=NEVER", uid="bad"), event(uid="good")))
    result = check("a.ics", "--json")
    said = json.loads(result.output)
    assert (result.exit_code, said["events"]) == (1, 3)
    assert [(one["code"], one["uid"]) for one in said["problems"]] == [("bad-rule", "bad")]
    assert said["problems"][0]["line"] > 1
    in_words = check("a.ics")
    assert in_words.exit_code == 1
    assert "bad-rule" in in_words.output


@pytest.mark.rule("C9")
def test_a_file_that_was_cut_off_is_read_with_1(here: Path) -> None:
    (here / "a.ics").write_bytes(WHOLE.replace(b"END:VCALENDAR", b""))
    result = check("a.ics", "--json")
    said = json.loads(result.output)
    assert (result.exit_code, said["whole"]) == (1, False)
    assert [one["code"] for one in said["problems"]] == ["cut-off"]
    assert "problem: cut-off" in check("a.ics").output


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"\x00\xff"])
def test_what_is_no_calendar_is_unreadable_with_2(here: Path, body: bytes) -> None:
    (here / "a.ics").write_bytes(body)
    result = check("a.ics", "--json")
    assert (result.exit_code, json.loads(result.output)["events"]) == (2, 0)
    assert json.loads(result.output)["problems"][0]["code"].startswith("calendar-")


def test_a_folder_is_there_and_cannot_be_read(here: Path) -> None:
    result = check(str(here), "--json")
    assert (result.exit_code, json.loads(result.output)["problems"][0]["code"]) == (2, "not-readable")


def test_a_file_that_is_not_there_is_unreadable_with_2(here: Path) -> None:
    assert check(str(here / "none.ics")).exit_code == 2


def test_standard_input_is_read(here: Path) -> None:
    assert check("-", input=WHOLE).exit_code == 0


@pytest.mark.rule("C9")
def test_an_address_is_fetched_through_the_guard(here: Path, served: str) -> None:
    (here / "served.ics").write_bytes(WHOLE)
    refused = check(f"http://{served}/served.ics", "--json")
    assert (refused.exit_code, json.loads(refused.output)["problems"][0]["code"]) == (2, "not-fetched")
    allowed = {"PLATZWART_ALLOW_PRIVATE_HOSTS": served}
    assert check(f"http://{served}/served.ics", env=allowed).exit_code == 0
    (here / "served.ics").unlink()
    assert check(f"http://{served}/served.ics", env=allowed).exit_code == 2


@pytest.mark.rule("C12")
@pytest.mark.parametrize(("seconds", "code"), [(0.6, 0), (60.0, 2)], ids=["slowly", "a drip"])
def test_an_address_has_the_time_of_a_link_and_no_more(
    here: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, code: int
) -> None:
    monkeypatch.setattr(ics, "LIMITS", Limits(seconds=0.25, longest=3.0, pace=200))
    with listening(steadily(WHOLE.replace(b"\n", b"\r\n"), seconds)) as listener:
        begin = time.monotonic()
        found = check(f"http://{listener.netloc}/", env={"PLATZWART_ALLOW_PRIVATE_HOSTS": listener.netloc})
        assert found.exit_code == code, found.output
        assert time.monotonic() - begin < 2.5


def test_a_zone_that_is_none_is_refused_before_anything_is_read(here: Path) -> None:
    (here / "a.ics").write_bytes(WHOLE)
    result = check("a.ics", "--zone", "Mars/Phobos")
    assert result.exit_code == 2
    assert "Mars/Phobos" in result.output
