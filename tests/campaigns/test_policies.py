"""A campaign's policy and the gateway's own count: what was paid for is sent again by a person, or by nobody.

What a policy decides otherwise is tested beside what a person does (`test_resolving`).
"""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, update

import campaigns
from campaigns import policies, settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts
from campaigns.states import AttemptState
from tests.campaigns import making
from tests.campaigns.gateways import Count, later


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
