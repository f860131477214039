"""links with external calendars

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

import booking.tables.base

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables are only added, so that SQLite rebuilds no table and its triggers stay."""
    op.create_table(
        "calendar_link",
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("CALDAV", "ICS", name="linkkind", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("room_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "policy",
            sa.Enum(
                "EXPORT",
                "EXPORT_BUSY",
                "IMPORT_BUSY",
                "IMPORT",
                "TWO_WAY",
                name="linkpolicy",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "variant",
            sa.Enum("busy", "titles", "full", name="variant", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("requested", sa.Boolean(), nullable=False),
        sa.Column("owners", sa.JSON(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("months_back", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("months_ahead", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("every_minutes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("access_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("access_key_id", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "ACTIVE",
                "PAUSED",
                "FAILED",
                "UNLINKING",
                name="linkstatus",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("removes", sa.Boolean(), nullable=False),
        sa.Column("quirks", sa.JSON(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("cursor_kind", sa.String(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("approved", sa.JSON(), nullable=False),
        sa.Column("wanted", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("done", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made_at", booking.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_run_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_full_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("whole_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_run_at", booking.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("not_before", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("watched_from", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("alarmed_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "room_id"],
            ["room.organisation_id", "room.id"],
            name=op.f("fk_calendar_link_organisation_id_room_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_calendar_link_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_link")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_calendar_link_organisation_id_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_calendar_link_public_id")),
    )
    op.create_index("ix_calendar_link_next", "calendar_link", ["state", "next_run_at"], unique=False)
    op.create_index("ix_calendar_link_room", "calendar_link", ["room_id", "state"], unique=False)
    op.create_table(
        "item_link",
        sa.Column("link_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("local_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("base", sa.Text(), nullable=True),
        sa.Column("base_remote", sa.Text(), nullable=True),
        sa.Column("base_revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("base_etag", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("miss_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("missing_since", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(), nullable=True),
        sa.Column("held", sa.String(), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("flips", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("flips_since", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_written", sa.String(), nullable=True),
        sa.Column("error_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("next_try", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("over_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "link_id"],
            ["calendar_link.organisation_id", "calendar_link.id"],
            name=op.f("fk_item_link_organisation_id_link_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_item_link_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_link")),
        sa.UniqueConstraint("link_id", "href", name=op.f("uq_item_link_link_id_href")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_item_link_organisation_id_id")),
    )
    op.create_index("ix_item_link_item", "item_link", ["local_id"], unique=False)
    op.create_index("ix_item_link_local", "item_link", ["link_id", "local_id"], unique=False)
    op.create_index("ix_item_link_state", "item_link", ["link_id", "state"], unique=False)
    op.create_index("ix_item_link_uid", "item_link", ["link_id", "uid"], unique=False)
    op.create_table(
        "imported_time",
        sa.Column("link_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("room_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("first_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("until", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "link_id"],
            ["calendar_link.organisation_id", "calendar_link.id"],
            name=op.f("fk_imported_time_organisation_id_link_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "room_id"],
            ["room.organisation_id", "room.id"],
            name=op.f("fk_imported_time_organisation_id_room_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_imported_time_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_time")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_imported_time_organisation_id_id")),
    )
    op.create_index("ix_imported_time_until", "imported_time", ["link_id", "until"], unique=False)
    op.create_index(
        "uq_imported_time_live",
        "imported_time",
        ["link_id", "uid"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "sync_run",
        sa.Column("link_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "mode",
            sa.Enum("NORMAL", "FULL", "PLAN", name="runmode", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "RUNNING",
                "DONE",
                "PARTIAL",
                "INCOMPLETE",
                "PLANNED",
                "FAILED",
                "LOST",
                name="runoutcome",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("fence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", booking.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("writes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("drift", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan_hash", sa.String(), nullable=False),
        sa.Column("hold", sa.String(), nullable=False),
        sa.Column("requests", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("octets", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "link_id"],
            ["calendar_link.organisation_id", "calendar_link.id"],
            name=op.f("fk_sync_run_organisation_id_link_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_sync_run_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_run")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_sync_run_organisation_id_id")),
    )
    op.create_index("ix_sync_run_link", "sync_run", ["link_id", "started_at"], unique=False)
    op.create_index("ix_sync_run_started", "sync_run", ["started_at"], unique=False)
    op.create_table(
        "plan_op",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("local_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "PLANNED",
                "BEGUN",
                "DONE",
                "FAILED",
                "HELD",
                "SKIPPED",
                name="stepstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("ours", sa.JSON(), nullable=False),
        sa.Column("theirs", sa.JSON(), nullable=False),
        sa.Column("conflicts", sa.JSON(), nullable=False),
        sa.Column("done_at", booking.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("position >= 0", name=op.f("ck_plan_op_position")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "run_id"],
            ["sync_run.organisation_id", "sync_run.id"],
            name=op.f("fk_plan_op_organisation_id_run_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_plan_op_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_op")),
    )
    op.create_index("ix_plan_op_run", "plan_op", ["run_id", "position"], unique=False)
    op.create_index("ix_plan_op_state", "plan_op", ["run_id", "state"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("revisions are only ever added")
