"""Forms of the settings: what was typed becomes values, or a message at the field; nothing typed is lost (SPEC X8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from booking.values.house import Hours
from booking.values.refusals import Refused
from web.field_readers import BadInput, Reader
from web.i18n import gettext
from web.reasons import message


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `kind` and `options` are those of the macro `input`; `more` are attributes of the control."""

    name: str
    label: str
    read: Reader
    kind: str = "text"
    required: bool = True
    help: str = ""
    suffix: str = ""
    width: str = "half"
    options: tuple[tuple[str, str], ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """Fields with what stands in them, and what is wrong with it by field; "" holds what belongs to none."""

    fields: tuple[Field, ...]
    typed: Mapping[str, str]
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def summary(self) -> list[tuple[str | None, str, str]]:
        """For the macro `error_summary`."""
        labels = {one.name: one.label for one in self.fields}
        return [
            (name if name in labels else None, labels.get(name, ""), " ".join(texts))
            for name, texts in self.errors.items()
        ]

    def refused(self, no: Refused) -> "Form":
        """The form again with what the action said."""
        found: dict[str, list[str]] = {}
        for reason in no.reasons:
            found.setdefault(reason.at or "", []).append(message(reason))
        return Form(self.fields, self.typed, self.values, found)


def shown(fields: Sequence[Field], values: Mapping[str, Any]) -> Form:
    """A form that shows what is set now."""
    return Form(tuple(fields), {one.name: written(values.get(one.name)) for one in fields})


def filled(fields: Sequence[Field], given: Mapping[str, str]) -> Form:
    """A form as it was sent; `values` holds what could be read."""
    typed = {one.name: _sent(one, given)[:20_000] for one in fields}
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for one in fields:
        text = typed[one.name].strip()
        try:
            if not text and one.kind != "checkbox":
                values[one.name] = _empty(one)
            else:
                values[one.name] = one.read(text)
        except BadInput as error:
            errors[one.name] = [str(error)]
    return Form(tuple(fields), typed, values, errors)


def _sent(one: Field, given: Mapping[str, str]) -> str:
    """What a field sent; the ticked ones of several choices, with commas between."""
    several = getattr(given, "getlist", None)
    return ",".join(several(one.name)) if one.kind == "choices" and several else given.get(one.name, "")


def written(value: Any) -> str:
    """A value as a field shows it."""
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, tuple):
        return ",".join(str(one) for one in value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def cents_written(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


def hours_written(hours: Sequence[Hours], weekday: int) -> str:
    """`09:00-12:00, 13:00-17:00`."""
    lines = sorted((one for one in hours if one.weekday == weekday), key=lambda one: one.opens)
    return ", ".join(f"{one.opens:%H:%M}\u2013{_end_written(one.closes)}" for one in lines)


def _empty(one: Field) -> Any:
    if one.required:
        raise BadInput(gettext("This is needed here."))
    return one.more.get("data-empty") if one.kind != "hours" else []


def _end_written(closes: time) -> str:
    return "24:00" if closes == time(0) else f"{closes:%H:%M}"
