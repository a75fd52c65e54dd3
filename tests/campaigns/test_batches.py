"""A batch is moved once by each request: by its outcome, or when its lease runs out."""

import pytest
from sqlalchemy import select

from campaigns import batches, settling
from campaigns.database import Database
from campaigns.models import attempts
from campaigns.states import AttemptState, BatchState
from tests.campaigns import making


def test_a_lease_that_ran_out_leads_to_doubt(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    found, other = making.claimed(any_database, campaign, lease_seconds=0), making.claimed(any_database, campaign)
    making.clock_goes_on(any_database, 1)

    assert batches.expire_leases(any_database) == [campaign]

    assert making.attempt(any_database, found).state == AttemptState.IN_DOUBT
    assert making.attempt(any_database, other).state == AttemptState.OPEN
    assert making.batch_states(any_database, campaign) == [BatchState.IN_DOUBT, BatchState.SENDING]
    assert batches.expire_leases(any_database) == []


def test_the_sweep_does_not_wait_for_a_process_that_was_stopped_while_it_settled(postgresql: Database) -> None:
    campaign = making.funded(postgresql, making.numbers(2), batch_size=1)
    stopped, other = (making.claimed(postgresql, campaign, lease_seconds=-1) for _ in range(2))
    with postgresql.engine.connect() as connection:
        connection.execute(select(attempts).where(attempts.c.id == stopped.attempt_id).with_for_update())

        assert batches.expire_leases(postgresql) == [campaign]

    assert making.attempt(postgresql, stopped).state == AttemptState.OPEN
    assert making.attempt(postgresql, other).state == AttemptState.IN_DOUBT


def test_a_yes_counts_even_after_the_lease_ran_out(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign, lease_seconds=-1)
    batches.expire_leases(any_database)

    settling.accept(any_database, found, making.acceptance(found, left_out=[making.FIRST]))

    assert making.attempt(any_database, found).state == AttemptState.ACCEPTED
    assert making.account(any_database, campaign).by_status == {"in_flight": 1, "refused": 1}


@pytest.mark.parametrize(
    "again",
    [
        lambda database, found: settling.refuse(database, found, -9, "no"),
        lambda database, found: settling.release(database, found, "no route"),
        lambda database, found: settling.doubt(database, found, "timed out"),
        lambda database, found: settling.accept(database, found, making.acceptance(found, "other")),
    ],
    ids=["refused", "released", "in doubt", "accepted again"],
)
def test_an_outcome_is_never_replaced_by_another(any_database: Database, again: object) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.accepted(any_database, campaign, "f1")

    again(any_database, found)  # type: ignore[operator]

    attempt = making.attempt(any_database, found)
    assert (attempt.state, attempt.msgfid) == (AttemptState.ACCEPTED, "f1")
    assert making.batch_states(any_database, campaign) == [BatchState.ACCEPTED]
