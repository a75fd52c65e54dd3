"""What somebody does to a campaign while another does something else.

A job is made when the scene stands, and run later: what it has learnt (a reply, a balance, a body of reports), it
learnt before the other began. Which of them can meet is in `meetings`.
"""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

import campaigns
from campaigns import (
    batches,
    bisection,
    claims,
    credits,
    doubts,
    expansion,
    lifecycle,
    lookups,
    reports,
    settling,
    shortage,
    silence,
)
from campaigns.database import Database
from campaigns.doubts import Evidence
from campaigns.models import attempts
from campaigns.models import campaigns as campaigns_table
from campaigns.prices import Prices
from campaigns.resolving import UndecidableError, resolve
from campaigns.settings import domain_settings
from campaigns.states import MessageStatus
from campaigns.steering import StateError
from tests.campaigns import making
from tests.chaos.interleaving import Job
from tests.chaos.scenes import DAY, SPEC, Scene, people

PRICES = Prices({"": Decimal(1)}, Decimal(1))


def claim(scene: Scene) -> Job:
    """A lane takes the next batch."""

    def take(database: Database) -> None:
        taken = claims.claim(database, scene.campaign, lease_seconds=making.LEASE)
        if taken is not None:
            scene.taken.append(taken)

    return take


def opt_out(scene: Scene) -> Job:
    """Somebody whom the campaign has not reached wants no more texts."""
    number = scene.people()[-1]
    return lambda database: campaigns.opt_out(number, database=database)


def claim_without(scene: Scene) -> Job:
    """A lane takes the next batch, out of which somebody has opted."""
    campaigns.opt_out(scene.people()[-1], database=scene.database)
    return claim(scene)


def accept(scene: Scene, *, left_out: int = 0, consistent: bool = True) -> Job:
    """Its reply says yes."""
    numbers = scene.request.payload.numbers[:left_out]
    reply = making.acceptance(scene.request, left_out=list(numbers), consistent=consistent)
    return lambda database: settling.accept(database, scene.request, reply)


def refuse(scene: Scene) -> Job:
    """Its reply says no, for good."""
    return lambda database: settling.refuse(database, scene.request, -9, "no valid recipient")


def release(scene: Scene) -> Job:
    """Nothing left."""
    return lambda database: settling.release(database, scene.request, "connection refused")


def no_credits(scene: Scene) -> Job:
    """Its reply says that the credits do not suffice."""

    def settle(database: Database) -> None:
        settling.release(database, scene.request, "-6", code=shortage.NOT_ENOUGH)
        shortage.run_out(database, scene.request.campaign_id, Decimal(0))

    return settle


def not_allowed(scene: Scene) -> Job:
    """Its reply says that the account may not look numbers up."""

    def settle(database: Database) -> None:
        settling.release(database, scene.request, "-11", code=-11)
        lookups.give_up(database, scene.campaign, "the account may not look numbers up: sent without")

    return settle


def doubt(scene: Scene) -> Job:
    """Its reply does not come."""
    return lambda database: settling.doubt(database, scene.request, "timed out")


def expire(scene: Scene) -> Job:
    """Its worker seems to be dead."""
    making.clock_goes_on(scene.database, making.LEASE + 1)
    return batches.expire_leases


def adopt(scene: Scene) -> Job:
    """Reports prove that it was accepted."""
    found = scene.request
    seen = Evidence(f"f{found.attempt_id}", frozenset(found.payload.numbers), scene.database.clock())
    return lambda database: doubts.settle(database, making.ACCOUNT, [seen], exclusive=True)


def report(scene: Scene, *statuses: MessageStatus, early: bool = False) -> Job:
    """Reports come, of the request that is in the air or of the one before."""
    of = scene.request if early else scene.before
    body = making.report(of, *enumerate(statuses))
    poll_id = making.stored(scene.database)

    def apply(database: Database) -> None:
        applied = reports.apply(database, poll_id, body)
        if applied.campaigns:
            with database.transaction() as connection:
                lifecycle.advance(connection, sorted(applied.campaigns))
        for batch_id in lookups.answered(database, applied.looked_up) if applied.looked_up else []:
            lookups.clean(database, batch_id, PRICES)

    return apply


def early_report(scene: Scene) -> Job:
    """Reports come of a request whose reply has not come."""
    return report(scene, MessageStatus.DELIVERED, MessageStatus.REJECTED, early=True)


def allowed(job: Callable[..., Any], scene: Scene) -> Job:
    """What a person does, who may be told that it cannot be done any more."""

    def try_it(database: Database) -> None:
        try:
            job(scene.campaign, database=database)
        except StateError:
            return

    return try_it


