"""Dead numbers leave a batch before it is sent; what comes too late changes nothing."""

from decimal import Decimal

import pytest
from sqlalchemy import select

import campaigns
from campaigns import accounts, lookups, settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import batches as batches_table
from campaigns.models import exclusions
from campaigns.prices import Prices
from campaigns.states import AttemptKind, AttemptState, BatchState, CampaignState, MessageStatus
from tests.campaigns import making

PRICES = Prices({"": Decimal(1)})
REACHED, DEAD = MessageStatus.DELIVERED, MessageStatus.UNDELIVERED
DEADLINE = 600.0


def cleaning(database: Database, count: int = 3, *, unknown: str = "send", **options: object) -> int:
    campaign = making.submitted(database, making.numbers(count), lookup={"unknown": unknown}, **options)
    making.fund(database)
    return campaign


def hopeless(database: Database) -> list[int]:
    return lookups.hopeless(database, deadline=DEADLINE)


def clean(database: Database, found: Claim) -> bool:
    return lookups.clean(database, found.batch_id, PRICES) == found.campaign_id


def test_a_funded_campaign_with_lookups_is_cleaned_first(any_database: Database) -> None:
    campaign = cleaning(any_database)

    assert making.state(any_database, campaign) == CampaignState.CLEANING
    assert making.batch_states(any_database, campaign) == [BatchState.UNCHECKED]
    assert making.claimed(any_database, campaign).kind == AttemptKind.LOOKUP


def test_a_batch_is_answered_when_each_number_is(any_database: Database) -> None:
    found = making.accepted(any_database, cleaning(any_database))

    making.reported(any_database, making.report(found, (0, REACHED), (1, DEAD), (2, MessageStatus.WAITING)))
    in_part = lookups.answered(any_database, [found.batch_id])
    making.reported(any_database, making.report(found, (2, REACHED)))

    assert in_part == []
    assert lookups.answered(any_database, [found.batch_id]) == [found.batch_id]
    assert lookups.answered(any_database, []) == []


def test_dead_numbers_get_no_message_and_are_accounted_for(any_database: Database) -> None:
    campaign = cleaning(any_database)
    found = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(found, (0, REACHED), (1, DEAD), (2, REACHED)))

    assert clean(any_database, found)
    making.advance(any_database)

    account = making.account(any_database, campaign)
    assert (account.excluded, account.by_status) == ({"unreachable": 1}, {"pending": 2})
    assert (account.credits_posted, account.credits_held) == (3, 2)
    to_send = making.claimed(any_database, campaign)
    assert (to_send.kind, list(to_send.payload.numbers)) == (AttemptKind.SEND, [making.FIRST, making.FIRST + 2])
    with any_database.reading() as connection:
        [excluded] = connection.execute(select(exclusions.c.row, exclusions.c.number)).all()
    assert excluded == (found.payload.rows[1], str(making.FIRST + 1))


@pytest.mark.parametrize(
    ("unknown", "sent"), [("send", {"pending": 3}), ("exclude", {})], ids=["are sent to", "are left out"]
)
def test_numbers_that_no_answer_came_for(any_database: Database, unknown: str, sent: dict[str, int]) -> None:
    campaign = cleaning(any_database, unknown=unknown)
    found = making.accepted(any_database, campaign)
    before = hopeless(any_database)
    making.clock_goes_on(any_database, DEADLINE + 1)

    assert before == []
    assert hopeless(any_database) == [found.batch_id]
    clean(any_database, found)

    account = making.account(any_database, campaign)
    assert account.by_status == sent
    assert sum(account.excluded.values()) == 3 - sum(sent.values())


def test_nobody_is_given_up_who_was_not_looked_up_yet_however_late_it_is(any_database: Database) -> None:
    campaign = cleaning(any_database, batch_size=1, unknown="exclude")
    early = making.accepted(any_database, campaign)
    making.clock_goes_on(any_database, DEADLINE + 1)

    late = making.accepted(any_database, campaign)

    assert hopeless(any_database) == [early.batch_id]
    assert not lookups.clean(any_database, late.batch_id + 1, PRICES)
    making.clock_goes_on(any_database, DEADLINE + 1)
    assert sorted(hopeless(any_database)) == [early.batch_id, late.batch_id]


def test_a_lookup_that_never_left_has_its_time_anew_at_the_next_attempt(any_database: Database) -> None:
    campaign = cleaning(any_database)
    settling.release(any_database, making.claimed(any_database, campaign), "connection refused")
    making.clock_goes_on(any_database, DEADLINE + 1)

    making.accepted(any_database, campaign)

    assert hopeless(any_database) == []


