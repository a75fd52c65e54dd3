"""What delivery reports prove of a batch in doubt, and what they do not."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import campaigns
from campaigns import doubts, lookups, reports, settling, unapplied
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.doubts import Evidence, Unsettled
from campaigns.prices import Prices
from campaigns.resolving import resolve
from campaigns.states import AttemptKind, AttemptState, BatchState, Decision, MessageStatus
from campaigns.witness import Verdict
from tests.campaigns import making

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LATER = BEGAN + timedelta(seconds=5)


@dataclass(frozen=True)
class Attempt:
    """As much of an attempt's row as proof looks at."""

    id: int = 1
    state: AttemptState = AttemptState.IN_DOUBT
    kind: AttemptKind = AttemptKind.SEND
    started_at: datetime = BEGAN
    msgid: str = "ours"


def unsettled(numbers: range, **known: Any) -> Unsettled:
    row: Any = Attempt(**known)
    return Unsettled(row, frozenset(numbers))


def evidence(numbers: range, **known: Any) -> Evidence:
    return Evidence("f1", frozenset(numbers), **{"seen_at": LATER, **known})


ALL = unsettled(range(100))
TAKEN, NOT_TAKEN = Verdict.TAKEN, Verdict.NOT_TAKEN


@pytest.mark.parametrize(
    ("seen", "others", "exclusive", "proven"),
    [
        pytest.param(evidence(range(10)), [ALL], False, True, id="a tenth is seen, and nobody else may be meant"),
        pytest.param(evidence(range(9)), [ALL], False, False, id="less than a tenth is seen"),
        pytest.param(evidence(range(1)), [ALL], True, True, id="one is enough where nobody else sends"),
        pytest.param(evidence(range(3)), [unsettled(range(5))], False, True, id="three of a small batch"),
        pytest.param(evidence(range(2)), [unsettled(range(2))], False, False, id="a batch of two asks a person"),
        pytest.param(evidence(range(2)), [unsettled(range(2))], True, True, id="unless nobody else sends"),
        pytest.param(evidence(range(3)), [unsettled(range(31))], False, False, id="a tenth is rounded up"),
        pytest.param(evidence(range(90, 110)), [ALL], False, False, id="a number that it has not"),
        pytest.param(evidence(range(10)), [ALL, unsettled(range(50))], False, False, id="a tie"),
        pytest.param(evidence(range(10)), [ALL, unsettled(range(50))], True, False, id="a tie, even if exclusive"),
        pytest.param(evidence(range(10)), [ALL, unsettled(range(5, 50))], False, True, id="another lacks a number"),
        pytest.param(
            evidence(range(10)), [ALL, unsettled(range(50), state=AttemptState.OPEN)], False, False, id="one in the air"
        ),
        pytest.param(
            evidence(range(10)), [unsettled(range(50), state=AttemptState.OPEN)], False, False, id="only late"
        ),
        pytest.param(evidence(range(10), seen_at=BEGAN), [ALL], False, False, id="seen before it began"),
        pytest.param(
            evidence(range(10)), [ALL, unsettled(range(50), started_at=LATER)], False, True, id="another began after"
        ),
        pytest.param(
            evidence(range(10)), [ALL, unsettled(range(50), kind=AttemptKind.LOOKUP)], False, False, id="a lookup's"
        ),
        pytest.param(evidence(range(1), asked_for="ours"), [ALL], False, False, id="one of many, though asked for"),
        pytest.param(evidence(range(2), asked_for="ours"), [unsettled(range(2))], False, True, id="all that it asked"),
        pytest.param(
            evidence(range(1), asked_for="ours"), [unsettled(range(2))], False, False, id="half that it asked"
        ),
        pytest.param(evidence(range(2), asked_for="other"), [unsettled(range(2))], False, False, id="asked by another"),
        pytest.param(evidence(range(10)), [], False, False, id="nobody"),
        pytest.param(evidence(range(0)), [ALL], True, False, id="no number at all"),
    ],
)
def test_what_evidence_proves(seen: Evidence, others: list[Unsettled], exclusive: bool, proven: bool) -> None:
    found = doubts.proves(seen, others, exclusive=exclusive)

    assert found is (others[0] if proven else None)


@pytest.mark.parametrize(
    ("state", "proven"),
    [
        (AttemptState.OPEN, False),
        (AttemptState.IN_DOUBT, True),
        (AttemptState.RESENT, True),
        (AttemptState.WRITTEN_OFF, True),
        (AttemptState.ACCEPTED, True),  # declared so by a person: its reports tell its id
    ],
)
def test_whatever_was_decided_is_still_proven(state: AttemptState, proven: bool) -> None:
    attempt = unsettled(range(100), state=state)

    assert (doubts.proves(evidence(range(10)), [attempt], exclusive=False) is attempt) == proven


