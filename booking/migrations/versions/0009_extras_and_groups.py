"""extras of a price list and groups of customers

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns and tables are only added, so that SQLite rebuilds no table and its triggers stay.

    Bookings keep the ids of groups and extras that are gone: none is ever given to another row.
    """
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "customer_group",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("id", number, nullable=False),
        sa.Column("organisation_id", number, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_customer_group_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_group")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_customer_group_organisation_id_id")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_customer_group_organisation_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "price_extra",
        sa.Column("price_list_id", number, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cents", number, nullable=False),
        sa.Column(
            "per",
            sa.Enum("booking", "hour", "person", name="per", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("vat_rate", sa.Integer(), nullable=True),
        sa.Column("most", number, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("rank", number, nullable=False),
        sa.Column("id", number, nullable=False),
        sa.Column("organisation_id", number, nullable=False),
        sa.CheckConstraint("cents >= 0", name=op.f("ck_price_extra_cents")),
        sa.CheckConstraint("most > 0", name=op.f("ck_price_extra_most")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "price_list_id"],
            ["price_list.organisation_id", "price_list.id"],
            name=op.f("fk_price_extra_organisation_id_price_list_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_price_extra_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_extra")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_price_extra_organisation_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_price_extra_list", "price_extra", ["price_list_id"], unique=False)
    op.add_column("price_rule", sa.Column("group_id", number, nullable=True))
    op.add_column("customer", sa.Column("group_id", number, nullable=True))
    op.create_index("ix_customer_group", "customer", ["group_id"], unique=False)
    op.add_column("booking", sa.Column("group_id", number, nullable=True))
    op.add_column("booking", sa.Column("extras", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
