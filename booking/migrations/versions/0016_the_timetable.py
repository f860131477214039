"""the timetable: courses, series and their events

Revision ID: 0016
Revises: 0015
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from booking.migrations.widening import widen

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
OCCUPANCY = ("booking", "held", "closure", "external", "event")
SUBJECTS = ("customer", "room", "office", "booking", "desk", "course", "series")
WAITING = ("none", "offer", "tell_all", "book")


def upgrade() -> None:
    """What is there stays as it is; two columns of named values learn new ones."""
    widen("occupancy", "ck_occupancy_occupancykind", "kind", OCCUPANCY)
    widen("feed_subject", "ck_feed_subject_subjectkind", "kind", SUBJECTS)
    for name in ("event_id", "course_id", "series_id"):
        op.add_column("calendar_item", sa.Column(name, NUMBER, nullable=True))
    op.create_index("ix_calendar_item_event", "calendar_item", ["event_id"], unique=True)
    op.create_index("ix_calendar_item_course", "calendar_item", ["course_id", "starts_at"], unique=False)
    op.create_index("ix_calendar_item_series", "calendar_item", ["series_id", "starts_at"], unique=False)
    _course()
    _series()
    _skipped_day()
    _course_event()


def _course() -> None:
    op.create_table(
        "course",
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", NUMBER, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("trainer_id", NUMBER, nullable=True),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("archived_at", INSTANT, nullable=True),
        *_owned("course", _within("course", "branch"), _within("course", "staff", "trainer_id")),
        sa.UniqueConstraint("organisation_id", "slug", name=op.f("uq_course_organisation_id_slug")),
        sa.UniqueConstraint("public_id", name=op.f("uq_course_public_id")),
    )


def _series() -> None:
    op.create_table(
        "series",
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", NUMBER, nullable=False),
        sa.Column("room_id", NUMBER, nullable=False),
        sa.Column("trainer_id", NUMBER, nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column(
            "frequency",
            sa.Enum("DAILY", "WEEKLY", name="frequency", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("every", NUMBER, nullable=False),
        sa.Column("times", NUMBER, nullable=True),
        sa.Column("weekdays", sa.JSON(), nullable=False),
        sa.Column("wall", sa.Time(), nullable=False),
        sa.Column("minutes", NUMBER, nullable=False),
        sa.Column("skips_holidays", sa.Boolean(), nullable=False),
        sa.Column("capacity", NUMBER, nullable=False),
        sa.Column("planned_until", sa.Date(), nullable=False),
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("last_modified", INSTANT, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        *_terms(),
        *_owned(
            "series", _within("series", "course"), _within("series", "room"), _within("series", "staff", "trainer_id")
        ),
        sa.CheckConstraint("minutes > 0 AND capacity > 0 AND every > 0", name=op.f("ck_series_sizes")),
        sa.UniqueConstraint("public_id", name=op.f("uq_series_public_id")),
    )
    op.create_index("ix_series_course", "series", ["course_id"], unique=False)
    op.create_index("ix_series_planned", "series", ["planned_until"], unique=False)


def _skipped_day() -> None:
    op.create_table(
        "skipped_day",
        sa.Column("series_id", NUMBER, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
        *_owned("skipped_day", _within("skipped_day", "series"), is_named=False),
        sa.UniqueConstraint("series_id", "day", name=op.f("uq_skipped_day_series_id_day")),
    )


def _course_event() -> None:
    op.create_table(
        "course_event",
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", NUMBER, nullable=False),
        sa.Column("course_id", NUMBER, nullable=False),
        sa.Column("series_id", NUMBER, nullable=True),
        sa.Column("original", sa.Date(), nullable=True),
        sa.Column("own_terms", sa.JSON(), nullable=False),
        sa.Column("trainer_id", NUMBER, nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=False),
        *_terms(),
        *_owned(
            "course_event",
            *(_within("course_event", target) for target in ("event", "course", "series")),
            _within("course_event", "staff", "trainer_id"),
        ),
        sa.UniqueConstraint("series_id", "original", name=op.f("uq_course_event_series_id_original")),
        sa.UniqueConstraint("public_id", name=op.f("uq_course_event_public_id")),
        sa.UniqueConstraint("event_id", name=op.f("uq_course_event_event_id")),
    )
    op.create_index("ix_course_event_course", "course_event", ["course_id"], unique=False)


def _terms() -> list[sa.Column[Any]]:
    waiting = sa.Enum(*WAITING, name="waitingpolicy", native_enum=False, create_constraint=True, length=24)
    return [
        sa.Column("minimum", NUMBER, nullable=False),
        sa.Column("decide_minutes", NUMBER, nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("units", NUMBER, nullable=False),
        sa.Column("price_cents", NUMBER, nullable=False),
        sa.Column("free_minutes", NUMBER, nullable=False),
        sa.Column("waiting", waiting, nullable=False),
    ]


def _owned(table: str, *others: sa.Constraint, is_named: bool = True) -> list[sa.Column[Any] | sa.Constraint]:
    """`is_named`: others may refer to its rows within the organisation."""
    pair = sa.UniqueConstraint("organisation_id", "id", name=op.f(f"uq_{table}_organisation_id_id"))
    return [
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("organisation_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f(f"fk_{table}_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *([pair] if is_named else []),
        *others,
    ]


def _within(table: str, target: str, column: str | None = None) -> sa.ForeignKeyConstraint:
    name = column or f"{target}_id"
    return sa.ForeignKeyConstraint(
        ["organisation_id", name],
        [f"{target}.organisation_id", f"{target}.id"],
        name=op.f(f"fk_{table}_organisation_id_{name}"),
    )


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