@pytest.mark.parametrize(
    ("seen", "others", "verdict", "proven"),
    [
        pytest.param(evidence(range(100)), [ALL], NOT_TAKEN, False, id="nothing was paid: all reports are another's"),
        pytest.param(evidence(range(1)), [ALL], TAKEN, True, id="it was paid for: one is enough"),
        pytest.param(evidence(range(0)), [ALL], TAKEN, False, id="but not none"),
        pytest.param(evidence(range(1)), [ALL], None, False, id="nobody knows what was paid"),
        pytest.param(evidence(range(10)), [ALL], None, True, id="nor need it be known"),
        pytest.param(evidence(range(1)), [unsettled(range(3))], TAKEN, True, id="three numbers"),
        pytest.param(evidence(range(1)), [unsettled(range(2))], TAKEN, False, id="two are too few to tell by"),
        pytest.param(evidence(range(9)), [ALL, unsettled(range(50))], TAKEN, False, id="a tie is one all the same"),
        pytest.param(evidence(range(9), seen_at=BEGAN), [ALL], TAKEN, False, id="as is what was seen before"),
        pytest.param(evidence(range(90, 110)), [ALL], TAKEN, False, id="and a number that it has not"),
        pytest.param(evidence(range(9)), [unsettled(range(9), state=AttemptState.OPEN)], TAKEN, False, id="only late"),
    ],
)
def test_the_gateway_s_own_count_is_a_second_witness(
    seen: Evidence, others: list[Unsettled], verdict: Verdict | None, proven: bool
) -> None:
    found = doubts.proves(seen, others, exclusive=False, verdict_of=lambda _: verdict)

    assert found is (others[0] if proven else None)


@pytest.mark.parametrize(
    ("seen", "others"),
    [
        pytest.param(evidence(range(1)), [unsettled(range(2))], id="it could change nothing"),
        pytest.param(evidence(range(10)), [ALL, ALL], id="there is a tie"),
        pytest.param(evidence(range(10)), [unsettled(range(50), state=AttemptState.OPEN)], id="it is only late"),
    ],
)
def test_the_second_witness_is_not_asked_where(seen: Evidence, others: list[Unsettled]) -> None:
    def nobody(_: Unsettled) -> Verdict | None:
        raise AssertionError("asked in vain")

    assert doubts.proves(seen, others, exclusive=False, verdict_of=nobody) is None


@pytest.mark.parametrize("seed", range(8))
def test_no_batch_is_adopted_for_anothers_reports_however_the_campaigns_overlap(seed: int) -> None:
    chance = random.Random(seed)
    adopted = wrong = 0
    for _ in range(60):
        right, others = _overlapping(chance)
        accepted = chance.random() < 0.6
        sending = right if accepted else _foreign(chance, others)
        if sending is None:
            continue
        seen = frozenset(chance.sample(sorted(sending.numbers), chance.randint(1, len(sending.numbers))))
        found = doubts.proves(Evidence("f1", seen, LATER), [right, *others], exclusive=False)
        adopted += found is not None
        wrong += found is not None and found is not sending

    assert adopted > 5
    assert wrong == 0


def _overlapping(chance: random.Random) -> tuple[Unsettled, list[Unsettled]]:
    """A batch in doubt, and others of campaigns to much the same people: in doubt, or in the air."""
    people = range(200)
    made = []
    for number in range(chance.randint(1, 5)):
        size = chance.choice([2, 5, 20, 50, 100])
        row: Any = Attempt(id=number, state=chance.choice([AttemptState.IN_DOUBT, AttemptState.OPEN]))
        start = chance.randrange(0, 200 - size + 1, 10)
        numbers = people[start : start + size] if chance.random() < 0.7 else chance.sample(people, size)
        made.append(Unsettled(row, frozenset(numbers)))
    first: Any = Attempt(id=99)
    return Unsettled(first, made[0].numbers), made[1:]


def _foreign(chance: random.Random, others: list[Unsettled]) -> Unsettled | None:
    """The sending that the reports are about, where it is not the batch in doubt."""
    return chance.choice(others) if others else None


def in_doubt(database: Database, count: int = 10, *, first: int = making.FIRST) -> Claim:
    campaign = making.funded(database, making.numbers(count, first=first))
    found = making.claimed(database, campaign)
    settling.doubt(database, found, "timed out")
    making.clock_goes_on(database, 1)
    return found


