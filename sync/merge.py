"""The three-way merge, by field and by occurrence (SPEC C7).

Each side is compared with the form in which it was last agreed on; what changed there passes to the other side. Where
both changed the same field, its owner holds, and the value that does not hold is kept as a `Conflict`. What neither
changed stays on each side as it is, so a server that keeps less than it was given is no reason to write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from ical.item import Details, Item, Moment, Recurrence
from sync.content import DETAILS, LeftOut, Occurrence, details_key, occurrence_key, occurrences, time_key
from sync.values import Conflict, Field, Owner, Side

T = TypeVar("T")
OwnerOf = Callable[[Field], Owner]

_STRICT = {Owner.LOCAL: Side.LOCAL, Owner.REMOTE: Side.REMOTE}
_TIE = {**_STRICT, Owner.EITHER_LOCAL: Side.LOCAL, Owner.EITHER_REMOTE: Side.REMOTE}


@dataclass(frozen=True, slots=True)
class Version:
    """One side: as it was last agreed on (None: never, so that every difference counts as a change), and as it is."""

    base: Item | None
    now: Item


@dataclass(frozen=True, slots=True)
class Merged:
    """What each side is to be, and what did not hold."""

    ours: Item
    theirs: Item
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class _Value(Generic[T]):
    """One value of one side; `key` is what it is compared by, `changed` since it was agreed on."""

    value: T
    key: object
    changed: bool


def merge(ours: Version, theirs: Version, owner: OwnerOf) -> Merged:
    """Both sides after the merge. UID and origin stay with their side, SEQUENCE is the higher of both."""
    judge = _Judge(owner)
    if _is_torn(ours, theirs):
        ours, theirs = judge.whole_series(ours, theirs)
    if ours.now.master and theirs.now.master:
        masters: tuple[Details | None, Details | None] = judge.details("", ours, theirs)
    else:
        masters = judge.pick(Field.TIME, "", _master(ours), _master(theirs))
    rules = judge.pick(Field.RECURRENCE, "", _rule(ours), _rule(theirs))
    added = judge.dates(_added(ours), _added(theirs))
    dates = judge.occurrences(ours, theirs)
    sequence = max(ours.now.sequence, theirs.now.sequence)
    sides = zip((ours, theirs), masters, rules, added, dates, strict=True)
    items = [
        replace(_assemble(side.now, master, rule, more, others), sequence=sequence)
        for side, master, rule, more, others in sides
    ]
    return Merged(items[0], items[1], tuple(judge.conflicts))


@dataclass(slots=True)
class _Judge:
    owner: OwnerOf
    conflicts: list[Conflict] = field(default_factory=list)

    def pick(self, of: Field, occurrence: str, ours: _Value[T], theirs: _Value[T]) -> tuple[T, T]:
        """What each side is to hold."""
        winner = self.winner(of, ours.changed, theirs.changed)
        if winner is None or ours.key == theirs.key:
            return ours.value, theirs.value
        loser = theirs if winner is Side.LOCAL else ours
        if loser.changed:
            self.conflicts.append(Conflict(of, occurrence, _text(ours.value), _text(theirs.value), winner))
        held = ours.value if winner is Side.LOCAL else theirs.value
        return held, held

    def winner(self, of: Field, ours_changed: bool, theirs_changed: bool) -> Side | None:
        owner = self.owner(of)
        if not ours_changed and not theirs_changed:
            return None
        if ours_changed and theirs_changed:
            return _TIE[owner]
        return _STRICT.get(owner, Side.LOCAL if ours_changed else Side.REMOTE)

    def details(self, occurrence: str, ours: Version, theirs: Version) -> tuple[Details, Details]:
        """Field by field; the occurrence "" is the master. It is there on both sides."""
        mine: dict[str, Any] = {}
        its: dict[str, Any] = {}
        for of in DETAILS:
            held, theirs_held = self.pick(of, occurrence, _field(ours, occurrence, of), _field(theirs, occurrence, of))
            mine |= _named(of, held)
            its |= _named(of, theirs_held)
        return replace(_part(ours.now, occurrence), **mine), replace(_part(theirs.now, occurrence), **its)

    def occurrences(
        self, ours: Version, theirs: Version
    ) -> tuple[dict[str, Occurrence | None], dict[str, Occurrence | None]]:
        mine: dict[str, Occurrence | None] = {}
        its: dict[str, Occurrence | None] = {}
        here, there = (_Dates(occurrences(side.now), _base_dates(side)) for side in (ours, theirs))
        for key in sorted({*here.now, *there.now}):
            if isinstance(here.now.get(key), Details) and isinstance(there.now.get(key), Details):
                mine[key], its[key] = self.details(key, ours, theirs)
            else:
                mine[key], its[key] = self.pick(Field.OCCURRENCE, key, here.value(key), there.value(key))
        return mine, its

    def dates(self, ours: "_Added", theirs: "_Added") -> tuple[dict[str, Moment | None], dict[str, Moment | None]]:
        mine: dict[str, Moment | None] = {}
        its: dict[str, Moment | None] = {}
        for key in sorted({*ours.now, *theirs.now}):
            mine[key], its[key] = self.pick(Field.OCCURRENCE, key, ours.value(key), theirs.value(key))
        return mine, its

    def whole_series(self, ours: Version, theirs: Version) -> tuple[Version, Version]:
        """One side moved the series, or made one date of it, while the other changed dates of it: these no longer name
        the same, so one shape holds whole, and the texts merge as ever.
        """
        changed = [side.base is None or _shape_key(side.now) != _shape_key(side.base) for side in (ours, theirs)]
        winner = self.winner(Field.TIME, *changed)
        if winner is None:
            return ours, theirs
        mine, its = _shape_key(ours.now), _shape_key(theirs.now)
        if changed[1 if winner is Side.LOCAL else 0] and mine != its:
            self.conflicts.append(Conflict(Field.RECURRENCE, "", _text(mine), _text(its), winner))
        shape = ours.now if winner is Side.LOCAL else theirs.now
        return _shaped(ours, shape), _shaped(theirs, shape)


@dataclass(frozen=True, slots=True)
class _Dates:
    """Occurrences of one side that differ from the series; without a base each counts as changed."""

    now: Mapping[str, Occurrence]
    base: Mapping[str, Occurrence] | None

    def value(self, key: str) -> _Value[Occurrence | None]:
        found = self.now.get(key)
        compared = occurrence_key(found)
        changed = self.base is None or compared != occurrence_key(self.base.get(key))
        return _Value(found, compared, changed)


@dataclass(frozen=True, slots=True)
class _Added:
    now: Mapping[str, Moment]
    base: Mapping[str, Moment] | None

    def value(self, key: str) -> _Value[Moment | None]:
        return _Value(self.now.get(key), key in self.now, self.base is None or (key in self.now) != (key in self.base))


def _base_dates(side: Version) -> Mapping[str, Occurrence] | None:
    return None if side.base is None else occurrences(side.base)


def _added(side: Version) -> _Added:
    return _Added(_dates_of(side.now), None if side.base is None else _dates_of(side.base))


def _dates_of(item: Item) -> dict[str, Moment]:
    return {moment.key: moment for moment in item.recurrence.added} if item.recurrence else {}


def _master(side: Version) -> _Value[Details | None]:
    compared = details_key(side.now.master)
    changed = side.base is None or compared != details_key(side.base.master)
    return _Value(side.now.master, compared, changed)


def _rule(side: Version) -> _Value[str | None]:
    rule = _rule_of(side.now)
    return _Value(rule, rule, side.base is None or rule != _rule_of(side.base))


def _rule_of(item: Item) -> str | None:
    return item.recurrence.rule if item.recurrence else None


def _part(item: Item, occurrence: str) -> Details:
    found = item.overrides[occurrence] if occurrence else item.master
    assert found is not None  # noqa: S101 - both callers looked
    return found


def _field(side: Version, occurrence: str, of: Field) -> _Value[object]:
    now = _part(side.now, occurrence)
    base = _base_part(side.base, occurrence)
    is_series = not occurrence and side.now.recurrence is not None
    key = _field_key(now, of, is_series=is_series)
    changed = base is None or key != _field_key(base, of, is_series=is_series)
    value = (now.start, now.end) if of is Field.TIME else key
    return _Value(value, key, changed)


def _base_part(item: Item | None, occurrence: str) -> Details | None:
    if item is None:
        return None
    return item.overrides.get(occurrence) if occurrence else item.master


def _field_key(details: Details, of: Field, *, is_series: bool) -> object:
    return time_key(details, is_series=is_series) if of is Field.TIME else getattr(details, DETAILS[of])


def _named(of: Field, value: Any) -> dict[str, Any]:
    return {"start": value[0], "end": value[1]} if of is Field.TIME else {DETAILS[of]: value}


def _assemble(
    item: Item,
    master: Details | None,
    rule: str | None,
    added: Mapping[str, Moment | None],
    dates: Mapping[str, Occurrence | None],
) -> Item:
    """A part without a series can differ in no date; one without a master is a part of a series that is elsewhere."""
    overrides = {key: one for key, one in dates.items() if isinstance(one, Details)}
    if rule is None:
        return replace(item, master=master, recurrence=None, overrides={} if master else overrides)
    left_out = tuple(one.moment for _, one in sorted(dates.items()) if isinstance(one, LeftOut))
    more = tuple(moment for _, moment in sorted(added.items()) if moment)
    return replace(item, master=master, recurrence=Recurrence(rule, more, left_out), overrides=overrides)


def _is_torn(ours: Version, theirs: Version) -> bool:
    items = (ours.base, ours.now, theirs.base, theirs.now)
    if not all(item is not None and item.master for item in items):
        return False
    series = sum(item is not None and item.recurrence is not None for item in items)
    if series < len(items):
        return series > 0
    return (_is_moved(ours) and _is_redated(theirs)) or (_is_moved(theirs) and _is_redated(ours))


def _is_moved(side: Version) -> bool:
    return side.base is not None and _start_key(side.now) != _start_key(side.base)


def _is_redated(side: Version) -> bool:
    return side.base is not None and _dates_key(side.now) != _dates_key(side.base)


def _start_key(item: Item) -> tuple[object, ...]:
    return time_key(_part(item, ""), is_series=True)


def _dates_key(item: Item) -> tuple[dict[str, object], list[str]]:
    return {key: occurrence_key(one) for key, one in occurrences(item).items()}, sorted(_dates_of(item))


def _shape_key(item: Item) -> tuple[object, ...]:
    times = time_key(_part(item, ""), is_series=item.recurrence is not None)
    return *times, _rule_of(item), sorted(_dates_of(item)), [*sorted(_dates_key(item)[0].items())]


def _shaped(side: Version, shape: Item) -> Version:
    return Version(side.base and _with_shape(side.base, shape), _with_shape(side.now, shape))


def _with_shape(item: Item, shape: Item) -> Item:
    start, end = _part(shape, "").start, _part(shape, "").end
    master = replace(_part(item, ""), start=start, end=end)
    return replace(item, master=master, recurrence=shape.recurrence, overrides=shape.overrides)


def _text(value: object) -> str:
    if isinstance(value, Details):
        return f"{_text((value.start, value.end))} {value.summary} {value.status}"
    if isinstance(value, Moment):
        return f"{value.wall.isoformat()} {value.zone}".strip()
    if isinstance(value, LeftOut):
        return "left out"
    if isinstance(value, tuple):
        return " – ".join(_text(one) for one in value)
    return "" if value is None else str(value)
