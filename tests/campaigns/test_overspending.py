"""Campaigns and workers at once cannot overspend: whatever meets, no more is promised and taken than there was."""

import random
from contextlib import suppress
from decimal import Decimal
from functools import partial
from threading import Event, Lock
from typing import Any

import pytest
from sqlalchemy import func, select

import campaigns
from campaigns import claims, lifecycle, resolving, settling, shortage
from campaigns import credits as ledger
from campaigns.balances import Balance
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts, holds
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.states import POSTED, UNSENT, AttemptState
from tests.campaigns import making

NOT_ENOUGH = shortage.NOT_ENOUGH


class Gateway:
    """An account that takes what it can, one request after the other, and loses some replies."""

    def __init__(self, database: Database, amount: int, seed: int) -> None:
        self.database = database
        self.left = self.granted = Decimal(amount)
        self.refused = 0
        self.random = random.Random(seed)
        self.lock = Lock()

    def balance(self) -> Balance:
        asked_at = self.database.clock()
        with self.lock:
            return Balance(self.left, self.granted - self.left, None, asked_at)

    def top_up(self, amount: int) -> None:
        with self.lock:
            self.granted += amount
            self.left += amount

    def send(self, claim: Claim) -> None:
        """One request, and what its worker makes of the reply."""
        with self.lock:
            enough = len(claim.payload) <= self.left
            self.left -= len(claim.payload) if enough else 0
            self.refused += not enough
            lost = self.random.random() < 0.1
        if lost:
            settling.doubt(self.database, claim, "timed out")
        elif enough:
            settling.accept(self.database, claim, making.acceptance(claim))
        else:
            settling.release(self.database, claim, "not enough credits", code=NOT_ENOUGH)
            shortage.run_out(self.database, claim.campaign_id, self.balance().credits)


def promised(database: Database) -> Decimal:
    """What is held, in the air, in doubt and posted, at one moment."""
    a, b, h = attempts.c, batches_table.c, holds.c
    held = select(func.sum(ledger.unsent_credits())).where(
        b.campaign_id == h.campaign_id, b.state.in_(UNSENT), campaigns_table.c.id == h.campaign_id,
        campaigns_table.c.state.in_(["sending", "cleaning", "tracking", "stalled"]),
    )  # fmt: skip
    taken = select(func.sum(func.coalesce(a.credits, a.estimated))).where(
        a.state.in_([*POSTED, AttemptState.OPEN, AttemptState.IN_DOUBT])
    )
    with database.reading() as connection:
        sums = connection.execute(select(held.scalar_subquery(), taken.scalar_subquery())).one()
    return sum((each or Decimal(0) for each in sums), Decimal(0))


def fund(database: Database, gateway: Gateway) -> None:
    ledger.fund(database, making.ACCOUNT, gateway.balance(), senders=[making.SENDER], default_sender=None)


def resend_a_doubt(database: Database) -> None:
    a = attempts.c
    with database.reading() as connection:
        found = connection.execute(select(a.id).where(a.state == AttemptState.IN_DOUBT).limit(1)).scalar()
    if found is not None:
        with suppress(resolving.UndecidableError):
            resolving.resolve(found, "resend", by="a test", reason="to see", database=database)


def work(gateway: Gateway, made: list[int], seed: int) -> None:
    """Claim from campaigns at random, and send."""
    mine = random.Random(seed)
    for _ in range(25):
        claim = claims.claim(gateway.database, mine.choice(made), lease_seconds=60)
        if claim is not None:
            gateway.send(claim)


def steer(gateway: Gateway, made: list[int]) -> None:
    """Fund, send doubts again, and move campaigns on; top the account up once, and cancel a campaign."""
    for turn in range(12):
        fund(gateway.database, gateway)
        resend_a_doubt(gateway.database)
        with gateway.database.transaction() as connection:
            lifecycle.advance(connection)
        if turn == 4:
            gateway.top_up(40)
        if turn == 8:
            campaigns.cancel(made[0], database=gateway.database)


@pytest.mark.parametrize("seed", range(2))
def test_ten_workers_and_whoever_meets_them_never_promise_or_take_more_than_there_is(
    postgresql: Database, seed: int
) -> None:
    made = [making.submitted(postgresql, making.numbers(60), batch_size=3) for _ in range(4)]
    gateway = Gateway(postgresql, 100, seed)
    fund(postgresql, gateway)  # or ten workers may have looked for work as often as they do before there is any
    over = Event()
    excess: list[Any] = []

    def watcher() -> None:
        while not over.is_set():
            had = promised(postgresql)
            if had > gateway.granted:  # read afterwards: it only grows
                excess.append((had, gateway.granted))

    def everybody() -> None:
        workers = [partial(work, gateway, made, seed * 100 + own) for own in range(10)]
        try:
            making.at_once(*workers, *[partial(steer, gateway, made)] * 2)
        finally:
            over.set()

    making.at_once(watcher, everybody)

    assert excess == []
    assert gateway.refused == 0  # what was promised was always there
    with postgresql.reading() as connection:
        taken = connection.execute(select(func.sum(attempts.c.credits))).scalar_one()
    assert 0 < taken <= gateway.granted - gateway.left
