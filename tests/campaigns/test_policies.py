"""A campaign's policy and the gateway's own count: what was paid for is sent again by a person, or by nobody.

What a policy decides otherwise is tested beside what a person does (`test_resolving`).
"""

import pytest
from sqlalchemy import update

import campaigns
from campaigns import policies
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
    a = attempts.c
    making.change(database, update(attempts).where(a.id == claim.attempt_id).values(asked_at=a.settled_at))
    return claim.attempt_id


def state_of(database: Database, attempt_id: int) -> str:
    with database.reading() as connection:
        return str(connection.execute(attempts.select().where(attempts.c.id == attempt_id)).one().state)


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

    assert state_of(any_database, attempt_id) == state


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
