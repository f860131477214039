"""booking sites: when one may be called again, since when it is silent, and what the office gave up there

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

import booking.tables.base

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No table is rebuilt: each engine drops a column that nothing refers to in place, so triggers stay."""
    for table, names in (
        ("connection", ("not_before", "watched_from", "alarmed_at")),
        ("remote_booking", ("given_up_at",)),
    ):
        for name in names:
            op.add_column(table, sa.Column(name, booking.tables.base.UtcDateTime(timezone=True), nullable=True))
    op.drop_column("connection", "polled_to")
    op.execute("UPDATE connection SET watched_from = next_poll_at WHERE polled_at IS NULL")


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
