"""the steps of cancelling a room; what is charged afterwards

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STEP_OF_EACH_ROOM = """
INSERT INTO cancel_step (organisation_id, room_id, days_before, fee_percent)
SELECT organisation_id, id, free_until_days, late_fee_percent FROM room WHERE late_fee_percent > 0
"""


def upgrade() -> None:
    """The one step of each room becomes a row; a room without a fee has none.

    No table is rebuilt: each engine drops a column that nothing refers to in place, so triggers stay.
    """
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "cancel_step",
        sa.Column("room_id", number, nullable=False),
        sa.Column("days_before", number, nullable=False),
        sa.Column("fee_percent", number, nullable=False),
        sa.Column("id", number, nullable=False),
        sa.Column("organisation_id", number, nullable=False),
        sa.CheckConstraint("days_before BETWEEN 0 AND 365", name=op.f("ck_cancel_step_days")),
        sa.CheckConstraint("fee_percent BETWEEN 0 AND 100", name=op.f("ck_cancel_step_percent")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "room_id"],
            ["room.organisation_id", "room.id"],
            name=op.f("fk_cancel_step_organisation_id_room_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_cancel_step_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancel_step")),
        sa.UniqueConstraint("room_id", "days_before", name=op.f("uq_cancel_step_room_id_days_before")),
    )
    op.execute(STEP_OF_EACH_ROOM)
    op.drop_column("room", "free_until_days")
    op.drop_column("room", "late_fee_percent")
    op.add_column("booking", sa.Column("charged_cents", number, nullable=True))
    op.add_column("booking", sa.Column("charged_for", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
