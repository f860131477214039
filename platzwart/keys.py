"""Keys that are good: random, long, and files of them that only their owner reads."""

import base64
import os
import secrets
from pathlib import Path


def new_secret_key() -> str:
    """384 random bits as text for PLATZWART_SECRET_KEY."""
    return secrets.token_urlsafe(48)


def new_code_key() -> str:
    """`name:base64` of 32 random bytes for PLATZWART_CODE_KEY; the name is new each time, as rotation needs."""
    return f"k{secrets.token_hex(3)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def key_file(path: Path, value: str) -> Path:
    """A file (0600) with a key; one that exists keeps its key. Whole or absent, also after a crash."""
    if not path.exists():
        private_file(path, value)
    return path


def private_file(path: Path, text: str) -> None:
    """A file (0600) with this text and nothing else; as it was or whole, also after a crash."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
