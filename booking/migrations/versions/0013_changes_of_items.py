"""which items changed since a revision of the office's calendar

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column and an index are only added. What is there counts as changed before any revision."""
    number = sa.Integer()
    op.add_column("calendar_item", sa.Column("office_revision", number, nullable=False, server_default="0"))
    op.create_index("ix_calendar_item_change", "calendar_item", ["organisation_id", "office_revision"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
