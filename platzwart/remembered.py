"""What a data folder remembers of the last `platzwart up` on it, so that a command beside it has the same settings.

Keys, database and Valkey lie in the folder and are found there (`platzwart.embedded.furnish`). Remembered is the rest:
what the command line and the environment said, and what `up` chose. A secret that was given is named, never kept.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from config.settings import PREFIX, VARIABLES, SettingsError
from platzwart.embedded import Choice, data_folder, furnish
from platzwart.keys import private_file

FILE = "up.json"
MADE_BY_FOLDER = frozenset({"DATA_DIR", "DATABASE_URL", "REDIS_URL", "METRICS_DIR", "SECRET_KEY", "CODE_KEY"})
SECRET = frozenset(variable.name for variable in VARIABLES if variable.secret)


def remember(data_dir: Path, given: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Write down the settings of this run: `given` is what it was given, `environment` what its processes get."""
    settings: dict[str, str] = {}
    withheld: list[str] = []
    for name, value in sorted(environment.items()):
        plain = name.removeprefix(PREFIX).removesuffix("_FILE")
        if not _is_setting(name) or plain == "DATA_DIR" or (plain in MADE_BY_FOLDER and name not in given):
            continue
        if name in given and _is_secret(name, value):
            withheld.append(name)
        else:
            settings[name] = str(Path(value).absolute()) if name.endswith("_FILE") else value
    private_file(data_dir / FILE, json.dumps({"settings": settings, "withheld": withheld}, indent=1))


def settings_beside(given: Mapping[str, str], data: Path | None) -> Mapping[str, str]:
    """All settings for a command beside `up`: `given` over what the data folder remembers over what it holds.

    The folder is that of `up`: `data`, else PLATZWART_DATA_DIR, else `data`. Where `up` was never run on it, `given`
    alone counts, as for the services; but a folder that was named has to be one. Raises SettingsError.
    """
    data_dir = data_folder(given, data)
    remembered = _remembered(data_dir)
    if remembered is None:
        if data is not None:
            raise SettingsError((f"--data: `platzwart up` was never run on {data_dir}",))
        return given
    settings, withheld = remembered
    missing = [name for name in withheld if not given.get(name) and not given.get(f"{name}_FILE")]
    if missing:
        raise SettingsError(
            tuple(f"{name}: `up` was given it, and does not keep it; set it here, too" for name in missing)
        )
    return furnish({**settings, **given}, Choice(data_dir), data_dir).environment


def _remembered(data_dir: Path) -> tuple[dict[str, str], list[str]] | None:
    try:
        kept = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
        return dict(kept["settings"]), list(kept["withheld"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError((f"{PREFIX}DATA_DIR: {data_dir} cannot be used ({error.strerror})",)) from error
    except (ValueError, TypeError, KeyError):
        raise SettingsError((f"{data_dir / FILE}: cannot be read; start `platzwart up` there once more",)) from None


def _is_setting(name: str) -> bool:
    return name.startswith(PREFIX) and name.removeprefix(PREFIX).removesuffix("_FILE") in {
        one.name for one in VARIABLES
    }


def _is_secret(name: str, value: str) -> bool:
    """A key or a password as it stands, not the path of its file."""
    plain = name.removeprefix(PREFIX)
    if plain in SECRET:
        return True
    try:
        return plain.endswith("_URL") and urlsplit(value).password is not None
    except ValueError:
        return True
