"""PostgreSQL keeps a transaction, and the answer to its COMMIT is lost: nobody is sent to twice, nobody is left out.

Each test is made twice: the commit was carried out, and it was not. Whoever asked cannot tell the two apart.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Timer
from time import time
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

import campaigns
from campaigns import batches, bells, bisection, claims, doubts, expansion, journal, keys, reports
from campaigns.database import AnswerLost, Database, DatabaseAway
from campaigns.models import attempts, holds, report_polls
from campaigns.models import campaigns as campaigns_table
from campaigns.prices import Prices
from campaigns.settings import domain_settings
from campaigns.states import AttemptState, BatchState, CampaignState, MessageStatus
from tests.campaigns import making, producing
from tests.servers.between import before
from tests.servers.proxy import Proxy
from tests.servers.waiting import eventually
from tests.servers.ways import COMMIT, LoseAnswer
from tests.worker.workshop import ScriptedGateway, Workshop
from worker import keeping, spool
from worker.sending import Tally, deliver, send_slice
from worker.submitting import submit_named

BELL = bells.fund(making.ACCOUNT)


@dataclass
class Shaky:
    """A database that is reached through a proxy, and by the side of it."""

    url: str
    database: Database
    between: Proxy
    beside: Database
    lost: LoseAnswer = field(default_factory=lambda: LoseAnswer(to=COMMIT))

    def lose(self, *, carried_out: bool = True, **options: Any) -> None:
        """Lose the answer to the next commit."""
        self.lost = LoseAnswer(to=COMMIT, carried_out=carried_out, **options)
        self.between.all(self.lost)


@pytest.fixture
def shaky(database_url: str) -> Iterator[Shaky]:
    with before(database_url) as (url, between):
        made = Shaky(database_url, Database(url), between, Database(database_url))
        yield made
        made.database.close()
        made.beside.close()


@pytest.fixture(params=[True, False], ids=["carried out", "not carried out"])
def carried_out(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def rows(database: Database, statement: Any) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(statement).all())


def attempt_states(database: Database) -> list[str]:
    return [row.state for row in rows(database, select(attempts.c.state).order_by(attempts.c.id))]


def test_a_claim_goes_on_if_it_was_kept_and_leaves_nothing_if_it_was_not(shaky: Shaky, carried_out: bool) -> None:
    campaign = making.funded(shaky.beside, making.numbers(3))
    shaky.lose(carried_out=carried_out)
    if not carried_out:
        with pytest.raises(AnswerLost):
            claims.claim(shaky.database, campaign, lease_seconds=making.LEASE)
        assert attempt_states(shaky.beside) == []
    gateway = ScriptedGateway()
    workshop = Workshop(shaky.database, gateway)
    claim = making.claimed(shaky.database, campaign)
    assert shaky.lost.lost == 1
    assert deliver(workshop, claim, Tally()) == 3
    assert [list(sent.numbers) for sent in gateway.sent] == [making.numbers(3)]
    assert attempt_states(shaky.beside) == [AttemptState.ACCEPTED]


def test_a_claim_whose_commit_is_still_on_its_way_is_waited_for(shaky: Shaky) -> None:
    campaign = making.funded(shaky.beside, making.numbers(3))
    with psycopg.connect(shaky.url, autocommit=True) as connection:
        slow = "BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END"
        connection.execute(f"CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS '{slow}'".encode())
        connection.execute(
            "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON attempts DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION dawdle()"
        )
        try:
            shaky.lose(early=True)
            claim = making.claimed(shaky.database, campaign)
        finally:
            connection.execute("DROP FUNCTION dawdle() CASCADE")
    assert making.attempt(shaky.beside, claim).state == AttemptState.OPEN


def test_a_claim_that_was_found_again_too_late_is_given_back_and_is_no_doubt(shaky: Shaky) -> None:
    campaign = making.funded(shaky.beside, making.numbers(3))
    shaky.lose()
    claim = making.claimed(shaky.database, campaign, lease_seconds=0.0)
    assert batches.expire_leases(shaky.beside) == [campaign]
    gateway = ScriptedGateway()
    deliver(Workshop(shaky.database, gateway), claim, Tally())
    assert gateway.sent == []
    assert (attempt_states(shaky.beside), making.batch_states(shaky.beside, campaign)) == (["not_sent"], ["pending"])


def test_a_database_that_is_away_just_before_connecting_is_waited_for(shaky: Shaky) -> None:
    campaign = making.funded(shaky.beside, making.numbers(3))
    claim = making.claimed(shaky.database, campaign)
    shaky.between.refuse()
    back = Timer(0.3, shaky.between.listen)
    back.start()
    assert deliver(Workshop(shaky.database, ScriptedGateway()), claim, Tally()) == 3
    back.join()


Settle = Callable[[Database, claims.Claim], None]

SETTLED: dict[str, tuple[Settle, str, str]] = {
    "accepted": (
        lambda database, claim: batches.accept(
            database, claim, making.acceptance(claim, left_out=claim.payload.numbers[:1])
        ),
        AttemptState.ACCEPTED,
        BatchState.ACCEPTED,
    ),
    "refused": (
        lambda database, claim: batches.refuse(database, claim, -7, "no recipient"),
        AttemptState.REFUSED,
        BatchState.REFUSED,
    ),
    "released": (
        lambda database, claim: batches.release(database, claim, "refused connection"),
        AttemptState.NOT_SENT,
        BatchState.PENDING,
    ),
    "in doubt": (
        lambda database, claim: batches.doubt(database, claim, "no reply"),
        AttemptState.IN_DOUBT,
        BatchState.IN_DOUBT,
    ),
}


@pytest.mark.parametrize("outcome", SETTLED)
def test_a_batch_is_settled_once_however_often_it_is_said(shaky: Shaky, carried_out: bool, outcome: str) -> None:
    settle, attempt_state, batch_state = SETTLED[outcome]
    campaign = making.funded(shaky.beside, making.numbers(3))
    claim = making.claimed(shaky.database, campaign)
    shaky.lose(carried_out=carried_out)
    settle(shaky.database, claim)
    assert shaky.lost.lost == 1
    assert making.attempt(shaky.beside, claim).state == attempt_state
    assert making.batch_states(shaky.beside, campaign) == [batch_state]
    if outcome == "accepted":
        assert making.account(shaky.beside, campaign).by_status == {"refused": 1, "in_flight": 2}


def test_a_refused_batch_is_halved_once(shaky: Shaky, carried_out: bool) -> None:
    campaign = making.funded(shaky.beside, making.numbers(4))
    claim = making.claimed(shaky.database, campaign)
    shaky.lose(carried_out=carried_out)
    prices = Prices(domain_settings().credit_prices, domain_settings().lookup_price)
    bisection.refuse(shaky.database, claim, "unreadable", code=-1, prices=prices)
    assert shaky.lost.lost == 1
    assert sorted(making.batch_states(shaky.beside, campaign)) == ["halved", "pending", "pending"]
    sent = [making.claimed(shaky.beside, campaign).payload.numbers for _ in range(2)]
    assert sorted(number for numbers in sent for number in numbers) == making.numbers(4)


@pytest.mark.parametrize("outcome", SETTLED)
def test_what_is_said_again_does_not_touch_the_next_attempt(shaky: Shaky, outcome: str) -> None:
    campaign = making.funded(shaky.beside, making.numbers(3))
    first = making.claimed(shaky.beside, campaign)
    batches.release(shaky.beside, first, "refused connection")
    second = making.claimed(shaky.beside, campaign)
    SETTLED[outcome][0](shaky.beside, first)
    assert making.attempt(shaky.beside, first).state == AttemptState.NOT_SENT
    assert making.attempt(shaky.beside, second).state == AttemptState.OPEN
    assert making.batch_states(shaky.beside, campaign) == [BatchState.SENDING]


def test_a_reading_of_reports_is_noted_and_kept_and_applied_once(
    shaky: Shaky, carried_out: bool, tmp_path: Path
) -> None:
    campaign = making.funded(shaky.beside, making.numbers(2))
    claim = making.accepted(shaky.beside, campaign)
    shaky.lose(carried_out=carried_out)
    with pytest.raises(AnswerLost):
        journal.note(shaky.database, making.ACCOUNT)
    poll_id = journal.note(shaky.database, making.ACCOUNT)
    shaky.lose(carried_out=carried_out)
    arrived = spool.Arrived(making.ACCOUNT, poll_id, b"<REPONSE/>", msgfid=None, cut=False, at=time())
    assert keeping.keep(shaky.database, tmp_path, arrived) == poll_id
    found = making.report(claim, (0, MessageStatus.DELIVERED), (1, MessageStatus.REJECTED))
    shaky.lose(carried_out=carried_out)
    with pytest.raises(AnswerLost):
        reports.apply(shaky.database, poll_id, found)
    reports.apply(shaky.database, poll_id, found)
    assert making.account(shaky.beside, campaign).by_status == {"delivered": 1, "rejected": 1}
    assert making.account(shaky.beside, campaign).credits_refunded == 1
    assert [row.state for row in rows(shaky.beside, select(report_polls.c.state))] == ["applied"]


def test_a_doubt_is_adopted_once(shaky: Shaky, carried_out: bool) -> None:
    campaign = making.funded(shaky.beside, making.numbers(4))
    claim = making.claimed(shaky.beside, campaign)
    batches.doubt(shaky.beside, claim, "no reply")
    evidence = [doubts.Evidence("g-1", frozenset(making.numbers(4)), shaky.beside.clock())]
    shaky.lose(carried_out=carried_out)
    with pytest.raises(AnswerLost):
        doubts.settle(shaky.database, making.ACCOUNT, evidence, exclusive=False)
    adopted = doubts.settle(shaky.database, making.ACCOUNT, evidence, exclusive=False)
    assert adopted == ([] if carried_out else [campaign])
    assert making.attempt(shaky.beside, claim).credits == 4
    assert making.batch_states(shaky.beside, campaign) == [BatchState.ACCEPTED]


def expand(database: Database, campaign_id: int) -> None:
    while expansion.expand_slice(database, campaign_id, domain_settings()):
        pass


def test_an_audience_is_expanded_once(shaky: Shaky, carried_out: bool) -> None:
    made = campaigns.submit(producing.SPEC | {"batch_size": 500}, producing.people(12_000), database=shaky.beside)
    for skip in (0, 1, 0):
        shaky.lose(carried_out=carried_out, skip=skip)
        with pytest.raises(AnswerLost):
            expand(shaky.database, made.id)
    expand(shaky.database, made.id)
    account = making.account(shaky.beside, made.id)
    assert (account.state, account.recipients, account.messages) == (CampaignState.FUNDING, 12_000, 12_000)
    assert account.excluded == {}


def test_credits_are_set_aside_once(shaky: Shaky, carried_out: bool) -> None:
    first, second = (making.submitted(shaky.beside, making.numbers(6)) for _ in range(2))
    shaky.lose(carried_out=carried_out)
    with pytest.raises(AnswerLost):
        making.fund(shaky.database, 10)
    making.fund(shaky.database, 10)
    assert [(row.campaign_id, row.credits) for row in rows(shaky.beside, select(holds))] == [(first, 6)]
    assert making.state(shaky.beside, first) == CampaignState.SENDING
    assert making.state(shaky.beside, second) == CampaignState.AWAITING_CREDITS


def silent(shaky: Shaky) -> bool:
    return bells.ring(shaky.beside, BELL, lambda *_: None)


def test_a_bell_that_was_taken_up_without_an_answer_is_silent_at_once(shaky: Shaky) -> None:
    assert silent(shaky)
    shaky.lose()
    with pytest.raises(AnswerLost):
        bells.answer(shaky.database, BELL, 1, seconds=60)
    assert silent(shaky)


def test_a_bell_that_nobody_took_up_is_still_answered(shaky: Shaky) -> None:
    assert silent(shaky)
    shaky.lose(carried_out=False)
    with pytest.raises(AnswerLost):
        bells.answer(shaky.database, BELL, 1, seconds=60)
    assert bells.answer(shaky.database, BELL, 1, seconds=60) == 2


def test_a_bell_falls_quiet_once(shaky: Shaky, carried_out: bool) -> None:
    assert silent(shaky)
    serial = bells.answer(shaky.database, BELL, 1, seconds=60)
    assert serial is not None
    shaky.lose(carried_out=carried_out)
    bells.quiet(shaky.database, BELL, serial)
    assert silent(shaky)


def test_a_bell_that_is_rung_again_without_an_answer_lapses_as_for_a_lost_task(shaky: Shaky, carried_out: bool) -> None:
    assert silent(shaky)
    serial = bells.answer(shaky.database, BELL, 1, seconds=60)
    assert serial is not None
    sent: list[int] = []
    shaky.lose(carried_out=carried_out)
    with pytest.raises(AnswerLost):
        bells.again(shaky.database, BELL, serial, lambda _bell, number, _after: sent.append(number))
    assert sent == []
    making.clock_goes_on(shaky.beside, 60, bells.bells.c.until)
    assert silent(shaky)


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


def test_whichever_commit_is_not_answered_everybody_is_sent_to_once(shaky: Shaky, carried_out: bool) -> None:
    for nth in count():
        gateway = ScriptedGateway()
        campaign = making.submitted(shaky.beside, making.numbers(6), batch_size=2)
        shaky.lose(carried_out=carried_out, skip=nth)
        live(shaky, campaign, gateway)
        numbers = sorted(number for sending in gateway.sent for number in sending.numbers)
        assert numbers == making.numbers(6), f"the answer to commit {nth} was lost"
        account = making.account(shaky.beside, campaign)
        assert (account.state, account.by_status) == (CampaignState.COMPLETED, {"delivered": 6})
        if not shaky.lost.lost:
            break
    assert nth > 10


def live(shaky: Shaky, campaign: int, gateway: ScriptedGateway) -> None:
    """A campaign's whole life, by a worker that does anew what failed."""
    workshop = Workshop(shaky.database, gateway)
    told: set[str] = set()

    def tell() -> None:
        for sent in gateway.sent:
            if sent.msgid not in told:
                delivered = [MessageStatus.DELIVERED] * len(sent.numbers)
                names = [f"f-{sent.msgid}"] * len(sent.numbers)
                found = reports.Reports(names, names, [str(number) for number in sent.numbers], delivered)
                making.reported(shaky.database, found)
                told.add(sent.msgid)

    steps = [
        lambda: making.fund(shaky.database),
        lambda: send_slice(workshop, making.ACCOUNT, 1),
        tell,
        lambda: making.advance(shaky.database, campaign),
    ]

    def goes_on() -> bool:
        for step in steps:
            with suppress(DatabaseAway):
                step()
        return making.state(shaky.beside, campaign) == CampaignState.COMPLETED

    assert eventually(goes_on, within=20)
