"""The tables. What their states mean is in `states`; who writes them is said beside each table.

Narrow on purpose: values travel compressed on the batch, ids on the attempt, so that a message row is some fifty bytes
and an accepted batch touches none of them. Indexed columns of `messages` never change, so its updates stay heap-only.

Indexes of some states are whole on SQLite: it takes a partial one only where the statement spells its very condition.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    text,
)

from campaigns.database import Moment, now
from campaigns.states import AttemptState, BatchState, CampaignState, Decision, PollState, WhenMissed

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key
Credits = Numeric(14, 4)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)


def _either(states: type[StrEnum], column: str = "state") -> str:
    return f"{column} IN (" + ", ".join(f"'{state}'" for state in states) + ")"


# An account at the gateway, by name; its credentials stay in the settings. Its row is the lock of all that is money.
accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("balance", Credits),
    Column("consumed", Credits),
    Column("expires_at", Moment()),
    Column("balance_asked_at", Moment()),  # before the request: what happened since may not be in the balance
    Column("away_until", Moment()),  # the gateway could not be reached: nothing is claimed before this time
    Column("away_reason", Text),
    Column(
        "doubtful", Boolean, nullable=False, server_default=text("false")
    ),  # requests fell in doubt, none was accepted
    Column("failures", Integer, nullable=False, server_default=text("0")),  # in a row; makes the next wait longer
    Column("served_at", Moment()),  # a worker said that its settings have this account
    Column("exclusive", Boolean, nullable=False, server_default=text("false")),  # and that nobody else sends through it
)

# Recipients as they came, kept until they are expanded.
audiences = Table(
    "audiences",
    metadata,
    Column("id", Id, Identity(), primary_key=True),
    Column("columns", JSON, nullable=False),
    Column("number_column", Integer, nullable=False),
    Column("size", Integer, nullable=False, server_default=text("0")),
    Column("chunks", Integer, nullable=False, server_default=text("0")),
    Column("kept", Boolean, nullable=False),  # stored by itself, for many campaigns; else it goes with its campaign
    Column("ready", Boolean, nullable=False, server_default=text("false")),
    Column("digest", Text),
    Column("touched_at", Moment(), nullable=False, server_default=now()),
)

# Some thousand rows of an audience, compressed (see `chunks`).
audience_chunks = Table(
    "audience_chunks",
    metadata,
    Column("audience_id", Id, ForeignKey("audiences.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("rows", LargeBinary, nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Id, Identity(), primary_key=True),
    Column("account", Text, nullable=False),
    Column("key", Text),
    Column("digest", Text),  # of spec and audience: the same key with other content is an error
    Column("name", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("wire_text", Text, nullable=False),  # what the gateway merges values into, for batches that it merges
    Column("audience_id", Id, ForeignKey("audiences.id")),
    Column("state", Text, nullable=False),
    Column("reason", Text),  # why it is in this state, in a sentence for a person
    Column("paused_at", Moment()),
    Column("pause_reason", Text),
    Column("paused_by_itself", Boolean),  # and not by a person, whose reason may be any text
    Column("created_at", Moment(), nullable=False, server_default=now()),
    Column("scheduled_at", Moment()),
    Column("completed_at", Moment()),
    Column("recipients", Integer, nullable=False, server_default=text("0")),  # rows read
    Column("next_chunk", Integer, nullable=False, server_default=text("0")),  # expansion goes on from here
    Column("expanded", Integer, nullable=False, server_default=text("0")),  # rows of these that are expanded
    Column("batches", Integer, nullable=False, server_default=text("0")),
    Column("opt_outs_seen", BigInteger, nullable=False, server_default=text("0")),  # changes of lists when it began
    Column("rate", Float),  # messages a second
    Column("windowed", Boolean, nullable=False, server_default=text("false")),  # sent within its openings only
    Column("shut_until", Moment()),  # windowed ones only: no opening of it begins before, so it need not be looked at
    Column("next_send_at", Moment()),  # rated ones only: the gate of the next batch
    Column("shortfall", Credits),
    Column("balance_refused", Credits),  # -6: only a balance above this one can help
    Column("retry_of", Id),  # the campaign whose failed messages these are
    Column("looked_at", Moment()),  # by the sweep, of those that wait for reports only: it need not look each time
    Column("purged", SmallInteger, nullable=False, server_default=text("0")),  # how much (see `states.Purged`)
    Column("numbers_key", Text),  # a fingerprint of the NUMBERS_KEY that its numbers were hashed with
    Column("prefixes", JSON(none_as_null=True)),  # counts of its purged numbers by their first digits (see `prefixes`)
    CheckConstraint(_either(CampaignState), name="state_known"),
    CheckConstraint("expanded <= recipients", name="no_row_twice"),
    Index("campaigns_key", "account", "key", unique=True),
    Index(
        "campaigns_audience",
        "audience_id",
        postgresql_where=text("audience_id IS NOT NULL"),
        sqlite_where=text("audience_id IS NOT NULL"),
    ),
    Index(
        "campaigns_retries",
        "retry_of",
        postgresql_where=text("retry_of IS NOT NULL"),
        sqlite_where=text("retry_of IS NOT NULL"),
    ),
    Index(
        "campaigns_at_work",  # found by it only where a query says that they are not completed
        "state",
        "account",
        postgresql_where=text("completed_at IS NULL"),
        sqlite_where=text("completed_at IS NULL"),
    ),
    Index(
        "campaigns_unpurged",  # found by it only where a query says that they are completed
        "purged",
        "completed_at",
        postgresql_where=text("completed_at IS NOT NULL"),
        sqlite_where=text("completed_at IS NOT NULL"),
    ),
)

# Campaigns of which something is being purged; whatever reads them takes it for gone from the first moment on.
purges = Table(
    "purges",
    metadata,
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", Text, nullable=False),  # its numbers are hidden with, where no setting has one; gone with the row
    Column("batch", Integer),  # the last one that is done
    Column("row", Integer),  # the last exclusion that is done
)

exclusions = Table(
    "exclusions",
    metadata,
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("row", Integer, primary_key=True),  # as the person who made the file counts
    Column("number", Text, nullable=False),  # as it came
    Column("reason", Text, nullable=False),
)

# Who wants no texts from an account, or from any ("*").
opt_outs = Table(
    "opt_outs",
    metadata,
    Column("key", BigInteger, primary_key=True),  # the number, or a hash of it, which is negative (see `unwanted`)
    Column("account", Text, primary_key=True),
    Column("opted_out_at", Moment(), nullable=False, server_default=now()),
    Column("source", Text, nullable=False),  # where it is known from: a file, a form, a reply; "" if nobody said
    sqlite_with_rowid=False,
)

# A list of these for each account that has one; whoever adds to it has its row, so that its count is in commit order.
opt_out_lists = Table(
    "opt_out_lists",
    metadata,
    Column("account", Text, primary_key=True),
    Column("changes", BigInteger, nullable=False, server_default=text("0")),  # additions so far
    Column("secret", Text),  # a fingerprint of the OPT_OUT_KEY that its hashes were made with
)

# How many messages a number got from an account that has a cap on a day; past days go (see `caps`).
daily_counts = Table(
    "daily_counts",
    metadata,
    Column("day", Date, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("msisdn", BigInteger, primary_key=True),
    Column("texts", SmallInteger, nullable=False),
    CheckConstraint("texts >= 0", name="no_negative_count"),
    postgresql_with={"fillfactor": "60"},  # where the cap is above one a row is changed: no update leaves its page
    sqlite_with_rowid=False,
)

batches = Table(
    "batches",
    metadata,
    Column("id", Id, Identity(), primary_key=True),
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),  # 1, 2, 3 … within the campaign; 0, -1, -2 … are parts of others
    Column("alphabet", Text, nullable=False),  # one for all its messages: a lone ê would triple the price of the others
    Column("merged", Boolean, nullable=False),  # by the gateway; else the texts travel finished
    Column("size", Integer, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("credits", Credits, nullable=False),  # estimated, for its messages
    Column("lookup_credits", Credits, nullable=False),  # estimated, for looking its numbers up; 0 if that is not asked
    Column("state", Text, nullable=False),
    Column("attempt_id", Id),  # the one that may settle it
    Column("zone", Text),  # of windowed campaigns: by whose clocks it leaves; a time zone, or a country
    Column("payload", LargeBinary, nullable=False),  # rows, numbers, values (see `payload`)
    Column("counted_on", Date),  # the day on which its messages count, where an account has a cap (see `caps`)
    CheckConstraint(_either(BatchState), name="state_known"),
    CheckConstraint("credits >= 0 AND lookup_credits >= 0", name="no_negative_estimate"),
    CheckConstraint("state NOT IN ('sending', 'in_doubt') OR attempt_id IS NOT NULL", name="written_down_first"),
    Index("batches_numbered", "campaign_id", "number", unique=True),
    Index(
        "batches_open",
        "campaign_id",
        "state",
        "number",
        postgresql_where=text("state IN ('unchecked', 'checking', 'pending', 'sending', 'in_doubt')"),
    ),
    Index(
        "batches_windowed",
        "campaign_id",
        "zone",
        "state",
        "number",
        postgresql_where=text("zone IS NOT NULL"),
        sqlite_where=text("zone IS NOT NULL"),
    ),
)

# When a windowed campaign may send, for each zone of its batches: the opening that is, or the next (see `openings`).
openings = Table(
    "openings",
    metadata,
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("opens_at", Moment()),  # none: its window is never open in all time zones of that country
    Column("closes_at", Moment(), index=True),  # where it opens never: when it is looked at again
    Column("reckoned_at", Moment(), nullable=False, server_default=now(), index=True),
)

# The primary key is the guard against texting a number twice.
messages = Table(
    "messages",
    metadata,
    Column("campaign_id", Id, primary_key=True),
    Column("msisdn", BigInteger, primary_key=True),
    Column("batch_id", Id, nullable=False),
    Column("status", SmallInteger, nullable=False, server_default=text("0")),
    Column("updated_at", Moment()),
    postgresql_with={"fillfactor": "45"},  # a page has room for each of its rows once more: no update leaves it
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, Identity(), primary_key=True),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False),
    Column("batch_id", Id, ForeignKey("batches.id", ondelete="CASCADE"), nullable=False),
    Column("size", Integer, nullable=False),
    Column("msgid", Text, nullable=False),  # ours, new for each request
    Column("state", Text, nullable=False),
    Column("started_at", Moment(), nullable=False),
    Column("leased_until", Moment(), nullable=False),
    Column("settled_at", Moment()),
    Column("code", Integer),  # the gateway's refusal
    Column("detail", Text),  # why, in words; never a number or a text
    Column("msgfid", Text),  # the gateway's id of the sending
    Column("receipt", LargeBinary),  # ids and credits of its messages, in the batch's order (see `payload`)
    Column("estimated", Credits, nullable=False),
    Column("credits", Credits),  # what the gateway took
    Column("asked_at", Moment()),  # when its reports were last asked for by msgfid
    Column("ended_at", Moment()),  # none of its messages was silent any more: it need not be asked for
    CheckConstraint(_either(AttemptState), name="state_known"),
    CheckConstraint("estimated >= 0", name="no_negative_estimate"),
    CheckConstraint("credits >= 0", name="no_negative_price"),
    CheckConstraint("(credits IS NOT NULL) = (state IN ('accepted', 'accepted_late'))", name="posted_once_accepted"),
    Index(  # whoever is not refused, given up or sent again has the batch for himself: nobody can be sent to twice
        "attempts_live",
        "batch_id",
        "kind",
        unique=True,
        postgresql_where=text("state IN ('open', 'in_doubt', 'accepted')"),
        sqlite_where=text("state IN ('open', 'in_doubt', 'accepted')"),
    ),
    Index("attempts_msgfid", "msgfid", postgresql_where=text("msgfid IS NOT NULL")),
    Index("attempts_msgid", "msgid", unique=True),
    Index("attempts_batch", "batch_id"),
    Index("attempts_campaign", "campaign_id"),
    Index("attempts_settled", "account", "settled_at"),
    Index(
        "attempts_unsettled",
        "state",
        "account",
        postgresql_where=text("state IN ('open', 'in_doubt')"),
    ),
)

# Who decided what becomes of a request in doubt, when and why; one decision each.
resolutions = Table(
    "resolutions",
    metadata,
    Column("attempt_id", Id, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("campaign_id", Id, nullable=False, index=True),
    Column("decision", Text, nullable=False),
    Column("decided_at", Moment(), nullable=False, server_default=now()),
    Column("decided_by", Text, nullable=False),  # a person's name, or "policy"
    Column("reason", Text, nullable=False),
    CheckConstraint(_either(Decision, "decision"), name="decision_known"),
)

# Answers to number lookups; the first one counts.
lookups = Table(
    "lookups",
    metadata,
    Column("batch_id", Id, ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("msisdn", BigInteger, primary_key=True),
    Column("reachable", Boolean, nullable=False),
)

DONE_WITH = text("body IS NOT NULL AND state IN ('applied', 'broken')")
"""Of readings: nothing more is made of a body that is here. To be said in these very words, or no index is found."""

report_polls = Table(
    "report_polls",
    metadata,
    Column("id", Id, Identity(), primary_key=True),
    Column("account", Text, nullable=False),
    Column("msgfid", Text),  # what was asked for; none: all that the account has
    Column("state", Text, nullable=False),
    Column("asked_at", Moment(), nullable=False, server_default=now()),
    Column("stored_at", Moment()),
    Column("body", LargeBinary),  # as it came, compressed
    Column("reports", Integer),
    Column("unknown", JSON(none_as_null=True)),  # the msgfids in it that no attempt has (yet)
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),  # to apply it, which failed
    Column("detail", Text),  # why it cannot be applied
    CheckConstraint(_either(PollState), name="state_known"),
    Index(
        "report_polls_at_work",
        "account",
        "state",
        postgresql_where=text("state IN ('asked', 'stored', 'parked', 'broken', 'lost')"),
    ),
    Index("report_polls_done_with", "stored_at", postgresql_where=DONE_WITH, sqlite_where=DONE_WITH),
)

holds = Table(
    "holds",
    metadata,
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("credits", Credits, nullable=False),
    Column("free", Credits, nullable=False),  # what could still be promised, before this was
    Column("held_at", Moment(), nullable=False, server_default=now()),
    CheckConstraint("credits >= 0", name="no_debt"),
    CheckConstraint("credits = 0 OR credits <= free", name="no_overspending"),
)

# What the gateway said of an account, and what our own ledger said at the same moment; a row where either changed.
balance_readings = Table(
    "balance_readings",
    metadata,
    Column("id", Id, Identity(), primary_key=True),
    Column("account", Text, nullable=False),
    Column("asked_at", Moment(), nullable=False),
    Column("confirmed_at", Moment(), nullable=False),  # asked last with the same answers
    Column("still", Boolean, nullable=False),  # nothing was in the air, and every report was applied
    Column("credits", Credits, nullable=False),
    Column("consumed", Credits),  # by the gateway's count, net of what it gave back
    Column("posted", Credits, nullable=False),  # by our ledger, since its beginning
    Column("refunded", Credits, nullable=False),
    Column("unsettled", Credits, nullable=False),  # of requests of which nobody knew then
    Column("unread", Credits, nullable=False, server_default=text("0")),  # came back, perhaps, and no report said so
    Column("drift", Credits),  # what the gateway counts more than we do since the first reading; known of still ones
    Index("balance_readings_latest", "account", "asked_at"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("attempt_id", Id, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("msisdn", BigInteger, primary_key=True),
    Column("campaign_id", Id, nullable=False, index=True),
    Column("credits", Credits, nullable=False),
    CheckConstraint("credits >= 0", name="no_charge"),
    Column("refunded_at", Moment(), nullable=False, server_default=now()),
    Index("refunds_refunded_at", "refunded_at"),
)

# Who has been woken, and until when nobody else need be (see `bells`).
bells = Table(
    "bells",
    metadata,
    Column("key", Text, primary_key=True),
    Column("serial", BigInteger, nullable=False),
    Column("until", Moment(), nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),  # taken up and not brought to an end
    Column("trouble", Text),  # why the last one broke
)

# What recurs: a campaign each time that its cron expression falls due (see `schedules`, `occurrences`).
schedules = Table(
    "schedules",
    metadata,
    Column("id", Id, Identity(), primary_key=True),
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("spec", JSON, nullable=False),  # of each of its campaigns, with its audience by name
    Column("when_missed", Text, nullable=False),
    Column("tolerance", Integer, nullable=False),  # minutes: what is later counts as missed
    Column("created_at", Moment(), nullable=False, server_default=now()),
    Column("paused_at", Moment()),
    Column("next_at", Moment(), nullable=False),  # the slot of the next occurrence, or of the one that is being made
    Column("reckoned_at", Moment(), nullable=False, server_default=now()),  # when that was reckoned
    Column("begun_at", Moment()),  # when that occurrence was first tried: it is not missed any more
    Column("asked_at", Moment()),  # a person asked for an occurrence now, and this is its slot
    Column("last_at", Moment()),  # the slot of the last occurrence
    Column("last_outcome", Text),  # and what became of it
    Column("missed", Integer, nullable=False, server_default=text("0")),  # so many occurrences were, in all
    CheckConstraint(_either(WhenMissed, "when_missed"), name="when_missed_known"),
    CheckConstraint("tolerance > 0", name="some_tolerance"),
    Index("schedules_named", "account", "name", unique=True),
)

# When what must go round last did.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", Text, primary_key=True),
    Column("beat_at", Moment(), nullable=False),
)

# Which database this is, in one row that goes wherever a backup goes, and what is known of its past (see `lineage`).
lineage = Table(
    "lineage",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("identity", Text, nullable=False),
    Column("generation", BigInteger, nullable=False, server_default=text("0")),  # since a restored one was seen to
    Column("set_back_at", Moment()),  # somebody noticed a restored backup: nothing leaves until it is seen to
    Column("set_back", Text),  # how it was noticed
    Column("known_until", Moment()),  # what was done until then, at least, the backup knows
    Column("restored_at", Moment()),  # when one was last seen to
    CheckConstraint("one", name="one_row"),
)
