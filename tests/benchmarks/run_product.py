"""The product's run: a worker of two processes and beat, by Celery's own commands, and a campaign submitted to them."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, select

from tests.benchmarks.audience import TEMPLATE, people
from tests.benchmarks.ground import READY_WITHIN, Ground, database_bytes
from tests.benchmarks.outcome import Outcome
from worker.demo import installation
from worker.processes import Child

LOOK_EVERY = 0.2  # seconds
PATIENCE = 60.0  # seconds without any movement
SETTINGS = {"POLL_INTERVAL": "1", "SILENT_AFTER": "900", "REPORT_DEADLINE": "3600"}


def run(ground: Ground, recipients: int, say: Callable[[str], None]) -> Outcome:
    """One campaign to so many, from just before its submit to its completion."""
    with ground.database("product") as database_url:
        environment = installation.environment(
            broker_url=ground.broker(0),
            database_url=database_url,
            gateway_url=ground.gateway_url,
            recipients=recipients,
        )
        environment |= SETTINGS
        os.environ.update(environment)
        return _run(ground, environment, recipients, say)


def _run(ground: Ground, environment: Mapping[str, str], recipients: int, say: Callable[[str], None]) -> Outcome:
    import campaigns  # from here on, for the settings are read once
    from campaigns.database import Database
    from campaigns.migrations import migrate

    database = Database(environment["DATABASE_URL"])
    migrate(database)
    children = _start(ground, environment)
    from worker.celery import app
    from worker.ringing import ring

    ground.processes.until(
        lambda: app.control.ping(timeout=0.2, limit=1), within=READY_WITHIN, what="the worker answers"
    )
    meter = ground.meter(*children)
    began = database.clock()
    started = time.monotonic()
    spec = {"name": "bench", "template": TEMPLATE, "account": installation.ACCOUNT}
    submitted = campaigns.submit(spec, people(recipients), ring=ring, database=database)
    handed_over = time.monotonic() - started
    _wait(ground, database, submitted.id, say)
    usage = meter.read()
    stages = {"handed over": handed_over, **_stages(database, submitted.id, began)}
    outcome = Outcome(
        way="product",
        messages=recipients,
        seconds=stages["completed"],
        usage=usage,
        database_bytes=database_bytes(environment["DATABASE_URL"]),
        stages=stages,
        checks=_checks(campaigns.progress(submitted.id, database=database), ground.ledger(installation.LOGIN)),
    )
    for child in reversed(children):
        ground.processes.stop(child.name)
    database.close()
    return outcome


def _start(ground: Ground, environment: Mapping[str, str]) -> list[Child]:
    celery = [sys.executable, "-m", "celery", "-A", "worker"]
    words = {
        "worker": [*celery, "worker", "--concurrency", "2", "--loglevel", "WARNING"],
        "beat": [*celery, "beat", "--schedule", str(ground.folder / "schedule"), "--pidfile", ""],
    }
    return [
        ground.processes.start(name, command, environment=environment, cwd=ground.folder)
        for name, command in words.items()
    ]


def _wait(ground: Ground, database: Any, campaign_id: int, say: Callable[[str], None]) -> None:
    """Look seldom, and at little: whoever looks takes time away from what he measures."""
    from campaigns.models import attempts, campaigns

    c, a = campaigns.c, attempts.c
    sent = select(func.count()).where(a.campaign_id == campaign_id, a.settled_at.is_not(None)).scalar_subquery()
    look = select(c.state, c.expanded, c.batches, sent.label("sent"), c.completed_at).where(c.id == campaign_id)
    before, changed = None, time.monotonic()
    while True:
        with database.reading() as connection:
            now = connection.execute(look).one()
        if now.completed_at is not None:
            return
        if now != before:
            before, changed = now, time.monotonic()
        say(f"product: {now.state}, {now.expanded:,} rows expanded, {now.sent} of {now.batches} batches sent")
        ground.processes.check()
        if time.monotonic() - changed > PATIENCE:
            raise RuntimeError(f"the campaign is {now.state}: nothing moved for {PATIENCE:g} s")
        time.sleep(LOOK_EVERY)


def _stages(database: Any, campaign_id: int, began: Any) -> dict[str, float]:
    """When each stage was through, by the database's clock, in seconds since the submit began."""
    from campaigns.models import attempts, campaigns, holds, report_polls

    a, p = attempts.c, report_polls.c
    moments = select(
        select(holds.c.held_at).where(holds.c.campaign_id == campaign_id).scalar_subquery().label("funded"),
        select(func.min(a.started_at)).where(a.campaign_id == campaign_id).scalar_subquery().label("first request"),
        select(func.max(a.settled_at)).where(a.campaign_id == campaign_id).scalar_subquery().label("last reply"),
        select(func.max(p.stored_at)).where(p.reports > 0).scalar_subquery().label("last report"),
        select(campaigns.c.completed_at).where(campaigns.c.id == campaign_id).scalar_subquery().label("completed"),
    )
    with database.reading() as connection:
        row = connection.execute(moments).mappings().one()
    return {name: round((moment - began).total_seconds(), 3) for name, moment in row.items()}


def _checks(account: Any, ledger: Mapping[str, Any]) -> dict[str, bool]:
    return {
        "every row read is a message or is excluded": account.adds_up and account.recipients == account.messages,
        "every message was delivered": account.by_status.get("delivered") == account.messages,
        "the gateway took each once": ledger["duplicates"] == 0,
        "the gateway charged what we posted": ledger["charged"] - ledger["refunded"] == account.credits_spent,
        "no request is in doubt": account.in_doubt_attempts == 0,
    }
