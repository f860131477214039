"""What `up` makes in its data folder, and what it leaves to the environment."""

import os
import stat
from pathlib import Path

import pytest

from config.settings import SettingsError, read_settings
from platzwart.embedded import (
    LONGEST_SOCKET_PATH,
    Choice,
    check_place,
    furnish,
    open_mail_ports,
    reachable,
    socket_path,
    take_folder,
)
from platzwart.keys import key_file, new_code_key, new_secret_key

SMTP = {"PLATZWART_SMTP_URL": "smtp://127.0.0.1"}


def test_an_empty_environment_becomes_usable_settings(tmp_path: Path) -> None:
    house = furnish({}, Choice(tmp_path, port=8123), tmp_path)
    settings = read_settings({**house.environment, **SMTP})
    assert settings.database_url == f"sqlite:///{tmp_path}/platzwart.db"
    assert settings.base_url == "http://127.0.0.1:8123"
    assert settings.redis_url.startswith("unix:///")
    assert house.engine is not None
    assert house.engine[house.engine.index("--appendonly") :][:2] == ("--appendonly", "yes")


def test_the_environment_wins(tmp_path: Path) -> None:
    given = {
        "PLATZWART_DATABASE_URL": "postgresql://db/x",
        "PLATZWART_REDIS_URL": "redis://cache",
        "PLATZWART_BASE_URL": "https://halle.example",
        "PLATZWART_SECRET_KEY": new_secret_key(),
        "PLATZWART_CODE_KEY": new_code_key(),
    }
    house = furnish(given, Choice(tmp_path), tmp_path)
    assert house.engine is None
    assert given.items() <= house.environment.items()
    assert not list(tmp_path.glob("*.key"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.1", "::1"])  # noqa: S104  # names, binds nothing
def test_the_address_is_one_that_a_browser_can_open(tmp_path: Path, host: str) -> None:
    house = furnish({}, Choice(tmp_path, host=host), tmp_path)
    assert house.environment["PLATZWART_BASE_URL"] in {"http://127.0.0.1:8000", "http://[::1]:8000"}
    assert reachable(host) in {"127.0.0.1", "[::1]"}


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    path = key_file(tmp_path / "secret.key", "first")
    assert key_file(path, "second").read_text() == "first\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret.key"]


def test_new_keys_are_usable_and_never_the_same(tmp_path: Path) -> None:
    settings = [read_settings({**furnish({}, Choice(), _made(tmp_path / name)).environment, **SMTP}) for name in "ab"]
    assert settings[0].secret_key != settings[1].secret_key
    assert settings[0].code_keys[0].secret != settings[1].code_keys[0].secret
    assert settings[0].code_keys[0].key_id != settings[1].code_keys[0].key_id


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_long_path_moves_the_socket_to_a_private_folder_that_is_found_again(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    path = socket_path(deep)
    try:
        assert len(str(path)) < LONGEST_SOCKET_PATH
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert socket_path(deep) == path
        assert socket_path(tmp_path / ("y" * 100)) != path
        path.parent.chmod(0o755)
        with pytest.raises(SettingsError):
            socket_path(deep)
    finally:
        for name in "xy":
            folder = path.parent if name == "x" else socket_path(tmp_path / ("y" * 100)).parent
            folder.chmod(0o700)
            folder.rmdir()


def test_a_folder_is_taken_once(tmp_path: Path) -> None:
    folder, lock = take_folder({}, Choice(tmp_path / "data"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(SettingsError, match="in use by another"):
        take_folder({}, Choice(folder))
    os.close(lock)
    os.close(take_folder({}, Choice(folder))[1])


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as refused:
        take_folder({"PLATZWART_DATA_DIR": str(tmp_path / "file" / "data")}, Choice())
    assert refused.value.problems[0].startswith("PLATZWART_DATA_DIR: ")


@pytest.mark.parametrize("host", ["256.1.1.1", "no.such.host.invalid", "192.0.2.1", "a" * 64 + ".example", "::g"])
def test_a_host_that_is_not_here_is_told_apart_from_a_port_in_use(host: str) -> None:
    with pytest.raises(SettingsError) as refused:
        check_place(host, 23_460)
    assert refused.value.problems == (f"PLATZWART_HOST: {host} is no address of this machine",)


def test_mail_ports_fall_back_to_any_port() -> None:
    first = open_mail_ports(near=23_456)
    second = open_mail_ports(near=23_456)
    try:
        assert len({part.getsockname()[1] for ports in (first, second) for part in (ports.smtp, ports.page)}) == 4
        with pytest.raises(SettingsError, match=r"^PLATZWART_PORT: .* is in use, choose another"):
            check_place("127.0.0.1", first.page.getsockname()[1])
    finally:
        for ports in (first, second):
            ports.smtp.close()
            ports.page.close()
