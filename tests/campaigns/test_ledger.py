"""Every credit that was held is in one place, and what must never be stored is refused by the database itself."""

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError

import campaigns
from campaigns import doubts, ledger, lookups, resolving, settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.doubts import Evidence
from campaigns.ledger import Ledger
from campaigns.models import attempts, holds, refunds
from campaigns.models import batches as batches_table
from campaigns.prices import Prices
from campaigns.states import AttemptKind, AttemptState, BatchState, Decision, MessageStatus
from tests.campaigns import making


def ledger_of(database: Database, campaign_id: int) -> Ledger:
    with database.snapshot() as connection:
        found = ledger.of_campaign(connection, campaign_id)
    assert found.adds_up
    assert found.hold == found.held + found.in_the_air + found.in_doubt + found.taken + found.void
    return found


def entries(database: Database, campaign_id: int) -> dict[str, Decimal]:
    """Those that are not nought."""
    found = asdict(ledger_of(database, campaign_id))
    return {name: amount for name, amount in found.items() if amount and name != "adds_up"}


def test_credits_are_nowhere_before_they_are_held_and_held_until_they_leave(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(6), batch_size=3)
    before = entries(any_database, campaign)
    making.fund(any_database)

    assert before == {}
    assert entries(any_database, campaign) == {"hold": 6, "held": 6}


