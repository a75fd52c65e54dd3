"""What becomes of a batch that one row makes unreadable: its halves, their money, and whoever else knows the batch."""

from collections.abc import Collection, Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

import campaigns
from campaigns import bisection, claims, credits, doubts, lookups, settling, turns
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts
from campaigns.models import batches as table
from campaigns.models import campaigns as campaigns_table
from campaigns.models import messages as messages_table
from campaigns.prices import Prices
from campaigns.states import AttemptState, MessageStatus
from tests.campaigns import making
from tests.campaigns.plans import plans_of

UNREADABLE = "-1: XML invalide"
PRICES = Prices({})
TOO_MANY = 10_000  # requests


def refuse(database: Database, claim: Claim, *, prices: Prices = PRICES) -> None:
    bisection.refuse(database, claim, UNREADABLE, code=-1, prices=prices)


def hunt(database: Database, campaign: int, bad: Collection[int]) -> list[Claim]:
    """Send all that can be claimed to a gateway that cannot read these numbers; returns the requests."""
    made: list[Claim] = []
    while (claim := claims.claim(database, campaign, lease_seconds=making.LEASE)) and len(made) < TOO_MANY:
        made.append(claim)
        if set(bad).isdisjoint(claim.payload.numbers):
            settling.accept(database, claim, making.acceptance(claim))
        else:
            refuse(database, claim)
    return made


def numbered(database: Database, campaign: int) -> dict[int, tuple[str, int, Decimal]]:
    """State, size and credits of the campaign's batches."""
    b = table.c
    with database.reading() as connection:
        found = connection.execute(select(table).where(b.campaign_id == campaign).order_by(b.number))
        return {row.number: (row.state, row.size, row.credits) for row in found}


def owners(database: Database, campaign: int) -> dict[int, set[int]]:
    """The numbers of the messages by the number of the batch that they belong to."""
    m, b = messages_table.c, table.c
    found: dict[int, set[int]] = {}
    with database.reading() as connection:
        rows = connection.execute(select(b.number, m.msisdn).where(m.campaign_id == campaign, b.id == m.batch_id))
        for number, msisdn in rows:
            found.setdefault(number, set()).add(msisdn)
    return found


def test_one_bad_row_costs_one_row_and_nobody_is_sent_to_twice(any_database: Database) -> None:
    bad = making.FIRST + 37
    campaign = making.funded(any_database, making.numbers(200), batch_size=100)

    made = hunt(any_database, campaign, {bad})

    account = making.account(any_database, campaign)
    assert account.by_status == {"in_flight": 199, "refused": 1}
    accepted = [claim for claim in made if making.attempt(any_database, claim).state == AttemptState.ACCEPTED]
    reached = [number for claim in accepted for number in claim.payload.numbers]
    assert sorted([*reached, bad]) == making.numbers(200)
    assert account.credits_posted == 199


def test_whichever_rows_are_bad_they_alone_are_refused(sqlite: Database) -> None:
    @settings(max_examples=40)
    @given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 40))
    def of(rows: Sequence[bool], size: int) -> None:
        numbers = making.numbers(len(rows))
        bad = {number for number, is_bad in zip(numbers, rows, strict=True) if is_bad}
        campaign = making.funded(sqlite, numbers, batch_size=size)

        hunt(sqlite, campaign, bad)

        account = making.account(sqlite, campaign)
        assert account.by_status.get("refused", 0) == len(bad)
        assert account.by_status.get("in_flight", 0) == len(rows) - len(bad)
        assert account.credits_held == 0

    of()


def test_the_halves_share_messages_and_money_and_are_claimed_before_all_others(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(9), batch_size=5)

    refuse(any_database, making.claimed(any_database, campaign))

    assert numbered(any_database, campaign) == {
        -1: ("pending", 3, 3),
        0: ("pending", 2, 2),
        1: ("halved", 0, 0),
        2: ("pending", 4, 4),
    }
    first, second, rest = set(making.numbers(3)), set(making.numbers(5)[3:]), set(making.numbers(9)[5:])
    assert owners(any_database, campaign) == {-1: first, 0: second, 2: rest}
    assert making.account(any_database, campaign).credits_held == 9
    refuse(any_database, making.claimed(any_database, campaign))
    order = [claim.number for claim in making.all_accepted(any_database, campaign)]
    assert order == [-3, -2, 0, 2]


def test_what_is_free_of_the_account_is_the_same_before_and_after(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(7))

    def free() -> Decimal:
        with any_database.transaction() as connection:
            return credits.available(connection, making.ACCOUNT, making.balance(any_database, 100))

    before = free()
    refuse(any_database, making.claimed(any_database, campaign))
    assert (before, free()) == (93, 93)


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        ("10", (1, 1), ("5", "5")),
        ("10", (2, 1), ("6.6667", "3.3333")),
        ("0.0001", (1, 1), ("0.0000", "0.0001")),
        ("3", (0, 2), ("0", "3")),
        ("0", (0, 0), ("0", "0")),
    ],
    ids=["alike", "by weight", "less than can be shared", "one is free", "both are free"],
)
def test_an_estimate_is_shared_out_and_none_of_it_is_lost(
    total: str, weights: tuple[int, int], expected: tuple[str, str]
) -> None:
    found = bisection.shares(Decimal(total), [Decimal(weight) for weight in weights])
    assert found == [Decimal(share) for share in expected]


def test_each_half_costs_what_its_own_numbers_cost(any_database: Database) -> None:
    dear = Prices({"": Decimal(1), str(making.FIRST): Decimal(3)})
    campaign = making.funded(any_database, making.numbers(2))
    b = table.c
    making.change(any_database, update(table).where(b.campaign_id == campaign).values(credits=4))

    refuse(any_database, making.claimed(any_database, campaign), prices=dear)

    assert numbered(any_database, campaign) == {-1: ("pending", 1, 3), 0: ("pending", 1, 1), 1: ("halved", 0, 0)}


