"""What the calls of the office share: ids of rows that have no public one, the caller's role, answers not to be kept.

Integer keys stay inside (DESIGN rule 7). A row without a public id is named by its kind and key, sealed in one block
under a key of the installation: it cannot be guessed or counted, and it stays the same for as long as the key does.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Response, g
from pydantic import BaseModel

from booking.values.refusals import NotFound, Refused
from booking.values.states import Role
from web.api.frame import answer, refusal
from web.request import tools

HALF = 8
PURPOSE = b"ids of the API"


def public_of(kind: str, key: int) -> UUID:
    """The id that calls know a row by."""
    sealed = _cipher().encryptor()
    return UUID(bytes=sealed.update(_mark(kind) + key.to_bytes(HALF, "big")) + sealed.finalize())


def key_of(kind: str, public_id: UUID) -> int:
    """The row's key. Raises NotFound for an id that was never given out for this kind; the row may be gone since."""
    opened = _cipher().decryptor()
    block = opened.update(public_id.bytes) + opened.finalize()
    if not hmac.compare_digest(block[:HALF], _mark(kind)) or block[HALF] & 0x80:
        raise NotFound(kind, public_id)
    return int.from_bytes(block[HALF:], "big")


def caller_role() -> Role:
    """The role of the token that calls."""
    found: Role = g.api_token.role
    return found


def members(names: Mapping[str, str]) -> Callable[[Refused], Response]:
    """A way to refuse with the reasons at the members of the call, where the action knows columns or form fields."""

    def refuse(no: Refused) -> Response:
        return refusal(Refused(tuple(replace(one, at=names.get(one.at or "", one.at)) for one in no.reasons)))

    return refuse


def unkept(model: BaseModel, status: int = 200) -> Response:
    """An answer that holds a code, a secret or what a caller said: nobody on the way may keep it."""
    return not_to_keep(answer(model, status))


def not_to_keep(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _cipher() -> Cipher[modes.ECB]:
    """One block and nothing else, so that there is nothing to chain; the first half proves the kind."""
    key = hmac.new(tools().link_key, PURPOSE, hashlib.sha256).digest()
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - a permutation of one block, no message


def _mark(kind: str) -> bytes:
    return hashlib.sha256(kind.encode()).digest()[:HALF]
