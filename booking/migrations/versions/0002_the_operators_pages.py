"""the operator's pages: the order of rooms, when an API token was used, the audit log by time, person and kind

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

import booking.tables.base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns are only added, so that SQLite rebuilds no table and its triggers stay."""
    op.add_column(
        "room",
        sa.Column("rank", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
    )
    op.add_column(
        "api_token", sa.Column("last_used_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True)
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["organisation_id", "at"], unique=False)
    op.create_index("ix_audit_entry_actor", "audit_entry", ["organisation_id", "actor", "at"], unique=False)
    op.create_index("ix_audit_entry_kind", "audit_entry", ["organisation_id", "subject", "at"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
