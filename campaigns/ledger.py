"""The ledger of a campaign's credits: what was held, and what became of each of them.

Entries are derived, and nothing is kept hot: a hold is a row of `holds`, what is posted stands on the attempt that the
gateway took, a refund is a row of its own, and whatever was held and will not be posted is void. Every credit that was
held is in one place, by the batches; and the attempts, which were written down independently of them, say the same.
What an account has in all, and what it can still promise, is in `credits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from campaigns.credits import unsent_credits
from campaigns.models import attempts, batches, holds, refunds
from campaigns.states import POSTED, UNSENT, AttemptKind, AttemptState, BatchState


@dataclass(frozen=True)
class Ledger:
    """What became of the credits that were held for a campaign; all but the last three by our own prices.

    Attributes:
        hold: set aside at funding; none before.
        held: still set aside, for what has not left.
        in_the_air: of requests that are being made.
        in_doubt: of requests of which nobody knows.
        taken: of requests that the gateway took.
        void: of what was cancelled, refused, written off, or dropped with who left it: given free.
        posted: what the gateway took, by its own word, requests proven late included.
        refunded: what came back of it.
        adds_up: every credit held is in one place, batches and attempts agree, and no more came back than was posted.
    """

    hold: Decimal
    held: Decimal
    in_the_air: Decimal
    in_doubt: Decimal
    taken: Decimal
    void: Decimal
    posted: Decimal
    refunded: Decimal
    adds_up: bool


_LIVE = (AttemptState.OPEN, AttemptState.IN_DOUBT, AttemptState.ACCEPTED)
_GIVEN_UP = (BatchState.REFUSED, BatchState.WRITTEN_OFF, BatchState.VOIDED)


def of_campaign(connection: Connection, campaign_id: int) -> Ledger:
    """The campaign's ledger; it reads all its batches and attempts.

    Args:
        connection: a snapshot, for its sums must be of one moment.
        campaign_id: whose; one that was never funded has nothing but noughts.
    """
    h, r = holds.c, refunds.c
    hold = _one(connection, select(h.credits).where(h.campaign_id == campaign_id))
    refunded = _one(connection, select(func.sum(r.credits)).where(r.campaign_id == campaign_id))
    of, made = _by_batches(connection, campaign_id), _by_attempts(connection, campaign_id)
    dropped = hold - of.estimated if hold else Decimal(0)  # unreachable, or opted out: they cost no message
    not_looked_up = of.lookups - of.lookups_held - sum(made.lookups.values())
    by_state = {
        AttemptState.OPEN: of.in_the_air,
        AttemptState.IN_DOUBT: of.in_doubt,
        AttemptState.ACCEPTED: of.taken,
    }
    return Ledger(
        hold=hold,
        held=of.held if hold else Decimal(0),
        in_the_air=of.in_the_air + made.lookups[AttemptState.OPEN],
        in_doubt=of.in_doubt + made.lookups[AttemptState.IN_DOUBT],
        taken=of.taken + made.lookups[AttemptState.ACCEPTED],
        void=of.void + dropped + not_looked_up if hold else Decimal(0),
        posted=made.posted,
        refunded=refunded,
        adds_up=min(dropped, not_looked_up) >= 0 and made.sends == by_state and refunded <= made.posted,
    )


@dataclass(frozen=True)
class _Estimates:
    """What a campaign's batches would cost by our prices, by what became of them."""

    held: Decimal
    in_the_air: Decimal
    in_doubt: Decimal
    taken: Decimal
    void: Decimal
    estimated: Decimal
    lookups: Decimal
    lookups_held: Decimal


def _by_batches(connection: Connection, campaign_id: int) -> _Estimates:
    b = batches.c

    def of(amount: ColumnElement[Decimal], *states: BatchState) -> ColumnElement[Decimal]:
        return func.coalesce(func.sum(amount).filter(b.state.in_(states)), Decimal(0))

    sums = select(
        of(unsent_credits(), *UNSENT),
        of(b.credits, BatchState.SENDING),
        of(b.credits, BatchState.IN_DOUBT),
        of(b.credits, BatchState.ACCEPTED),
        of(b.credits, *_GIVEN_UP),
        of(b.credits + b.lookup_credits, *BatchState),
        of(b.lookup_credits, *BatchState),
        of(b.lookup_credits, BatchState.UNCHECKED),
    )
    return _Estimates(*connection.execute(sums.where(b.campaign_id == campaign_id)).one())


@dataclass(frozen=True)
class _Made:
    """What a campaign's requests cost: by our prices, of those that may still have been taken, and as posted."""

    lookups: dict[AttemptState, Decimal]
    sends: dict[AttemptState, Decimal]
    posted: Decimal


def _by_attempts(connection: Connection, campaign_id: int) -> _Made:
    a = attempts.c
    summed = select(a.kind, a.state, func.sum(a.estimated), func.sum(a.credits)).group_by(a.kind, a.state)
    found = connection.execute(summed.where(a.campaign_id == campaign_id)).all()
    estimated = {(kind, state): estimate for kind, state, estimate, _ in found}
    return _Made(
        lookups={state: estimated.get((AttemptKind.LOOKUP, state), Decimal(0)) for state in _LIVE},
        sends={state: estimated.get((AttemptKind.SEND, state), Decimal(0)) for state in _LIVE},
        posted=sum((posted for _, state, _, posted in found if state in POSTED), Decimal(0)),
    )


def _one(connection: Connection, statement: Select[Any]) -> Decimal:
    return connection.execute(statement).scalar() or Decimal(0)
