"""What becomes of a claim of which nothing was sent: no byte left, the gateway refused it, or it cannot be written.

Back for another try, cut in halves, given up, or its campaign paused: each says whether the lane must stop.
"""

from __future__ import annotations

import logging
from decimal import Decimal

from campaigns import accounts, bisection, lifecycle, lookups, refusals, settling, shortage
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.states import AttemptKind
from campaigns.tries import MOST_TRIES
from worker import balances, cleaning
from worker.language import N_
from worker.resources import Resources
from worker.smseco.errors import NeedsPerson, NotEnoughCredits, NotSent, ReadFailed, Refused

log = logging.getLogger(__name__)

NOT_ALLOWED = -11
NOBODY_VALID = -9
"""However many batches are refused with it, it is about their numbers, and not about how they are sent."""

CLOSED = N_("its window closed before a byte had left: nothing was sent")


def settle_not_sent(resources: Resources, claim: Claim, error: NotSent, *, closed: bool) -> bool:
    """Back for another try: its window has closed, or the gateway cannot be reached; returns whether the lane must
    stop."""
    settling.release(resources.database, claim, CLOSED if closed else str(error))
    if not closed:
        accounts.away(resources.database, claim.account, error.reason)
    return not closed


def settle_refused(resources: Resources, claim: Claim, error: Refused) -> bool:
    """Settle a refused claim as the code asks for; returns whether the lane must stop."""
    database, what = resources.database, f"{error.code}: {error.text}"
    if isinstance(error, NotEnoughCredits):
        settling.release(database, claim, what, code=error.code)
        shortage.run_out(database, claim.campaign_id, _balance(resources, claim.account))
    elif claim.kind == AttemptKind.LOOKUP and error.code == NOT_ALLOWED:
        settling.release(database, claim, what, code=error.code)
        lookups.give_up(database, claim.campaign_id, N_("the account may not look numbers up: sent without"))
    elif isinstance(error, NeedsPerson):
        settling.release(database, claim, what, code=error.code)
        pause(database, claim.campaign_id, N_("the gateway refused it, {code}").format(code=what))
    elif claim.kind == AttemptKind.SEND and error.code == refusals.UNREADABLE:
        return _halved(resources, claim, what, code=error.code)
    else:
        settling.refuse(database, claim, error.code, what)
        cleaning.refused(resources, claim)
        if error.code == NOBODY_VALID or not refusals.in_a_row(
            database, claim.account, claim.campaign_id, claim.kind, error.code
        ):
            return False  # it was about this batch alone
        pause(
            database, claim.campaign_id, N_("the gateway refuses one batch after the other, {code}").format(code=what)
        )
    return True


def settle_unwritten(resources: Resources, claim: Claim, broke: str) -> bool:
    """Nothing has left: back for another try, or given up after MOST_TRIES; returns whether the lane must stop."""
    detail = N_("no request can be written of it: {why}").format(why=broke)
    if refusals.in_vain(resources.database, claim.batch_id, detail) < MOST_TRIES - 1:
        settling.release(resources.database, claim, detail)
        return False
    log.warning("campaign %s, batch %s is given up: %s", claim.campaign_id, claim.number, detail)
    if claim.kind == AttemptKind.SEND:
        return _halved(resources, claim, detail, code=None)
    settling.refuse(resources.database, claim, None, detail)
    cleaning.refused(resources, claim)
    return False


def _halved(resources: Resources, claim: Claim, detail: str, *, code: int | None) -> bool:
    """Cut a claim's batch in halves, or refuse its only message; returns whether the lane must stop."""
    bisection.refuse(resources.database, claim, detail, code=code, prices=resources.settings.prices)
    if len(claim.payload) > 1 or not refusals.alone_in_a_row(resources.database, claim.account, claim.campaign_id):
        return False
    pause(
        resources.database,
        claim.campaign_id,
        N_("one message after the other is refused, each by itself, {why}").format(why=detail),
    )
    return True


def pause(database: Database, campaign_id: int, reason: str) -> None:
    """Stop a campaign until a person has put right what the reason says."""
    with database.transaction() as connection:
        lifecycle.halt(connection, campaign_id, reason)


def _balance(resources: Resources, account: str) -> Decimal | None:
    try:
        return balances.ask_and_note(resources, account).credits
    except (Refused, ReadFailed):
        return None
