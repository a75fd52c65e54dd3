"""How a campaign goes on by itself."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import select, text, update

import campaigns
from campaigns import chunks, lifecycle, settling
from campaigns import credits as ledger
from campaigns.chunks import Shape
from campaigns.database import Database
from campaigns.models import audiences
from campaigns.models import campaigns as campaigns_table
from campaigns.states import CampaignState, MessageStatus
from tests.campaigns import making

DELIVERED = MessageStatus.DELIVERED
C = CampaignState


def test_a_campaign_goes_from_funding_to_completed_by_itself(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(3), batch_size=2)
    states = [making.advanced(any_database, campaign)]
    making.fund(any_database)
    states.append(making.advanced(any_database, campaign))
    one = making.accepted(any_database, campaign)
    states.append(making.advanced(any_database, campaign))
    other = making.claimed(any_database, campaign)
    states.append(making.advanced(any_database, campaign))
    settling.accept(any_database, other, making.acceptance(other))
    states.append(making.advanced(any_database, campaign))
    making.all_delivered(any_database, one)
    states.append(making.advanced(any_database, campaign))
    making.all_delivered(any_database, other)
    states.append(making.advanced(any_database, campaign))

    assert states == [C.FUNDING, C.SENDING, C.SENDING, C.SENDING, C.TRACKING, C.TRACKING, C.COMPLETED]
    account = making.account(any_database, campaign)
    assert account.finished
    assert account.waits_for is None


def test_only_the_campaigns_that_are_named_are_looked_at(any_database: Database) -> None:
    made = [making.funded(any_database, making.numbers(1)) for _ in range(2)]
    for campaign in made:
        making.accepted(any_database, campaign)

    making.advance(any_database, made[1])

    assert [making.state(any_database, campaign) for campaign in made] == [C.SENDING, C.TRACKING]


def test_a_campaign_with_nothing_but_doubts_is_stalled_and_says_what_it_waits_for(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    sent = making.accepted(any_database, campaign)
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "timed out")
    states = [making.advanced(any_database, campaign)]
    making.all_delivered(any_database, sent)
    states.append(making.advanced(any_database, campaign))
    stalled = making.account(any_database, campaign)
    settling.accept(any_database, found, making.acceptance(found))
    states.append(making.advanced(any_database, campaign))
    tracking = making.account(any_database, campaign)
    making.all_delivered(any_database, found)
    states.append(making.advanced(any_database, campaign))

    assert states == [C.TRACKING, C.STALLED, C.TRACKING, C.COMPLETED]
    assert "in doubt" in (stalled.waits_for or "")
    assert (tracking.reason, tracking.waits_for) == (None, None)


def test_a_doubt_that_ends_as_refused_completes_a_stalled_campaign(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "timed out")
    assert making.advanced(any_database, campaign) == C.STALLED

    settling.refuse(any_database, found, -9, "no valid recipient")

    assert making.advanced(any_database, campaign) == C.COMPLETED
    reason = making.account(any_database, campaign).reason
    assert reason == "1 batch was refused by the gateway: no valid recipient"


def test_campaigns_that_wait_for_credits_can_be_paused_together(any_database: Database) -> None:
    waiting = making.submitted(any_database, making.numbers(1))
    with any_database.transaction() as connection:
        assert lifecycle.halt_waiting(connection, making.ACCOUNT, "login refused") == 1

    assert not ledger.waiting(any_database, making.ACCOUNT)
    assert lifecycle.account_to_fund(any_database, waiting) == making.ACCOUNT


def test_reports_are_awaited_until_the_last_campaign_is_over(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(1))
    awaited = [lifecycle.at_work(any_database, making.ACCOUNT)]
    making.fund(any_database)
    found = making.accepted(any_database, campaign)
    awaited.append(lifecycle.at_work(any_database, making.ACCOUNT))
    making.all_delivered(any_database, found)
    making.advance(any_database)
    awaited.append(lifecycle.at_work(any_database, making.ACCOUNT))

    assert awaited == [False, True, False]


def test_a_producer_that_died_while_handing_over_is_given_up(any_database: Database) -> None:
    def begun() -> int:
        with any_database.transaction() as connection:
            audience = chunks.begin(connection, Shape(("numero",), 0), kept=False)
            values = {"account": "default", "name": "x", "spec": {}, "wire_text": "", "state": C.RECEIVING}
            row = campaigns_table.insert().values(audience_id=audience, **values)
            made: int = connection.execute(row.returning(campaigns_table.c.id)).scalar_one()
        return made

    dead, alive = begun(), begun()
    moment = audiences.c.touched_at
    making.clock_goes_on(any_database, lifecycle.RECEIVING_SECONDS + 1, moment)
    making.change(any_database, update(audiences).where(audiences.c.id == 2).values(touched_at=any_database.clock()))

    with any_database.transaction() as connection:
        assert lifecycle.give_up_receiving(connection) == 1

    assert (making.state(any_database, dead), making.state(any_database, alive)) == (C.FAILED, C.RECEIVING)
    assert "submit it again" in (making.account(any_database, dead).reason or "")


def sweep(database: Database) -> None:
    with database.transaction() as connection:
        lifecycle.advance(connection)


@pytest.mark.parametrize("left", ["reports", "doubts"])
def test_the_sweep_looks_at_what_only_reports_can_move_no_more_than_now_and_then(
    any_database: Database, left: str
) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.claimed(any_database, campaign)
    if left == "doubts":
        settling.doubt(any_database, found, "timed out")
    else:
        settling.accept(any_database, found, making.acceptance(found))
    sweep(any_database)
    sweep(any_database)
    waits = making.state(any_database, campaign)
    if left == "doubts":
        settling.accept(any_database, found, making.acceptance(found))
    making.all_delivered(any_database, found)
    sweep(any_database)
    rests = making.state(any_database, campaign)
    making.clock_goes_on(any_database, lifecycle.LOOK_AGAIN_SECONDS + 1, campaigns_table.c.looked_at)
    sweep(any_database)

    assert waits == rests == (C.STALLED if left == "doubts" else C.TRACKING)
    assert making.state(any_database, campaign) == C.COMPLETED


def test_a_campaign_that_is_named_is_looked_at_however_late_the_sweep_looked(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.accepted(any_database, campaign)
    sweep(any_database)
    sweep(any_database)
    making.all_delivered(any_database, found)

    making.advance(any_database, campaign)

    assert making.state(any_database, campaign) == C.COMPLETED


def test_what_cannot_be_expanded_stands_in_nobodys_way(any_database: Database) -> None:
    rows = [{"numero": str(number)} for number in making.numbers(2)]
    for _ in range(30):
        campaigns.submit({"name": "x", "template": "Bonjour", "batch_size": 1}, rows, database=any_database)
    with any_database.reading() as connection:
        orders = {tuple(lifecycle.due(connection, 99)) for _ in range(3)}
        some = lifecycle.due(connection, 7)

    assert len({frozenset(order) for order in orders}) == 1
    assert len(orders) > 1
    assert len(some) == 7


def test_a_thousand_small_campaigns_advance_at_once_quickly(postgresql: Database) -> None:
    moving, idle = [], []
    for _ in range(3):
        many(postgresql, campaigns_=1_000, messages_=1)
        making.change(postgresql, text("ANALYZE"))
        moving.append(timed(lambda: making.advance(postgresql)))
        idle.append(timed(lambda: making.advance(postgresql)))
        with postgresql.reading() as connection:
            states = set(connection.execute(select(campaigns_table.c.state)).scalars())
        making.change(postgresql, text("DELETE FROM campaigns"))

        assert states == {C.TRACKING}
    # Measured on two busy cores: 38 ms, and 11 ms where there is nothing to move; the best of three, for a machine that
    # does something else for half a second says nothing of a plan.
    assert min(moving) < 0.5
    assert min(idle) < 0.25


def test_looking_at_a_large_campaign_that_is_far_from_done_costs_next_to_nothing(any_database: Database) -> None:
    many(any_database, campaigns_=1, messages_=300_000)
    making.change(any_database, text("ANALYZE"))  # as the server does by itself while a table grows
    making.advance(any_database)

    looks = [timed(lambda: making.advance(any_database)) for _ in range(5)]

    assert making.state(any_database, 1) == C.TRACKING
    assert min(looks) < 0.1  # the least: what else the machine does is not the look's cost


def test_more_campaigns_than_a_statement_has_parameters_go_on(postgresql: Database) -> None:
    many(postgresql, campaigns_=70_000, messages_=1)
    making.change(postgresql, text("UPDATE campaigns SET state = 'tracking'"))
    making.change(postgresql, text(f"UPDATE messages SET status = {DELIVERED:d} WHERE campaign_id > 35000"))
    making.change(postgresql, text("UPDATE campaigns SET recipients = 2 WHERE id = 70000"))
    making.change(postgresql, text("ANALYZE"))

    sweep(postgresql)
    looked_at = counted(postgresql, "looked_at IS NOT NULL")
    seconds = timed(lambda: making.advance(postgresql))

    assert looked_at == lifecycle.LOOKS_AT_ONCE
    assert counted(postgresql, "state = 'completed'") == 34_999
    assert "does not add up" in (campaigns.progress(70_000, database=postgresql).reason or "")
    assert seconds < 30  # measured on two busy cores: 4 s


def test_each_campaign_that_only_reports_can_move_has_its_turn(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "LOOKS_AT_ONCE", 2)
    many(any_database, campaigns_=5, messages_=1)
    making.advance(any_database)

    looked_at = []
    for _ in range(4):
        sweep(any_database)
        looked_at.append(counted(any_database, "looked_at IS NOT NULL"))

    assert looked_at == [2, 4, 5, 5]


def counted(database: Database, condition: str) -> int:
    """Campaigns of which this is so."""
    with database.reading() as connection:
        found: int = connection.execute(text(f"SELECT count(*) FROM campaigns WHERE {condition}")).scalar_one()
    return found


def many(database: Database, *, campaigns_: int, messages_: int) -> None:
    """Campaigns with all their batches accepted, written straight into the tables."""
    c, b = "SELECT 1 AS i UNION ALL SELECT i + 1 FROM c WHERE i < :campaigns", "SELECT id, campaign_id FROM batches"
    statements = [
        f"""WITH RECURSIVE c(i) AS ({c}) INSERT INTO campaigns
            (account, name, spec, wire_text, state, recipients, expanded)
            SELECT 'default', 'x', '{{}}', '', 'sending', :messages, :messages FROM c""",
        """INSERT INTO batches
            (campaign_id, number, alphabet, merged, size, segments, credits, lookup_credits, state, payload)
            SELECT id, 1, 'gsm7', true, :messages, 1, 1, 0, 'accepted', '' FROM campaigns""",
        f"""WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < :messages)
            INSERT INTO messages (campaign_id, msisdn, batch_id) SELECT b.campaign_id, i, b.id FROM ({b}) b, c""",
    ]
    with database.transaction() as connection:
        for statement in statements:
            sized = text(statement)
            given = {"campaigns": campaigns_, "messages": messages_}
            wanted = {name: value for name, value in given.items() if f":{name}" in statement}
            connection.execute(sized, wanted)


def timed(job: Callable[[], None]) -> float:
    began = time.perf_counter()
    job()
    return time.perf_counter() - began
