"""whether a feed shows a series as one event or each occurrence as its own

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column is only added. Feeds that are there show a series as one event."""
    op.add_column("feed", sa.Column("series_expanded", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
