"""Passwords: argon2id, checked outside of any transaction, with the same work for an account that nobody has."""

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 500

# OWASP's first choice for argon2id: 19 MiB, two passes. Four threads at once stay below 100 MB.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    return HASHER.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether it is the one. None, an account that nobody has, costs as much and is always wrong."""
    try:
        HASHER.verify(password_hash or _nobody(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@lru_cache
def _nobody() -> str:
    return hash_password("the password of nobody")
