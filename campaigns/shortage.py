"""The gateway's -6: it says that the credits do not suffice, whatever our ledger says; that is kept in `credits`."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection, func, select, update

from campaigns import batches, credits, lifecycle
from campaigns.database import Database, later
from campaigns.language import N_
from campaigns.models import accounts, attempts, campaigns
from campaigns.states import CampaignState

NOT_ENOUGH = -6
"""The gateway's code for want of credits (the API document's table of codes)."""

REFUSALS_IN_A_ROW = 3
"""So often a batch may be refused for want of credits though the balance suffices by our prices."""

IN_A_ROW_SECONDS = 600


def run_out(database: Database, campaign_id: int, balance: Decimal | None) -> None:
    """The gateway said that the credits do not suffice (-6), whatever our ledger says: wait for a *higher* balance.

    Nobody waits who has nothing left to send, nor if the balance suffices by now: a top-up came after the refusal.

    Args:
        database: where.
        campaign_id: whose batch was refused.
        balance: asked just after the refusal; if the gateway could not be asked, what our ledger makes of it.
    """
    c = campaigns.c
    at_work = c.state.in_([CampaignState.SENDING, CampaignState.CLEANING])
    with database.transaction() as connection:
        campaign = connection.execute(select(campaigns).where(c.id == campaign_id, at_work).with_for_update()).first()
        if campaign is None or not credits.needs(connection, [campaign_id]):
            return
        needed, refusals = _refused(connection, campaign_id)
        in_vain = refusals >= REFUSALS_IN_A_ROW
        if balance is not None and balance >= needed and not in_vain:
            return
        if campaign.spec["on_insufficient_credits"] == "fail":
            lifecycle.change(connection, campaign_id, CampaignState.CANCELLED, N_("the credits ran out"))
            batches.void_unsent(connection, campaign_id)
            return
        lifecycle.change(
            connection,
            campaign_id,
            CampaignState.AWAITING_CREDITS,
            N_("the gateway says that the credits do not suffice: top the account up, and it goes on by itself"),
        )
        if balance is None:
            # Our sums may have a top-up in them already that the refusal did not see.
            balance = _reckoned(connection, campaign.account)
            balance = balance if in_vain else min(balance, needed)
        connection.execute(update(campaigns).where(c.id == campaign_id).values(balance_refused=balance))


def _refused(connection: Connection, campaign_id: int) -> tuple[Decimal, int]:
    """What the batch needs that was refused last for want of credits, and how often it was of late."""
    a = attempts.c
    refusals = select(a.batch_id, a.estimated).where(a.campaign_id == campaign_id, a.code == NOT_ENOUGH)
    last = connection.execute(refusals.order_by(a.id.desc()).limit(1)).first()
    if last is None:
        return Decimal("Infinity"), 0
    of_late = select(func.count()).where(
        a.batch_id == last.batch_id, a.code == NOT_ENOUGH, a.settled_at > later(-IN_A_ROW_SECONDS)
    )
    return last.estimated, connection.execute(of_late).scalar_one()


def _reckoned(connection: Connection, account: str) -> Decimal:
    """The balance that was heard last, less what was taken since; one was heard, or nothing would have been claimed."""
    known = connection.execute(select(accounts).where(accounts.c.name == account)).one()
    a = attempts.c
    taken = select(func.sum(a.credits)).where(a.account == account, credits.taken_since(known.balance_asked_at))
    left: Decimal = known.balance - (connection.execute(taken).scalar() or 0)
    return max(left, Decimal(0))
