"""plans of calendar links that people ask for

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

import booking.tables.base

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table is only added."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    instant = booking.tables.base.UtcDateTime(timezone=True)
    is_open = sa.text("done_at IS NULL")
    op.create_table(
        "link_wish",
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", number, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("PLAN", "APPLY", name="wishkind", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("run_id", number, nullable=True),
        sa.Column("done_at", instant, nullable=True),
        sa.Column("id", number, nullable=False),
        sa.Column("organisation_id", number, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "link_id"],
            ["calendar_link.organisation_id", "calendar_link.id"],
            name=op.f("fk_link_wish_organisation_id_link_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_link_wish_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_wish")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_link_wish_organisation_id_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_link_wish_public_id")),
    )
    op.create_index("ix_link_wish_link", "link_wish", ["link_id"], unique=False)
    op.create_index(
        "ix_link_wish_open",
        "link_wish",
        ["asked_at"],
        unique=False,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
