"""The gateway's own count says what became of a request in doubt; or it says nothing, but never what is not so."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from campaigns import doubts, settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts
from campaigns.resolving import resolve
from campaigns.states import AttemptState, MessageStatus
from campaigns.witness import LINGERING, Verdict, Window, Witness, decide, witness
from tests.campaigns import making
from tests.campaigns.gateways import Count, at_work_no_more, later

TAKEN, NOT_TAKEN = Verdict.TAKEN, Verdict.NOT_TAKEN
LONG = LINGERING.total_seconds() + 1
DAY = 86_400


def window(unexplained: int | str, expected: int | str, **facts: object) -> Window:
    return Window(Decimal(unexplained), Decimal(expected), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (window(5, 5), TAKEN),
        (window(5, 5, lingered=False), TAKEN),
        (window(5, 5, refundable=True), TAKEN),
        (window(5, 5, dearer=True), TAKEN),
        (window(5, 5, together=2), TAKEN),
        (window(5, 5, together=2, dearer=True), None),
        (window(0, 5), NOT_TAKEN),
        (window(0, 5, together=3), NOT_TAKEN),
        (window(0, 5, dearer=True), NOT_TAKEN),
        (window(0, 5, lingered=False), None),
        (window(0, 5, refundable=True), None),
        (window(5, 5, shared=True), None),
        (window(0, 5, shared=True), None),
        (window(5, 5, assumed=True), None),
        (window(0, 5, assumed=True), None),
        (window(4, 5), None),
        (window(6, 5), None),
        (window(-1, 5), None),
        (window("4.9999", 5), None),
        (window(0, 0), None),
    ],
    ids=str,
)
def test_only_all_or_nothing_is_a_verdict_and_only_where_nothing_else_explains_it(
    found: Window, verdict: Verdict | None
) -> None:
    assert decide(found) is verdict


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=6), st.integers(0, 60))
def test_where_only_some_were_taken_or_credits_came_back_no_verdict_is_wrong(
    batches: list[tuple[int, bool]], came_back: int
) -> None:
    expected = sum(size for size, _ in batches)
    unexplained = sum(size for size, taken in batches if taken) - came_back
    verdict = decide(window(unexplained, expected, together=len(batches), refundable=came_back > 0))

    assert verdict is not TAKEN or all(taken for _, taken in batches)
    assert verdict is not NOT_TAKEN or not any(taken for _, taken in batches)


def heard(database: Database, *claims: Claim) -> list[Witness]:
    with database.snapshot() as connection:
        found = witness(connection, making.ACCOUNT, [claim.attempt_id for claim in claims])
        return [found[claim.attempt_id] for claim in claims]


def verdicts(database: Database, *claims: Claim) -> list[Verdict | None]:
    return [each.verdict for each in heard(database, *claims)]


@pytest.fixture
def gateway(any_database: Database) -> Count:
    """An account that was read once, when nothing had happened."""
    made = Count(any_database)
    made.read()
    later(any_database)
    return made


def claims_of(database: Database, count: int, *, size: int = 3) -> list[Claim]:
    campaign = making.funded(database, making.numbers(count * size), batch_size=size)
    return [making.claimed(database, campaign) for _ in range(count)]


@pytest.mark.parametrize(("taken", "verdict"), [(True, TAKEN), (False, NOT_TAKEN)])
def test_a_doubt_alone_was_taken_if_its_price_was_and_not_if_nothing_was(
    any_database: Database, gateway: Count, taken: bool, verdict: Verdict
) -> None:
    (claim,) = claims_of(any_database, 1)
    gateway.lose(claim, taken=taken)
    later(any_database)
    gateway.read()
    soon = verdicts(any_database, claim)
    later(any_database, LONG)
    gateway.read()

    assert soon == [TAKEN if taken else None]  # a slow gateway may take it still
    (found,) = heard(any_database, claim)
    assert (found.verdict, found.together, found.expected) == (verdict, 1, 3)
    assert found.before is not None
    assert found.after is not None
    assert (found.before.consumed, found.after.consumed) == (5000, 5003 if taken else 5000)


@pytest.mark.parametrize("taken", [3, 2], ids=["taken", "nobody knows"])
def test_it_rests_on_the_first_reading_that_proves_it_or_was_made_since(
    any_database: Database, gateway: Count, taken: int
) -> None:
    (claim,) = claims_of(any_database, 1)
    gateway.lose(claim, taken=False)
    gateway.take(taken)
    for seconds in (1, LONG):
        later(any_database, seconds)
        gateway.read()
        gateway.left += 500

    (found,) = heard(any_database, claim)

    assert found.after is not None
    assert (found.verdict, found.after.credits) == (TAKEN if taken == 3 else None, 1000 - taken)


def test_what_our_ledger_accounts_for_in_between_is_not_counted_as_the_doubts(
    any_database: Database, gateway: Count
) -> None:
    lost, other = claims_of(any_database, 2)
    gateway.accept(other)
    gateway.lose(lost, taken=False)
    later(any_database, LONG)
    at_work_no_more(any_database, other)
    gateway.read()

    assert verdicts(any_database, lost) == [NOT_TAKEN]


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_several_doubts_are_all_taken_or_none_or_nobody_knows(
    any_database: Database, gateway: Count, taken: int
) -> None:
    claims = claims_of(any_database, 2)
    for place, claim in enumerate(claims):
        gateway.lose(claim, taken=place < taken)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, *claims) == [[NOT_TAKEN, None, TAKEN][taken]] * 2
    assert heard(any_database, claims[0])[0].together == 2


def test_where_the_gateway_took_more_than_our_prices_say_some_of_several_might_cost_as_much_as_all(
    any_database: Database, gateway: Count
) -> None:
    first, second, dearer = claims_of(any_database, 3)
    gateway.take(4)
    settling.accept(any_database, dearer, replace(making.acceptance(dearer), credits=Decimal(4)))
    gateway.lose(first)
    gateway.lose(second)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, first, second) == [None, None]


def test_nothing_is_said_while_a_slow_gateway_may_still_take_the_last_of_several(
    any_database: Database, gateway: Count
) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    first = making.claimed(any_database, campaign)
    gateway.lose(first, taken=False)
    later(any_database, LONG - 10)
    second = making.claimed(any_database, campaign)
    gateway.lose(second, taken=False)
    later(any_database, 20)
    gateway.read()
    soon = verdicts(any_database, first, second)
    later(any_database, LONG)
    gateway.read()

    assert soon == [None, None]
    assert verdicts(any_database, first, second) == [NOT_TAKEN, NOT_TAKEN]


def test_a_request_that_was_refused_blurs_no_doubt(any_database: Database, gateway: Count) -> None:
    lost, refused = claims_of(any_database, 2)
    later(any_database)
    settling.refuse(any_database, refused, -9, "no one")
    gateway.lose(lost)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, lost) == [TAKEN]


def test_doubts_with_a_still_reading_between_them_are_told_apart(any_database: Database, gateway: Count) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    first = making.claimed(any_database, campaign)
    gateway.lose(first)
    later(any_database, LONG)
    gateway.read()
    later(any_database)
    second = making.claimed(any_database, campaign)
    gateway.lose(second, taken=False)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, first, second) == [TAKEN, NOT_TAKEN]


def test_a_doubt_that_a_slow_gateway_may_still_have_taken_blurs_the_next_one(
    any_database: Database, gateway: Count
) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    first = making.claimed(any_database, campaign)
    gateway.lose(first, taken=False)
    later(any_database)
    gateway.read()
    later(any_database)
    gateway.take(3)  # the first one, at last
    second = making.claimed(any_database, campaign)
    gateway.lose(second, taken=False)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, first, second) == [None, None]


def test_without_a_reading_before_or_after_nothing_is_said(any_database: Database) -> None:
    gateway = Count(any_database)
    (unread_before,) = claims_of(any_database, 1)
    gateway.lose(unread_before)
    later(any_database, LONG)
    gateway.read()
    later(any_database)
    campaign = making.funded(any_database, making.numbers(2, first=making.FIRST + 99))
    unread_after = making.claimed(any_database, campaign)
    gateway.lose(unread_after)

    found = heard(any_database, unread_before, unread_after)

    assert [each.verdict for each in found] == [None, None]
    assert (found[0].before, found[1].after) == (None, None)
    assert found[1].before is not None


def test_a_reading_with_another_request_in_the_air_is_no_witness(any_database: Database, gateway: Count) -> None:
    lost, open_ = claims_of(any_database, 2)
    gateway.lose(lost)
    later(any_database)
    gateway.read()

    assert heard(any_database, lost)[0].after is None
    gateway.accept(open_)
    later(any_database)
    gateway.read()
    assert verdicts(any_database, lost) == [TAKEN]


def test_another_program_on_the_account_leaves_it_undecided(any_database: Database, gateway: Count) -> None:
    gateway.take(1)
    gateway.read()
    later(any_database)
    (claim,) = claims_of(any_database, 1)
    gateway.lose(claim, taken=False)
    gateway.take(3)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, claim) == [None]


def test_another_program_that_shows_only_afterwards_leaves_it_undecided_from_then_on(
    any_database: Database, gateway: Count
) -> None:
    (claim,) = claims_of(any_database, 1)
    gateway.lose(claim, taken=False)
    gateway.take(3)
    later(any_database, LONG)
    gateway.read()
    later(any_database)
    gateway.take(7)
    gateway.read()

    assert verdicts(any_database, claim) == [None]


def test_credits_that_may_have_come_back_meanwhile_do_not_prove_that_nothing_was_taken(
    any_database: Database, gateway: Count
) -> None:
    earlier, lost = claims_of(any_database, 2)
    gateway.accept(earlier)
    later(any_database)
    gateway.lose(lost)
    gateway.take(-3)  # all of the earlier batch ended unbilled, and nobody has read its reports
    later(any_database, LONG)
    gateway.read()
    unread = verdicts(any_database, lost)
    making.reported(any_database, making.report(earlier, *[(place, MessageStatus.REJECTED) for place in range(3)]))
    at_work_no_more(any_database, earlier)

    assert unread == [None]
    assert verdicts(any_database, lost) == [None]


def test_a_proof_at_our_own_price_is_no_measure_for_another_doubt(any_database: Database, gateway: Count) -> None:
    proven, lost = claims_of(any_database, 2)
    gateway.lose(proven)
    gateway.lose(lost, taken=False)
    with any_database.transaction() as connection:
        doubts.adopt(connection, making.attempt(any_database, proven), "f")
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, lost) == [None]
    at_work_no_more(any_database, proven)
    assert verdicts(any_database, lost) == [None]


@pytest.mark.parametrize("state", [AttemptState.RESENT, AttemptState.WRITTEN_OFF])
def test_what_was_given_up_is_still_witnessed_and_counts_among_the_doubts(
    any_database: Database, gateway: Count, state: AttemptState
) -> None:
    given_up, lost = claims_of(any_database, 2)
    gateway.lose(given_up)
    gateway.lose(lost)
    making.change(any_database, update(attempts).where(attempts.c.id == given_up.attempt_id).values(state=state))
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, given_up, lost) == [TAKEN, TAKEN]


def test_of_what_is_not_in_doubt_it_says_nothing(any_database: Database, gateway: Count) -> None:
    (claim,) = claims_of(any_database, 1)
    gateway.accept(claim)

    with any_database.snapshot() as connection:
        assert witness(connection, making.ACCOUNT, [claim.attempt_id, 999]) == {}


def test_a_request_that_was_answered_puts_the_reading_before_the_doubt_off_no_further(
    any_database: Database, gateway: Count
) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    answered = making.claimed(any_database, campaign)
    gateway.accept(answered)
    later(any_database)
    gateway.read()
    later(any_database)
    lost = making.claimed(any_database, campaign)
    gateway.lose(lost)
    later(any_database)
    gateway.read()

    (found,) = heard(any_database, lost)

    assert found.before is not None
    assert (found.verdict, found.before.consumed) == (TAKEN, 5003)


def test_what_was_given_up_days_ago_hides_no_other_program(any_database: Database, gateway: Count) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    given_up = making.claimed(any_database, campaign)
    gateway.lose(given_up, taken=False)
    resolve(given_up.attempt_id, "write_off", by="awa", reason="too late", database=any_database)
    later(any_database, 3 * DAY)
    gateway.read()
    later(any_database)
    gateway.take(3)
    gateway.read()
    later(any_database)
    lost = making.claimed(any_database, campaign)
    gateway.lose(lost)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, lost) == [None]


def test_the_verdict_on_what_was_given_up_rests_on_what_was_read_before_the_decision_as_well(
    any_database: Database, gateway: Count
) -> None:
    (claim,) = claims_of(any_database, 1)
    gateway.lose(claim)
    later(any_database, making.LEASE)
    gateway.read()
    later(any_database, 3_600)
    resolve(claim.attempt_id, "write_off", by="awa", reason="too late", database=any_database)

    assert verdicts(any_database, claim) == [TAKEN]


@pytest.mark.parametrize(("taken", "verdict"), [(True, TAKEN), (False, NOT_TAKEN)])
@pytest.mark.parametrize("count", [1, 2])
def test_whatever_happens_on_another_account_changes_no_verdict(
    any_database: Database, gateway: Count, count: int, taken: bool, verdict: Verdict
) -> None:
    other = Count(any_database, account="other")
    other.read()
    elsewhere = making.funded(any_database, making.numbers(15), batch_size=3, account="other")
    refunded, dearer, proven, given_up, theirs = (making.claimed(any_database, elsewhere) for _ in range(5))
    other.accept(refunded)
    other.take(4)
    settling.accept(any_database, dearer, replace(making.acceptance(dearer), credits=Decimal(4)))
    for claim in (proven, given_up, theirs):
        other.lose(claim)
    later(any_database)
    claims = claims_of(any_database, count)
    for claim in claims:
        gateway.lose(claim, taken=taken)
    with any_database.transaction() as connection:
        doubts.adopt(connection, making.attempt(any_database, proven), "f")
    resolve(given_up.attempt_id, "write_off", by="awa", reason="too late", database=any_database)
    rejected = making.report(refunded, *[(place, MessageStatus.REJECTED) for place in range(3)])
    making.reported(any_database, rejected, account="other")
    other.take(50)
    later(any_database, LONG)
    other.read()
    gateway.read()

    assert verdicts(any_database, *claims) == [verdict] * count
    with any_database.snapshot() as connection:
        asked = [theirs.attempt_id, *(claim.attempt_id for claim in claims)]
        assert set(witness(connection, making.ACCOUNT, asked)) == {claim.attempt_id for claim in claims}


def test_what_is_sent_after_a_reading_takes_nothing_from_what_it_proves(any_database: Database, gateway: Count) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    gateway.lose(lost := making.claimed(any_database, campaign))
    later(any_database)
    gateway.read()
    later(any_database)

    gateway.accept(making.claimed(any_database, campaign))

    assert verdicts(any_database, lost) == [TAKEN]


def test_what_another_program_spent_beside_a_doubt_leaves_the_next_one_undecided_as_well(
    any_database: Database, gateway: Count
) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    gateway.lose(making.claimed(any_database, campaign), taken=False)
    gateway.take(6)
    later(any_database, LONG)
    gateway.read()
    later(any_database)
    gateway.lose(lost := making.claimed(any_database, campaign))
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, lost) == [None]


def test_what_another_program_spent_is_not_put_down_to_what_was_given_up_after_it(
    any_database: Database, gateway: Count
) -> None:
    gateway.take(3)
    gateway.read()
    later(any_database)
    given_up, lost = claims_of(any_database, 2)
    gateway.lose(given_up, taken=False)
    resolve(given_up.attempt_id, "write_off", by="awa", reason="too late", database=any_database)
    gateway.lose(lost, taken=False)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, lost) == [None]


def test_another_program_that_was_seen_days_ago_and_not_since_keeps_nothing_undecided(
    any_database: Database, gateway: Count
) -> None:
    gateway.take(5)
    later(any_database, 2 * DAY)
    gateway.read()
    later(any_database, 2 * DAY)
    gateway.left += 1
    gateway.read()
    later(any_database)
    (claim,) = claims_of(any_database, 1)
    gateway.lose(claim, taken=False)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, claim) == [NOT_TAKEN]


def test_prices_of_days_ago_say_nothing_of_today_s(any_database: Database, gateway: Count) -> None:
    campaign = making.funded(any_database, making.numbers(9), batch_size=3)
    dearer = making.claimed(any_database, campaign)
    gateway.take(4)
    settling.accept(any_database, dearer, replace(making.acceptance(dearer), credits=Decimal(4)))
    later(any_database, 2 * DAY)
    gateway.read()
    later(any_database)
    claims = [making.claimed(any_database, campaign) for _ in range(2)]
    for claim in claims:
        gateway.lose(claim)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, *claims) == [TAKEN, TAKEN]


@pytest.mark.parametrize(("days", "verdict"), [(7, None), (8, NOT_TAKEN)])
def test_what_was_accepted_eight_days_ago_gives_no_credits_back_any_more(
    any_database: Database, gateway: Count, days: int, verdict: Verdict | None
) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=3)
    gateway.accept(making.claimed(any_database, campaign))
    later(any_database, days * DAY)
    gateway.read()
    later(any_database)
    gateway.lose(lost := making.claimed(any_database, campaign), taken=False)
    later(any_database, LONG)
    gateway.read()

    assert verdicts(any_database, lost) == [verdict]
