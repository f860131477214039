"""The mail sink: what is accepted lies on the disk, and the page shows it without running any of it."""

import base64
import http.client
import json
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest

from platzwart.embedded import MailPorts, open_mail_ports
from tests.fixtures.servers import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
EVIL = "<script>document.title='owned'</script>"


@dataclass(slots=True)
class Sink:
    """The sink as `up` starts it: a process on sockets that it was given."""

    folder: Path
    ports: MailPorts
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        fds = (self.ports.smtp.fileno(), self.ports.page.fileno())
        command = [sys.executable, "-P", "-m", "platzwart", "mail-sink", *map(str, fds), str(self.folder)]
        self.started.append(subprocess.Popen(command, pass_fds=fds))
        return self.started[-1]

    @property
    def smtp_port(self) -> int:
        return int(self.ports.smtp.getsockname()[1])

    @property
    def page_port(self) -> int:
        return int(self.ports.page.getsockname()[1])

    def send(self, mail: EmailMessage, *receivers: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as client:
            client.send_message(mail, "hall@example.org", list(receivers) or ["kim@example.org"])

    def get(self, path: str, host: str | None = None) -> tuple[int, dict[str, str], bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.page_port, timeout=10)) as connection:
            connection.request("GET", path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def mails(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.get("/mails.json")[2])
        return found


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    made = Sink(tmp_path / "mail", open_mail_ports(near=20_000))
    made.start()
    yield made
    made.ports.smtp.close()
    made.ports.page.close()
    last = made.started[-1]
    last.send_signal(signal.SIGTERM)
    assert last.wait(10) == 0


def a_mail(subject: str = "Grüße aus der Halle") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Halle <hall@example.org>", "Kim <kim@example.org>", subject
    mail.set_content("Ihr Code ist <b>4711</b>")
    mail.add_alternative(f"<p>Ihr Code ist <b>4711</b></p>{EVIL}<img src='cid:logo'>", subtype="html")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="Rechnung Ä.pdf")
    mail.add_attachment(PIXEL, maintype="image", subtype="png", filename="logo.png", cid="<logo>")
    return mail


def test_a_mail_is_listed_with_all_its_parts(sink: Sink) -> None:
    sink.send(a_mail(), "kim@example.org", "blind@example.org")
    (mail,) = sink.mails()
    assert mail["subject"] == "Grüße aus der Halle"
    assert mail["envelope_to"] == ["kim@example.org", "blind@example.org"]
    assert mail["text"].strip() == "Ihr Code ist <b>4711</b>"
    assert "4711" in mail["html"]
    assert [(part["name"], part["type"], part["size"]) for part in mail["attachments"]] == [
        ("Rechnung Ä.pdf", "application/pdf", 8),
        ("logo.png", "image/png", len(PIXEL)),
    ]
    assert sink.get(mail["attachments"][0]["url"])[2] == b"%PDF-1.7"
    raw = sink.get(mail["raw_url"])[2]
    assert raw.startswith(b"From: Halle")
    assert b"blind@example.org" not in raw


def test_the_newest_mail_comes_first(sink: Sink) -> None:
    for number in range(12):
        sink.send(a_mail(f"Mail {number}"))
    assert [mail["subject"] for mail in sink.mails()] == [f"Mail {number}" for number in reversed(range(12))]
    page = sink.get("/")[2].decode()
    assert page.index("Mail 11") < page.index("Mail 3")


def test_accepted_mails_survive_a_kill_and_connections_wait_for_the_restart(sink: Sink) -> None:
    sink.send(a_mail("vorher"))
    first = sink.started[0]
    first.kill()
    first.wait(5)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sink.mails)  # the socket outlives the process, so this is not refused
        sink.start()
        assert [mail["subject"] for mail in waiting.result(10)] == ["vorher"]


def test_pages_never_run_what_a_mail_says(sink: Sink) -> None:
    sink.send(a_mail(f"Betreff {EVIL}"))
    (mail,) = sink.mails()
    for path in ("/", mail["url"]):
        _, headers, body = sink.get(path)
        assert EVIL.encode() not in body
        assert "script-src" not in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    _, headers, body = sink.get(mail["url"] + "/html")
    assert EVIL.encode() in body
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert sink.get(mail["raw_url"])[1]["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/mail/1-2-3", "/mail/..%2f..", "/mail/1/part/9", "/nothing", "/mail/../secret.key"])
def test_what_is_not_there_is_not_found(sink: Sink, path: str) -> None:
    wait_until(lambda: sink.get("/")[0] == 200)
    assert sink.get(path)[0] == 404


def test_a_foreign_host_name_is_refused(sink: Sink) -> None:
    assert sink.get("/mails.json", host="evil.example:80")[0] == 421
    assert sink.get("/mails.json", host="localhost:1")[0] == 200


def test_broken_mails_are_kept_and_shown(sink: Sink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=10) as client:
        client.sendmail(
            "a@b.example", ["c@d.example"], b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe\r\n"
        )
        client.sendmail("a@b.example", ["c@d.example"], b"\r\n")
        client.sendmail("a@b.example", ["c@d.example"], b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n")
    assert len(sink.mails()) == 3
    assert all(sink.get(mail["url"])[0] == 200 for mail in sink.mails())


def test_a_mail_that_cannot_be_stored_is_not_accepted(sink: Sink) -> None:
    wait_until(lambda: sink.get("/")[0] == 200)
    drafts = sink.folder / "tmp"
    drafts.rmdir()
    with pytest.raises(smtplib.SMTPDataError) as refused:
        sink.send(a_mail())
    assert refused.value.smtp_code == 451
    drafts.mkdir()


@pytest.mark.browser
def test_the_pages_read_well_in_a_browser(sink: Sink, page: "Page") -> None:
    sink.send(a_mail())
    page.goto(f"http://127.0.0.1:{sink.page_port}/")
    page.get_by_role("link", name="Grüße aus der Halle").click()
    assert page.title() == "Grüße aus der Halle"
    content = page.frame_locator("iframe")
    assert content.locator("b").text_content() == "4711"
    assert content.locator("img").bounding_box() == {"x": ANY, "y": ANY, "width": 1, "height": 1}, "inline image"
    if folder := os.environ.get("PLATZWART_PICTURES"):
        page.screenshot(path=f"{folder}/mail.png", full_page=True)
        page.goto(f"http://127.0.0.1:{sink.page_port}/")
        page.screenshot(path=f"{folder}/mails.png")
        page.set_viewport_size({"width": 375, "height": 812})
        page.screenshot(path=f"{folder}/mails-375.png")
