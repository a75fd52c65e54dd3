"""What a person or a producer asked for was kept, and its answer lost: to be asked for again, and done once."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count

import pytest
from sqlalchemy import select

import campaigns
from campaigns import keys
from campaigns.database import AnswerLost, DatabaseAway
from campaigns.models import campaigns as campaigns_table
from campaigns.states import CampaignState
from tests.campaigns import making, producing
from tests.chaos.shaky import Shaky, rows
from tests.worker.workshop import ScriptedGateway, Workshop
from worker.submitting import submit_named

PRODUCED = {"small": 3, "large": 12_000}


@pytest.mark.parametrize("size", PRODUCED.values(), ids=PRODUCED)
@pytest.mark.parametrize("key", [None, "rappel-1"], ids=["without a key", "with one"])
def test_a_producer_who_is_told_nothing_has_made_one_campaign_at_most(
    shaky: Shaky, carried_out: bool, size: int, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "ABANDONED_SECONDS", 0.0)
    spec = producing.SPEC | {"key": key}
    for nth in count():
        before = ended(shaky)
        shaky.lose(carried_out=carried_out, skip=nth)
        try:
            made = campaigns.submit(spec, producing.people(size), database=shaky.database)
        except DatabaseAway:
            if key is None:
                assert ended(shaky) == before, "it may be sent, and the producer was told that it is not there"
                continue
            made = campaigns.submit(spec, producing.people(size), database=shaky.database)
        assert made.created or key is not None
        assert making.account(shaky.beside, made.id).recipients == size
        assert len(ended(shaky)) - len(before) == (made.id not in before)
        if not shaky.lost.lost:
            break
        if key is not None:
            spec = spec | {"key": f"rappel-{nth + 2}"}
    assert nth >= (1 if size < 100 else 3)


def ended(shaky: Shaky) -> list[int]:
    """Campaigns that are handed over whole, and so may be sent."""
    c = campaigns_table.c
    whole = c.state.in_([CampaignState.FUNDING, CampaignState.SUBMITTED])
    return [row.id for row in rows(shaky.beside, select(c.id).where(whole).order_by(c.id))]


def test_a_campaign_for_a_stored_audience_is_made_once(shaky: Shaky, carried_out: bool) -> None:
    audience = campaigns.store_audience(producing.people(5), database=shaky.beside)
    shaky.lose(carried_out=carried_out)
    if carried_out:
        assert campaigns.submit(producing.SPEC, audience, database=shaky.database).created
    else:
        with pytest.raises(AnswerLost):
            campaigns.submit(producing.SPEC, audience, database=shaky.database)
    assert len(ended(shaky)) == int(carried_out)


@pytest.mark.parametrize("key", [None, "rappel-1"], ids=["without a key", "with one"])
def test_a_producer_whose_database_stays_away_is_told_that_it_cannot_be_told(
    shaky: Shaky, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shaky.lose(shut=True)
    monkeypatch.setattr("campaigns.outages.monotonic", hurried())
    with pytest.raises(AnswerLost, match="did not say whether it kept"):
        campaigns.submit(producing.SPEC | {"key": key}, producing.people(3), database=shaky.database)
    shaky.between.heal()
    assert len(ended(shaky)) == 1
    if key is not None:
        again = campaigns.submit(producing.SPEC | {"key": key}, producing.people(3), database=shaky.database)
        assert (again.id, again.created) == (ended(shaky)[0], False)


def hurried() -> Callable[[], float]:
    """A clock on which ten seconds go by at each look."""
    seconds = count(0.0, 10.0)
    return lambda: next(seconds)


def test_a_submission_by_task_that_comes_again_makes_no_second_campaign(shaky: Shaky, carried_out: bool) -> None:
    audience = campaigns.store_audience(producing.people(5), database=shaky.beside)
    workshop = Workshop(shaky.database, ScriptedGateway())
    asked = producing.SPEC | {"audience": {"id": audience.id}}
    shaky.lose(carried_out=carried_out)
    with suppress(DatabaseAway):
        submit_named(workshop, asked, None, otherwise_key="task-1")
    submit_named(workshop, asked, None, otherwise_key="task-1")
    assert len(ended(shaky)) == 1


def test_what_a_person_asks_for_may_be_asked_again(shaky: Shaky, carried_out: bool) -> None:
    campaign = making.funded(shaky.beside, making.numbers(3))
    for ask, done in [
        (campaigns.pause, lambda account: account.paused_at is not None),
        (campaigns.resume, lambda account: account.paused_at is None),
        (campaigns.cancel, lambda account: account.state == CampaignState.CANCELLED),
    ]:
        shaky.lose(carried_out=carried_out)
        with pytest.raises(AnswerLost):
            ask(campaign, database=shaky.database)
        assert done(making.account(shaky.beside, campaign)) == carried_out
        with suppress(campaigns.StateError):  # it is not paused any more, and says so
            ask(campaign, database=shaky.database)
        assert done(making.account(shaky.beside, campaign))
    assert making.account(shaky.beside, campaign).by_status == {"voided": 3}