def test_answers_that_a_gateway_has_which_is_away_are_waited_for(any_database: Database) -> None:
    found = making.accepted(any_database, cleaning(any_database, unknown="exclude"))
    making.clock_goes_on(any_database, DEADLINE + 1)
    making.away(any_database, making.ACCOUNT, "cannot connect")
    waits = hopeless(any_database)

    accounts.back(any_database, making.ACCOUNT)

    assert (waits, hopeless(any_database)) == ([], [found.batch_id])


def test_a_paused_campaign_is_not_hurried(any_database: Database) -> None:
    campaign = cleaning(any_database)
    campaigns.pause(campaign, database=any_database)
    making.clock_goes_on(any_database, DEADLINE + 1)

    assert hopeless(any_database) == []


def test_a_refused_lookup_leaves_its_numbers_unknown_at_once(any_database: Database) -> None:
    found = making.claimed(any_database, cleaning(any_database))

    settling.refuse(any_database, found, -9, "no valid recipient")

    assert hopeless(any_database) == [found.batch_id]


def test_a_lookup_in_doubt_waits_for_the_deadline_and_is_not_repeated(any_database: Database) -> None:
    campaign = cleaning(any_database)
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "timed out")
    waits = hopeless(any_database)
    making.clock_goes_on(any_database, DEADLINE + 1)

    assert clean(any_database, found)
    making.advance(any_database)

    assert waits == []
    assert making.claimed(any_database, campaign).kind == AttemptKind.SEND
    assert making.attempt(any_database, found).state == AttemptState.IN_DOUBT


def test_answers_after_the_deadline_change_no_batch(any_database: Database) -> None:
    campaign = cleaning(any_database)
    found = making.accepted(any_database, campaign)
    making.clock_goes_on(any_database, DEADLINE + 1)
    clean(any_database, found)
    making.advance(any_database)

    making.reported(any_database, making.report(found, (0, DEAD), (1, DEAD), (2, DEAD)))

    assert lookups.answered(any_database, [found.batch_id]) == []
    assert not clean(any_database, found)
    assert making.account(any_database, campaign).by_status == {"pending": 3}


def test_a_late_reply_to_a_lookup_is_paid_for_and_changes_no_batch(any_database: Database) -> None:
    campaign = cleaning(any_database)
    found = making.claimed(any_database, campaign)
    making.clock_goes_on(any_database, DEADLINE + 1)
    clean(any_database, found)

    settling.accept(any_database, found, making.acceptance(found, left_out=[making.FIRST]))

    account = making.account(any_database, campaign)
    assert (account.by_status, account.credits_posted) == ({"pending": 3}, 2)


def test_a_batch_that_loses_everybody_is_voided_and_its_campaign_says_why(any_database: Database) -> None:
    campaign = cleaning(any_database)
    found = making.claimed(any_database, campaign)
    settling.accept(any_database, found, making.acceptance(found, left_out=making.numbers(3)))
    assert lookups.answered(any_database, [found.batch_id]) == [found.batch_id]

    clean(any_database, found)
    making.advance(any_database)

    account = making.account(any_database, campaign)
    assert (account.state, account.excluded, account.messages) == ("completed", {"unreachable": 3}, 0)
    assert account.reason == "nothing to send: every recipient is excluded (3 unreachable)"


def test_a_batch_is_cleaned_once(any_database: Database) -> None:
    found = making.accepted(any_database, cleaning(any_database))
    making.reported(any_database, making.report(found, (0, REACHED), (1, DEAD), (2, REACHED)))

    done = making.at_once(lambda: clean(any_database, found), lambda: clean(any_database, found))

    assert sorted(done) == [False, True]


def test_an_account_that_may_not_look_numbers_up_sends_without_and_says_so(any_database: Database) -> None:
    campaign = cleaning(any_database, batch_size=1)
    making.accepted(any_database, campaign)
    found = making.claimed(any_database, campaign)
    settling.refuse(any_database, found, -11, "not allowed")

    lookups.give_up(any_database, campaign, "sent without lookups")
    lookups.give_up(any_database, campaign, "said twice")

    assert making.batch_states(any_database, campaign) == [BatchState.PENDING] * 3
    making.all_accepted(any_database, campaign)
    making.advance(any_database)
    account = making.account(any_database, campaign)
    assert (account.state, account.reason) == ("tracking", "sent without lookups")


def test_a_cleaned_batch_costs_what_is_left_of_it(any_database: Database) -> None:
    found = making.accepted(any_database, cleaning(any_database))
    making.reported(any_database, making.report(found, (0, DEAD), (1, DEAD), (2, REACHED)))

    lookups.clean(any_database, found.batch_id, Prices({"": Decimal("2.5")}))

    b = batches_table.c
    with any_database.reading() as connection:
        row = connection.execute(select(b.size, b.segments, b.credits, b.attempt_id)).one()
    assert tuple(row) == (1, 1, Decimal("2.5"), None)


