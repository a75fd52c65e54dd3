"""Whom a campaign did not reach is texted again: the same texts, once, and nobody who may have got one."""

from typing import Any

import pytest
from sqlalchemy import select

import campaigns
from campaigns import bisection, settling
from campaigns.database import Database
from campaigns.filling import FINISHED_TEXT, as_merged
from campaigns.models import batches
from campaigns.models import campaigns as table
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.states import Decision, MessageStatus
from tests.campaigns import making
from tests.campaigns.producing import row

S = MessageStatus
ENDS = [S.DELIVERED, S.UNDELIVERED, S.NETWORK_ERROR, S.NO_CREDIT, S.REJECTED, S.UNREPORTED, S.UNDELIVERED]


def ended(database: Database, *, ends: list[MessageStatus] = ENDS, **options: Any) -> int:
    """A campaign of a message for each of these ends, and one that is still on its way."""
    campaign = making.funded(database, making.numbers(len(ends) + 1), **options)
    making.reported(database, making.report(making.accepted(database, campaign), *enumerate(ends)))
    return campaign


def texts(database: Database, campaign: int) -> dict[int, str]:
    """What each number is sent."""
    with database.reading() as connection:
        wire = connection.execute(select(table.c.wire_text).where(table.c.id == campaign)).scalar_one()
        found = connection.execute(select(batches).where(batches.c.campaign_id == campaign, batches.c.size > 0)).all()
    return {
        number: as_merged(wire if batch.merged else FINISHED_TEXT, values)
        for batch in found
        for number, values in zip(
            Payload.unpack(batch.payload).numbers, Payload.unpack(batch.payload).values, strict=True
        )
    }


def again(database: Database, campaign: int, *only: str) -> campaigns.Submitted:
    return campaigns.retry(campaign, only=only, database=database)


def test_whoever_was_not_reached_gets_the_same_text_in_a_campaign_that_is_linked(any_database: Database) -> None:
    first = ended(any_database)

    made = again(any_database, first, "undelivered", "no_credit")

    numbers = making.numbers(8)
    chosen = {numbers[1], numbers[3], numbers[6]}
    assert texts(any_database, made.id) == {n: t for n, t in texts(any_database, first).items() if n in chosen}
    account = making.account(any_database, made.id)
    assert (made.created, account.recipients, account.retry_of) == (True, 3, first)
    assert (account.key, account.name) == (f"retry-{first}-1", "Rappel, retry")
    assert making.account(any_database, first).retries == (made.id,)
    making.fund(any_database)
    making.all_delivered(any_database, *making.all_accepted(any_database, made.id))
    assert making.advanced(any_database, made.id) == "completed"
    assert making.account(any_database, made.id).by_status == {"delivered": 3}


@pytest.mark.parametrize("template", ["Bonjour {{ nom }}", "Bonjour {{ nom | upper }}\n\nà  demain ê", "{ {{ nom }}"])
def test_texts_are_the_same_to_the_letter_however_they_travel(any_database: Database, template: str) -> None:
    first = ended(any_database, template=template)

    made = again(any_database, first, "undelivered")

    before, after = texts(any_database, first), texts(any_database, made.id)
    assert len(after) == 2
    assert all(before[number] == text for number, text in after.items())
    assert row(any_database, made.id).spec["template"] == template


def test_the_same_retry_again_makes_nothing_new(any_database: Database) -> None:
    first = ended(any_database)
    made = again(any_database, first, "undelivered", "rejected")

    assert again(any_database, first, "rejected", "undelivered") == campaigns.Submitted(made.id, "funding", False)
    assert again(any_database, first, "undelivered").id == made.id


def test_a_wider_retry_texts_only_those_who_are_in_none_yet(any_database: Database) -> None:
    first = ended(any_database)
    again(any_database, first, "undelivered")

    wider = again(any_database, first, "undelivered", "network_error")

    assert (wider.created, list(texts(any_database, wider.id))) == (True, [making.numbers(8)[2]])
    assert row(any_database, wider.id).key == f"retry-{first}-2"


