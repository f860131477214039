"""What an operator may say about a lock's codes: enough of them, so that none is guessed (SPEC S1, S23). Pure."""

from booking.rules.doorcodes import LockFormat
from booking.values.refusals import Reason

SHORTEST, LONGEST = 3, 12
FEWEST = 1_000
SIGNS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*#")


def wrong_with(lock: LockFormat) -> list[Reason]:
    """Reasons at the fields: out-of-range, bad-alphabet, bad-prefix, format-too-small (fewer than 1000 codes)."""
    reasons = []
    if not SHORTEST <= lock.length <= LONGEST:
        reasons.append(Reason("out-of-range", "length", {"least": SHORTEST, "most": LONGEST}))
    if not 0 <= lock.longest_run <= LONGEST:
        reasons.append(Reason("out-of-range", "longest_run", {"least": 0, "most": LONGEST}))
    signs = set(lock.alphabet)
    if len(signs) != len(lock.alphabet) or len(signs) < 2 or not signs <= SIGNS:
        reasons.append(Reason("bad-alphabet", "alphabet"))
    if not all(prefix and set(prefix) <= signs and len(prefix) < lock.length for prefix in lock.forbidden_prefixes):
        reasons.append(Reason("bad-prefix", "forbidden_prefixes"))
    if not reasons and count_codes(lock) < FEWEST:
        reasons.append(Reason("format-too-small", "length", {"least": FEWEST}))
    return reasons


def count_codes(lock: LockFormat) -> int:
    """How many codes there are, forbidden beginnings taken off, runs not: those are few."""
    signs, length = len(lock.alphabet), lock.length
    shut = set(lock.forbidden_prefixes)
    if lock.no_leading_zero and "0" in lock.alphabet:
        shut.add("0")
    outer = [one for one in shut if not any(other != one and one.startswith(other) for other in shut)]
    return int(signs**length) - sum(int(signs ** (length - len(one))) for one in outer)