def seen_now(database: Database, found: Claim, msgfid: str = "f9") -> Evidence:
    return Evidence(msgfid, frozenset(found.payload.numbers), database.clock())


def test_a_proven_batch_is_adopted_at_the_price_that_was_estimated(any_database: Database) -> None:
    found = in_doubt(any_database)

    adopted = doubts.settle(any_database, making.ACCOUNT, [seen_now(any_database, found)], exclusive=False)

    assert adopted == [found.campaign_id]
    attempt = making.attempt(any_database, found)
    assert (attempt.state, attempt.msgfid, attempt.credits) == (AttemptState.ACCEPTED, "f9", 10)
    assert making.batch_states(any_database, found.campaign_id) == [BatchState.ACCEPTED]
    assert not doubts.in_doubt(any_database, making.ACCOUNT)


def test_without_proof_it_stays_in_doubt(any_database: Database) -> None:
    found = in_doubt(any_database)
    other = in_doubt(any_database)  # of another campaign, to the same people

    assert doubts.settle(any_database, making.ACCOUNT, [seen_now(any_database, found)], exclusive=True) == []

    assert doubts.in_doubt(any_database, making.ACCOUNT)
    assert making.batch_states(any_database, other.campaign_id) == [BatchState.IN_DOUBT]


def test_what_had_shown_its_id_is_proven_by_no_other(any_database: Database) -> None:
    shown = making.claimed(any_database, making.funded(any_database, making.numbers(10)))
    settling.doubt(any_database, shown, "cut short", msgfid="f7")
    making.clock_goes_on(any_database, 1)
    alone = doubts.settle(any_database, making.ACCOUNT, [seen_now(any_database, shown)], exclusive=True)
    other = in_doubt(any_database)  # of another campaign, to the same people

    adopted = doubts.settle(any_database, making.ACCOUNT, [seen_now(any_database, shown)], exclusive=False)
    making.reported(any_database, making.report(shown, (0, MessageStatus.DELIVERED), msgfid="f7"))

    assert (alone, adopted) == ([], [other.campaign_id])
    assert making.attempt(any_database, shown).msgfid == "f7"
    assert making.batch_states(any_database, shown.campaign_id) == [BatchState.ACCEPTED]


def test_each_sending_proves_one_batch(any_database: Database) -> None:
    small, large = in_doubt(any_database, 10), in_doubt(any_database, 20)

    adopted = doubts.settle(
        any_database,
        making.ACCOUNT,
        [seen_now(any_database, small, "f1"), seen_now(any_database, large, "f2")],
        exclusive=False,
    )

    assert sorted(adopted) == sorted([small.campaign_id, large.campaign_id])
    assert making.attempt(any_database, large).msgfid == "f2"
    assert making.attempt(any_database, small).msgfid == "f1"


def test_proof_that_comes_after_the_batch_was_sent_again_is_late(any_database: Database) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, Decision.RESEND, by="awa", reason="nobody got it", database=any_database)
    making.fund(any_database)
    making.accepted(any_database, found.campaign_id, "f1")

    doubts.settle(any_database, making.ACCOUNT, [seen_now(any_database, found)], exclusive=False)

    assert making.attempt(any_database, found).state == AttemptState.ACCEPTED_LATE


def test_reports_whose_own_reply_comes_before_they_are_weighed_prove_no_other(any_database: Database) -> None:
    found = in_doubt(any_database)
    theirs = making.claimed(any_database, making.funded(any_database, making.numbers(10)))  # to the same people
    evidence = seen_now(any_database, found, "f1")
    settling.accept(any_database, theirs, making.acceptance(theirs, "f1"))

    assert doubts.settle(any_database, making.ACCOUNT, [evidence], exclusive=True) == []
    assert making.batch_states(any_database, found.campaign_id) == [BatchState.IN_DOUBT]


