"""Messages that nobody reports on are asked for by name, and one day given up."""

import pytest
from sqlalchemy import text

import campaigns
from campaigns import settling, silence
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.campaigns.plans import plans_of

DELIVERED, UNREPORTED = MessageStatus.DELIVERED, MessageStatus.UNREPORTED


def sent(database: Database, count: int = 2) -> Claim:
    return making.accepted(database, making.funded(database, making.numbers(count)))


def asked_for(database: Database, *, older_than: float = 60, every: float = 60, most: int = 20) -> list[str]:
    found = silence.sendings(database, making.ACCOUNT, older_than=older_than, every=every, most=most)
    return [each.msgfid for each in found]


def test_a_sending_is_asked_for_when_it_has_been_silent_for_a_while(any_database: Database) -> None:
    found = sent(any_database)
    at_first = asked_for(any_database)
    making.clock_goes_on(any_database, 61)

    assert at_first == []
    assert asked_for(any_database) == [f"f{found.attempt_id}"]


def test_the_same_sending_is_not_asked_for_too_often(any_database: Database) -> None:
    found = sent(any_database)
    making.clock_goes_on(any_database, 61)
    asked_for(any_database)

    again = asked_for(any_database)
    making.clock_goes_on(any_database, 61)

    assert again == []
    assert asked_for(any_database) == [f"f{found.attempt_id}"]


def test_a_sending_whose_messages_all_have_an_end_is_not_asked_for(any_database: Database) -> None:
    found, other = sent(any_database), sent(any_database)
    making.reported(any_database, making.report(found, (0, DELIVERED), (1, MessageStatus.UNDELIVERED)))
    making.reported(any_database, making.report(other, (0, DELIVERED), (1, MessageStatus.HANDED_OVER)))
    making.clock_goes_on(any_database, 61)

    assert asked_for(any_database) == [f"f{other.attempt_id}"]


def test_only_some_are_asked_for_at_a_time_and_each_has_its_turn(any_database: Database) -> None:
    made = {f"f{sent(any_database).attempt_id}" for _ in range(5)}
    making.clock_goes_on(any_database, 61)

    turns = [asked_for(any_database, most=2) for _ in range(4)]

    assert [len(turn) for turn in turns] == [2, 2, 1, 0]
    assert {msgfid for turn in turns for msgfid in turn} == made


def test_another_accounts_sendings_are_not_asked_for(any_database: Database) -> None:
    making.accepted(any_database, making.funded(any_database, making.numbers(1), account="other"))
    making.clock_goes_on(any_database, 61)

    assert asked_for(any_database) == []


def test_a_lookup_is_asked_for_while_answers_are_missing(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(2), lookup=True)
    making.fund(any_database)
    found = making.accepted(any_database, campaign)
    making.clock_goes_on(any_database, 61, attempts.c.settled_at)

    assert asked_for(any_database) == [f"f{found.attempt_id}"]


def test_what_is_in_doubt_or_was_refused_is_not_asked_for(any_database: Database) -> None:
    for settle in (settling.doubt, lambda *known: settling.refuse(*known[:2], -9, "no")):
        found = making.claimed(any_database, making.funded(any_database, making.numbers(1)))
        settle(any_database, found, "timed out")
    making.clock_goes_on(any_database, 61)

    assert asked_for(any_database) == []


def test_past_the_deadline_silent_messages_are_unreported_and_the_others_keep_their_end(any_database: Database) -> None:
    found = sent(any_database, 3)
    making.reported(any_database, making.report(found, (0, DELIVERED), (1, MessageStatus.HANDED_OVER)))
    early = silence.give_up(any_database, older_than=60)
    making.clock_goes_on(any_database, 61)

    assert early == []
    assert silence.give_up(any_database, older_than=60) == [found.campaign_id]

    assert making.statuses(any_database, found.campaign_id) == [DELIVERED, UNREPORTED, UNREPORTED]
    assert silence.give_up(any_database, older_than=60) == []
    making.advance(any_database)
    assert campaigns.progress(found.campaign_id, database=any_database).finished


