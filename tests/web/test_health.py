"""What watches over the process is told: alive, ready or why not, counts."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from tests.web.conftest import make_settings
from web.app import create_app

if TYPE_CHECKING:
    from tests.fixtures.servers import Valkey
    from tests.web.conftest import Site


def test_alive_needs_nothing(tmp_path: Path) -> None:
    app = create_app(make_settings(f"sqlite:///{tmp_path}/nothing/here.db"))
    assert app.test_client().get("/healthz").get_json() == {"ok": True}
    app.extensions["platzwart"].close()


def test_ready_when_database_migrations_and_redis_are(
    database_url: str, make_site: "Callable[..., Site]", valkey: "Valkey"
) -> None:
    answer = make_site(database_url, REDIS_URL=valkey.url).app.test_client().get("/readyz")
    assert answer.status_code == 200
    fine = {"ok": True, "why": None}
    assert answer.get_json() == {"ok": True, "database": fine, "migrations": fine, "redis": fine}


def test_not_ready_without_redis_says_so(site: "Site") -> None:
    answer = site.app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["redis"] == {"ok": False, "why": "ConnectionError"}
    assert answer.get_json()["database"]["ok"] is True


@pytest.mark.parametrize("harm", ["UPDATE alembic_version SET version_num = '0000'", "DROP TABLE alembic_version"])
def test_not_ready_behind_the_newest_migration(site_on_both: "Site", harm: str) -> None:
    site_on_both.database.write(lambda db: db.execute(text(harm)))
    answer = site_on_both.app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["migrations"]["ok"] is False


def test_not_ready_without_a_database_and_no_password_is_told() -> None:
    app = create_app(make_settings("postgresql://platzwart:geheim@127.0.0.1:1/platzwart"))
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["database"] == {"ok": False, "why": "OperationalError"}
    assert "geheim" not in answer.text
    app.extensions["platzwart"].close()


def test_requests_are_counted_by_rule_never_by_address(site: "Site") -> None:
    site.app.test_client().get("/login?next=/geheim")
    answer = site.app.test_client().get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    samples = families["platzwart_request_seconds"].samples
    assert any(sample.labels.get("rule") == "/login" and sample.value > 0 for sample in samples)
    assert "geheim" not in answer.text


def test_requests_are_noted_until_what_counts_is_loaded_and_none_is_lost() -> None:
    code = (
        "import sys\nfrom web.health import MOST_UNCOUNTED, Counts\ncounts = Counts()\n"
        "for number in range(MOST_UNCOUNTED - 1): counts.note('GET', '/', '200', 0.5)\n"
        "before = 'prometheus_client' in sys.modules\n"
        "for number in range(3): counts.note('GET', '/', '200', 0.5)\n"
        "from prometheus_client import REGISTRY\nlabels = {'method': 'GET', 'rule': '/', 'status': '200'}\n"
        "print(before, REGISTRY.get_sample_value('platzwart_request_seconds_count', labels) - MOST_UNCOUNTED)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "2.0"]


def test_several_processes_share_their_counts(site: "Site", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    answer = site.app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert "python_gc" not in answer.text
