"""Who opts out after a campaign was expanded is not sent to, and is accounted for."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

import campaigns
from campaigns import additions, claims, ledger, lookups, settling, unwanted, withdrawals
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.prices import Prices
from campaigns.settings import domain_settings
from campaigns.states import AttemptKind, AttemptState, BatchState, MessageStatus
from campaigns.unwanted import OptOutKeyError
from tests.campaigns import making
from tests.campaigns.test_unwanted import statements

AWA, KOFFI, YAO = making.numbers(3)
PRICES = Prices({"": Decimal(1)})


def claim(database: Database, campaign_id: int) -> Claim | None:
    return claims.claim(database, campaign_id, lease_seconds=making.LEASE)


def account(database: Database, campaign_id: int) -> campaigns.Progress:
    """The campaign's, whose credits are each in one place as well."""
    with database.snapshot() as connection:
        assert ledger.of_campaign(connection, campaign_id).adds_up
    return making.account(database, campaign_id)


def numbers_of(found: Claim) -> list[int]:
    return list(found.payload.numbers)


def test_who_opts_out_between_expansion_and_claim_is_not_in_the_claim(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    campaigns.opt_out(KOFFI, database=any_database)

    found = making.claimed(any_database, campaign)

    assert numbers_of(found) == [AWA, YAO]
    assert making.attempt(any_database, found).size == making.attempt(any_database, found).estimated == 2
    its = account(any_database, campaign)
    assert (its.excluded, its.by_status, its.credits_estimated) == ({"opted_out": 1}, {"sending": 2}, 2)


def test_what_was_held_for_who_opts_out_is_free_again(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2)
    campaigns.opt_out(AWA, making.numbers(4)[-1], database=any_database)

    making.claimed(any_database, campaign)
    before = account(any_database, campaign).credits_held
    making.all_accepted(any_database, campaign)

    its = account(any_database, campaign)
    assert (before, its.credits_held, its.credits_posted) == (2, 0, 1)
    with any_database.snapshot() as connection:
        assert ledger.of_campaign(connection, campaign).void == 2


def test_a_batch_that_loses_everybody_is_voided_and_the_next_is_claimed(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), batch_size=1)
    campaigns.opt_out(AWA, KOFFI, account=making.ACCOUNT, database=any_database)

    found = making.claimed(any_database, campaign)

    assert numbers_of(found) == [YAO]
    assert making.batch_states(any_database, campaign) == [BatchState.VOIDED, BatchState.VOIDED, BatchState.SENDING]
    assert account(any_database, campaign).excluded == {"opted_out": 2}


