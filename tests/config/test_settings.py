"""Settings: every wrong value is one clear line that names its variable, and the documented table is complete."""

import base64
import os
import re
from pathlib import Path

import pytest

from config.settings import PREFIX, VARIABLES, SettingsError, read_dotenv, read_settings, settings_from_process

KEY = base64.b64encode(bytes(range(32))).decode()
OLD_KEY = base64.b64encode(bytes(range(1, 33))).decode()
GOOD = {
    "PLATZWART_DATABASE_URL": "sqlite:///x.db",
    "PLATZWART_REDIS_URL": "redis://127.0.0.1",
    "PLATZWART_BASE_URL": "https://halle.example/",
    "PLATZWART_SECRET_KEY": "kJ3-x81_ZQ0pLm77vRtYuI92wErTaSdF",
    "PLATZWART_CODE_KEY": f"new:{KEY},old:{OLD_KEY}",
    "PLATZWART_SMTP_URL": "smtps://user:pass@mail.example",
}


def problems(**changed: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        read_settings(GOOD | {PREFIX + name: value for name, value in changed.items()})
    return refused.value.problems


def test_good_settings_are_read() -> None:
    settings = read_settings(GOOD | {"PLATZWART_ALLOW_PRIVATE_HOSTS": "127.0.0.1:5232, cal.intern:443"})
    assert settings.base_url == "https://halle.example"
    assert [key.key_id for key in settings.code_keys] == ["new", "old"]
    assert settings.code_keys[0].secret == bytes(range(32))
    assert settings.allow_private_hosts == {"127.0.0.1:5232", "cal.intern:443"}
    assert (settings.host, settings.port, settings.web_threads) == ("127.0.0.1", 8000, 4)
    assert settings.metrics_dir is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", ""),
        ("REDIS_URL", "memcached://x"),
        ("BASE_URL", "halle.example"),
        ("BASE_URL", "http://"),
        ("BASE_URL", "http:///"),
        ("BASE_URL", "https://:8000"),
        ("BASE_URL", "https://halle.example/buchen"),
        ("BASE_URL", "https://halle.example?x=1"),
        ("BASE_URL", "https://halle.example#x"),
        ("BASE_URL", "https://user@halle.example"),
        ("BASE_URL", "https://halle.example:eighty"),
        ("BASE_URL", "https://halle.example:70000"),
        ("BASE_URL", "https://halle.example:0"),
        ("BASE_URL", "https://[::1"),
        ("SMTP_URL", "mail.example:25"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://user:password@"),
        ("SMTP_URL", "smtps://user:half/a:password@mail.example"),
        ("REDIS_URL", "redis://cache:port"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 64),
        ("SECRET_KEY", "changeme"),
        ("CODE_KEY", "new"),
        ("CODE_KEY", "new:not base64!"),
        ("CODE_KEY", "new:" + base64.b64encode(b"short").decode()),
        ("CODE_KEY", "new:" + base64.b64encode(bytes(32)).decode()),
        ("CODE_KEY", f"same:{KEY},same:{OLD_KEY}"),
        ("CODE_KEY", f":{KEY}"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "eighty"),
        ("WEB_PROCESSES", "0"),
        ("WEB_THREADS", "65"),
        ("TRUSTED_PROXIES", "-1"),
        ("ALLOW_PRIVATE_HOSTS", "cal.intern"),
        ("LOG_LEVEL", "LOUD"),
        ("MAIL_FROM", " "),
        ("HOST", ""),
        ("DATA_DIR", ""),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_variable(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"PLATZWART_{name}: ")
    assert "\n" not in problem
    if len(value) > 8:
        assert value not in problem, "a wrong secret must not reach the log"


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({})
    named = [problem.partition(":")[0] for problem in refused.value.problems]
    assert named == [PREFIX + variable.name for variable in VARIABLES if variable.default is None]


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("kJ3-x81_ZQ0pLm77vRtYuI92wErTaSdF-from-file\n")
    settings = read_settings(GOOD | {"PLATZWART_SECRET_KEY_FILE": str(tmp_path / "key")})
    assert settings.secret_key == "kJ3-x81_ZQ0pLm77vRtYuI92wErTaSdF-from-file"


def test_an_absent_file_is_one_line(tmp_path: Path) -> None:
    (problem,) = problems(SECRET_KEY_FILE=str(tmp_path / "absent"))
    assert problem.startswith("PLATZWART_SECRET_KEY: ")


def test_dotenv_is_read_below_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{name}='{value}'" for name, value in GOOD.items()]
    (tmp_path / ".env").write_text("\n".join(["# comment", "", "export PLATZWART_PORT=8100", "nonsense", *lines]))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    assert settings_from_process().port == 8100
    monkeypatch.setenv("PLATZWART_PORT", "8200")
    assert settings_from_process().port == 8200
    assert read_dotenv(tmp_path / "absent") == {}


def test_a_dotenv_that_is_not_utf_8_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"PLATZWART_PORT=8100\nPLATZWART_MAIL_FROM=b\xfcro@halle.example\n")
    with pytest.raises(SettingsError) as refused:
        read_dotenv(path)
    assert refused.value.problems == (f"{path}: line 2 is not UTF-8",)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "https://[::1]:8443/", " https://halle.example/ "])
def test_a_public_address_is_scheme_host_and_port(address: str) -> None:
    settings = read_settings(GOOD | {"PLATZWART_BASE_URL": address})
    assert settings.base_url == address.strip().rstrip("/")


def test_the_documented_table_lists_every_variable_with_its_default() -> None:
    table = Path(__file__).parents[2] / "docs" / "settings.md"
    rows = re.findall(r"^\| `PLATZWART_([A-Z_]+)` \| (.*?) \|", table.read_text(encoding="utf-8"), re.MULTILINE)
    expected = {variable.name: f"`{variable.default}`" if variable.default else "" for variable in VARIABLES}
    documented = {name: default for name, default in rows if not name.endswith("_FILE")}
    assert documented.keys() == expected.keys()
    assert {name: value for name, value in documented.items() if value.startswith("`")} == {
        name: value for name, value in expected.items() if value
    }
