"""A claim is settled by what its worker knows of the request, and however late it does."""

from decimal import Decimal

import pytest
from sqlalchemy import select

import campaigns
from campaigns import batches, claims, doubts, settling
from campaigns import lookups as domain_lookups
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import lookups
from campaigns.prices import Prices
from campaigns.resolving import resolve
from campaigns.states import AttemptKind, AttemptState, BatchState, Decision, MessageStatus
from tests.campaigns import making


def test_an_accepted_batch_is_in_flight_and_posted(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))

    found = making.accepted(any_database, campaign, "f9")

    attempt = making.attempt(any_database, found)
    assert (attempt.state, attempt.msgfid, attempt.credits) == (AttemptState.ACCEPTED, "f9", 3)
    assert making.statuses(any_database, campaign) == [MessageStatus.AS_BATCH] * 3  # no message was touched
    account = making.account(any_database, campaign)
    assert account.by_status == {"in_flight": 3}
    assert (account.credits_posted, account.credits_held) == (3, 0)


@pytest.mark.parametrize(
    ("consistent", "status", "word"),
    [(True, MessageStatus.REFUSED, "refused"), (False, MessageStatus.IN_DOUBT, "in_doubt")],
    ids=["the reply agrees with itself", "it does not"],
)
def test_numbers_that_the_reply_leaves_out(
    any_database: Database, consistent: bool, status: MessageStatus, word: str
) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    found = making.claimed(any_database, campaign)

    left_out = [making.FIRST + 1]
    settling.accept(any_database, found, making.acceptance(found, left_out=left_out, consistent=consistent))

    assert making.statuses(any_database, campaign) == [MessageStatus.AS_BATCH, status, MessageStatus.AS_BATCH]
    assert making.account(any_database, campaign).by_status == {"in_flight": 2, word: 1}


def test_numbers_that_the_reply_leaves_out_are_left_out_of_no_other_campaign(any_database: Database) -> None:
    before = making.funded(any_database, making.numbers(2))
    campaign = making.funded(any_database, making.numbers(2))
    after = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)

    settling.accept(any_database, found, making.acceptance(found, left_out=[making.FIRST]))

    for other in (before, after):
        assert making.statuses(any_database, other) == [MessageStatus.AS_BATCH] * 2


def test_a_refused_batch_is_not_sent_again(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)

    settling.refuse(any_database, found, -9, "no valid recipient")

    attempt = making.attempt(any_database, found)
    assert (attempt.state, attempt.code, attempt.detail) == (AttemptState.REFUSED, -9, "no valid recipient")
    assert making.account(any_database, campaign).by_status == {"refused": 2}
    assert claims.claim(any_database, campaign, lease_seconds=making.LEASE) is None


@pytest.mark.parametrize(
    ("code", "outcome"), [(None, AttemptState.NOT_SENT), (-6, AttemptState.REFUSED)], ids=["not sent", "refused"]
)
def test_a_released_batch_is_claimed_again_by_a_new_attempt(
    any_database: Database, code: int | None, outcome: AttemptState
) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)

    settling.release(any_database, found, "no route", code=code)

    assert making.attempt(any_database, found).state == outcome
    again = making.claimed(any_database, campaign)
    assert again.number == found.number
    assert again.msgid != found.msgid


def test_a_batch_released_after_its_campaign_was_cancelled_is_voided(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)
    campaigns.cancel(campaign, database=any_database)

    settling.release(any_database, found, "connection refused")

    assert making.account(any_database, campaign).by_status == {"voided": 2}


def test_a_batch_in_the_air_at_the_cancel_is_still_accepted(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    found = making.claimed(any_database, campaign)
    campaigns.cancel(campaign, database=any_database)

    settling.accept(any_database, found, making.acceptance(found))

    assert making.account(any_database, campaign).by_status == {"in_flight": 1, "voided": 1}


def test_a_batch_in_doubt_is_not_sent_again(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)

    settling.doubt(any_database, found, "timed out", msgfid="f7")

    assert claims.claim(any_database, campaign, lease_seconds=making.LEASE) is None
    account = making.account(any_database, campaign)
    assert (account.by_status, account.in_doubt_attempts) == ({"in_doubt": 2}, 1)
    assert making.attempt(any_database, found).msgfid == "f7"


def test_a_yes_after_the_batch_was_sent_again_is_kept_as_late_and_changes_nothing_of_the_batch(
    any_database: Database,
) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "timed out")
    again = sent_again(any_database, found)

    settling.accept(any_database, found, making.acceptance(found, left_out=[making.FIRST]))

    assert making.attempt(any_database, found).state == AttemptState.ACCEPTED_LATE
    assert making.attempt(any_database, again).state == AttemptState.OPEN
    assert making.batch_states(any_database, campaign) == [BatchState.SENDING]
    assert making.statuses(any_database, campaign) == [MessageStatus.AS_BATCH] * 2
    assert making.account(any_database, campaign).credits_posted == 1


def sent_again(database: Database, found: Claim) -> Claim:
    """A person has it sent again; the claim of the second request."""
    resolve(found.attempt_id, Decision.RESEND, by="awa", reason="nobody got it", database=database)
    making.fund(database)
    return making.claimed(database, found.campaign_id)


def adopted(database: Database, found: Claim, msgfid: str) -> None:
    """Its reply did not come in time, and its delivery reports prove that it was accepted."""
    settling.doubt(database, found, "the lease ran out")
    with database.transaction() as connection:
        doubts.adopt(connection, making.attempt(database, found), msgfid)


