"""Batches whose lookups are over go on, whoever took their answers in."""

import pytest

from campaigns.database import Database
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.worker.workshop import ScriptedGateway, Workshop
from worker import cleaning

ANSWERED, SILENT = MessageStatus.DELIVERED, MessageStatus.WAITING


@pytest.mark.parametrize(
    ("status", "seconds", "cleaned"),
    [
        pytest.param(ANSWERED, 0, 1, id="answered, and its reader died"),
        pytest.param(SILENT, 0, 0, id="answers are awaited"),
        pytest.param(SILENT, 601, 1, id="the deadline has passed"),
        pytest.param(ANSWERED, 601, 1, id="both"),
    ],
)
def test_a_batch_is_cleaned_when_no_further_answer_will_come(
    any_database: Database, status: MessageStatus, seconds: int, cleaned: int
) -> None:
    campaign = making.funded(any_database, making.numbers(1), lookup=True)
    found = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(found, (0, status)))
    making.clock_goes_on(any_database, seconds)

    assert cleaning.finish_overdue(Workshop(any_database, ScriptedGateway())) == cleaned

    assert making.batch_states(any_database, campaign) == ["pending" if cleaned else "checking"]
    assert making.state(any_database, campaign) == ("sending" if cleaned else "cleaning")


def test_only_the_campaigns_whose_batches_were_cleaned_are_looked_at(any_database: Database) -> None:
    other = making.funded(any_database, making.numbers(1))
    making.accepted(any_database, other)
    campaign = making.funded(any_database, making.numbers(1), lookup=True)
    found = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(found, (0, ANSWERED)))

    cleaning.finish(Workshop(any_database, ScriptedGateway()), [found.batch_id])

    assert (making.state(any_database, campaign), making.state(any_database, other)) == ("sending", "sending")
    assert making.advanced(any_database, other) == "tracking"
