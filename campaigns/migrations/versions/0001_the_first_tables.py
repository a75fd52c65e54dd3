"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.database import Moment, now

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Credits = sa.Numeric(14, 4)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("balance", Credits, nullable=True),
        sa.Column("consumed", Credits, nullable=True),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("balance_asked_at", Moment(), nullable=True),
        sa.Column("away_until", Moment(), nullable=True),
        sa.Column("away_reason", sa.Text(), nullable=True),
        sa.Column("doubtful", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("served_at", Moment(), nullable=True),
        sa.Column("exclusive", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("name", name="accounts_pk"),
    )
    op.create_table(
        "balance_readings",
        sa.Column("id", Id, sa.Identity(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("confirmed_at", Moment(), nullable=False),
        sa.Column("still", sa.Boolean(), nullable=False),
        sa.Column("credits", Credits, nullable=False),
        sa.Column("consumed", Credits, nullable=True),
        sa.Column("posted", Credits, nullable=False),
        sa.Column("refunded", Credits, nullable=False),
        sa.Column("unsettled", Credits, nullable=False),
        sa.Column("unread", Credits, server_default=sa.text("0"), nullable=False),
        sa.Column("drift", Credits, nullable=True),
        sa.PrimaryKeyConstraint("id", name="balance_readings_pk"),
    )
    op.create_index("balance_readings_latest", "balance_readings", ["account", "asked_at"])
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("beat_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="heartbeats_pk"),
    )
    op.create_table(
        "lineage",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("set_back_at", Moment(), nullable=True),
        sa.Column("set_back", sa.Text(), nullable=True),
        sa.Column("known_until", Moment(), nullable=True),
        sa.Column("restored_at", Moment(), nullable=True),
        sa.CheckConstraint("one", name=op.f("lineage_one_row")),
        sa.PrimaryKeyConstraint("one", name="lineage_pk"),
    )
    op.create_table(
        "schedules",
        sa.Column("id", Id, sa.Identity(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("when_missed", sa.Text(), nullable=False),
        sa.Column("tolerance", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), server_default=now(), nullable=False),
        sa.Column("paused_at", Moment(), nullable=True),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("reckoned_at", Moment(), server_default=now(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=True),
        sa.Column("asked_at", Moment(), nullable=True),
        sa.Column("last_at", Moment(), nullable=True),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("missed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("when_missed IN ('skip', 'catch_up')", name=op.f("schedules_when_missed_known")),
        sa.CheckConstraint("tolerance > 0", name=op.f("schedules_some_tolerance")),
        sa.PrimaryKeyConstraint("id", name="schedules_pk"),
    )
    op.create_index("schedules_named", "schedules", ["account", "name"], unique=True)
    op.create_table(
        "audiences",
        sa.Column("id", Id, sa.Identity(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("number_column", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("chunks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("ready", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("touched_at", Moment(), server_default=now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audiences_pk"),
    )
    op.create_table(
        "bells",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="bells_pk"),
    )
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("msisdn", sa.BigInteger(), nullable=False),
        sa.Column("texts", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("texts >= 0", name=op.f("daily_counts_no_negative_count")),
        sa.PrimaryKeyConstraint("day", "account", "msisdn", name="daily_counts_pk"),
        postgresql_with={"fillfactor": "60"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "messages",
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("msisdn", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", Id, nullable=False),
        sa.Column("status", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", "msisdn", name="messages_pk"),
        postgresql_with={"fillfactor": "45"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "opt_outs",
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("opted_out_at", Moment(), server_default=now(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", "account", name="opt_outs_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "opt_out_lists",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("changes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account", name="opt_out_lists_pk"),
    )
    op.create_table(
        "report_polls",
        sa.Column("id", Id, sa.Identity(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("msgfid", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", Moment(), server_default=now(), nullable=False),
        sa.Column("stored_at", Moment(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("reports", sa.Integer(), nullable=True),
        sa.Column("unknown", sa.JSON(), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('asked', 'stored', 'parked', 'applied', 'broken', 'lost')", name=op.f("report_polls_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name="report_polls_pk"),
    )
    op.create_index(
        "report_polls_at_work",
        "report_polls",
        ["account", "state"],
        postgresql_where=sa.text("state IN ('asked', 'stored', 'parked', 'broken', 'lost')"),
    )
    op.create_index(
        "report_polls_done_with",
        "report_polls",
        ["stored_at"],
        postgresql_where=sa.text("body IS NOT NULL AND state IN ('applied', 'broken')"),
        sqlite_where=sa.text("body IS NOT NULL AND state IN ('applied', 'broken')"),
    )

    op.create_table(
        "audience_chunks",
        sa.Column("audience_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audiences.id"], name="audience_chunks_audience_id_fk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("audience_id", "number", name="audience_chunks_pk"),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", Id, sa.Identity(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("wire_text", sa.Text(), nullable=False),
        sa.Column("audience_id", Id, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("paused_at", Moment(), nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.Column("paused_by_itself", sa.Boolean(), nullable=True),
        sa.Column("created_at", Moment(), server_default=now(), nullable=False),
        sa.Column("scheduled_at", Moment(), nullable=True),
        sa.Column("completed_at", Moment(), nullable=True),
        sa.Column("recipients", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_chunk", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("expanded", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("batches", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("opt_outs_seen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.Column("windowed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("shut_until", Moment(), nullable=True),
        sa.Column("next_send_at", Moment(), nullable=True),
        sa.Column("shortfall", Credits, nullable=True),
        sa.Column("balance_refused", Credits, nullable=True),
        sa.Column("retry_of", Id, nullable=True),
        sa.Column("looked_at", Moment(), nullable=True),
        sa.Column("purged", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("numbers_key", sa.Text(), nullable=True),
        sa.Column("prefixes", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "state IN ('receiving', 'submitted', 'expanding', 'funding', 'awaiting_credits', 'cleaning', 'sending', 'tracking', 'stalled', 'completed', 'cancelled', 'failed')",
            name=op.f("campaigns_state_known"),
        ),
        sa.CheckConstraint("expanded <= recipients", name=op.f("campaigns_no_row_twice")),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name="campaigns_audience_id_fk"),
        sa.PrimaryKeyConstraint("id", name="campaigns_pk"),
    )
    op.create_index(
        "campaigns_at_work",
        "campaigns",
        ["state", "account"],
        postgresql_where=sa.text("completed_at IS NULL"),
        sqlite_where=sa.text("completed_at IS NULL"),
    )
    op.create_index(
        "campaigns_audience",
        "campaigns",
        ["audience_id"],
        postgresql_where=sa.text("audience_id IS NOT NULL"),
        sqlite_where=sa.text("audience_id IS NOT NULL"),
    )
    op.create_index("campaigns_key", "campaigns", ["account", "key"], unique=True)
    op.create_index(
        "campaigns_retries",
        "campaigns",
        ["retry_of"],
        postgresql_where=sa.text("retry_of IS NOT NULL"),
        sqlite_where=sa.text("retry_of IS NOT NULL"),
    )

    op.create_index(
        "campaigns_unpurged",
        "campaigns",
        ["purged", "completed_at"],
        postgresql_where=sa.text("completed_at IS NOT NULL"),
        sqlite_where=sa.text("completed_at IS NOT NULL"),
    )
    op.create_table(
        "purges",
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="purges_campaign_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("campaign_id", name="purges_pk"),
    )
    op.create_table(
        "batches",
        sa.Column("id", Id, sa.Identity(), nullable=False),
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("alphabet", sa.Text(), nullable=False),
        sa.Column("merged", sa.Boolean(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("credits", Credits, nullable=False),
        sa.Column("lookup_credits", Credits, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt_id", Id, nullable=True),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "state IN ('unchecked', 'checking', 'pending', 'sending', 'accepted', 'refused', 'halved', 'in_doubt', 'written_off', 'voided')",
            name=op.f("batches_state_known"),
        ),
        sa.CheckConstraint("credits >= 0 AND lookup_credits >= 0", name=op.f("batches_no_negative_estimate")),
        sa.CheckConstraint(
            "state NOT IN ('sending', 'in_doubt') OR attempt_id IS NOT NULL", name=op.f("batches_written_down_first")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="batches_campaign_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="batches_pk"),
    )
    op.create_index("batches_numbered", "batches", ["campaign_id", "number"], unique=True)
    op.create_index(
        "batches_open",
        "batches",
        ["campaign_id", "state", "number"],
        postgresql_where=sa.text("state IN ('unchecked', 'checking', 'pending', 'sending', 'in_doubt')"),
    )
    op.create_index(
        "batches_windowed",
        "batches",
        ["campaign_id", "zone", "state", "number"],
        postgresql_where=sa.text("zone IS NOT NULL"),
        sqlite_where=sa.text("zone IS NOT NULL"),
    )

    op.create_table(
        "openings",
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("opens_at", Moment(), nullable=True),
        sa.Column("closes_at", Moment(), nullable=True),
        sa.Column("reckoned_at", Moment(), server_default=now(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="openings_campaign_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("campaign_id", "zone", name="openings_pk"),
    )
    op.create_index("openings_closes_at", "openings", ["closes_at"])
    op.create_index("openings_reckoned_at", "openings", ["reckoned_at"])

    op.create_table(
        "exclusions",
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="exclusions_campaign_id_fk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "row", name="exclusions_pk"),
    )
    op.create_table(
        "holds",
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("credits", Credits, nullable=False),
        sa.Column("free", Credits, nullable=False),
        sa.Column("held_at", Moment(), server_default=now(), nullable=False),
        sa.CheckConstraint("credits >= 0", name=op.f("holds_no_debt")),
        sa.CheckConstraint("credits = 0 OR credits <= free", name=op.f("holds_no_overspending")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="holds_campaign_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("campaign_id", name="holds_pk"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", Id, sa.Identity(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("batch_id", Id, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("msgid", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("leased_until", Moment(), nullable=False),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("msgfid", sa.Text(), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("estimated", Credits, nullable=False),
        sa.Column("credits", Credits, nullable=True),
        sa.Column("asked_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'refused', 'not_sent', 'in_doubt', 'resent', 'written_off', 'accepted_late')",
            name=op.f("attempts_state_known"),
        ),
        sa.CheckConstraint("estimated >= 0", name=op.f("attempts_no_negative_estimate")),
        sa.CheckConstraint("credits >= 0", name=op.f("attempts_no_negative_price")),
        sa.CheckConstraint(
            "(credits IS NOT NULL) = (state IN ('accepted', 'accepted_late'))",
            name=op.f("attempts_posted_once_accepted"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="attempts_batch_id_fk", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="attempts_campaign_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="attempts_pk"),
    )
    op.create_index("attempts_batch", "attempts", ["batch_id"])
    op.create_index("attempts_campaign", "attempts", ["campaign_id"])
    op.create_index(
        "attempts_live",
        "attempts",
        ["batch_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'in_doubt', 'accepted')"),
        sqlite_where=sa.text("state IN ('open', 'in_doubt', 'accepted')"),
    )
    op.create_index("attempts_msgfid", "attempts", ["msgfid"], postgresql_where=sa.text("msgfid IS NOT NULL"))
    op.create_index("attempts_msgid", "attempts", ["msgid"], unique=True)
    op.create_index("attempts_settled", "attempts", ["account", "settled_at"])
    op.create_index(
        "attempts_unsettled",
        "attempts",
        ["state", "account"],
        postgresql_where=sa.text("state IN ('open', 'in_doubt')"),
    )

    op.create_table(
        "lookups",
        sa.Column("batch_id", Id, nullable=False),
        sa.Column("msisdn", sa.BigInteger(), nullable=False),
        sa.Column("reachable", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="lookups_batch_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", "msisdn", name="lookups_pk"),
    )
    op.create_table(
        "resolutions",
        sa.Column("attempt_id", Id, nullable=False),
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_at", Moment(), server_default=now(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("decision IN ('accepted', 'resend', 'write_off')", name=op.f("resolutions_decision_known")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="resolutions_attempt_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("attempt_id", name="resolutions_pk"),
    )
    op.create_index("resolutions_campaign_id", "resolutions", ["campaign_id"])
    op.create_table(
        "refunds",
        sa.Column("attempt_id", Id, nullable=False),
        sa.Column("msisdn", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("credits", Credits, nullable=False),
        sa.Column("refunded_at", Moment(), server_default=now(), nullable=False),
        sa.CheckConstraint("credits >= 0", name=op.f("refunds_no_charge")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="refunds_attempt_id_fk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("attempt_id", "msisdn", name="refunds_pk"),
    )
    op.create_index("refunds_campaign_id", "refunds", ["campaign_id"])
    op.create_index("refunds_refunded_at", "refunds", ["refunded_at"])


def downgrade() -> None:
    op.drop_table("refunds")
    op.drop_table("resolutions")
    op.drop_table("lookups")
    op.drop_table("attempts")
    op.drop_table("holds")
    op.drop_table("exclusions")
    op.drop_table("openings")
    op.drop_table("batches")
    op.drop_table("purges")
    op.drop_table("campaigns")
    op.drop_table("audience_chunks")
    op.drop_table("report_polls")
    op.drop_table("opt_out_lists")
    op.drop_table("opt_outs")
    op.drop_table("messages")
    op.drop_table("daily_counts")
    op.drop_table("bells")
    op.drop_table("audiences")
    op.drop_table("schedules")
    op.drop_table("lineage")
    op.drop_table("heartbeats")
    op.drop_table("balance_readings")
    op.drop_table("accounts")
