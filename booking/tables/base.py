"""The declarative base: naming, type map, instants, and what every organisation's row carries."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    event,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeEngine

from booking.values.clock import require_utc
from booking.values.money import BasisPoints, Cents

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware going in, aware UTC coming out. SQLite keeps text of fixed width, so that it sorts as time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(27))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return self.bind_processor(dialect)(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """The values of both drivers in one call each: rows are written by the thousand."""
        return _to_text if dialect.name == "sqlite" else _to_driver

    def result_processor(self, dialect: Dialect, _coltype: object) -> Callable[[Any], datetime | None]:
        """Both drivers' values in one call each: the busiest type of all. PostgreSQL's driver hands out aware ones."""
        return _from_text if dialect.name == "sqlite" else _from_driver


def _to_text(value: datetime | None) -> str | None:
    return None if value is None else f"{require_utc(value).isoformat('T', 'microseconds')[:26]}Z"


def _to_driver(value: datetime | None) -> datetime | None:
    return None if value is None else require_utc(value)


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _from_driver(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - read once by SQLAlchemy
        int: BigInteger().with_variant(Integer, "sqlite"),
        datetime: UtcDateTime,
        Cents: BigInteger().with_variant(Integer, "sqlite"),
        BasisPoints: Integer,
        UUID: Uuid,
        bytes: LargeBinary,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        StrEnum: Enum(
            StrEnum,
            native_enum=False,
            create_constraint=True,
            length=24,
            values_callable=lambda kind: [member.value for member in kind],
        ),
    }


Id = Annotated[int, mapped_column(primary_key=True)]
OrganisationId = Annotated[int, mapped_column(ForeignKey("organisation.id"))]


class Owned:
    """A row of one organisation. `owned()` in `__table_args__` lets others refer to it within the organisation."""

    id: Mapped[Id]
    organisation_id: Mapped[OrganisationId]


def owned(*others: Any) -> tuple[Any, ...]:
    """Table arguments of an Owned table: the pair that composite foreign keys point to (DESIGN rule 10), and others."""
    return (UniqueConstraint("organisation_id", "id"), *others)


def within(target: str, column: str | None = None) -> ForeignKeyConstraint:
    """A foreign key that cannot leave the organisation: (organisation_id, x_id) → target(organisation_id, id)."""
    return ForeignKeyConstraint(
        ["organisation_id", column or f"{target}_id"], [f"{target}.organisation_id", f"{target}.id"]
    )


ONCE = {"sqlite_autoincrement": True}
"""Table arguments where others keep an id after its row is gone: SQLite too never gives it to another row."""


class InsertOnly:
    """Marks ledgers, issued documents and the audit log: a flush that would change or delete a row is refused."""


@event.listens_for(Session, "before_flush")
def _refuse_changes_of_ledgers(session: Session, _context: Any, _instances: Any) -> None:
    changed = [row for row in session.dirty if session.is_modified(row)]
    for row in (*changed, *session.deleted):
        if isinstance(row, InsertOnly):
            raise TypeError(f"{type(row).__name__} is insert-only")
