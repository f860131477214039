"""What a person asks a worker to do with a calendar link at once (SPEC C8)."""

from enum import StrEnum


class WishKind(StrEnum):
    """PLAN: tell what a run would do, and do nothing. APPLY: do what was shown, if it is still the same."""

    PLAN = "PLAN"
    APPLY = "APPLY"
