"""What a data folder remembers of `up`, and what a command beside it makes of that."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from booking.tables.migrate import migrate
from config.settings import SettingsError, read_settings
from platzwart.cli import main
from platzwart.embedded import Choice, furnish
from platzwart.keys import new_code_key, new_secret_key
from platzwart.remembered import FILE, remember, settings_beside

SMTP = "smtp://127.0.0.1:8002"


def ran(folder: Path, given: dict[str, str], choice: Choice) -> dict[str, str]:
    """A folder as a run of `up` with this environment leaves it; what its processes were given."""
    folder.mkdir(exist_ok=True)
    environment = {**furnish(given, choice, folder).environment}
    environment.setdefault("PLATZWART_SMTP_URL", SMTP)
    environment["PLATZWART_ALLOW_PRIVATE_HOSTS"] = "127.0.0.1:8003"
    remember(folder, given, environment)
    return environment


def test_a_command_beside_up_works_with_the_very_settings_that_up_made(tmp_path: Path) -> None:
    mine = ran(tmp_path / "here", {"PATH": "/bin"}, Choice(tmp_path / "here", host="::1", port=8123))
    found = settings_beside({}, tmp_path / "here")
    assert read_settings(found) == read_settings(mine)
    assert read_settings(found).base_url == "http://[::1]:8123"
    assert settings_beside({"PLATZWART_DATA_DIR": str(tmp_path / "here")}, None) == found
    assert stat.S_IMODE((tmp_path / "here" / FILE).stat().st_mode) == 0o600
    assert "PATH" not in json.loads((tmp_path / "here" / FILE).read_text())["settings"]


def test_the_environment_of_the_command_wins_over_what_is_remembered(tmp_path: Path) -> None:
    ran(tmp_path, {"PLATZWART_BASE_URL": "https://halle.example"}, Choice(tmp_path))
    assert settings_beside({}, tmp_path)["PLATZWART_BASE_URL"] == "https://halle.example"
    given = {"PLATZWART_BASE_URL": "https://other.example"}
    assert settings_beside(given, tmp_path)["PLATZWART_BASE_URL"] == "https://other.example"


def test_a_folder_that_was_moved_is_found_where_it_lies_now(tmp_path: Path) -> None:
    ran(tmp_path / "before", {}, Choice(tmp_path / "before"))
    (tmp_path / "before").rename(tmp_path / "after")
    found = read_settings(settings_beside({}, tmp_path / "after"))
    assert found.database_url == f"sqlite:///{tmp_path / 'after'}/platzwart.db"
    assert not (tmp_path / "before").exists()


def test_secrets_that_were_given_are_named_and_never_kept(tmp_path: Path) -> None:
    secret, code = new_secret_key(), new_code_key()
    given = {
        "PLATZWART_SECRET_KEY": secret,
        "PLATZWART_CODE_KEY": code,
        "PLATZWART_DATABASE_URL": "postgresql://me:hush@db/x",
        "PLATZWART_SMTP_URL": "smtp://me:hush@mail",
    }
    ran(tmp_path, given, Choice(tmp_path))
    text = (tmp_path / FILE).read_text()
    assert not [word for word in (secret, code, "hush") if word in text]
    with pytest.raises(SettingsError) as refused:
        settings_beside({}, tmp_path)
    assert {problem.partition(":")[0] for problem in refused.value.problems} == given.keys()
    assert read_settings(settings_beside(given, tmp_path)).database_url == given["PLATZWART_DATABASE_URL"]


def test_a_folder_that_up_never_saw_is_refused_by_name_and_left_as_it_is(tmp_path: Path) -> None:
    for missing in (tmp_path, tmp_path / "nothing"):
        done = CliRunner().invoke(main, ["sync", "--data", str(missing), "list"], env={"PLATZWART_LOG_LEVEL": "ERROR"})
        assert (done.exit_code, done.output) == (2, f"--data: `platzwart up` was never run on {missing}\n")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / FILE).write_text("{")
    with pytest.raises(SettingsError, match="cannot be read"):
        settings_beside({}, tmp_path)


def test_services_are_told_by_their_environment_alone(tmp_path: Path) -> None:
    given = {"PLATZWART_DATA_DIR": str(tmp_path), "PLATZWART_HOST": "::1"}
    assert settings_beside(given, None) is given


@pytest.mark.parametrize("named", [True, False])
def test_sync_lists_the_links_of_a_folder_that_is_at_rest(tmp_path: Path, named: bool) -> None:
    ran(tmp_path, {}, Choice(tmp_path))
    migrate(f"sqlite:///{tmp_path}/platzwart.db")
    words = ["sync", *(["--data", str(tmp_path)] if named else []), "list", "--json"]
    env = {} if named else {"PLATZWART_DATA_DIR": str(tmp_path)}
    done = CliRunner().invoke(main, words, env={"PLATZWART_LOG_LEVEL": "ERROR", **env})
    assert (done.exit_code, done.stdout) == (0, '{"links": []}\n')
