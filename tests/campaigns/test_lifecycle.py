"""How a campaign goes on by itself, what a person may do to it, and when it is over."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import text, update

import campaigns
from campaigns import batches, chunks, lifecycle, lookups
from campaigns import credits as ledger
from campaigns.bells import Bell
from campaigns.chunks import Shape
from campaigns.database import Database
from campaigns.lifecycle import StateError, UnknownCampaignError
from campaigns.models import audiences, exclusions, messages
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.states import BatchState, CampaignState, MessageStatus
from tests.campaigns import making

DELIVERED = MessageStatus.DELIVERED
C = CampaignState


def account_of(database: Database, campaign_id: int) -> campaigns.Progress:
    account = campaigns.progress(campaign_id, database=database)
    assert account.adds_up
    return account


def deliver_all(database: Database, *claims: batches.Claim) -> None:
    for found in claims:
        making.reported(database, making.report(found, *[(place, DELIVERED) for place in range(len(found.payload))]))


def seen(database: Database, campaign_id: int) -> str:
    making.advance(database)
    return making.state(database, campaign_id)


def test_a_campaign_goes_from_funding_to_completed_by_itself(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(3), batch_size=2)
    states = [seen(any_database, campaign)]
    making.fund(any_database)
    states.append(seen(any_database, campaign))
    one = making.accepted(any_database, campaign)
    states.append(seen(any_database, campaign))
    other = making.claimed(any_database, campaign)
    states.append(seen(any_database, campaign))
    batches.accept(any_database, other, making.acceptance(other))
    states.append(seen(any_database, campaign))
    deliver_all(any_database, one)
    states.append(seen(any_database, campaign))
    deliver_all(any_database, other)
    states.append(seen(any_database, campaign))

    assert states == [C.FUNDING, C.SENDING, C.SENDING, C.SENDING, C.TRACKING, C.TRACKING, C.COMPLETED]
    account = account_of(any_database, campaign)
    assert account.finished
    assert account.waits_for is None


def test_a_campaign_whose_batches_were_all_refused_is_completed(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    batches.refuse(any_database, making.claimed(any_database, campaign), -9, "no valid recipient")

    assert seen(any_database, campaign) == C.COMPLETED
    assert account_of(any_database, campaign).by_status == {"refused": 2}


def test_only_the_campaigns_that_are_named_are_looked_at(any_database: Database) -> None:
    made = [making.funded(any_database, making.numbers(1)) for _ in range(2)]
    for campaign in made:
        making.accepted(any_database, campaign)

    making.advance(any_database, made[1])

    assert [making.state(any_database, campaign) for campaign in made] == [C.SENDING, C.TRACKING]


@pytest.mark.parametrize("open_", ["pending", "in the air", "in flight", "in doubt"])
def test_a_campaign_is_not_completed_while_one_message_is(any_database: Database, open_: str) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    deliver_all(any_database, making.accepted(any_database, campaign))
    if open_ != "pending":
        found = making.claimed(any_database, campaign)
        if open_ == "in flight":
            batches.accept(any_database, found, making.acceptance(found))
        elif open_ == "in doubt":
            batches.doubt(any_database, found, "timed out")
    # Whatever put it there: not even from tracking does it end.
    making.change(any_database, update(campaigns_table).values(state=C.TRACKING))

    assert seen(any_database, campaign) != C.COMPLETED
    assert not account_of(any_database, campaign).finished


def test_a_campaign_with_nothing_but_doubts_is_stalled_and_says_what_it_waits_for(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    sent = making.accepted(any_database, campaign)
    found = making.claimed(any_database, campaign)
    batches.doubt(any_database, found, "timed out")
    states = [seen(any_database, campaign)]
    deliver_all(any_database, sent)
    states.append(seen(any_database, campaign))
    stalled = account_of(any_database, campaign)
    batches.accept(any_database, found, making.acceptance(found))
    states.append(seen(any_database, campaign))
    tracking = account_of(any_database, campaign)
    deliver_all(any_database, found)
    states.append(seen(any_database, campaign))

    assert states == [C.TRACKING, C.STALLED, C.TRACKING, C.COMPLETED]
    assert "in doubt" in (stalled.waits_for or "")
    assert (tracking.reason, tracking.waits_for) == (None, None)


def test_a_doubt_that_ends_as_refused_completes_a_stalled_campaign(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.claimed(any_database, campaign)
    batches.doubt(any_database, found, "timed out")
    assert seen(any_database, campaign) == C.STALLED

    batches.refuse(any_database, found, -9, "no valid recipient")

    assert seen(any_database, campaign) == C.COMPLETED
    assert account_of(any_database, campaign).reason is None


@pytest.mark.parametrize(
    "missing",
    [
        update(campaigns_table).values(recipients=5),
        update(campaigns_table).values(recipients=5, expanded=5),
        exclusions.insert().values(campaign_id=1, row=99, number="x", reason="invalid"),
        update(batches_table).values(size=3),
    ],
    ids=["rows that were never expanded", "rows that are nowhere", "one row too many", "a batch of another size"],
)
def test_a_campaign_whose_account_does_not_add_up_is_never_completed_and_says_so(
    any_database: Database, missing: object
) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    deliver_all(any_database, making.accepted(any_database, campaign))
    making.change(any_database, missing)

    assert seen(any_database, campaign) != C.COMPLETED

    account = campaigns.progress(campaign, database=any_database)
    assert not account.finished
    assert "does not add up" in (account.reason or "")


def test_a_late_report_changes_the_account_of_a_completed_campaign(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(found, (0, MessageStatus.UNDELIVERED)))
    assert seen(any_database, campaign) == C.COMPLETED

    deliver_all(any_database, found)

    account = account_of(any_database, campaign)
    assert (account.state, account.by_status) == (C.COMPLETED, {"delivered": 1})


STEPS: dict[str, Callable[[Database, int], object]] = {
    "submitted": lambda _database, _campaign: None,
    "funded": lambda database, _campaign: making.fund(database),
    "in the air": lambda database, campaign: making.fund(database) and making.claimed(database, campaign),
    "sent": lambda database, campaign: making.fund(database) and making.accepted(database, campaign),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_cancelled_campaign_keeps_what_was_sent_and_voids_the_rest(any_database: Database, step: str) -> None:
    campaign = making.submitted(any_database, making.numbers(2), batch_size=1)
    found = STEPS[step](any_database, campaign)

    campaigns.cancel(campaign, database=any_database)
    campaigns.cancel(campaign, database=any_database)  # twice is no error

    account = account_of(any_database, campaign)
    left = {"in the air": {"sending": 1, "voided": 1}, "sent": {"in_flight": 1, "voided": 1}}
    assert account.by_status == left.get(step, {"voided": 2})
    assert (account.state, account.finished) == (C.CANCELLED, step not in left)
    assert account.credits_held == 0
    if step == "sent":
        assert isinstance(found, batches.Claim)
        deliver_all(any_database, found)
        assert seen(any_database, campaign) == C.CANCELLED
        assert account_of(any_database, campaign).finished


def test_a_cancelled_campaign_with_a_doubt_is_not_over(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.claimed(any_database, campaign)
    batches.doubt(any_database, found, "timed out")

    campaigns.cancel(campaign, database=any_database)

    assert seen(any_database, campaign) == C.CANCELLED
    assert not account_of(any_database, campaign).finished


def test_a_campaign_cancelled_before_it_was_expanded_has_not_lost_its_rows(any_database: Database) -> None:
    made = campaigns.submit(
        {"name": "x", "template": "Bonjour", "batch_size": 2},
        [{"numero": str(number)} for number in making.numbers(5)],
        database=any_database,
    )

    campaigns.cancel(made.id, database=any_database)

    account = account_of(any_database, made.id)
    assert (account.state, account.recipients, account.expanded, account.finished) == (C.CANCELLED, 5, 0, True)


def ended(database: Database, state: CampaignState) -> int:
    campaign = making.funded(database, making.numbers(1))
    making.change(database, update(campaigns_table).values(state=state))
    return campaign


@pytest.mark.parametrize("state", [C.COMPLETED, C.FAILED, C.CANCELLED])
def test_what_has_ended_cannot_be_paused(any_database: Database, state: CampaignState) -> None:
    with pytest.raises(StateError, match=f"is {state}: there is nothing to pause"):
        campaigns.pause(ended(any_database, state), database=any_database)


@pytest.mark.parametrize("state", [C.COMPLETED, C.FAILED])
def test_what_has_ended_cannot_be_cancelled(any_database: Database, state: CampaignState) -> None:
    with pytest.raises(StateError, match=f"is {state}: there is nothing to cancel"):
        campaigns.cancel(ended(any_database, state), database=any_database)


def test_what_is_not_paused_cannot_be_resumed(any_database: Database) -> None:
    with pytest.raises(StateError, match="is not paused: it is sending"):
        campaigns.resume(making.funded(any_database, making.numbers(1)), database=any_database)


def test_what_was_cancelled_while_it_was_paused_cannot_be_resumed(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    making.accepted(any_database, campaign)
    campaigns.pause(campaign, database=any_database)
    campaigns.cancel(campaign, database=any_database)

    assert account_of(any_database, campaign).waits_for is None
    with pytest.raises(StateError, match="is cancelled: there is nothing to resume"):
        campaigns.resume(campaign, database=any_database)


def test_the_time_of_a_pause_is_not_taken_from_the_lookups(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(2), lookup={"unknown": "exclude"})
    making.fund(any_database, lookup_seconds=600)
    campaigns.pause(campaign, database=any_database)
    making.clock_goes_on(any_database, 700, campaigns_table.c.lookup_deadline, campaigns_table.c.paused_at)

    campaigns.resume(campaign, database=any_database)

    assert lookups.hopeless(any_database) == []
    making.clock_goes_on(any_database, 601)
    assert len(lookups.hopeless(any_database)) == 1


@pytest.mark.parametrize("act", [campaigns.pause, campaigns.resume, campaigns.cancel])
def test_a_campaign_that_nobody_knows_is_named(any_database: Database, act: Callable[..., None]) -> None:
    with pytest.raises(UnknownCampaignError, match="no campaign has the id 4711"):
        act(4711, database=any_database)


def test_pausing_twice_keeps_the_first_reason(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))

    campaigns.pause(campaign, reason="login refused", database=any_database)
    campaigns.pause(campaign, database=any_database)

    assert account_of(any_database, campaign).waits_for == "a person to resume it: login refused"


def test_a_paused_campaign_is_still_tracked_to_its_end(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.accepted(any_database, campaign)
    campaigns.pause(campaign, database=any_database)
    deliver_all(any_database, found)

    assert seen(any_database, campaign) == C.COMPLETED


def test_resuming_wakes_whoever_funds_and_whoever_sends(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    campaigns.pause(campaign, database=any_database)
    rung: list[Bell] = []

    campaigns.resume(campaign, ring=lambda bell, _serial, _after: rung.append(bell), database=any_database)

    assert [bell.key for bell in rung] == ["fund:default", "send:default:1"]


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
    deliver_all(any_database, found)
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
    assert "submit it again" in (account_of(any_database, dead).reason or "")


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
        batches.doubt(any_database, found, "timed out")
    else:
        batches.accept(any_database, found, making.acceptance(found))
    sweep(any_database)
    sweep(any_database)
    waits = making.state(any_database, campaign)
    if left == "doubts":
        batches.accept(any_database, found, making.acceptance(found))
    deliver_all(any_database, found)
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
    deliver_all(any_database, found)

    making.advance(any_database, campaign)

    assert making.state(any_database, campaign) == C.COMPLETED


def test_what_cannot_be_expanded_stands_in_nobodys_way(any_database: Database) -> None:
    rows = [{"numero": str(number)} for number in making.numbers(2)]
    for _ in range(30):
        campaigns.submit({"name": "x", "template": "Bonjour", "batch_size": 1}, rows, database=any_database)
    with any_database.reading() as connection:
        orders = {tuple(lifecycle.due(connection)) for _ in range(3)}

    assert len({frozenset(order) for order in orders}) == 1
    assert len(orders) > 1


def test_a_thousand_small_campaigns_advance_at_once_quickly(postgresql: Database) -> None:
    many(postgresql, campaigns_=1_000, messages_=1)

    making.change(postgresql, text("ANALYZE"))
    seconds = timed(lambda: making.advance(postgresql))
    idle = timed(lambda: making.advance(postgresql))

    assert making.state(postgresql, 1) == C.TRACKING
    # Measured on two busy cores: 38 ms, and 11 ms where there is nothing to move.
    assert seconds < 0.5
    assert idle < 0.25


def test_looking_at_a_large_campaign_that_is_far_from_done_costs_next_to_nothing(any_database: Database) -> None:
    many(any_database, campaigns_=1, messages_=300_000)
    making.advance(any_database)

    seconds = timed(lambda: making.advance(any_database))

    assert making.state(any_database, 1) == C.TRACKING
    assert seconds < 0.1


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


def test_messages_of_a_refused_batch_do_not_hold_the_end_up(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    batches.refuse(any_database, making.claimed(any_database, campaign), -9, "no valid recipient")
    deliver_all(any_database, making.accepted(any_database, campaign))

    assert seen(any_database, campaign) == C.COMPLETED
    with any_database.reading() as connection:
        assert connection.execute(messages.select().where(messages.c.status == 0)).all()
    assert making.batch_states(any_database, campaign) == [BatchState.REFUSED, BatchState.ACCEPTED]
