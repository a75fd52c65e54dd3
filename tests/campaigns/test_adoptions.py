"""A thousand doubts on an account that other campaigns and other programs use as well: none is adopted wrongly.

Time goes by in polls. Batches of overlapping campaigns are sent, some replies are lost, some of those requests were
taken; reports come bit by bit, in any order; what is in doubt for long is sent again or written off. Other programs
text the same people: one or two of a batch, some of a whole audience, a list that is cut otherwise, and the very
numbers of a batch before any request for it began. What no report can tell apart is the last test.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns import doubts
from campaigns.doubts import Evidence, Unsettled
from campaigns.states import AttemptState

DOUBTS = 1_000
PEOPLE = range(20_000)
SIZES = (2, 5, 20, 50, 100)
WAIT = 30
"""Polls after which a doubt is decided."""
FORGET = 150
"""Polls after which neither a decided request nor an unknown id is thought of any more."""


@dataclass(frozen=True)
class Row:
    """As much of an attempt's row as proof looks at."""

    id: int
    state: AttemptState
    started_at: datetime
    msgid: str = "ours"


@dataclass
class Sending:
    """What the gateway took, of us or of another program: its reports are still to come."""

    whose: int | None
    to_come: list[int]
    seen: set[int] = field(default_factory=set)
    seen_at: datetime | None = None
    began: int = 0


Rule = Callable[[Evidence, list[Unsettled]], Unsettled | None]