def resume(scene: Scene) -> Job:
    """A person resumes what another had paused."""
    campaigns.pause(scene.campaign, database=scene.database)
    return allowed(campaigns.resume, scene)


def fund(scene: Scene, *, took: int = 0) -> Job:
    """The gateway has said what the account has, before or after it took so much for a request."""
    told = making.balance(scene.database, scene.credits - took)
    known: dict[str, Any] = {"senders": [making.SENDER], "default_sender": None}
    return lambda database: credits.fund(database, making.ACCOUNT, told, **known)


def decide(scene: Scene, *, what: str) -> Job:
    """A person decides what became of it, and is told if it was decided otherwise."""

    def say(database: Database) -> None:
        with suppress(UndecidableError):
            resolve(scene.request.attempt_id, what, by="awa", reason="the gateway's own log", database=database)

    return say


def cut_in_halves(scene: Scene) -> Job:
    """Its reply says that the request cannot be read: some row of it is to blame."""
    return lambda database: bisection.refuse(database, scene.request, "-1", code=-1, prices=PRICES)


def settle_all(scene: Scene) -> Job:
    """Reports prove all that is in doubt."""
    some = [scene.request, *scene.taken]
    clock = scene.database.clock()
    seen = [Evidence(f"f{found.attempt_id}", frozenset(found.payload.numbers), clock) for found in some]
    return lambda database: doubts.settle(database, making.ACCOUNT, seen, exclusive=True)


def ask_for_doubts(scene: Scene) -> Job:
    """What is in doubt is asked for by its id."""
    return lambda database: doubts.to_ask_for(database, making.ACCOUNT, every=1, most=20)


def put_back(scene: Scene) -> Job:
    """All that was to be asked for was not, after all."""
    with scene.database.reading() as connection:
        ids = connection.execute(select(attempts.c.msgid).order_by(attempts.c.id.desc())).scalars().all()
    return lambda database: silence.put_back(database, making.ACCOUNT, ids)


def lanes(scene: Scene) -> Job:
    """A lane has had its turn with all campaigns."""
    with scene.database.reading() as connection:
        ids = connection.execute(select(campaigns_table.c.id)).scalars().all()

    def move_on(database: Database) -> None:
        with database.transaction() as connection:
            lifecycle.advance(connection, ids)

    return move_on


def top_up(scene: Scene) -> Job:
    """The gateway says that the account has more than enough."""
    scene.credits += 100
    return fund(scene)


def run_out(scene: Scene) -> Job:
    """Another request of the campaign was refused for want of credits."""
    return lambda database: shortage.run_out(database, scene.campaign, Decimal(0))


def advance(scene: Scene) -> Job:
    """A lane has had its turn."""

    def move_on(database: Database) -> None:
        with database.transaction() as connection:
            lifecycle.advance(connection, [scene.campaign])

    return move_on


def sweep(scene: Scene) -> Job:
    """The sweep looks at all campaigns."""

    def look(database: Database) -> None:
        batches.expire_leases(database)
        with database.transaction() as connection:
            lifecycle.advance(connection)
            lifecycle.give_up_receiving(connection)

    return look


def change_rate(scene: Scene) -> Job:
    """Somebody gives the campaign a rate, or takes it away, by hand: no command of ours does."""
    other = update(campaigns_table).values(rate=None if scene.campaign % 2 else 5_000.0)
    return lambda database: making.change(database, other)


def give_up(scene: Scene) -> Job:
    """The silent had their time."""
    return lambda database: silence.give_up(database, older_than=DAY / 2)


def ask(scene: Scene) -> Job:
    """Silent messages are asked for by name."""
    return lambda database: silence.sendings(database, making.ACCOUNT, older_than=60, every=60, most=20)


def clean(scene: Scene) -> Job:
    """The lookup had its time."""
    batch_id = (scene.claim or scene.before).batch_id
    return lambda database: lookups.clean(database, batch_id, PRICES)


def expand(scene: Scene) -> Job:
    """Its audience is turned into batches."""

    def to_the_end(database: Database) -> None:
        while expansion.expand_slice(database, scene.campaign, domain_settings()):
            pass

    return to_the_end


def submit_again(scene: Scene) -> Job:
    """Its producer asks for it once more."""
    return lambda database: campaigns.submit(SPEC, people(), database=database)


def says(*statuses: MessageStatus) -> Callable[[Scene], Job]:
    """Reports come of the request before."""
    return lambda scene: report(scene, *statuses)
