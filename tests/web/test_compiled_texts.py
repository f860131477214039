"""Compiled texts are kept between processes, say what their sources say, and no page depends on them."""

from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import mofile

from tests.web.conftest import make_settings
from web import i18n
from web.app import create_app
from web.compiled_texts import FOLDER, compiled

SOURCE = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Hall"\nmsgstr "{}"\n'


def never(*_: object, **__: object) -> None:
    raise AssertionError("compiled again")


def said(made: bytes) -> str:
    return GNUTranslations(BytesIO(made)).gettext("Hall")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "hall.po"
    path.write_text(SOURCE.format("Säle"), encoding="utf-8")
    return path


def test_the_next_process_does_not_compile_again(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compiled("de", [source], tmp_path / FOLDER)
    assert said(first) == "Säle"
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(mofile, "write_mo", never)
    assert compiled("de", [source], tmp_path / FOLDER) == first
    with pytest.raises(AssertionError, match="again"):
        compiled("de", [source], None)


def test_another_text_is_compiled_and_takes_the_place_of_the_old_one(source: Path, tmp_path: Path) -> None:
    compiled("de", [source], tmp_path / FOLDER)
    source.write_text(SOURCE.format("Hallen"), encoding="utf-8")
    assert said(compiled("de", [source], tmp_path / FOLDER)) == "Hallen"
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


@pytest.mark.parametrize("kept", [slice(0), slice(40), slice(1, None)])
def test_a_damaged_file_is_made_anew(source: Path, tmp_path: Path, kept: slice) -> None:
    whole = compiled("de", [source], tmp_path / FOLDER)
    (file,) = (tmp_path / FOLDER).iterdir()
    sound = file.read_bytes()
    file.write_bytes(sound[kept])
    assert compiled("de", [source], tmp_path / FOLDER) == whole
    assert file.read_bytes() == sound


def test_without_a_place_to_keep_it_the_text_is_there(source: Path, tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    assert said(compiled("de", [source], tmp_path / FOLDER)) == "Säle"


def test_a_process_keeps_them_in_its_data_folder(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(i18n, "_kept", {})
    app = create_app(make_settings(sqlite_url, DATA_DIR=str(tmp_path)))
    i18n.catalogue.cache_clear()
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert i18n.gettext("Owner") != "Owner"
    assert [file.name.partition("-")[0] for file in (tmp_path / FOLDER).iterdir()] == ["de"]
    app.extensions["platzwart"].close()
