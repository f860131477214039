"""how far feeds reach, and when they remind

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns are only added. Feeds that are there go on as they were."""
    op.add_column("feed", sa.Column("months_back", sa.Integer(), nullable=False, server_default="3"))
    op.add_column("feed", sa.Column("months_ahead", sa.Integer(), nullable=True))
    op.add_column("feed", sa.Column("alarm_minutes", sa.Integer(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
