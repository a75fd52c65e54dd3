"""PostgreSQL keeps what a worker wrote, and its answer is lost: nobody is sent to twice, nobody is left out.

What people and producers ask for is in `test_lost_requests`.
"""

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Timer
from time import time

import psycopg
import pytest
from sqlalchemy import select

import campaigns
from campaigns import batches, bells, bisection, claims, doubts, expansion, journal, reports, settling
from campaigns.database import AnswerLost, Database, DatabaseAway
from campaigns.models import attempts, holds, report_polls
from campaigns.prices import Prices
from campaigns.settings import domain_settings
from campaigns.states import AttemptState, BatchState, CampaignState, MessageStatus
from tests.campaigns import making, producing
from tests.chaos.shaky import Shaky, rows
from tests.servers.waiting import PATIENCE, eventually
from tests.worker.workshop import ScriptedGateway, Workshop
from worker import keeping, spool
from worker.sending import Tally, deliver, send_slice

BELL = bells.fund(making.ACCOUNT)


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
        lambda database, claim: settling.accept(
            database, claim, making.acceptance(claim, left_out=claim.payload.numbers[:1])
        ),
        AttemptState.ACCEPTED,
        BatchState.ACCEPTED,
    ),
    "refused": (
        lambda database, claim: settling.refuse(database, claim, -7, "no recipient"),
        AttemptState.REFUSED,
        BatchState.REFUSED,
    ),
    "released": (
        lambda database, claim: settling.release(database, claim, "refused connection"),
        AttemptState.NOT_SENT,
        BatchState.PENDING,
    ),
    "in doubt": (
        lambda database, claim: settling.doubt(database, claim, "no reply"),
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
    settling.release(shaky.beside, first, "refused connection")
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
    settling.doubt(shaky.beside, claim, "no reply")
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

    assert eventually(goes_on, within=PATIENCE)
