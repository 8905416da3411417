"""The first schema: chain of record, enrollment, telemetry progress, events, audit trail,
interval history and ledger.

Opened by Alembic as ``cloud.storage.migrations.versions.0001_initial``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _chain()
    _enrollment()
    _uplink()
    _audit()
    _interval_history()
    _ledger()


def downgrade() -> None:
    op.drop_index(op.f("ix_ledger_posting_account_id"), table_name="ledger_posting")
    op.drop_table("ledger_posting")
    op.drop_table("ledger_entry")
    op.drop_table("ledger_account")
    op.drop_table("interval_history")
    op.drop_table("gateway")
    op.drop_table("enrollment_code")
    op.drop_index(op.f("ix_contract_program_id"), table_name="contract")
    op.drop_table("contract")
    op.drop_index(op.f("ix_site_owner_id"), table_name="site")
    op.drop_table("site")
    op.drop_index(op.f("ix_chain_link_predecessor_id"), table_name="chain_link")
    op.drop_table("chain_link")
    op.drop_table("uplink_progress")
    op.drop_table("owner")
    op.drop_index(op.f("ix_event_record_triggered_at"), table_name="event_record")
    op.drop_table("event_record")
    op.drop_index(op.f("ix_chain_record_kind_at_position"), table_name="chain_record")
    op.drop_table("chain_record")
    op.drop_index(op.f("ix_audit_row_at"), table_name="audit_row")
    op.drop_table("audit_row")


def _chain() -> None:
    op.create_table(
        "chain_record",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("interval_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interval_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("site_id", sa.String(), nullable=True),
        sa.Column("product_id", sa.String(), nullable=True),
        sa.Column("program_id", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_chain_record")),
        sa.UniqueConstraint("id", name=op.f("uq_chain_record_id")),
    )
    op.create_index(
        op.f("ix_chain_record_kind_at_position"), "chain_record", ["kind", "at", "position"], unique=False
    )
    op.create_table(
        "chain_link",
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("predecessor_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(
            ["predecessor_id"], ["chain_record.id"], name=op.f("fk_chain_link_predecessor_id_chain_record")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["chain_record.id"], name=op.f("fk_chain_link_record_id_chain_record")
        ),
        sa.PrimaryKeyConstraint("record_id", "predecessor_id", name=op.f("pk_chain_link")),
    )
    op.create_index(op.f("ix_chain_link_predecessor_id"), "chain_link", ["predecessor_id"], unique=False)


def _enrollment() -> None:
    op.create_table(
        "owner",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"], name=op.f("fk_site_owner_id_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_index(op.f("ix_site_owner_id"), "site", ["owner_id"], unique=False)
    op.create_table(
        "contract",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("program_id", sa.String(), nullable=False),
        sa.Column("terms_version", sa.String(), nullable=False),
        sa.Column("owner_share_pct", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_record_id", sa.String(length=26), nullable=False),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["consent_record_id"],
            ["chain_record.id"],
            name=op.f("fk_contract_consent_record_id_chain_record"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_contract_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_contract")),
    )
    op.create_index(op.f("ix_contract_program_id"), "contract", ["program_id"], unique=False)
    op.create_table(
        "enrollment_code",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_enrollment_code_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_enrollment_code")),
    )
    op.create_table(
        "gateway",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("agent_version", sa.String(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enrolled_record_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolled_record_id"],
            ["chain_record.id"],
            name=op.f("fk_gateway_enrolled_record_id_chain_record"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_gateway_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway")),
        sa.UniqueConstraint("site_id", name=op.f("uq_gateway_site_id")),
    )


def _uplink() -> None:
    op.create_table(
        "event_record",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("triggered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "event_id", name=op.f("pk_event_record")),
    )
    op.create_index(op.f("ix_event_record_triggered_at"), "event_record", ["triggered_at"], unique=False)
    op.create_table(
        "uplink_progress",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("stored_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_uplink_progress")),
    )


def _audit() -> None:
    op.create_table(
        "audit_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_row")),
    )
    op.create_index(op.f("ix_audit_row_at"), "audit_row", ["at"], unique=False)


def _interval_history() -> None:
    op.create_table(
        "interval_history",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step_s", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "start", name=op.f("pk_interval_history")),
    )


def _ledger() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("record_ids", sa.String(), nullable=False),
        sa.Column("previous_digest", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_entry_key")),
    )
    op.create_table(
        "ledger_posting",
        sa.Column("entry_position", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_account.id"], name=op.f("fk_ledger_posting_account_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["entry_position"],
            ["ledger_entry.position"],
            name=op.f("fk_ledger_posting_entry_position_ledger_entry"),
        ),
        sa.PrimaryKeyConstraint("entry_position", "line", name=op.f("pk_ledger_posting")),
    )
    op.create_index(op.f("ix_ledger_posting_account_id"), "ledger_posting", ["account_id"], unique=False)