class Account:
    """An account over time; `adopted` counts the doubts that were adopted for their own reports and for another's."""

    def __init__(self, seed: int, rule: Rule) -> None:
        self.chance = random.Random(seed)
        self.rule = rule
        self.poll = 0
        self.attempts: dict[int, Unsettled] = {}
        self.sendings: list[Sending] = []
        self.count = self.fallen = 0
        self.adopted = {"right": 0, "wrong": 0}
        self.audiences = [self.chance.sample(PEOPLE, 400) for _ in range(6)]
        self.audiences += [self._overlapping(self.audiences[place]) for place in range(6)]

    def _overlapping(self, audience: list[int]) -> list[int]:
        shared = self.chance.sample(audience, 200)
        return self.chance.sample(shared + self.chance.sample(PEOPLE, 200), 400)

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.poll)

    def until(self, doubts_fallen: int) -> None:
        while self.fallen < doubts_fallen:
            self.poll += 1
            self._others()
            for _ in range(self.chance.randint(0, 3)):
                audience, size = self.chance.choice(self.audiences), self.chance.choice(SIZES)
                place = self.chance.randrange(0, len(audience), size)
                self._request(frozenset(audience[place : place + size]))
            self._settle()
            self._report()
            self._adopt()

    def _request(self, numbers: frozenset[int]) -> None:
        """It is made; whether its reply arrives is known at the next poll."""
        known = any(numbers <= attempt.numbers for attempt in self.attempts.values())
        if not known and self.chance.random() < 0.1:
            self._other(sorted(numbers), began=-1)  # another program has just texted these very people
        self.count += 1
        row: Any = Row(self.count, AttemptState.OPEN, self.now())
        self.attempts[self.count] = Unsettled(row, numbers)
        if self.chance.random() < 0.6:
            self.sendings.append(Sending(self.count, self._shuffled(numbers), began=self.poll))

    def _others(self) -> None:
        """What other programs send: to some of those whom we text, and to people of their own."""
        audience = self.chance.choice(self.audiences)
        kind = self.chance.randrange(6)
        if kind < 2 and self.attempts:
            some = self.chance.choice(list(self.attempts.values())).numbers
            self._other(self.chance.sample(sorted(some), min(len(some), kind + 1)))
        elif kind == 2:
            self._other(self.chance.sample(audience, self.chance.randint(8, 200)))
        elif kind == 3:
            place = self.chance.randrange(0, 300)
            self._other([*audience[place : place + 100], *self.chance.sample(PEOPLE, 20)])

    def _other(self, numbers: list[int], *, began: int = 0) -> None:
        sending = Sending(None, self._shuffled(numbers), began=self.poll + began)
        if began:  # its first reports have come by now
            sending.seen_at = self.now() - timedelta(minutes=1)
        self.sendings.append(sending)

    def _shuffled(self, numbers: Any) -> list[int]:
        return self.chance.sample(sorted(numbers), len(numbers))

    def _settle(self) -> None:
        """Replies arrive or are lost; whoever decides does."""
        for key, attempt in list(self.attempts.items()):
            age = (self.now() - attempt.row.started_at) / timedelta(minutes=1)
            if attempt.row.state == AttemptState.OPEN and age >= 1:
                self._answer(key, attempt)
            elif attempt.row.state == AttemptState.IN_DOUBT and age >= WAIT:
                again = self.chance.random() < 0.5
                self._is(key, AttemptState.RESENT if again else AttemptState.WRITTEN_OFF)
                if again:
                    self._request(attempt.numbers)
            elif age >= FORGET:
                del self.attempts[key]
        self.sendings = [each for each in self.sendings if self.poll - each.began < FORGET]

    def _answer(self, key: int, attempt: Unsettled) -> None:
        if self.chance.random() < 0.3:
            return  # it hangs
        if self.chance.random() < 0.4:
            self.fallen += 1
            self._is(key, AttemptState.IN_DOUBT)
            return
        del self.attempts[key]  # its reply tells, and its reports are known by their id
        self.sendings = [each for each in self.sendings if each.whose != key]

    def _is(self, key: int, state: AttemptState) -> None:
        attempt: Any = self.attempts[key]
        self.attempts[key] = Unsettled(replace(attempt.row, state=state), attempt.numbers)

    def _report(self) -> None:
        for sending in self.sendings:
            if sending.to_come and self.poll > sending.began:
                come = self.chance.randint(0, 1 + len(sending.to_come) // 2)
                sending.seen.update(sending.to_come[:come])
                del sending.to_come[:come]
                if sending.seen and sending.seen_at is None:
                    sending.seen_at = self.now()

    def _adopt(self) -> None:
        for sending in sorted(self.sendings, key=lambda each: -len(each.seen)):
            if not sending.seen or sending.seen_at is None:
                continue
            found = self.rule(Evidence("f", frozenset(sending.seen), sending.seen_at), list(self.attempts.values()))
            if found is not None:
                self.adopted["right" if found.row.id == sending.whose else "wrong"] += 1
                del self.attempts[found.row.id]
                self.sendings.remove(sending)


def by_the_conditions(evidence: Evidence, unsettled: list[Unsettled]) -> Unsettled | None:
    return doubts.proves(evidence, unsettled, exclusive=False)


def by_first_sight(evidence: Evidence, unsettled: list[Unsettled]) -> Unsettled | None:
    """What one would write first: the reports are of whichever batch in doubt has their numbers."""
    fits = (each for each in unsettled if each.row.state != AttemptState.OPEN and evidence.numbers <= each.numbers)
    return next(fits, None)


@pytest.mark.parametrize("seed", range(2))
def test_of_a_thousand_doubts_none_is_adopted_for_anothers_reports_and_most_that_were_taken_are(seed: int) -> None:
    account = Account(seed, by_the_conditions)

    account.until(DOUBTS)

    assert account.adopted["wrong"] == 0
    assert account.adopted["right"] > 400, account.adopted  # some 600 were taken; one in five is of two numbers


def test_the_same_doubts_would_often_be_adopted_wrongly_at_first_sight() -> None:
    account = Account(0, by_first_sight)

    account.until(DOUBTS)

    assert account.adopted["wrong"] > 100, account.adopted


def test_another_program_that_texts_a_tenth_of_a_batch_and_nobody_else_meanwhile_cannot_be_told_by_reports() -> None:
    """The limit of it: whoever shares an account so closely needs the second witness, or a person."""
    row: Any = Row(1, AttemptState.IN_DOUBT, datetime(2026, 1, 1, tzinfo=UTC))
    batch = Unsettled(row, frozenset(range(100)))
    anothers = Evidence("f", frozenset(range(10)), row.started_at + timedelta(minutes=1))

    assert doubts.proves(anothers, [batch], exclusive=False) is batch
    assert doubts.proves(anothers, [batch], exclusive=False, verdict_of=lambda _: doubts.Verdict.NOT_TAKEN) is None
