"""what is waived has a column of its own; indexes on requests that nobody verified and on mails that were not sent

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UNPROVEN = sa.text("state = 'requested' AND verify_by IS NOT NULL AND verified_at IS NULL")
UNSENT = sa.text("state IN ('queued', 'dead')")


def upgrade() -> None:
    """The column is only added, so that SQLite rebuilds no table and its triggers stay."""
    op.add_column("booking", sa.Column("waived", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(sa.text("UPDATE booking SET waived = :yes WHERE follow_up LIKE 'waive: %'").bindparams(yes=True))
    op.create_index(
        "ix_booking_unverified",
        "booking",
        ["organisation_id", "verify_by"],
        unique=False,
        sqlite_where=UNPROVEN,
        postgresql_where=UNPROVEN,
    )
    op.create_index(
        "ix_message_unsent",
        "message",
        ["organisation_id", "kind"],
        unique=False,
        sqlite_where=UNSENT,
        postgresql_where=UNSENT,
    )
    op.drop_index("ix_door_code_start", "door_code")  # codes are sent by the start of their booking, not of their window


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