def test_two_retries_at_once_make_one_campaign(any_database: Database) -> None:
    first = ended(any_database)

    made = making.at_once(*[lambda: again(any_database, first, "undelivered")] * 4)

    assert len({one.id for one in made}) == 1
    assert [one.created for one in made].count(True) == 1


def test_what_fails_again_is_retried_by_retrying_the_retry(any_database: Database) -> None:
    made = again(any_database, ended(any_database), "undelivered")
    making.fund(any_database)
    making.reported(any_database, making.report(making.accepted(any_database, made.id), (1, S.UNDELIVERED)))

    once_more = again(any_database, made.id, "undelivered")

    assert list(texts(any_database, once_more.id)) == [making.numbers(8)[6]]
    assert making.account(any_database, once_more.id).retry_of == made.id


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("delivered", "it has arrived"),
        ("unreported", "no report says that it did not arrive"),
        ("written_off", "nobody knows whether it was sent"),
        ("in_doubt", "campaigns doubts"),
        ("in_flight", "it may still arrive"),
        ("lost", "there is no status 'lost'"),
    ],
)
def test_what_may_have_arrived_is_not_sent_again(sqlite: Database, status: str, why: str) -> None:
    with pytest.raises(campaigns.NotRetriableError, match=why):
        again(sqlite, ended(sqlite), "undelivered", status)


def test_no_status_at_all_is_refused(sqlite: Database) -> None:
    with pytest.raises(campaigns.NotRetriableError, match="say which messages"):
        again(sqlite, ended(sqlite))


def test_who_may_have_got_the_text_by_a_request_in_doubt_is_not_chosen(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2)
    doubtful = making.claimed(any_database, campaign)
    settling.doubt(any_database, doubtful, "timed out")
    making.accepted(any_database, campaign)
    making.advance(any_database)
    campaigns.resolve(doubtful.attempt_id, Decision.RESEND, by="awa", reason="lost", database=any_database)
    campaigns.cancel(campaign, database=any_database)
    assert making.account(any_database, campaign).by_status == {"voided": 2, "in_flight": 2}

    with pytest.raises(campaigns.StateError, match="no message of it is certainly voided"):
        again(any_database, campaign, "voided")


def test_the_rest_of_a_cancelled_campaign_and_its_refused_rows_can_be_sent_after_all(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=2)
    halved = making.claimed(any_database, campaign)
    bisection.refuse(any_database, halved, "cannot be read", code=-1, prices=Prices({}))
    settling.refuse(any_database, making.claimed(any_database, campaign), -9, "no")
    campaigns.cancel(campaign, database=any_database)

    made = again(any_database, campaign, "voided", "refused")

    assert sorted(texts(any_database, made.id)) == making.numbers(6)
    assert making.account(any_database, made.id).batches == {"pending": 3}


def test_who_has_opted_out_since_is_left_out(any_database: Database) -> None:
    first = ended(any_database)
    campaigns.opt_out(f"+{making.numbers(8)[1]}", source="STOP", database=any_database)

    made = again(any_database, first, "undelivered")

    assert list(texts(any_database, made.id)) == [making.numbers(8)[6]]


def test_nobody_to_text_again_is_said_and_makes_no_campaign(any_database: Database) -> None:
    first = ended(any_database, ends=[S.DELIVERED])

    with pytest.raises(campaigns.StateError, match="nobody to text again: no message of it is certainly undelivered"):
        again(any_database, first, "undelivered")
    with pytest.raises(campaigns.UnknownCampaignError):
        again(any_database, 99, "undelivered")
    assert len(campaigns.listing(database=any_database)) == 1


def test_somebody_elses_campaign_with_the_key_is_not_taken_for_a_retry(sqlite: Database) -> None:
    first = ended(sqlite)
    making.submitted(sqlite, making.numbers(1), key=f"retry-{first}-1")
    with pytest.raises(campaigns.KeyConflict, match="is meant for a retry"):
        again(sqlite, first, "undelivered")