def test_only_the_messages_of_overdue_sendings_are_given_up(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    making.accepted(any_database, campaign)
    making.clock_goes_on(any_database, 61)
    making.accepted(any_database, campaign)

    silence.give_up(any_database, older_than=60)

    assert making.statuses(any_database, campaign) == [UNREPORTED, MessageStatus.AS_BATCH]


def test_a_sending_whose_messages_all_have_an_end_is_never_looked_at_again(any_database: Database) -> None:
    done, open_ = sent(any_database), sent(any_database)
    making.reported(any_database, making.report(done, (0, DELIVERED), (1, MessageStatus.UNDELIVERED)))
    making.clock_goes_on(any_database, 61)

    asked_for(any_database)
    looked_at = [making.attempt(any_database, each).ended_at is None for each in (done, open_)]
    silence.give_up(any_database, older_than=60)

    assert looked_at == [False, True]
    assert making.attempt(any_database, open_).ended_at is not None


def test_messages_are_found_by_their_keys_and_not_by_reading_their_campaigns(any_database: Database) -> None:
    sent(any_database)
    making.clock_goes_on(any_database, 61)

    with plans_of(any_database, "messages") as plans:
        asked_for(any_database)
        silence.give_up(any_database, older_than=60)

    assert len(plans) == 2
    for plan in plans:
        assert "msisdn" in plan
        assert not any(word in plan for word in ("Hash", "Merge", "Seq Scan", "SCAN messages"))


def test_more_sendings_may_be_overdue_than_a_statement_has_parameters(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SENDINGS_AT_ONCE", 10_000)  # of one message each: it is quicker so
    found = sent(postgresql, 1)
    making.change(
        postgresql,
        text("""INSERT INTO batches
            (campaign_id, number, alphabet, merged, size, segments, credits, lookup_credits, state, attempt_id, payload)
            SELECT campaign_id, n, alphabet, merged, size, segments, credits, lookup_credits, state, attempt_id, payload
            FROM batches, generate_series(2, 70000) n"""),
    )
    making.change(
        postgresql,
        text("""INSERT INTO attempts
            (account, kind, campaign_id, batch_id, size, msgid, state, started_at, leased_until, settled_at,
                estimated, credits)
            SELECT 'default', 'send', campaign_id, id, 1, id, 'accepted', now(), now(), now(), 1, 1
            FROM batches WHERE number > 1"""),
    )
    making.clock_goes_on(postgresql, 61, attempts.c.settled_at)
    making.change(postgresql, text("ANALYZE"))  # as the server does by itself while a table grows

    assert silence.give_up(postgresql, older_than=60) == [found.campaign_id]
    assert making.statuses(postgresql, found.campaign_id) == [UNREPORTED]
    assert silence.give_up(postgresql, older_than=60) == []


def test_a_report_after_the_deadline_still_counts(any_database: Database) -> None:
    found = sent(any_database, 1)
    making.clock_goes_on(any_database, 61)
    silence.give_up(any_database, older_than=60)
    making.advance(any_database)

    making.reported(any_database, making.report(found, (0, DELIVERED)))

    account = campaigns.progress(found.campaign_id, database=any_database)
    assert (account.state, account.by_status, account.adds_up) == ("completed", {"delivered": 1}, True)


def test_messages_in_doubt_are_not_given_up(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(1)))
    settling.doubt(any_database, found, "timed out")
    making.clock_goes_on(any_database, 61)

    assert silence.give_up(any_database, older_than=60) == []


def test_a_number_that_a_contradictory_reply_left_out_is_given_up_too(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)
    settling.accept(any_database, found, making.acceptance(found, left_out=[making.FIRST], consistent=False))
    making.clock_goes_on(any_database, 61)

    silence.give_up(any_database, older_than=60)

    assert making.statuses(any_database, campaign) == [UNREPORTED, UNREPORTED]