def test_a_lane_settles_while_evidence_is_weighed(postgresql: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    found, other = in_doubt(postgresql), making.claimed(postgresql, making.funded(postgresql, making.numbers(5)))
    really = doubts.proves

    def settled_meanwhile(*asked: Any, **options: Any) -> Unsettled | None:
        settling.release(postgresql, other, "refused")
        return really(*asked, **options)

    monkeypatch.setattr(doubts, "proves", settled_meanwhile)
    assert doubts.settle(postgresql, making.ACCOUNT, [seen_now(postgresql, found)], exclusive=False)
    assert making.batch_states(postgresql, other.campaign_id) == [BatchState.PENDING]


def test_reports_that_were_closed_before_their_sending_was_known_are_applied_once_it_is(any_database: Database) -> None:
    found = in_doubt(any_database)
    early = making.report(found, (0, MessageStatus.DELIVERED), msgfid="f9")
    poll_id = making.stored(any_database)
    reports.apply(any_database, poll_id, early)
    assert unapplied.parked(any_database, making.ACCOUNT, no_older_than=-1) == []

    doubts.settle(any_database, making.ACCOUNT, [seen_now(any_database, found)], exclusive=False)

    assert [poll.id for poll in unapplied.due(any_database, making.ACCOUNT)] == [poll_id]
    assert reports.apply(any_database, poll_id, early).changed == 1
    assert unapplied.due(any_database, making.ACCOUNT) == []


def test_an_attempt_that_its_worker_settles_meanwhile_is_not_adopted_as_well(any_database: Database) -> None:
    found = in_doubt(any_database)
    stale = making.attempt(any_database, found)
    settling.accept(any_database, found, making.acceptance(found, "f1"))

    with any_database.transaction() as connection:
        doubts.adopt(connection, stale, "f9")

    assert making.attempt(any_database, found).msgfid == "f1"


def test_what_is_in_doubt_is_asked_for_by_the_id_that_is_known_and_not_too_often(any_database: Database) -> None:
    found = in_doubt(any_database)
    shown = making.claimed(any_database, making.funded(any_database, making.numbers(1)))
    settling.doubt(any_database, shown, "cut short", msgfid="f7")

    def to_ask_for() -> set[str]:
        return set(doubts.to_ask_for(any_database, making.ACCOUNT, every=30, most=9))

    assert to_ask_for() == {found.msgid, "f7"}
    assert to_ask_for() == set()
    making.clock_goes_on(any_database, 31)
    assert to_ask_for() == {found.msgid, "f7"}


def lookup_that_was_overtaken(database: Database, count: int = 10) -> Claim:
    """A lookup in doubt whose batch did not wait for it."""
    campaign = making.funded(database, making.numbers(count), lookup={"unknown": "send"})
    found = making.claimed(database, campaign)
    settling.doubt(database, found, "timed out")
    assert doubts.in_doubt(database, making.ACCOUNT)
    making.clock_goes_on(database, 601)
    lookups.clean(database, found.batch_id, Prices({"": Decimal(1)}))
    making.advance(database)
    return found


def test_a_lookup_whose_batch_did_not_wait_for_it_is_not_asked_for_any_more(any_database: Database) -> None:
    lookup_that_was_overtaken(any_database)

    assert doubts.to_ask_for(any_database, making.ACCOUNT, every=30, most=9) == []


def test_a_lookup_is_waited_for_by_its_own_batch_and_by_no_other(any_database: Database) -> None:
    waited_for = making.claimed(any_database, making.funded(any_database, making.numbers(3), lookup=True))
    lookup_that_was_overtaken(any_database)
    settling.doubt(any_database, waited_for, "timed out")

    assert doubts.to_ask_for(any_database, making.ACCOUNT, every=30, most=9) == [waited_for.msgid]


def test_what_the_gateway_has_accepted_is_not_asked_for_by_our_own_id(any_database: Database) -> None:
    making.accepted(any_database, making.funded(any_database, making.numbers(3)))

    assert doubts.to_ask_for(any_database, making.ACCOUNT, every=30, most=9) == []


def test_reports_that_prove_nothing_keep_no_others_from_proving(any_database: Database) -> None:
    found = in_doubt(any_database)
    strange = Evidence("f8", frozenset(making.numbers(11, first=making.FIRST + 500)), any_database.clock())

    proven = doubts.settle(any_database, making.ACCOUNT, [strange, seen_now(any_database, found)], exclusive=False)

    assert proven == [found.campaign_id]


def test_late_reports_prove_what_a_lookup_cost_that_was_overtaken(any_database: Database) -> None:
    found = lookup_that_was_overtaken(any_database)
    seen = seen_now(any_database, found)

    assert doubts.settle(any_database, making.ACCOUNT, [seen], exclusive=False) == [found.campaign_id]
    progress = campaigns.progress(found.campaign_id, database=any_database)
    assert progress.credits_posted == 10


def test_reports_that_may_be_of_a_sending_or_of_its_lookup_prove_neither(any_database: Database) -> None:
    campaign = lookup_that_was_overtaken(any_database).campaign_id
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "timed out")
    making.clock_goes_on(any_database, 1)

    seen = seen_now(any_database, found)

    assert doubts.settle(any_database, making.ACCOUNT, [seen], exclusive=False) == []
