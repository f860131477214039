"""The "no" answers. An expected no is a returned value with all its reasons; an error means the world changed or broke.

PlatzwartError            fields, and whether trying again can help
├── MoveLost              somebody else changed the state first; read again
├── Overlap               the database refused an exclusive time; read again
├── NotFound              no such thing in this organisation
└── DatabaseBusy          the write lock was not had in time; retry after `retry_after` seconds
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a no: a message id, the form field that it belongs to, and the values that its text needs."""

    code: str
    at: str | None = None
    values: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """An expected no, with every reason at once, so that a form can show them together."""

    reasons: tuple[Reason, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(reason.code for reason in self.reasons)


def refused(*codes: str) -> Refused:
    return Refused(tuple(Reason(code) for code in codes))


class PlatzwartError(Exception):
    """Root of the tree above. `retry_after` is seconds, or None where trying again cannot help."""

    retry_after: int | None = None


class MoveLost(PlatzwartError):  # noqa: N818 - the field's word; the tree above names what it means
    """Somebody else was faster. Retry by reading again."""

    retry_after = 0

    def __init__(self, what: str, identity: int, before: str, after: str) -> None:
        super().__init__(f"{what} {identity} is no longer {before}, cannot become {after}")
        self.what, self.identity, self.before, self.after = what, identity, before, after


class Overlap(PlatzwartError):  # noqa: N818
    """The database's own constraint refused a second exclusive row for one unit and time."""

    retry_after = 0


class NotFound(PlatzwartError):  # noqa: N818
    def __init__(self, what: str, identity: object) -> None:
        super().__init__(f"no {what} {identity}")
        self.what, self.identity = what, identity


class DatabaseBusy(PlatzwartError):  # noqa: N818
    retry_after = 1
