"""The booking code: short, read aloud without doubt, and self-checking (SPEC S13).

Eight characters of an alphabet of 23, a prime. The last makes the weighted sum of all divisible by 23; weights are the
places 1 to 8, so that any single wrong character and any swap of two characters changes the sum.
"""

import secrets
from collections.abc import Callable

ALPHABET = "23456789ACFHJKLMQRTUWXY"
LENGTH = 8
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_MODULUS = len(ALPHABET)
_LOOK_ALIKES = str.maketrans({"-": "", " ": "", "\u2013": ""})


def with_check_character(payload: str) -> str:
    """Append the check character to seven characters of the alphabet."""
    partial = sum(place * _VALUE[character] for place, character in enumerate(payload, start=1))
    check = -partial * pow(LENGTH, -1, _MODULUS) % _MODULUS
    return payload + ALPHABET[check]


def is_booking_code(text: str) -> bool:
    """Whether this is a code in its stored form: eight characters whose weighted sum is divisible."""
    if len(text) != LENGTH or any(character not in _VALUE for character in text):
        return False
    return sum(place * _VALUE[character] for place, character in enumerate(text, start=1)) % _MODULUS == 0


def new_booking_code(choose: Callable[[str], str] = secrets.choice) -> str:
    return with_check_character("".join(choose(ALPHABET) for _ in range(LENGTH - 1)))


def read_booking_code(typed: str) -> str | None:
    """The stored form of what a person typed (any case, with or without hyphen), or None if it cannot be one."""
    code = typed.strip().upper().translate(_LOOK_ALIKES)
    return code if is_booking_code(code) else None


def spoken(code: str) -> str:
    """The code in two groups of four, as it is shown and read aloud."""
    return f"{code[:4]}-{code[4:]}"
