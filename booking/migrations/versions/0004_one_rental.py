"""one rental through all its moves: the first booking of the chain, and the fee of a late move

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FIRST_OF_EACH = """
WITH RECURSIVE chain (id, first_id) AS (
  SELECT id, id FROM booking WHERE replaces_id IS NULL
  UNION ALL
  SELECT booking.id, chain.first_id FROM booking JOIN chain ON booking.replaces_id = chain.id
)
UPDATE booking SET first_id = chain.first_id FROM chain WHERE chain.id = booking.id AND booking.replaces_id IS NOT NULL
"""


def upgrade() -> None:
    """Columns are only added, so that SQLite rebuilds no table and its triggers stay."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("booking", sa.Column("first_id", number, nullable=True))
    op.add_column("booking", sa.Column("move_fee_cents", number, server_default="0", nullable=False))
    op.create_index("ix_booking_first", "booking", ["first_id"], unique=False)
    op.execute(FIRST_OF_EACH)


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
