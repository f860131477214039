"""pages of booking sites that are blocked through a calendar, and their proofs

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

import booking.tables.base

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PHASES = ("none", "asked", "written", "there", "withdrawn", "proven", "failed")


def upgrade() -> None:
    """A table and a column are only added."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    instant = booking.tables.base.UtcDateTime(timezone=True)
    others = {"connection": "connection_id", "calendar_link": "link_id", "calendar_item": "item_id"}
    op.create_table(
        "site_calendar",
        sa.Column("connection_id", number, nullable=False),
        sa.Column("profile_id", sa.String(), nullable=False),
        sa.Column("link_id", number, nullable=False),
        sa.Column(
            "phase",
            sa.Enum(*PHASES, name="proofphase", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("phase_at", instant, nullable=True),
        sa.Column("item_id", number, nullable=True),
        sa.Column("starts_at", instant, nullable=True),
        sa.Column("ends_at", instant, nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("proven_at", instant, nullable=True),
        sa.Column("id", number, nullable=False),
        sa.Column("organisation_id", number, nullable=False),
        *(
            sa.ForeignKeyConstraint(
                ["organisation_id", column],
                [f"{target}.organisation_id", f"{target}.id"],
                name=op.f(f"fk_site_calendar_organisation_id_{column}"),
            )
            for target, column in others.items()
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_site_calendar_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_calendar")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_site_calendar_organisation_id_id")),
        sa.UniqueConstraint("connection_id", "profile_id", name=op.f("uq_site_calendar_connection_id_profile_id")),
    )
    op.add_column("calendar_item", sa.Column("only_link_id", number, nullable=True))
    op.create_index("ix_site_calendar_link", "site_calendar", ["link_id"], unique=False)
    op.create_index("ix_site_calendar_item", "site_calendar", ["item_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
