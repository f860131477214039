"""when what a feed says of itself last changed: its own name; the house's name, zone and colour

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

import booking.tables.base

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns are only added, so that SQLite rebuilds no table and its triggers stay."""
    for table in ("feed", "organisation"):
        op.add_column(table, sa.Column("changed_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