def test_a_credit_goes_from_the_hold_to_the_post_and_comes_back_as_a_refund(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    claim = making.claimed(any_database, campaign)
    leaving = entries(any_database, campaign)
    settling.accept(any_database, claim, making.acceptance(claim, left_out=[making.FIRST]))
    making.reported(any_database, making.report(claim, (1, MessageStatus.NO_CREDIT)))

    assert leaving == {"hold": 6, "held": 3, "in_the_air": 3}
    assert entries(any_database, campaign) == {"hold": 6, "held": 3, "taken": 3, "posted": 2, "refunded": 1}


def test_what_comes_back_of_an_adopted_batch_is_no_more_than_it_was_posted_at(any_database: Database) -> None:
    """Five credits for three people, at the prices of two countries: nobody has told how much for each."""
    campaign = making.submitted(any_database, making.numbers(3))
    making.change(any_database, update(batches_table).values(credits=5))
    making.fund(any_database)
    claim = making.claimed(any_database, campaign)
    settling.doubt(any_database, claim, "timed out")
    proof = Evidence("lost", frozenset(claim.payload.numbers), any_database.clock())
    assert doubts.settle(any_database, making.ACCOUNT, [proof], exclusive=False) == [campaign]
    rejected = [(place, MessageStatus.REJECTED) for place in range(3)]

    making.reported(any_database, making.report(claim, *rejected, msgfid="lost"))

    its = ledger_of(any_database, campaign)
    assert (its.posted, its.refunded) == (5, 5)


def test_each_campaign_has_a_ledger_of_its_own(any_database: Database) -> None:
    made = [making.funded(any_database, making.numbers(count), batch_size=9) for count in (2, 3, 4)]
    making.accepted(any_database, made[0])
    making.accepted(any_database, made[2])

    assert [entries(any_database, campaign) for campaign in made] == [
        {"hold": 2, "taken": 2, "posted": 2},
        {"hold": 3, "held": 3},
        {"hold": 4, "taken": 4, "posted": 4},
    ]


def test_what_came_back_to_one_campaign_is_in_no_other_s_ledger(any_database: Database) -> None:
    made = [making.accepted(any_database, making.funded(any_database, making.numbers(2))) for _ in range(2)]
    making.reported(any_database, making.report(made[0], (0, MessageStatus.REJECTED)))

    assert [entries(any_database, claim.campaign_id).get("refunded", 0) for claim in made] == [1, 0]


def decided(database: Database, claim: Claim, decision: Decision) -> None:
    settling.doubt(database, claim, "timed out")
    resolving.resolve(claim.attempt_id, decision, by="a test", reason="to see", database=database)


ENDS: dict[str, tuple[Any, dict[str, int]]] = {
    "refused": (lambda database, claim: settling.refuse(database, claim, -9, "nobody"), {"void": 3, "held": 3}),
    "not sent": (lambda database, claim: settling.release(database, claim, "no way"), {"held": 6}),
    "in doubt": (lambda database, claim: settling.doubt(database, claim, "cut"), {"held": 3, "in_doubt": 3}),
    "cancelled": (
        lambda database, claim: campaigns.cancel(claim.campaign_id, database=database),
        {"void": 3, "in_the_air": 3},
    ),
    "written off": (
        lambda database, claim: decided(database, claim, Decision.WRITE_OFF),
        {"void": 3, "held": 3},
    ),
    "to be sent again": (lambda database, claim: decided(database, claim, Decision.RESEND), {"held": 6}),
    "declared accepted": (
        lambda database, claim: decided(database, claim, Decision.ACCEPTED),
        {"held": 3, "taken": 3, "posted": 3},
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_whatever_becomes_of_a_request_its_credits_are_in_one_place(any_database: Database, end: str) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    act, expected = ENDS[end]

    act(any_database, making.claimed(any_database, campaign))

    assert entries(any_database, campaign) == {"hold": 6, **expected}


def test_what_is_proven_after_it_was_sent_again_is_posted_beside_the_hold(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    claim = making.claimed(any_database, campaign)
    decided(any_database, claim, Decision.RESEND)
    making.fund(any_database)
    making.accepted(any_database, campaign)
    with any_database.transaction() as connection:
        doubts.adopt(connection, making.attempt(any_database, claim), "f")

    assert making.attempt(any_database, claim).state == AttemptState.ACCEPTED_LATE
    assert entries(any_database, campaign) == {"hold": 3, "taken": 3, "posted": 6}


def test_what_lookups_find_dead_is_given_free(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), lookup={"unknown": "exclude"})
    before = entries(any_database, campaign)
    claim = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(claim, (0, MessageStatus.DELIVERED), (1, MessageStatus.UNDELIVERED)))
    lookups.clean(any_database, claim.batch_id, Prices({"": Decimal(1)}))

    assert before == {"hold": 6, "held": 6}
    assert entries(any_database, campaign) == {"hold": 6, "held": 1, "taken": 3, "void": 2, "posted": 3}


def test_lookups_that_are_being_made_or_are_in_doubt_are_in_one_place(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), lookup=True)
    claim = making.claimed(any_database, campaign)
    leaving = entries(any_database, campaign)
    settling.doubt(any_database, claim, "cut")

    assert leaving == {"hold": 6, "held": 3, "in_the_air": 3}
    assert entries(any_database, campaign) == {"hold": 6, "held": 3, "in_doubt": 3}


def test_lookups_that_are_not_made_are_given_free(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), lookup=True)
    lookups.give_up(any_database, campaign, "not allowed")

    assert entries(any_database, campaign) == {"hold": 6, "held": 3, "void": 3}


def test_a_price_that_rose_while_numbers_were_looked_up_takes_no_more_than_was_held(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), lookup={"unknown": "send"})
    claim = making.accepted(any_database, campaign)
    lookups.clean(any_database, claim.batch_id, Prices({"": Decimal(9)}))

    assert entries(any_database, campaign) == {"hold": 6, "held": 3, "taken": 3, "posted": 3}