def test_a_campaign_that_loses_everybody_is_completed_and_says_why(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    campaigns.opt_out(AWA, KOFFI, database=any_database)

    assert claim(any_database, campaign) is None
    assert making.advanced(any_database, campaign) == "completed"
    assert account(any_database, campaign).reason == "nothing to send: every recipient is excluded (2 opted_out)"


def test_who_opts_out_of_another_account_or_in_again_is_sent_to(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    campaigns.opt_out(AWA, account="shop", database=any_database)
    campaigns.opt_out(KOFFI, database=any_database)
    campaigns.opt_in(KOFFI, database=any_database)

    assert numbers_of(making.claimed(any_database, campaign)) == [AWA, KOFFI, YAO]


def test_who_opts_out_of_a_batch_in_the_air_has_it_settled(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    found = making.claimed(any_database, campaign)
    campaigns.opt_out(AWA, database=any_database)

    settling.accept(any_database, found, making.acceptance(found))
    making.all_delivered(any_database, found)

    assert making.advanced(any_database, campaign) == "completed"
    assert account(any_database, campaign).by_status == {"delivered": 3}


def test_a_batch_that_never_left_is_looked_at_again(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    settling.release(any_database, making.claimed(any_database, campaign), "connection refused")
    campaigns.opt_out(AWA, database=any_database)

    assert numbers_of(making.claimed(any_database, campaign)) == [KOFFI, YAO]
    assert making.batch_states(any_database, campaign) == [BatchState.SENDING]
    assert account(any_database, campaign).excluded == {"opted_out": 1}


def test_a_rated_campaign_loses_its_turn_for_nobody(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), rate=1)
    campaigns.opt_out(AWA, database=any_database)

    assert numbers_of(making.claimed(any_database, campaign)) == [KOFFI]


def test_who_opts_out_after_a_lookup_is_not_sent_to(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), lookup={"unknown": "send"})
    looked_up = making.accepted(any_database, campaign)
    dead = (0, MessageStatus.UNDELIVERED), (1, MessageStatus.DELIVERED), (2, MessageStatus.DELIVERED)
    making.reported(any_database, making.report(looked_up, *dead))
    lookups.clean(any_database, looked_up.batch_id, PRICES)
    making.advance(any_database)
    campaigns.opt_out(YAO, database=any_database)

    found = making.claimed(any_database, campaign)

    assert (found.kind, numbers_of(found)) == (AttemptKind.SEND, [KOFFI])
    its = account(any_database, campaign)
    assert (its.excluded, its.credits_posted) == ({"opted_out": 1, "unreachable": 1}, 3)


class TestWhatWasInDoubt:
    """Its payload stays as it was sent: what is heard of the first request is matched by it."""

    def sent_again(self, database: Database, gone: Sequence[int]) -> tuple[int, Claim]:
        campaign = making.funded(database, making.numbers(3))
        first = making.claimed(database, campaign)
        settling.doubt(database, first, "timed out")
        campaigns.opt_out(*gone, database=database)
        campaigns.resolve(first.attempt_id, "resend", by="Awa", reason="test", database=database)
        making.fund(database)
        return campaign, first

    def test_is_sent_again_without_who_has_opted_out(self, any_database: Database) -> None:
        campaign, first = self.sent_again(any_database, [KOFFI])

        again = making.claimed(any_database, campaign)

        assert numbers_of(again) == [AWA, YAO]
        assert again.batch_id != first.batch_id
        assert claim(any_database, campaign) is None
        its = account(any_database, campaign)
        assert (its.excluded, its.by_status) == ({"opted_out": 1}, {"sending": 2})

    def test_and_is_proven_late_counts_who_was_texted_twice(self, any_database: Database) -> None:
        campaign, first = self.sent_again(any_database, [KOFFI])
        again = making.accepted(any_database, campaign)

        settling.accept(any_database, first, making.acceptance(first))
        making.all_delivered(any_database, first, again)

        assert making.attempt(any_database, first).state == AttemptState.ACCEPTED_LATE
        assert making.advanced(any_database, campaign) == "completed"
        its = account(any_database, campaign)
        assert (its.duplicates, its.credits_posted, its.by_status) == (2, 5, {"delivered": 2})

    def test_and_loses_everybody_is_voided_and_may_be_proven_late(self, any_database: Database) -> None:
        campaign, first = self.sent_again(any_database, making.numbers(3))

        nothing = claim(any_database, campaign)
        settling.accept(any_database, first, making.acceptance(first))

        assert nothing is None
        assert making.batch_states(any_database, campaign) == [BatchState.VOIDED]
        assert making.attempt(any_database, first).state == AttemptState.ACCEPTED_LATE
        assert making.advanced(any_database, campaign) == "completed"
        its = account(any_database, campaign)
        assert (its.excluded, its.duplicates, its.credits_posted) == ({"opted_out": 3}, 0, 3)

    def test_and_is_proven_before_it_is_claimed_is_taken_back_whole(self, any_database: Database) -> None:
        campaign, first = self.sent_again(any_database, [KOFFI])

        settling.accept(any_database, first, making.acceptance(first))

        assert claim(any_database, campaign) is None
        assert account(any_database, campaign).by_status == {"in_flight": 3}


def test_where_no_list_has_grown_nobody_is_looked_for(any_database: Database) -> None:
    campaigns.opt_out(making.FIRST + 99, database=any_database)
    campaign = making.funded(any_database, making.numbers(3))

    with statements(any_database) as asked:
        making.claimed(any_database, campaign)

    assert [statement for statement in asked if "FROM opt_outs" in statement] == []


def test_with_another_secret_nothing_is_claimed(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    monkeypatch.setenv("OPT_OUT_KEY", "a secret of some length")
    domain_settings.cache_clear()
    campaigns.opt_out(AWA, database=any_database)
    monkeypatch.delenv("OPT_OUT_KEY")
    domain_settings.cache_clear()

    with pytest.raises(OptOutKeyError):
        claim(any_database, campaign)

    assert making.batch_states(any_database, campaign) == [BatchState.PENDING]


def test_a_batch_that_somebody_has_claimed_is_left_as_it_is(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3))
    found = making.claimed(any_database, campaign)
    campaigns.opt_out(AWA, database=any_database)

    withdrawals.leave_out(any_database, found.batch_id)

    assert account(any_database, campaign).by_status == {"sending": 3}


def test_nobody_is_claimed_whose_opt_out_was_kept_before_the_claim_began(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(120), batch_size=2)
    gone: list[int] = []

    def withdraw() -> None:
        for number in making.numbers(120)[::-4]:
            campaigns.opt_out(number, database=any_database)
            gone.append(number)

    def send() -> None:
        while True:
            before = set(gone)
            found = claim(any_database, campaign)
            if found is None:
                return
            assert before.isdisjoint(found.payload.numbers)
            settling.accept(any_database, found, making.acceptance(found))

    making.at_once(send, withdraw, send, send)

    its = account(any_database, campaign)
    assert its.excluded.get("opted_out", 0) + its.by_status["in_flight"] == 120


def test_an_addition_that_is_not_committed_yet_is_seen_by_the_next_claim(postgresql: Database) -> None:
    """It began before the expansion: a moment, or a number from a sequence, would be older than what that has seen."""
    begun = postgresql.engine.connect()
    with begun.begin() as transaction:
        additions.add(begun, [AWA], "*", "")
        campaign = making.funded(postgresql, making.numbers(3))
        with postgresql.reading() as connection:
            assert unwanted.seen(connection, making.ACCOUNT) == 0
        transaction.commit()
    begun.close()

    assert numbers_of(making.claimed(postgresql, campaign)) == [KOFFI, YAO]