def test_halves_are_numbered_from_nought_downwards_whatever_other_campaigns_have(any_database: Database) -> None:
    for _ in range(2):
        campaign = making.funded(any_database, making.numbers(4))
        refuse(any_database, making.claimed(any_database, campaign))

        assert list(numbered(any_database, campaign)) == [-1, 0, 1]


def test_what_was_looked_up_is_shared_out_by_its_numbers(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), lookup=True)
    looked_up = making.accepted(any_database, campaign)
    making.all_delivered(any_database, looked_up)
    lookups.clean(any_database, looked_up.batch_id, PRICES)
    making.advance(any_database)
    refuse(any_database, making.claimed(any_database, campaign))

    b = table.c
    with any_database.reading() as connection:
        found = connection.execute(select(b.size, b.lookup_credits).where(b.number < 1)).all()
    assert all(row.size == row.lookup_credits for row in found)
    assert sum(row.lookup_credits for row in found) == 3


def test_a_single_message_is_refused_for_good_and_the_account_says_why(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), batch_size=1)

    hunt(any_database, campaign, {making.FIRST + 1})

    assert making.batch_states(any_database, campaign) == ["accepted", "refused", "accepted"]
    making.change(any_database, update(messages_table).values(status=MessageStatus.DELIVERED))
    assert making.advanced(any_database, campaign) == "completed"
    assert making.account(any_database, campaign).reason == f"1 batch was refused by the gateway: {UNREADABLE}"


def test_a_batch_in_doubt_is_never_halved(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4))
    claim = making.claimed(any_database, campaign)
    settling.doubt(any_database, claim, "timed out")
    a, b = attempts.c, table.c
    making.change(any_database, update(attempts).where(a.id == claim.attempt_id).values(state=AttemptState.RESENT))
    making.change(any_database, update(table).where(b.id == claim.batch_id).values(state="pending", attempt_id=None))
    again = making.claimed(any_database, campaign)

    refuse(any_database, claim)  # a stale worker comes back

    assert making.batch_states(any_database, campaign) == ["sending"]
    assert making.attempt(any_database, again).state == AttemptState.OPEN
    assert making.attempt(any_database, claim).state == AttemptState.RESENT


def test_what_was_in_doubt_before_is_still_matched_with_all_its_numbers(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4))
    claim = making.claimed(any_database, campaign)
    settling.doubt(any_database, claim, "timed out")
    a, b = attempts.c, table.c
    making.change(any_database, update(attempts).where(a.id == claim.attempt_id).values(state=AttemptState.RESENT))
    making.change(any_database, update(table).where(b.id == claim.batch_id).values(state="pending", attempt_id=None))

    refuse(any_database, making.claimed(any_database, campaign))

    assert doubts.numbers_of(any_database, [claim.attempt_id]) == {claim.attempt_id: set(making.numbers(4))}


def test_a_commit_whose_answer_was_lost_is_not_made_twice(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4))
    claim = making.claimed(any_database, campaign)
    refuse(any_database, claim)
    refuse(any_database, claim)
    assert making.batch_states(any_database, campaign) == ["pending", "pending", "halved"]


@pytest.mark.parametrize(("size", "expected"), [(4, ["voided"]), (1, ["refused"])], ids=["many", "one"])
def test_what_is_cancelled_meanwhile_is_halved_no_more(any_database: Database, size: int, expected: list[str]) -> None:
    campaign = making.funded(any_database, making.numbers(size))
    claim = making.claimed(any_database, campaign)
    campaigns.cancel(campaign, database=any_database)

    refuse(any_database, claim)

    assert making.batch_states(any_database, campaign) == expected
    assert making.advanced(any_database, campaign) == "cancelled"
    assert making.account(any_database, campaign).finished


def test_what_is_paused_meanwhile_waits_in_halves(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4))
    claim = making.claimed(any_database, campaign)
    campaigns.pause(campaign, database=any_database)

    refuse(any_database, claim)

    assert turns.candidates(any_database, making.ACCOUNT, 9) == []
    campaigns.resume(campaign, database=any_database)
    assert [len(claim.payload) for claim in making.all_accepted(any_database, campaign)] == [2, 2]


def test_halves_of_a_rated_campaign_wait_for_its_gate(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), rate=20)
    claim = making.claimed(any_database, campaign)
    refuse(any_database, claim)
    making.clock_goes_on(any_database, -60, campaigns_table.c.next_send_at)
    assert claims.claim(any_database, campaign, lease_seconds=making.LEASE) is None
    making.clock_goes_on(any_database, 70)
    assert len(making.claimed(any_database, campaign).payload) == len(claim.payload) // 2


def test_two_lanes_that_halve_at_once_give_each_half_a_number_of_its_own(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(8), batch_size=4)
    first, second = making.claimed(any_database, campaign), making.claimed(any_database, campaign)

    making.at_once(lambda: refuse(any_database, first), lambda: refuse(any_database, second))

    assert sorted(numbered(any_database, campaign)) == [-3, -2, -1, 0, 1, 2]
    assert making.account(any_database, campaign).by_status == {"pending": 8}


def test_messages_are_moved_by_their_keys(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3_000), batch_size=500)
    claim = making.claimed(any_database, campaign)

    with plans_of(any_database, "messages") as plans:
        refuse(any_database, claim)

    (plan,) = plans
    assert "messages_pk" in plan or "USING PRIMARY KEY" in plan
    assert "Seq Scan on messages" not in plan
    assert "Hash Join" not in plan
    assert "SCAN messages" not in plan
