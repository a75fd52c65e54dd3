"""What is in doubt and nobody has decided yet, with what a person needs to know to do so (`resolving`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, case, select

from campaigns import lineage
from campaigns.database import Database, default, now
from campaigns.models import attempts, campaigns
from campaigns.models import batches as batches_table
from campaigns.policies import policy, policy_acts, resends_by_policy
from campaigns.states import AttemptKind, AttemptState, Decision
from campaigns.witness import Verdict, Witness, witness

MOST = 100


@dataclass(frozen=True)
class Doubt:
    """A request of which nobody knows whether the gateway took it.

    Attributes:
        attempt_id: by which it is decided upon.
        batch: its number in the campaign.
        numbers: how many people it was for.
        msgfid: the gateway's id of it, where the broken reply had shown one: then it was most probably taken.
        detail: how it fell in doubt.
        started_at: when it was made; `since`: when it fell in doubt; `asked_at`: now.
        credits: at stake, by our prices.
        policy: what its campaign's policy makes of it.
        deadline: seconds in doubt after which the policy does; None if a person must decide.
        resent: how often a policy has sent the same batch again before.
        of_a_backup: it was in doubt when a restored backup was seen to, or is so because of that.
        witness: what the gateway said of the account's credits before it and after, and what that proves.
    """

    attempt_id: int
    campaign_id: int
    campaign: str
    account: str
    batch: int
    numbers: int
    msgfid: str | None
    detail: str | None
    started_at: datetime
    since: datetime
    asked_at: datetime
    credits: Decimal
    policy: str
    deadline: int | None
    resent: int
    of_a_backup: bool
    witness: Witness

    @property
    def age(self) -> float:
        """Seconds in doubt."""
        return (self.asked_at - self.since).total_seconds()

    @property
    def acts_at(self) -> datetime | None:
        """When the policy acts; None if a person must decide."""
        return None if self.deadline is None else self.since + timedelta(seconds=self.deadline)


def open_doubts(
    *,
    account: str | None = None,
    campaign_id: int | None = None,
    after: int = 0,
    most: int = MOST,
    database: Database | None = None,
) -> list[Doubt]:
    """Requests in doubt that wait for evidence, a policy or a person, the oldest first.

    Args:
        account: only this account's.
        campaign_id: only this campaign's.
        after: only ids above this one: the last id of the page before.
        most: how many.
        database: where; the one that DATABASE_URL names by default.
    """
    a, c = attempts.c, campaigns.c
    which = [a.state == AttemptState.IN_DOUBT, a.kind == AttemptKind.SEND, a.id > after, c.id == a.campaign_id]
    if account is not None:
        which.append(a.account == account)
    if campaign_id is not None:
        which.append(a.campaign_id == campaign_id)
    its_own = and_(*which, batches_table.c.id == a.batch_id)
    with (database or default()).snapshot() as connection:
        rows = connection.execute(_found().where(its_own).limit(most)).mappings().all()
        known: dict[int, Witness] = {}
        for name in {row["account"] for row in rows}:
            known |= witness(connection, name, [row["attempt_id"] for row in rows if row["account"] == name])
    return [_told(Doubt(**row, witness=known.get(row["attempt_id"], Witness()))) for row in rows]


def _told(doubt: Doubt) -> Doubt:
    """No policy sends again what was paid for: whoever is told when it acts must not wait for that."""
    paid_for = doubt.witness.verdict == Verdict.TAKEN
    return replace(doubt, deadline=None) if paid_for and doubt.policy == Decision.RESEND else doubt


def _found() -> Select[*tuple[Any, ...]]:
    a, b, c = attempts.c, batches_table.c, campaigns.c
    deadline = c.spec["in_doubt_deadline"].as_integer()
    return select(
        a.id.label("attempt_id"),
        a.campaign_id,
        c.name.label("campaign"),
        a.account,
        b.number.label("batch"),
        a.size.label("numbers"),
        a.msgfid,
        a.detail,
        a.started_at,
        a.settled_at.label("since"),
        now().label("asked_at"),
        a.estimated.label("credits"),
        policy().label("policy"),
        case((policy_acts(), deadline)).label("deadline"),
        resends_by_policy().label("resent"),
        lineage.is_of_before(a.settled_at).label("of_a_backup"),
    ).order_by(a.id)
