"""Every two that can meet in the tables, in many orders of their statements: whatever wins, all that must hold holds.

By default a seeded sample of the pairs, and of the orders of each; `RACES=20` takes all pairs, each in up to so many
orders, and `SEED=…` other samples.
"""

import itertools
import os
import random
from collections.abc import Iterator

import pytest
from sqlalchemy import select

import campaigns
from campaigns import claims, lookups, settling, silence
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts
from campaigns.models import batches as batches_table
from campaigns.states import AttemptKind, AttemptState, BatchState, CampaignState
from tests.campaigns import holding, making
from tests.chaos import jobs, scenes
from tests.chaos.interleaving import Interleaving, Order, some
from tests.chaos.meetings import MEETINGS, NO, Doing
from tests.chaos.scenes import Scene

ALL = "RACES" in os.environ
MOST = int(os.environ.get("RACES", "3"))
SAMPLE = 30
SEED = int(os.environ.get("SEED", "1"))

PAIRS = [
    pytest.param(scene, one, other, id=f"{scene}: {one} × {other}")
    for scene, (_, doings) in MEETINGS.items()
    for one, other in itertools.combinations_with_replacement(doings, 2)
    if doings[one].may_meet(doings[other])
]
SOME = PAIRS if ALL else random.Random(SEED).sample(PAIRS, SAMPLE)


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


@pytest.mark.parametrize(("scene", "one", "other"), SOME)
def test_whoever_comes_first_what_must_hold_holds(
    race: Interleaving, ground: Database, scene: str, one: str, other: str
) -> None:
    make, doings = MEETINGS[scene]
    both = doings[one], doings[other]
    first, second = meet(race, make(cleared(ground)), both, [0] * 1_000)
    chance = random.Random(f"{SEED} {scene} {one} {other}")
    for order in some(chance, first, second, MOST):
        meet(race, make(cleared(ground)), both, order)


def cleared(ground: Database) -> Database:
    scenes.clear(ground)
    return ground


def meet(race: Interleaving, scene: Scene, both: tuple[Doing, Doing], order: Order) -> tuple[int, int]:
    """Let two meet in this order, see that all holds, and that the campaign comes to its end from there."""
    try:
        steps = race.run((both[0].make(scene), both[1].make(scene)), order)
        holds(scene)
        to_the_end(scene, taken=NO not in {doing.truth for doing in both})
        holds(scene)
    except BaseException as error:
        error.add_note(f"in this order: {''.join(map(str, order))}")
        raise
    return steps


def holds(scene: Scene) -> None:
    holding.everything(scene.database, making.ACCOUNT)
    owed = holding.spent(scene.database, making.ACCOUNT) + holding.promised(scene.database, making.ACCOUNT)
    assert owed <= scene.credits, "B: more is promised than the account has"


def to_the_end(scene: Scene, *, taken: bool) -> None:
    """Whatever is missing comes: replies, credits, answers, reports, and a person who resumes."""
    database = scene.database
    _replies_come(scene, taken=taken)
    scene.credits += scenes.CREDITS
    for patience in range(5):
        if patience > 2:  # a person has said of something that it was taken, which was not
            silence.give_up(database, older_than=0)
        _go_on(scene)
        unfinished = [found for found in _all(database) if not found.finished]
        if not unfinished:
            return
    raise AssertionError(f"H: what does not come to its end: {unfinished}")


def _replies_come(scene: Scene, *, taken: bool) -> None:
    requests = [claim for claim in (scene.claim, *scene.taken) if claim is not None]
    for claim in requests:
        attempt = making.attempt(scene.database, claim)
        if claim is scene.claim and not taken:
            if attempt.state in (AttemptState.OPEN, AttemptState.IN_DOUBT):
                settling.release(scene.database, claim, "nothing was sent")
        elif attempt.receipt is None and attempt.state not in (AttemptState.REFUSED, AttemptState.NOT_SENT):
            settling.accept(scene.database, claim, making.acceptance(claim, attempt.msgfid or ""))


def _go_on(scene: Scene) -> None:
    database = scene.database
    for found in _all(database):
        if found.state in (CampaignState.SUBMITTED, CampaignState.EXPANDING):
            jobs.expand(Scene(database, found.id))(database)
        if found.paused_at is not None and not found.finished and found.state != CampaignState.CANCELLED:
            campaigns.resume(found.id, database=database)
    making.fund(database, scene.credits - holding.spent(database, making.ACCOUNT))
    making.clock_goes_on(database, 5, making.campaigns_table.c.next_send_at, attempts.c.started_at)
    for found in _all(database):
        _send_all(database, found.id)
    _report_all(database)
    making.advance(database)


def _send_all(database: Database, campaign_id: int) -> None:
    while (claim := claims.claim(database, campaign_id, lease_seconds=making.LEASE)) is not None:
        settling.accept(database, claim, making.acceptance(claim))
    b = batches_table.c
    with database.reading() as connection:
        checking = select(b.id).where(b.campaign_id == campaign_id, b.state == BatchState.CHECKING)
        ids = connection.execute(checking).scalars().all()
    for batch_id in ids:
        lookups.clean(database, batch_id, jobs.PRICES)


def _report_all(database: Database) -> None:
    a, b = attempts.c, batches_table.c
    with database.reading() as connection:
        sent = select(a.id, b.payload).where(a.kind == AttemptKind.SEND, a.msgfid.is_not(None), b.id == a.batch_id)
        rows = connection.execute(sent).all()
    for row in rows:
        making.all_delivered(database, _as_claim(row.id, row.payload))


def _as_claim(attempt_id: int, payload: bytes) -> Claim:
    return Claim(attempt_id, payload=claims.Payload.unpack(payload), **dict.fromkeys(_OTHERS, ""))


_OTHERS = [name for name in Claim.__dataclass_fields__ if name not in ("attempt_id", "payload")]


def _all(database: Database) -> list[campaigns.Progress]:
    with database.reading() as connection:
        ids = (
            connection.execute(select(making.campaigns_table.c.id).order_by(making.campaigns_table.c.id))
            .scalars()
            .all()
        )
    return [campaigns.progress(campaign_id, database=database) for campaign_id in ids]