def test_a_batch_that_attempts_say_otherwise_of_does_not_add_up(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    making.claimed(any_database, campaign)
    making.change(any_database, update(batches_table).values(state=BatchState.PENDING))

    with any_database.snapshot() as connection:
        assert not ledger.of_campaign(connection, campaign).adds_up


def _refunded(database: Database) -> int:
    claim = making.accepted(database, making.funded(database, making.numbers(3)))
    making.reported(database, making.report(claim, (0, MessageStatus.REJECTED)))
    making.change(database, update(attempts).values(credits=0))
    return claim.campaign_id


def _dearer(database: Database) -> int:
    campaign = making.funded(database, making.numbers(3), lookup=True)
    making.change(database, update(batches_table).values(credits=Decimal("6.0001"), lookup_credits=0))
    return campaign


def _looked_up_twice(database: Database) -> int:
    campaign = making.funded(database, making.numbers(3), lookup=True)
    making.claimed(database, campaign)
    making.change(database, update(attempts).values(estimated=6))
    return campaign


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(_refunded, id="more came back than was posted"),
        pytest.param(_dearer, id="batches cost more than was held"),
        pytest.param(_looked_up_twice, id="lookups cost more than was held for them"),
    ],
)
def test_what_was_never_held_or_posted_does_not_add_up(any_database: Database, make: Callable[[Database], int]) -> None:
    campaign = make(any_database)

    with any_database.snapshot() as connection:
        assert not ledger.of_campaign(connection, campaign).adds_up


def _again(connection: Connection, claim: Claim, state: AttemptState, **values: Any) -> None:
    given = {
        "account": claim.account,
        "kind": AttemptKind.SEND,
        "campaign_id": claim.campaign_id,
        "batch_id": claim.batch_id,
        "size": 3,
        "msgid": "another",
        "state": state,
        "estimated": 3,
    }
    mine = attempts.select().where(attempts.c.id == claim.attempt_id)
    row = connection.execute(mine).one()
    moments = {"started_at": row.started_at, "leased_until": row.leased_until}
    connection.execute(insert(attempts).values(given | moments | values))


def _refund(connection: Connection, claim: Claim, amount: int) -> None:
    row = {"attempt_id": claim.attempt_id, "msisdn": making.FIRST, "campaign_id": claim.campaign_id}
    connection.execute(insert(refunds).values(row | {"credits": amount}))


def _hold(connection: Connection, claim: Claim, amount: int, free: int) -> None:
    row = {"campaign_id": claim.campaign_id, "account": claim.account}
    connection.execute(insert(holds).values(row | {"credits": amount, "free": free}))


def _set(table: Any, **values: Any) -> Any:
    return lambda connection, _claim: connection.execute(update(table).values(values))


def _twice(connection: Connection, claim: Claim) -> None:
    _refund(connection, claim, 1)
    _refund(connection, claim, 1)


IMPOSSIBLE: dict[str, Any] = {
    "a second request beside one that is being made": lambda c, claim: _again(c, claim, AttemptState.OPEN),
    "a second request taken beside one that is being made": lambda c, claim: _again(
        c, claim, AttemptState.ACCEPTED, credits=3
    ),
    "a post of what is not accepted": _set(attempts, credits=3),
    "an acceptance that posts nothing": _set(attempts, state=AttemptState.ACCEPTED),
    "a negative post": _set(attempts, state=AttemptState.ACCEPTED, credits=-1),
    "a negative estimate of a request": _set(attempts, estimated=-1),
    "a negative estimate of a batch": _set(batches_table, credits=-1),
    "a negative estimate of lookups": _set(batches_table, lookup_credits=-1),
    "a batch that leaves with no request written down": _set(batches_table, attempt_id=None),
    "a refund that is a charge": lambda c, claim: _refund(c, claim, -1),
    "a second refund of a message": _twice,
    "a second hold for a campaign": lambda c, claim: _hold(c, claim, 1, 9),
    "a hold beyond what is free": _set(holds, credits=7, free=6),
    "a hold where less than nothing is free": _set(holds, credits=1, free=-1),
    "a negative hold": _set(holds, credits=-1),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_it_cannot_be_stored(any_database: Database, what: str) -> None:
    claim = making.claimed(any_database, making.funded(any_database, making.numbers(3)))

    with pytest.raises(IntegrityError), any_database.transaction() as connection:
        IMPOSSIBLE[what](connection, claim)

    assert entries(any_database, claim.campaign_id) == {"hold": 3, "in_the_air": 3}
