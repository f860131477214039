"""Encryption at rest for door codes, credentials and frozen mails: AES-GCM with key id, bound to its row."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from booking.values.refusals import PlatzwartError

NONCE_BYTES = 12


class UnknownKeyError(PlatzwartError):
    """A row was encrypted with a key that the settings do not hold. Put the key back into CODE_KEY."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no key named {key_id} in CODE_KEY")
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class Sealed:
    cipher: bytes
    key_id: str


class Vault:
    """Seals with the first key, opens with any. `bound` names the row: a cipher moved to another row does not open."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        self._first = keys[0][0]
        self._keys = dict(keys)

    def __repr__(self) -> str:
        return f"Vault({', '.join(self._keys)})"

    def seal(self, plain: bytes, bound: str) -> Sealed:
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = AESGCM(self._keys[self._first]).encrypt(nonce, plain, bound.encode())
        return Sealed(nonce + cipher, self._first)

    def unseal(self, sealed: Sealed, bound: str) -> bytes:
        """Raises UnknownKeyError, or cryptography's InvalidTag where the row was tampered with."""
        if sealed.key_id not in self._keys:
            raise UnknownKeyError(sealed.key_id)
        nonce, cipher = sealed.cipher[:NONCE_BYTES], sealed.cipher[NONCE_BYTES:]
        return AESGCM(self._keys[sealed.key_id]).decrypt(nonce, cipher, bound.encode())

    def fingerprints(self, text: str, purpose: str) -> tuple[bytes, ...]:
        """A keyed HMAC under every key, the first key's first: finds equals without reading them."""
        message = f"{purpose}:{text}".encode()
        order = sorted(self._keys, key=lambda key_id: key_id != self._first)
        return tuple(hmac.new(self._keys[key_id], message, hashlib.sha256).digest() for key_id in order)