def test_a_reply_that_comes_after_its_reports_have_proven_it_says_the_rest(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4))
    found = making.claimed(any_database, campaign)
    adopted(any_database, found, "f9")
    making.reported(any_database, making.report(found, (0, MessageStatus.DELIVERED), msgfid="f9"))
    estimated = making.account(any_database, campaign).credits_posted

    reply = making.acceptance(found, "f9", left_out=[making.FIRST, making.FIRST + 1])
    for _ in range(2):
        settling.accept(any_database, found, reply)

    attempt, account = making.attempt(any_database, found), making.account(any_database, campaign)
    assert (attempt.state, attempt.detail) == (AttemptState.ACCEPTED, None)
    assert (estimated, account.credits_posted) == (4, 2)
    assert account.by_status == {"delivered": 1, "refused": 1, "in_flight": 2}


def test_a_reply_under_another_id_than_the_reports_changes_nothing(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)
    adopted(any_database, found, "f9")

    settling.accept(any_database, found, making.acceptance(found, "f1", left_out=[making.FIRST]))

    account = making.account(any_database, campaign)
    assert (account.by_status, account.credits_posted) == ({"in_flight": 2}, 2)


def test_the_reply_to_a_sending_that_was_proven_late_corrects_its_credits_only(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "timed out")
    sent_again(any_database, found)
    adopted(any_database, found, "f9")

    settling.accept(any_database, found, making.acceptance(found, "f9", left_out=[making.FIRST]))

    assert making.attempt(any_database, found).state == AttemptState.ACCEPTED_LATE
    account = making.account(any_database, campaign)
    assert (account.by_status, account.credits_posted) == ({"sending": 2}, 1)


def test_the_reply_to_a_lookup_that_was_proven_before_still_tells_who_is_dead(any_database: Database) -> None:
    campaign, found = looked_up(any_database)
    adopted(any_database, found, "f9")

    settling.accept(any_database, found, making.acceptance(found, "f9", left_out=[making.FIRST]))

    assert answers(any_database) == {making.FIRST: False}
    assert making.account(any_database, campaign).credits_posted == 2


def test_a_refusal_is_not_completed_by_a_yes_under_the_id_that_a_broken_reply_had_shown(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(2)))
    settling.doubt(any_database, found, "cut short", msgfid="f9")
    settling.refuse(any_database, found, -9, "no one")

    settling.accept(any_database, found, making.acceptance(found, "f9"))

    attempt = making.attempt(any_database, found)
    assert (attempt.state, attempt.credits, attempt.receipt) == (AttemptState.REFUSED, None, None)


def test_a_late_yes_is_recorded_of_its_own_request_and_of_no_other_of_the_batch(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(2)))
    settling.doubt(any_database, found, "timed out")
    again = sent_again(any_database, found)
    settling.doubt(any_database, again, "timed out")
    with any_database.transaction() as connection:
        doubts.adopt(connection, making.attempt(any_database, found), "f9")

    assert making.attempt(any_database, found).state == AttemptState.ACCEPTED_LATE
    assert making.attempt(any_database, again).state == AttemptState.IN_DOUBT


def test_a_lookup_that_drops_numbers_leaves_the_segments_of_the_others(any_database: Database) -> None:
    campaign, found = looked_up(any_database)
    settling.accept(any_database, found, making.acceptance(found, left_out=[making.FIRST]))

    domain_lookups.clean(any_database, found.batch_id, Prices({"": Decimal(1)}))

    assert making.account(any_database, campaign).segments == 2


def looked_up(database: Database) -> tuple[int, Claim]:
    campaign = making.submitted(database, making.numbers(3), lookup=True)
    making.fund(database)
    return campaign, making.claimed(database, campaign)


def answers(database: Database) -> dict[int, bool]:
    with database.reading() as connection:
        found = connection.execute(select(lookups.c.msisdn, lookups.c.reachable)).all()
        return {row.msisdn: row.reachable for row in found}


def test_a_lookup_is_an_attempt_like_any_other(any_database: Database) -> None:
    campaign, found = looked_up(any_database)

    settling.accept(any_database, found, making.acceptance(found))

    assert found.kind == AttemptKind.LOOKUP
    assert making.attempt(any_database, found).estimated == 3
    account = making.account(any_database, campaign)
    assert (account.batches, account.credits_posted) == ({"checking": 1}, 3)


@pytest.mark.parametrize(
    ("consistent", "expected"), [(True, {making.FIRST: False}), (False, {})], ids=["consistent", "not"]
)
def test_a_number_that_a_lookup_leaves_out_is_unreachable(
    any_database: Database, consistent: bool, expected: dict[int, bool]
) -> None:
    _, found = looked_up(any_database)

    settling.accept(any_database, found, making.acceptance(found, left_out=[making.FIRST], consistent=consistent))

    assert answers(any_database) == expected


@pytest.mark.parametrize("end", ["doubt", "expiry", "refusal"])
def test_a_lookup_without_an_answer_is_never_repeated(any_database: Database, end: str) -> None:
    campaign, found = looked_up(any_database)

    if end == "doubt":
        settling.doubt(any_database, found, "timed out")
    elif end == "refusal":
        settling.refuse(any_database, found, -9, "no valid recipient")
    else:
        making.clock_goes_on(any_database, making.LEASE + 1)
        batches.expire_leases(any_database)

    assert making.batch_states(any_database, campaign) == [BatchState.CHECKING]
    assert claims.claim(any_database, campaign, lease_seconds=making.LEASE) is None


def test_a_lookup_that_was_not_sent_is_made_again(any_database: Database) -> None:
    campaign, found = looked_up(any_database)

    settling.release(any_database, found, "connection refused")

    assert making.claimed(any_database, campaign).kind == AttemptKind.LOOKUP
