"""Two who count for the same people meet in many orders: nobody gets more than the cap, and what counts is what left.

Three campaigns are for the same people, whose cap is two messages a day: a batch of one is in the air, those of the
others wait. By default a seeded sample of the pairs meets in a few orders; `RACES=20` takes all pairs, each in up to so
many, and `SEED=…` others.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

import campaigns
from campaigns import bisection, caps, claims, settling
from campaigns.caps import Cap
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts, batches, daily_counts, messages
from campaigns.payload import Payload
from campaigns.states import NOTHING_SENT, AttemptKind, MessageStatus
from tests.campaigns import holding, making
from tests.chaos import scenes
from tests.chaos.interleaving import Interleaving, Job, some
from tests.chaos.jobs import PRICES
from tests.chaos.test_races import ALL, MOST, SEED

CAP = Cap(2, making.noon())
PEOPLE = making.numbers(4)


@dataclass(frozen=True)
class Rivals:
    """Three campaigns for the same people: a claim of the first, and the others, which have made none."""

    database: Database
    claim: Claim
    second: int
    third: int


def rivals(database: Database) -> Rivals:
    scenes.clear(database)
    first = making.funded(database, PEOPLE)
    others = [making.funded(database, people) for people in (PEOPLE[::-1], PEOPLE[1:])]
    return Rivals(database, making.claimed(database, first, cap=CAP), *others)


def takes(campaign_id: int) -> Job:
    return lambda database: claims.claim(database, campaign_id, lease_seconds=making.LEASE, cap=CAP)


def refused_whole(scene: Rivals) -> Job:
    return lambda database: bisection.refuse(database, scene.claim, "-1", code=-1, prices=PRICES)


def accepted_in_part(scene: Rivals) -> Job:
    reply = making.acceptance(scene.claim, left_out=PEOPLE[:2])
    return lambda database: settling.accept(database, scene.claim, reply)


DOINGS: dict[str, Callable[[Rivals], Job]] = {
    "second claims": lambda scene: takes(scene.second),
    "third claims": lambda scene: takes(scene.third),
    "release": lambda scene: lambda database: settling.release(database, scene.claim, "connection refused"),
    "refuse": lambda scene: lambda database: settling.refuse(database, scene.claim, -9, "no valid recipient"),
    "-1": refused_whole,
    "accept in part": accepted_in_part,
    "doubt": lambda scene: lambda database: settling.doubt(database, scene.claim, "timed out"),
    "cancel": lambda scene: lambda database: campaigns.cancel(scene.second, database=database),
    "opt-out": lambda _: lambda database: campaigns.opt_out(PEOPLE[-1], database=database),
    "days are removed": lambda _: caps.forget_old,
}
REPLIES = {"release", "refuse", "-1", "accept in part", "doubt"}
PAIRS = [pair for pair in itertools.combinations_with_replacement(DOINGS, 2) if not REPLIES.issuperset(pair)]
SOME = PAIRS if ALL else random.Random(SEED).sample(PAIRS, 12)


@pytest.fixture(scope="module")
def race(databases) -> Iterator[Interleaving]:
    with databases.fresh() as url:
        made = Interleaving(url)
        yield made
        made.close()


@pytest.fixture(scope="module")
def ground(race: Interleaving) -> Iterator[Database]:
    database = Database(race.url)
    yield database
    database.close()


@pytest.mark.parametrize(("one", "other"), SOME)
def test_whoever_comes_first_nobody_gets_more_than_the_cap(
    race: Interleaving, ground: Database, one: str, other: str
) -> None:
    first, second = meet(race, ground, (one, other), [0] * 1_000)
    for order in some(random.Random(f"{SEED} {one} {other}"), first, second, MOST):
        meet(race, ground, (one, other), order)


def meet(race: Interleaving, ground: Database, both: tuple[str, str], order: object) -> tuple[int, int]:
    scene = rivals(ground)
    steps = race.run((DOINGS[both[0]](scene), DOINGS[both[1]](scene)), order)  # type: ignore[arg-type]
    holds(ground)
    for campaign in (scene.claim.campaign_id, scene.second, scene.third):
        while claims.claim(ground, campaign, lease_seconds=making.LEASE, cap=CAP) is not None:
            pass
    holds(ground)
    return steps


def holds(database: Database) -> None:
    holding.everything(database, making.ACCOUNT)
    counted, left = counts(database), may_have_left(database)
    assert counted == left, "what counts is not what may have left"
    assert max(counted.values(), default=0) <= CAP.per_day


def counts(database: Database) -> Counter[int]:
    c = daily_counts.c
    with database.reading() as connection:
        return Counter(dict(connection.execute(select(c.msisdn, c.texts).where(c.texts > 0)).all()))


def may_have_left(database: Database) -> Counter[int]:
    """By number, the requests that may have reached it."""
    a, b, m = attempts.c, batches.c, messages.c
    asked = select(a.campaign_id, b.payload).where(
        b.id == a.batch_id, a.kind == AttemptKind.SEND, a.state.not_in(NOTHING_SENT)
    )
    with database.reading() as connection:
        made = connection.execute(asked).all()
        refused = select(m.campaign_id, m.msisdn).where(m.status == MessageStatus.REFUSED)
        not_taken = {(row[0], row[1]) for row in connection.execute(refused)}
    return Counter(
        number
        for campaign_id, payload in made
        for number in Payload.unpack(payload).numbers
        if (campaign_id, number) not in not_taken
    )
