"""What a person or a producer asked for was kept, and its answer lost: to be asked for again, and done once."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

import campaigns
from campaigns import events, keys, settling
from campaigns.claims import Claim
from campaigns.database import AnswerLost, DatabaseAway
from campaigns.models import campaigns as campaigns_table
from campaigns.models import resolutions
from campaigns.states import AttemptState, BatchState, CampaignState
from tests.campaigns import making, producing
from tests.chaos.shaky import Shaky, rows
from tests.worker.terminal import forget, run
from tests.worker.workshop import ScriptedGateway, Workshop
from worker.sending import send_slice
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


@pytest.mark.parametrize("of", [*PRODUCED, "stored"])
def test_a_campaign_that_is_found_to_be_there_is_told_as_any_other(
    shaky: Shaky, of: str, caplog: pytest.LogCaptureFixture
) -> None:
    def submit() -> list[str]:
        people = producing.people(PRODUCED.get(of, 5))
        source = campaigns.store_audience(people, database=shaky.beside) if of == "stored" else people
        caplog.clear()
        campaigns.submit(producing.SPEC, source, database=shaky.database)
        return caplog.messages

    with caplog.at_level(logging.INFO, "campaigns.events"):
        usual, found = submit(), 0
        for nth in count():
            shaky.lose(skip=nth)
            with suppress(AnswerLost):
                assert submit() == usual
                found += shaky.lost.lost
            if not shaky.lost.lost:
                break
    assert found
    assert events.SUBMITTED in usual


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


DECISIONS = {
    "accepted": (AttemptState.ACCEPTED, BatchState.ACCEPTED),
    "resend": (AttemptState.RESENT, BatchState.PENDING),
    "write-off": (AttemptState.WRITTEN_OFF, BatchState.WRITTEN_OFF),
}


def in_doubt(shaky: Shaky) -> Claim:
    """A campaign's only batch, of which nobody knows."""
    claim = making.claimed(shaky.beside, making.funded(shaky.beside, making.numbers(3)))
    settling.doubt(shaky.beside, claim, "no reply")
    return claim


@pytest.fixture
def console(shaky: Shaky, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The command reaches the same database, by the same way, and no broker."""
    monkeypatch.chdir(tmp_path)  # away from any .env
    monkeypatch.setenv("DATABASE_URL", shaky.database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    forget()
    yield
    forget()


def decided(shaky: Shaky, claim: Claim) -> list[tuple[str, str, str]]:
    r = resolutions.c
    made = select(r.decision, r.decided_by, r.reason).where(r.attempt_id == claim.attempt_id)
    return [tuple(row) for row in rows(shaky.beside, made)]


@pytest.mark.usefixtures("console")
@pytest.mark.parametrize("decision", DECISIONS)
def test_whoever_decides_is_told_the_truth_and_decides_once_whichever_commit_is_not_answered(
    shaky: Shaky, carried_out: bool, decision: str
) -> None:
    said, (state, batch_state) = decision.replace("-", "_"), DECISIONS[decision]
    unsure = 0
    for nth in count():
        claim = in_doubt(shaky)
        words = ["resolve", str(claim.attempt_id), decision, "--by", "awa", "--reason", "nobody got it", "--yes"]
        shaky.lose(carried_out=carried_out, skip=nth)

        first = run(*words)

        assert ("Error: the database" in first.stderr) == (first.exit_code != 0)
        is_decided, is_unsure = decided(shaky, claim) != [], "it did not say whether it kept" in first.stderr
        told = f"attempt {claim.attempt_id} (batch 1, 3 numbers)" in first.stdout
        assert told == (is_decided and not is_unsure)
        assert is_decided or making.attempt(shaky.beside, claim).state == AttemptState.IN_DOUBT
        if is_unsure:
            assert is_decided == carried_out
            unsure += 1

        shaky.between.heal()
        again = run(*words)

        already = f"was decided already: {decision.replace('-', ' ')}, by awa at "
        assert (again.exit_code, already in again.stderr) == ((1, True) if is_decided else (0, False))
        assert decided(shaky, claim) == [(said, "awa", "nobody got it")]
        assert making.attempt(shaky.beside, claim).state == state
        assert making.batch_states(shaky.beside, claim.campaign_id) == [batch_state]
        if not shaky.lost.lost:
            break
    assert unsure == 1


def test_what_is_to_be_sent_again_is_sent_again_once_however_often_it_is_asked_for(
    shaky: Shaky, carried_out: bool
) -> None:
    claim, gateway = in_doubt(shaky), ScriptedGateway()
    workshop = Workshop(shaky.beside, gateway)
    shaky.lose(carried_out=carried_out)
    for _ in range(3):
        with suppress(AnswerLost, campaigns.UndecidableError):
            resend(shaky, claim)
        making.fund(shaky.beside)
        send_slice(workshop, making.ACCOUNT, 1)

    assert [list(sent.numbers) for sent in gateway.sent] == [making.numbers(3)]
    assert making.account(shaky.beside, claim.campaign_id).by_status == {"in_flight": 3}


def test_a_decision_that_was_kept_is_told_though_nobody_could_be_woken(shaky: Shaky, carried_out: bool) -> None:
    claim = in_doubt(shaky)
    shaky.lose(carried_out=carried_out, skip=1)  # the ring's, after that of the decision

    assert resend(shaky, claim).batch_state == BatchState.PENDING

    assert shaky.lost.lost == 1
    assert making.fund(shaky.beside) == 1


def resend(shaky: Shaky, claim: Claim) -> campaigns.Resolved:
    return campaigns.resolve(
        claim.attempt_id, "resend", by="awa", reason="nobody got it", ring=lambda *_: None, database=shaky.database
    )
