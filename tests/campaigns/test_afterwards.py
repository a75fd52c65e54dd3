"""What a campaign came to is what its account says, and holds nobody's number."""

from decimal import Decimal
from itertools import pairwise

import pytest

import campaigns
from campaigns import settling
from campaigns.afterwards import Report
from campaigns.database import Database
from campaigns.models import attempts, messages
from campaigns.states import MessageStatus
from tests.campaigns import making

S = MessageStatus


def report_of(database: Database, campaign_id: int) -> Report:
    """It, once its parts are found to add up to the account."""
    found = campaigns.report(campaign_id, database=database)
    its = found.account
    assert its == campaigns.progress(campaign_id, database=database)
    for before, after in pairwise(found.funnel):
        assert before.count == after.count + sum(after.lost.values())
    delivered = its.by_status.get("delivered", 0)
    assert sum(span.messages for span in found.deliveries) == delivered
    assert sum(wait.messages for wait in found.waits) + found.untimed == delivered
    assert sum(prefix.messages for prefix in found.prefixes) == its.messages
    assert sum(prefix.delivered for prefix in found.prefixes) == delivered
    assert sum(prefix.open for prefix in found.prefixes) == its.open
    assert sum(length.messages for length in found.lengths) == its.messages
    return found


def test_the_funnel_leads_from_the_rows_to_those_delivered_and_names_who_was_lost(any_database: Database) -> None:
    campaign = making.funded(any_database, [*making.numbers(12), making.FIRST], batch_size=4)
    first, second = making.accepted(any_database, campaign), making.claimed(any_database, campaign)
    settling.refuse(any_database, second, -9, "-9: Aucuns destinataires valides")
    making.reported(any_database, making.report(first, (0, S.DELIVERED), (1, S.DELIVERED), (2, S.UNDELIVERED)))

    found = report_of(any_database, campaign)

    assert [(step.name, step.count, dict(step.lost)) for step in found.funnel] == [
        ("read", 13, {}),
        ("messages", 12, {"duplicate": 1}),
        ("taken", 4, {"pending": 4, "refused": 4}),
        ("delivered", 2, {"undelivered": 1, "in_flight": 1}),
    ]
    (refusal,) = found.refusals
    assert (refusal.kind, refusal.code, refusal.requests, refusal.messages) == ("send", -9, 1, 4)


def test_rows_that_wait_for_their_expansion_are_on_the_way_into_the_funnel(any_database: Database) -> None:
    rows = [{"numero": str(number)} for number in making.numbers(5)]
    made = campaigns.submit({"name": "x", "template": "Bonjour", "batch_size": 2}, rows, database=any_database)

    found = report_of(any_database, made.id)

    assert found.funnel[1].lost == {"not_expanded": 5}
    assert (found.deliveries, found.prefixes, found.refusals, found.first_sent_at) == ((), (), (), None)


def test_a_message_counts_where_the_time_from_the_gateways_yes_to_its_report_belongs(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=2)
    taken = making.all_accepted(any_database, campaign)
    for claim, seconds in zip(taken, (0, 90, 700), strict=True):
        making.all_delivered(any_database, claim)
        making.change(
            any_database,
            attempts.update()
            .where(attempts.c.id == claim.attempt_id)
            .values(settled_at=making._earlier(any_database, attempts.c.settled_at, seconds)),
        )

    found = report_of(any_database, campaign)

    assert [(wait.from_seconds, wait.below_seconds, wait.messages) for wait in found.waits if wait.messages] == [
        (0, 5, 2),
        (60, 120, 2),
        (600, 1_800, 2),
    ]


@pytest.mark.parametrize("seconds", [0, 1, 90, 4_000, 100_000, 40 * 86_400])
def test_however_long_it_took_the_spans_are_few_and_none_is_missing(any_database: Database, seconds: int) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2)
    first, second = making.all_accepted(any_database, campaign)
    making.all_delivered(any_database, first)
    making.clock_goes_on(any_database, seconds, messages.c.updated_at)
    making.all_delivered(any_database, second)

    spans = report_of(any_database, campaign).deliveries

    assert len(spans) <= 24
    assert {(after.start - before.start).total_seconds() for before, after in pairwise(spans)} <= {spans[0].seconds}


def test_prefixes_have_the_names_of_operators_that_are_known(any_database: Database) -> None:
    orange, burkina, nobody = (
        making.numbers(3),
        making.numbers(2, first=22670000000),
        making.numbers(1, first=33602345678),
    )
    campaign = making.funded(any_database, [*orange, *burkina, *nobody])
    claim = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(claim, (0, S.DELIVERED), (1, S.REJECTED)))

    found = report_of(any_database, campaign).prefixes

    assert [(its.country_code, its.digits, its.operator, its.messages) for its in found] == [
        ("225", "07", "Orange", 3),
        ("226", "70", "Moov Africa", 2),
        ("33", "60", None, 1),  # several operators'
    ]
    assert (found[0].delivered, found[0].failed, found[0].open) == (1, 1, 1)


def test_credits_are_those_of_the_account(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    making.reported(any_database, making.report(making.accepted(any_database, campaign), (0, S.NOT_SENT)))

    its = report_of(any_database, campaign).account

    assert (its.credits_estimated, its.credits_posted, its.credits_refunded) == (2, 2, Decimal(1))


def test_many_recipients_make_it_no_longer(any_database: Database) -> None:
    def length(recipients: int) -> int:
        campaign = making.funded(any_database, making.numbers(recipients), batch_size=5_000)
        making.all_delivered(any_database, *making.all_accepted(any_database, campaign))
        found = campaigns.report(campaign, database=any_database)
        return len(found.deliveries) + len(found.waits) + len(found.prefixes) + len(found.refusals)

    assert length(2_000) <= length(10) + 24


def test_no_number_is_in_it(any_database: Database) -> None:
    campaign = making.funded(any_database, [*making.numbers(3), making.FIRST])
    making.all_delivered(any_database, making.accepted(any_database, campaign))

    assert str(making.FIRST)[:7] not in repr(report_of(any_database, campaign))


def test_no_campaign_is_refused(any_database: Database) -> None:
    with pytest.raises(campaigns.UnknownCampaignError, match="no campaign has the id 9"):
        campaigns.report(9, database=any_database)
