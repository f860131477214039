"""Compiled templates are kept between processes, and no page depends on it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.builders import build_house
from tests.web.conftest import make_settings
from web.app import create_app
from web.compiled_templates import FOLDER
from web.context import EXTENSION


@pytest.fixture
def url(sqlite_url: str) -> str:
    app = create_app(make_settings(sqlite_url))
    app.extensions[EXTENSION].database.write(build_house)
    app.extensions[EXTENSION].close()
    return sqlite_url


def application(url: str, folder: Path) -> Flask:
    return create_app(make_settings(url, DATA_DIR=str(folder)))


def opens(app: Flask) -> bool:
    answer = app.test_client().get("/login")
    app.extensions[EXTENSION].close()
    return answer.status_code == 200 and b"</html>" in answer.data


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("compiled again")


def test_the_next_process_does_not_compile_again(url: str, tmp_path: Path) -> None:
    assert opens(application(url, tmp_path))
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
    following = application(url, tmp_path)
    following.jinja_env.compile = never  # type: ignore[method-assign]
    assert opens(following)
    shutil.rmtree(tmp_path / FOLDER)
    bare = application(url, tmp_path)
    bare.jinja_env.compile = never  # type: ignore[method-assign]
    assert not opens(bare)


@pytest.mark.parametrize("damage", [b"", b"no code", None])
def test_a_damaged_file_is_made_anew(url: str, tmp_path: Path, damage: bytes | None) -> None:
    assert opens(application(url, tmp_path))
    files = [(path, path.read_bytes()) for path in (tmp_path / FOLDER).iterdir()]
    assert files
    for path, whole in files:
        path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert opens(application(url, tmp_path))
    assert all(path.read_bytes() == whole for path, whole in files if path.exists())


def test_without_a_data_folder_pages_open_and_none_is_made(url: str, tmp_path: Path) -> None:
    assert opens(application(url, tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_costs_no_page(url: str, tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_bytes(b"in the way")
    assert opens(application(url, tmp_path))
    (tmp_path / FOLDER).unlink()
    full = application(url, tmp_path)
    (tmp_path / FOLDER).rmdir()
    assert opens(full)
