"""door codes in customers' own feeds: the operator's choice, and finding what begins and ends by the clock

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

import booking.tables.base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns are only added, so that SQLite rebuilds no table and its triggers stay."""
    op.add_column(
        "organisation",
        sa.Column("feed_code_hours", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )
    op.add_column(
        "organisation", sa.Column("feed_codes_seen", booking.tables.base.UtcDateTime(timezone=True), nullable=True)
    )
    op.create_index("ix_calendar_item_end", "calendar_item", ["organisation_id", "ends_at"], unique=False)
    op.create_index("ix_door_code_start", "door_code", ["organisation_id", "starts_at"], unique=False)
    op.create_index("ix_door_code_end", "door_code", ["organisation_id", "ends_at"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
