"""What a campaign's policy decides, and when; what was paid for is sent again by a person, or by nobody."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, update

import campaigns
from campaigns import policies, settling
from campaigns.bells import Bell
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.database import later as from_now
from campaigns.models import accounts, attempts
from campaigns.resolving import UndecidableError, resolve
from campaigns.states import AttemptState, BatchState
from tests.campaigns import doubtful, making
from tests.campaigns.gateways import Count, later
from tests.campaigns.making import ACCOUNT


def overdue(database: Database, policy: str, *, taken: bool) -> int:
    """The attempt of a doubt whose deadline has passed, with a reading of the account before it and after."""
    gateway = Count(database)
    gateway.read()
    later(database)
    campaign = making.funded(database, making.numbers(4), in_doubt=policy)
    claim = making.claimed(database, campaign)
    gateway.lose(claim, taken=taken)
    later(database, 1_801)
    gateway.read()
    asked(database, claim.attempt_id)
    return claim.attempt_id


def asked(database: Database, attempt_id: int) -> None:
    """The gateway was asked for its reports when it had been settled."""
    a = attempts.c
    making.change(database, update(attempts).where(a.id == attempt_id).values(asked_at=a.settled_at))


def row_of(database: Database, attempt_id: int) -> Any:
    with database.reading() as connection:
        return connection.execute(attempts.select().where(attempts.c.id == attempt_id)).one()


@pytest.mark.parametrize(
    ("policy", "taken", "count", "state"),
    [
        ("resend", True, 0, AttemptState.IN_DOUBT),
        ("resend", False, 1, AttemptState.RESENT),
        ("write_off", True, 1, AttemptState.WRITTEN_OFF),
    ],
)
def test_what_the_gateway_s_count_says_was_paid_for_is_not_sent_again_by_itself(
    any_database: Database, policy: str, taken: bool, count: int, state: AttemptState
) -> None:
    attempt_id = overdue(any_database, policy, taken=taken)

    assert policies.carry_out(any_database) == count

    assert row_of(any_database, attempt_id).state == state


def test_what_was_paid_for_is_shown_as_a_person_s_before_and_after_the_deadline_and_looked_at_once(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    overdue(any_database, "resend", taken=True)
    (before,) = campaigns.open_doubts(database=any_database)
    policies.carry_out(any_database)
    (after,) = campaigns.open_doubts(database=any_database)
    monkeypatch.delattr(policies, "witness")  # whoever asked it again would fail

    assert policies.carry_out(any_database) == 0
    assert (before.acts_at, after.acts_at) == (None, None)
    assert before.detail is not None
    assert after.detail == f"{before.detail}; {policies.PAID_FOR}"
    resolved = campaigns.resolve(after.attempt_id, "resend", by="awa", reason="again", database=any_database)
    assert resolved.numbers == 4


def test_a_worker_that_comes_back_with_its_doubt_has_it_looked_at_anew_and_it_stays_a_person_s(
    any_database: Database,
) -> None:
    attempt_id = overdue(any_database, "resend", taken=True)
    policies.carry_out(any_database)
    a = attempts.c
    making.change(any_database, update(attempts).where(a.id == attempt_id).values(detail=None))

    assert policies.carry_out(any_database) == 0
    (left,) = campaigns.open_doubts(database=any_database)
    assert left.detail == policies.PAID_FOR


def test_what_was_paid_for_is_left_to_a_person_and_no_other_doubt_is(any_database: Database) -> None:
    attempt_id = overdue(any_database, "resend", taken=True)
    other = making.claimed(any_database, making.funded(any_database, making.numbers(2)))
    settling.doubt(any_database, other, "cut short")

    policies.carry_out(any_database)

    details = {doubt.attempt_id: doubt.detail for doubt in campaigns.open_doubts(database=any_database)}
    assert details == {other.attempt_id: "cut short", attempt_id: f"timed out; {policies.PAID_FOR}"}


def test_what_a_person_decides_while_its_policy_looks_at_it_is_not_left_to_a_person_afterwards(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt_id = overdue(any_database, "resend", taken=True)
    look = policies.witness

    def after_a_person(connection: Connection, *asked: Any) -> Any:
        decided = update(attempts).where(attempts.c.id == attempt_id)
        connection.execute(decided.values(state=AttemptState.WRITTEN_OFF))
        return look(connection, *asked)

    monkeypatch.setattr(policies, "witness", after_a_person)

    assert policies.carry_out(any_database) == 0
    assert row_of(any_database, attempt_id).detail == "timed out"


@pytest.mark.parametrize(
    ("lookup", "end"),
    [
        pytest.param(False, Count.accept, id="a sending that was taken"),
        pytest.param(True, Count.accept, id="a lookup that was taken"),
        pytest.param(True, Count.lose, id="a lookup in doubt"),
    ],
)
def test_only_a_sending_in_doubt_is_a_policy_s_to_decide_and_nothing_else_takes_its_turn(
    any_database: Database, monkeypatch: pytest.MonkeyPatch, lookup: bool, end: Callable[[Count, Claim], None]
) -> None:
    monkeypatch.setattr(policies, "AT_ONCE", 1)
    campaign = making.funded(any_database, making.numbers(2), in_doubt="write_off", lookup=lookup)
    older = making.claimed(any_database, campaign)
    end(Count(any_database), older)
    state = making.attempt(any_database, older).state
    attempt_id = overdue(any_database, "write_off", taken=False)
    asked(any_database, older.attempt_id)

    assert policies.carry_out(any_database) == 1

    assert row_of(any_database, attempt_id).state == AttemptState.WRITTEN_OFF
    assert making.attempt(any_database, older).state == state


@pytest.mark.parametrize(
    ("policy", "count", "state"),
    [
        ("hold", 0, AttemptState.IN_DOUBT),
        ("resend", 1, AttemptState.RESENT),
        ("write_off", 1, AttemptState.WRITTEN_OFF),
    ],
)
def test_the_policy_decides_when_the_deadline_has_passed(
    any_database: Database, policy: str, count: int, state: AttemptState
) -> None:
    found = doubtful.overdue(any_database, policy)

    assert policies.carry_out(any_database) == count

    assert making.attempt(any_database, found).state == state
    assert [row.decided_by for row in doubtful.resolved(any_database)] == ["policy"] * count
    assert policies.carry_out(any_database) == 0


def test_a_policy_that_sends_again_wakes_whoever_funds_and_one_that_writes_off_nobody(any_database: Database) -> None:
    rung: list[Bell] = []
    doubtful.overdue(any_database, "write_off")
    assert policies.carry_out(any_database, lambda bell, *_: rung.append(bell)) == 1
    assert rung == []
    doubtful.overdue(any_database, "resend")

    policies.carry_out(any_database, lambda bell, *_: rung.append(bell))

    assert [bell.key for bell in rung] == [f"fund:{ACCOUNT}"]


def test_a_doubt_that_a_person_decides_first_keeps_the_policy_from_no_other(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker, other = doubtful.overdue(any_database, "write_off"), doubtful.overdue(any_database, "write_off")
    decide = policies.decide

    def after_a_person(connection: Any, attempt_id: int, *said: Any, **named: Any) -> Any:
        if attempt_id == quicker.attempt_id:
            raise UndecidableError("decided already")
        return decide(connection, attempt_id, *said, **named)

    monkeypatch.setattr(policies, "decide", after_a_person)

    assert policies.carry_out(any_database) == 1
    assert making.attempt(any_database, other).state == AttemptState.WRITTEN_OFF


def test_the_policy_waits_for_the_campaign_s_own_deadline(any_database: Database) -> None:
    doubtful.in_doubt(any_database, in_doubt="resend", in_doubt_deadline=7_200)
    making.clock_goes_on(any_database, 7_190)
    doubtful.asked(any_database)
    early = policies.carry_out(any_database)
    making.clock_goes_on(any_database, 11)

    assert (early, policies.carry_out(any_database)) == (0, 1)


def test_a_worker_that_comes_back_with_the_same_doubt_does_not_move_the_deadline(any_database: Database) -> None:
    found = doubtful.overdue(any_database)

    settling.doubt(any_database, found, "timed out")

    assert policies.carry_out(any_database) == 1


def test_nothing_is_decided_while_nobody_could_look_for_evidence(any_database: Database) -> None:
    doubtful.in_doubt(any_database, in_doubt="resend")
    making.clock_goes_on(any_database, doubtful.DEADLINE + 1)
    unasked = policies.carry_out(any_database)
    doubtful.asked(any_database)
    away = update(accounts).values(away_until=from_now(60))
    making.change(any_database, away)
    while_away = policies.carry_out(any_database)
    making.change(any_database, update(accounts).values(away_until=None))

    assert (unasked, while_away, policies.carry_out(any_database)) == (0, 0, 1)


def test_a_policy_sends_a_batch_again_twice_and_then_leaves_it_to_a_person(any_database: Database) -> None:
    found = doubtful.overdue(any_database)
    for _ in range(policies.RESENDS_BY_POLICY):
        assert policies.carry_out(any_database) == 1
        making.fund(any_database)
        settling.doubt(any_database, making.claimed(any_database, found.campaign_id), "timed out")
        doubtful.wait_out(any_database)

    assert policies.carry_out(any_database) == 0

    reasons = [row.reason for row in doubtful.resolved(any_database)]
    assert reasons[0].endswith("should this fall in doubt as well, once more")
    assert reasons[1].endswith("sent again 2 times: should this fall in doubt as well, a person must decide")
    assert making.batch_states(any_database, found.campaign_id) == [BatchState.IN_DOUBT]
    (left,) = campaigns.open_doubts(database=any_database)
    assert (left.resent, left.acts_at) == (2, None)
    resolve(left.attempt_id, "resend", database=any_database, **doubtful.WHY)


def test_a_paused_campaign_keeps_its_doubt_until_it_is_resumed(any_database: Database) -> None:
    found = doubtful.overdue(any_database)
    campaigns.pause(found.campaign_id, database=any_database)
    paused = policies.carry_out(any_database)
    campaigns.resume(found.campaign_id, database=any_database)

    assert (paused, policies.carry_out(any_database)) == (0, 1)


def test_what_had_shown_the_gateway_s_id_is_not_sent_again_by_itself(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), in_doubt="resend")
    settling.doubt(any_database, making.claimed(any_database, campaign), "cut short", msgfid="f7")
    doubtful.wait_out(any_database)

    assert policies.carry_out(any_database) == 0


def test_a_lookup_is_left_to_its_own_deadline(any_database: Database) -> None:
    doubtful.overdue(any_database, "write_off", lookup=True)

    assert policies.carry_out(any_database) == 0
