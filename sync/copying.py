"""`dataclasses.replace` for values with slots, at less than half its price: a first plan makes some for each item.

It asks for each field by its name again; here the slots of a class are looked up once.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")
Reader = Callable[[Any], tuple[Any, ...]]
Setter = Callable[[Any, Any], None]
Maker = Callable[[], Any]


def replace(one: T, **changes: Any) -> T:
    """A copy with some fields changed. For classes of several fields, with slots and without `__post_init__`; a field
    that is no argument begins anew. Raises KeyError for a name that is none of the arguments.
    """
    kind: Any = type(one)
    read, copied, fresh, setters = _shape(kind)
    made: T = object.__new__(kind)
    for write, value in zip(copied, read(one), strict=True):
        write(made, value)
    for write, begin in fresh:
        write(made, begin())
    for name, value in changes.items():
        setters[name](made, value)
    return made


@cache
def _shape(kind: type[Any]) -> tuple[Reader, tuple[Setter, ...], tuple[tuple[Setter, Maker], ...], dict[str, Setter]]:
    """How its fields are read at once; what writes each; what writes those that begin anew, and with what."""
    names = [field.name for field in fields(kind) if field.init]
    setters = {name: kind.__dict__[name].__set__ for name in names}
    fresh = [
        (kind.__dict__[field.name].__set__, field.default_factory)
        for field in fields(kind)
        if not field.init and field.default_factory is not MISSING
    ]
    return attrgetter(*names), tuple(setters[name] for name in names), tuple(fresh), setters