def test_a_cancelled_campaign_is_not_cleaned_any_more(any_database: Database) -> None:
    campaign = cleaning(any_database)
    found = making.accepted(any_database, campaign)
    campaigns.cancel(campaign, database=any_database)

    assert not clean(any_database, found)
    assert making.batch_states(any_database, campaign) == [BatchState.VOIDED]


UNBILLED = [MessageStatus.REJECTED, MessageStatus.NOT_SENT, MessageStatus.NO_CREDIT]


@pytest.mark.parametrize("status", UNBILLED, ids=lambda status: status.name)
def test_a_lookup_that_ends_unbilled_gives_its_credits_back_once(any_database: Database, status: MessageStatus) -> None:
    campaign = cleaning(any_database)
    found = making.accepted(any_database, campaign)

    for _ in range(2):
        making.reported(any_database, making.report(found, (0, status), (1, DEAD), (2, REACHED)))

    account = making.account(any_database, campaign)
    assert (account.credits_posted, account.credits_refunded) == (3, 1)


@pytest.mark.parametrize("first", [DEAD, REACHED], ids=lambda status: status.name)
@pytest.mark.parametrize("then", UNBILLED, ids=lambda status: status.name)
def test_a_lookup_that_had_ended_billed_gives_nothing_back(
    any_database: Database, first: MessageStatus, then: MessageStatus
) -> None:
    campaign = cleaning(any_database)
    found = making.accepted(any_database, campaign)

    for status in (first, then):
        making.reported(any_database, making.report(found, (0, status)))

    assert making.account(any_database, campaign).credits_refunded == 0


def test_a_lookup_that_succeeds_after_all_is_billed_after_all(any_database: Database) -> None:
    campaign = cleaning(any_database)
    found = making.accepted(any_database, campaign)

    for status in (MessageStatus.NOT_SENT, REACHED):
        making.reported(any_database, making.report(found, (0, status)))

    assert making.account(any_database, campaign).credits_refunded == 0


def priced(database: Database, campaign: int, prices: str) -> Claim:
    """Its lookup, at these prices: one a number, 0 where the gateway did not take it."""
    found = making.claimed(database, campaign)
    credits_ = [Decimal(price) for price in prices.split()]
    lines = making.ReceiptLines([f"f1-{place}" if price else None for place, price in enumerate(credits_)], credits_)
    settling.accept(database, found, settling.Acceptance("f1", sum(credits_, Decimal(0)), lines))
    return found


def test_a_lookup_gives_back_what_the_gateway_took_for_that_number(any_database: Database) -> None:
    campaign = cleaning(any_database)
    found = priced(any_database, campaign, "1 2 5")

    making.reported(any_database, making.report(found, (1, MessageStatus.REJECTED), msgfid="f1"))

    assert making.account(any_database, campaign).credits_refunded == 2


def test_after_its_batch_has_shrunk_a_lookup_gives_the_mean_price_back(any_database: Database) -> None:
    campaign = cleaning(any_database, 4)
    found = priced(any_database, campaign, "1 2 0 6")
    making.reported(any_database, making.report(found, (0, DEAD), msgfid="f1"))
    making.clock_goes_on(any_database, DEADLINE + 1)
    clean(any_database, found)

    making.reported(any_database, making.report(found, (1, MessageStatus.REJECTED), msgfid="f1"))

    assert making.account(any_database, campaign).credits_refunded == 3


def test_a_lookup_whose_reply_was_lost_gives_its_share_of_the_estimate_back(any_database: Database) -> None:
    campaign = cleaning(any_database, 4)
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "cut short", msgfid="f1")

    making.reported(any_database, making.report(found, (1, MessageStatus.REJECTED), msgfid="f1"))

    account = making.account(any_database, campaign)
    assert (account.credits_posted, account.credits_refunded) == (4, 1)


def test_the_answers_of_batches_that_nobody_cleaned_are_found_by_whoever_looks(any_database: Database) -> None:
    campaign = cleaning(any_database, 2, batch_size=1)
    one, other = making.accepted(any_database, campaign), making.accepted(any_database, campaign)
    making.reported(any_database, making.report(one, (0, REACHED)))
    making.reported(any_database, making.report(other, (0, MessageStatus.WAITING)))

    assert lookups.left_behind(any_database) == [one.batch_id]
    clean(any_database, one)
    assert lookups.left_behind(any_database) == []


def test_a_body_may_answer_for_more_batches_than_a_statement_has_parameters(postgresql: Database) -> None:
    assert lookups.answered(postgresql, range(70_000)) == []
