"""The life of campaigns, batches, attempts and credits, as a machine that does whatever may happen, in any order.

Beside the tables stands a gateway that knows what it took; after each step all that must always hold is asked of both.
By default a few lives; `HYPOTHESIS_PROFILE=long` lives hundreds of longer ones.
"""

import os
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, update

import campaigns
from campaigns import (
    batches,
    bisection,
    claims,
    credits,
    doubts,
    lookups,
    policies,
    resolving,
    settling,
    shortage,
    silence,
)
from campaigns.balances import Balance
from campaigns.caps import Cap
from campaigns.claims import Claim
from campaigns.database import Database, later
from campaigns.doubts import Evidence
from campaigns.models import attempts, daily_counts
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.prices import Prices
from campaigns.resolving import UndecidableError
from campaigns.states import AttemptKind, AttemptState, BatchState, MessageStatus
from campaigns.steering import StateError
from tests.campaigns import holding, making

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
LIVES, STEPS = (300, 60) if LONG else (14, 25)
PRICES = Prices({"": Decimal(1)}, Decimal(1))
POLICIES = ["hold", "resend", "write_off"]
OUTCOMES = ["whole", "whole", "part", "odd", "-9", "-6", "-1", "none", "lost", "unheard"]
STATUSES = [status for status in MessageStatus if status.rank in (1, 3, 4)]


