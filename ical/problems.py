"""What was wrong with a foreign calendar, for the page of its link and the command line."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Stable names. Of those that lose something the first half: the time is missing, in whole or in part."""

    NOT_CLOSED = "not-closed"
    NO_START = "no-start"
    BAD_START = "bad-start"
    START_TWICE = "start-twice"
    BAD_END = "bad-end"
    BAD_RULE = "bad-rule"
    RULE_TOO_OFTEN = "rule-too-often"
    SEVERAL_RULES = "several-rules"
    SERIES_ZONE_UNKNOWN = "series-zone-unknown"
    BAD_ADDED_DATE = "bad-added-date"
    TOO_MANY_DATES = "too-many-dates"
    BAD_RECURRENCE_ID = "bad-recurrence-id"
    THIS_AND_FUTURE = "this-and-future"
    UID_TWICE = "uid-twice"
    UNREADABLE = "unreadable"
    # Read by an assumption, or left aside without a loss of time.
    OVERRIDE_TWICE = "override-twice"
    NO_UID = "no-uid"
    FLOATING = "floating"
    ZONE_UNKNOWN = "zone-unknown"
    DATE_AND_TIME = "date-and-time"
    BAD_LEFT_OUT_DATE = "bad-left-out-date"
    EXCLUDING_RULE = "excluding-rule"
    BAD_VALUE = "bad-value"
    BAD_LINE = "bad-line"
    ENCODING = "encoding"
    STRAY_END = "stray-end"
    IGNORED_COMPONENT = "ignored-component"


OF_THE_FILE = frozenset({Code.NOT_CLOSED, Code.STRAY_END, Code.IGNORED_COMPONENT})
LOSSES = frozenset(list(Code)[: list(Code).index(Code.OVERRIDE_TWICE)])


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` is that of the file, from 1, or 0 for the file as a whole; `found` the first characters of the value."""

    code: Code
    uid: str
    line: int
    found: str = ""

    @property
    def is_loss(self) -> bool:
        """Whether time of this UID (of an unknown one, if it is empty) may be missing from what was read (SPEC C9)."""
        return self.code in LOSSES