class Life(RuleBasedStateMachine):
    """An account's campaigns, and the gateway that they are sent through."""

    database: Database

    @initialize(amount=st.integers(8, 60), policy=st.sampled_from(POLICIES), cap=st.sampled_from([None, None, 1, 2, 3]))
    def an_account_that_sends(self, amount: int, policy: str, cap: int | None) -> None:
        self.account = f"life-{uuid4().hex}"
        self.credits = Decimal(amount)
        self.taken: dict[int, Claim] = {}  # what the gateway took, by attempt
        self.air: list[Claim] = []  # what is on its way, or whose worker hangs
        self.doubtful: list[Claim] = []
        self.cap = cap and Cap(cap, making.noon())  # of messages that a number may get, by all its campaigns
        self.left_out: set[tuple[int, int]] = set()  # attempt and number: whom the gateway did not take
        making.submitted(self.database, making.numbers(6), account=self.account, batch_size=2, in_doubt=policy)
        self.fund()
        self.claim(2)

    def _ids(self) -> list[int]:
        c = campaigns_table.c
        with self.database.reading() as connection:
            return list(connection.execute(select(c.id).where(c.account == self.account).order_by(c.id)).scalars())

    def _balance(self) -> Balance:
        return making.balance(self.database, self.credits - holding.spent(self.database, self.account))

    # What people do

    @rule(
        count=st.integers(1, 7),
        size=st.integers(1, 3),
        repeated=st.booleans(),
        looked_up=st.sampled_from([None, None, "send", "exclude"]),
        policy=st.sampled_from(POLICIES),
        rate=st.sampled_from([None, None, 1000.0]),
        poor=st.sampled_from(["wait", "fail"]),
    )
    def submit(
        self, count: int, size: int, *, repeated: bool, looked_up: str | None, policy: str, rate: Any, poor: str
    ) -> None:
        if len(self._ids()) > 3:
            return
        making.submitted(
            self.database,
            [*making.numbers(count), *making.numbers(int(repeated))],
            account=self.account,
            batch_size=size,
            lookup=looked_up and {"unknown": looked_up},
            in_doubt=policy,
            rate=rate,
            on_insufficient_credits=poor,
        )

    @rule(more=st.integers(1, 20))
    def top_up(self, more: int) -> None:
        self.credits += more

    @rule(data=st.data(), what=st.sampled_from([campaigns.pause, campaigns.resume, campaigns.resume, campaigns.cancel]))
    def steer(self, data: st.DataObject, what: Any) -> None:
        if ids := self._ids():
            with suppress(StateError):
                what(data.draw(st.sampled_from(ids)), database=self.database)

    @precondition(lambda self: self.doubtful)
    @rule(data=st.data(), decision=st.sampled_from(["accepted", "resend", "write_off"]))
    def decide(self, data: st.DataObject, decision: str) -> None:
        found = data.draw(st.sampled_from(self.doubtful))
        with suppress(UndecidableError):
            resolving.resolve(found.attempt_id, decision, by="awa", reason="so it is", database=self.database)

    # What workers do

    @rule(lanes=st.integers(1, 3))
    def work(self, lanes: int) -> None:
        self.fund()
        self.claim(lanes)

    def fund(self) -> None:
        told = self._balance()
        credits.fund(self.database, self.account, told, senders=[making.SENDER], default_sender=None)

    def claim(self, lanes: int) -> None:
        def take() -> list[Claim]:
            found = [
                claims.claim(self.database, campaign, lease_seconds=making.LEASE, cap=self.cap) for campaign in ids
            ]
            return [each for each in found if each is not None]

        ids = self._ids()
        mine = [found for lane in making.at_once(*[take] * lanes) for found in lane]
        assert len({found.batch_id for found in mine}) == len(mine), "U: two have the same batch"
        self.air += mine

    @precondition(lambda self: self.air)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(["whole", "whole", "part", "odd", "-9", "-6", "-1", "none", "lost", "unheard"]),
    )
    def reply(self, data: st.DataObject, outcome: str) -> None:
        found = self.air.pop(data.draw(st.integers(0, len(self.air) - 1)))
        if outcome in ("lost", "unheard"):
            self._took(found, really=outcome == "lost")
            settling.doubt(self.database, found, "timed out")
            self.doubtful.append(found)
        elif outcome in ("whole", "part", "odd"):
            self._took(found)
            left_out = [] if outcome == "whole" else [found.payload.numbers[0]]
            if outcome == "part":
                self.left_out.update((found.attempt_id, number) for number in left_out)
            reply = making.acceptance(found, left_out=left_out, consistent=outcome != "odd")
            settling.accept(self.database, found, reply)
        elif outcome == "-9":
            settling.refuse(self.database, found, -9, "nobody")
        elif outcome == "-6":
            settling.release(self.database, found, "-6", code=-6)
            shortage.run_out(self.database, found.campaign_id, self._balance().credits)
        elif outcome == "-1" and found.kind == AttemptKind.SEND:
            bisection.refuse(self.database, found, "-1", code=-1, prices=PRICES)
        else:
            settling.release(self.database, found, "connection refused")

    def _took(self, found: Claim, *, really: bool = True) -> None:
        if really:
            self.taken[found.attempt_id] = found

    @precondition(lambda self: self.air)
    @rule(took=st.booleans())
    def a_worker_dies(self, took: bool) -> None:
        found = self.air.pop()
        self._took(found, really=took)
        making.change(
            self.database, update(attempts).where(attempts.c.id == found.attempt_id).values(leased_until=later(-1))
        )
        batches.expire_leases(self.database)
        self.doubtful.append(found)

    @precondition(lambda self: self.doubtful)
    @rule(data=st.data())
    def it_comes_back(self, data: st.DataObject) -> None:
        found = data.draw(st.sampled_from(self.doubtful))
        if found.attempt_id in self.taken:
            settling.accept(self.database, found, making.acceptance(found))
        else:
            settling.release(self.database, found, "it never left")

    @precondition(lambda self: self.doubtful)
    @rule(data=st.data())
    def evidence(self, data: st.DataObject) -> None:
        found = data.draw(st.sampled_from(self.doubtful))
        if found.attempt_id in self.taken and found.kind == AttemptKind.SEND:
            seen = Evidence(f"f{found.attempt_id}", frozenset(found.payload.numbers), self.database.clock())
            doubts.settle(self.database, self.account, [seen], exclusive=False)

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), statuses=st.lists(st.sampled_from(STATUSES), min_size=1, max_size=3))
    def report(self, data: st.DataObject, statuses: list[MessageStatus]) -> None:
        found = data.draw(st.sampled_from(list(self.taken.values())))
        body = making.report(found, *list(enumerate(statuses))[: len(found.payload)])
        making.reported(self.database, body, account=self.account)

    @rule()
    def the_sweep(self) -> None:
        making.advance(self.database, *self._ids())
        policies.carry_out(self.database)

    @rule(then=st.sampled_from(["", "silent", "lookups"]))
    def time_passes(self, then: str) -> None:
        a = attempts.c
        mine = update(attempts).where(a.account == self.account)
        making.change(self.database, mine.values(asked_at=later(-90_000)))
        making.change(self.database, mine.where(a.settled_at.is_not(None)).values(settled_at=later(-90_000)))
        if then == "silent":
            silence.give_up(self.database, older_than=80_000)
        if then == "lookups":
            self._clean()

    def _clean(self) -> None:
        b, c = batches_table.c, campaigns_table.c
        with self.database.reading() as connection:
            mine = select(b.id).where(c.account == self.account, b.campaign_id == c.id, b.state == BatchState.CHECKING)
            ids = connection.execute(mine).scalars().all()
        for batch_id in ids:
            lookups.clean(self.database, batch_id, PRICES)

    # What must always hold

    @invariant()
    def everything_holds(self) -> None:
        holding.everything(self.database, self.account)
        promised = holding.spent(self.database, self.account) + holding.promised(self.database, self.account)
        assert promised <= self.credits, "B: more is promised than the account ever had"

    @invariant()
    def nobody_is_taken_twice_unless_somebody_chose_it(self) -> None:
        chosen = self._chosen()
        texted = Counter(
            (found.campaign_id, number)
            for found in self.taken.values()
            if found.kind == AttemptKind.SEND and found.attempt_id not in chosen
            for number in found.payload.numbers
        )
        assert all(count == 1 for count in texted.values()), "U: the gateway took a number twice, and nobody chose that"

    @invariant()
    def nobody_gets_more_than_the_cap_unless_somebody_chose_it(self) -> None:
        if self.cap is None:
            return
        chosen = self._chosen()
        texted = Counter(
            number
            for found in self.taken.values()
            if found.kind == AttemptKind.SEND and found.attempt_id not in chosen
            for number in found.payload.numbers
            if (found.attempt_id, number) not in self.left_out
        )
        with self.database.reading() as connection:
            counted = connection.execute(select(daily_counts).where(daily_counts.c.account == self.account)).all()
        assert texted <= Counter({row.msisdn: row.texts for row in counted}), "what was taken does not count"
        assert all(row.texts <= self.cap.per_day for row in counted), "somebody gets more than the cap"

    def _chosen(self) -> set[int]:
        """Requests that are in doubt no more because somebody chose so, and not because it is known."""
        a = attempts.c
        free = [AttemptState.RESENT, AttemptState.ACCEPTED_LATE]
        mine = select(a.id).where(a.account == self.account, a.state.in_(free))
        with self.database.reading() as connection:
            return set(connection.execute(mine).scalars())


def test_whatever_happens_to_an_account_what_must_always_hold_holds(databases: Any) -> None:
    with databases.fresh() as url:
        Life.database = Database(url)
        lives = settings(
            max_examples=LIVES,
            stateful_step_count=STEPS,
            derandomize=not LONG,
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(Life, settings=lives)
        finally:
            Life.database.close()


if LONG:
    test_whatever_happens_to_an_account_what_must_always_hold_holds = pytest.mark.timeout(7_200)(
        test_whatever_happens_to_an_account_what_must_always_hold_holds
    )
