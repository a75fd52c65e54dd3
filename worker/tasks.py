"""One small function a task: load, call, done. A task takes names and ids, may run twice, and may be lost.

What it returns is for Flower's eyes: what was done, in ids and counts.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

from celery import Task
from celery.exceptions import Reject, TaskPredicate
from kombu.exceptions import OperationalError as BrokerAway
from sqlalchemy.exc import SQLAlchemyError

from campaigns import bells, credits, expansion, lifecycle, occurrences, poison, turns
from campaigns.bells import Bell
from campaigns.database import Database, NotMigratedError, default
from campaigns.outages import PASSING
from campaigns.settings import SettingsError
from campaigns.spec import KeyBusy
from campaigns.tries import MOST_TRIES
from worker import funding, purging, recurring, sending, submitting, sweeping, tracking
from worker.celery import app
from worker.discretion import discreet, kind_of
from worker.receiving import BellTask, JobTask
from worker.resources import Resources, Slice, UnknownAccountError
from worker.ringing import WAIT, ring
from worker.settings import settings
from worker.submitting import HostAwayError

HARMLESS_TWICE = 20.0
"""Seconds after which a task whose process has died is given up, where a second one beside it would do no harm."""

EXPANDING_SECONDS = 0.4
"""After which the expansion of a campaign lets others have their turn, once it has written the slice that it is at."""

AGAIN_SECONDS = 5.0
"""After which a submission that could not be decided yet comes again; for as long as it takes."""

HOST_AGAIN_SECONDS = 300.0
HOST_TRIES = 12
"""How often an audience's host that is away is tried, before the submission is refused: for an hour."""


@functools.cache
def _resources_of(_process: int) -> Resources:
    return Resources(settings(), default(), ring)


def resources() -> Resources:
    """This process's tools: made after the fork, for sockets must not be shared with the parent."""
    return _resources_of(os.getpid())


def _work(
    bell: Bell,
    serial: int,
    seconds: float,
    stage: Callable[[], Slice],
    once_more: Callable[[], bool] = lambda: False,
) -> str:
    """One turn of a piece of work that one task at a time may do."""
    database = resources().database
    mine = bells.answer(database, bell, serial, seconds=seconds)
    if mine is None:
        return "somebody else does it"
    try:
        with bells.kept(database, bell, mine, seconds=seconds):
            turn = stage()
    except BaseException as error:
        _break_off(database, bell, mine, error)
        raise
    if turn.more or turn.after is not None:
        bells.again(database, bell, mine, ring, after=0.0 if turn.more else turn.after or 0.0)
        return turn.did
    bells.quiet(database, bell, mine)
    if once_more():  # work may have come after the last look and before the bell fell silent
        bells.ring(database, bell, ring)
    return turn.did


_NO_FAULT_OF_THE_WORK = (*PASSING, UnknownAccountError, NotMigratedError, SettingsError, BrokerAway)


def _break_off(database: Database, bell: Bell, mine: int, error: BaseException) -> None:
    """Silent, so that the sweep may ring anew at once, and not only when the bell lapses; it was a try if it failed."""
    with contextlib.suppress(SQLAlchemyError):
        if isinstance(error, _NO_FAULT_OF_THE_WORK) or not isinstance(error, Exception):  # we are asked to stop
            bells.let_off(database, bell, mine)
        else:
            bells.fail(database, bell, mine, kind_of(error))


@app.task(name="campaigns.submit", base=JobTask, bind=True, max_retries=None)
@discreet
def submit(self: Task, spec: dict[str, Any], occurrence: str | None = None) -> str:
    """Make a campaign from a spec that names its audience. The one task that is a job: nobody would ring it anew."""
    task_id = self.request.id
    try:
        with _counted(task_id) as too_often:
            return _submit(self, spec, occurrence, too_often=too_often)
    except HostAwayError:
        raise _later(self, HOST_AGAIN_SECONDS) from None
    except (KeyBusy, *PASSING):
        raise _later(self, AGAIN_SECONDS) from None


@contextlib.contextmanager
def _counted(task_id: str | None) -> Iterator[bool]:
    """A try of a submission, whose process may die; tells whether that happened too often: the broker never tires."""
    if not task_id or not task_id.isprintable():
        yield False
        return
    job, database = f"submit:{task_id}"[:200], resources().database
    too_often = poison.begin(database, job) > MOST_TRIES
    try:
        yield too_often
    finally:
        with contextlib.suppress(SQLAlchemyError):
            poison.end(database, job)


def _submit(task: Task, spec: dict[str, Any], occurrence: str | None, *, too_often: bool) -> str:
    task_id = task.request.id
    otherwise_key = f"task-{task_id}"[:200] if task_id else None
    if too_often:
        return submitting.give_up(resources(), spec, occurrence, otherwise_key=otherwise_key)
    # A redelivery has the same id, and so the same key: it makes no second campaign.
    last_try = task.request.retries >= HOST_TRIES
    return submitting.submit_named(resources(), spec, occurrence, otherwise_key=otherwise_key, last_try=last_try)


def _later(task: Task, seconds: float) -> TaskPredicate:
    """What to raise so that the task comes again."""
    try:
        later: TaskPredicate = task.retry(countdown=0, headers={WAIT: seconds}, throw=False)
    except Reject:  # the broker did not take it anew: the one that it has must not be given up
        return Reject("the broker does not take it anew", requeue=True)
    return later


@app.task(name="campaigns.expand", base=BellTask)
@discreet
def expand(campaign_id: int, serial: int) -> str:
    """Turn a campaign's audience into batches, some thousands of rows at a time."""
    bell = bells.expand(campaign_id)
    return f"campaign {campaign_id}: " + _work(bell, serial, HARMLESS_TWICE, lambda: _expand(campaign_id))


def _expand(campaign_id: int) -> Slice:
    more = expansion.expand(resources().database, campaign_id, resources().settings, seconds=EXPANDING_SECONDS)
    if not more:
        account = lifecycle.account_to_fund(resources().database, campaign_id)
        if account is not None:
            bells.ring(resources().database, bells.fund(account), ring)
    return Slice("expanding" if more else "expanded", more=more)


@app.task(name="campaigns.occur", base=BellTask)
@discreet
def occur(schedule_id: int, serial: int) -> str:
    """Make a campaign of a schedule's occurrence that is due, and then of the next."""
    return _work(
        bells.occur(schedule_id),
        serial,
        HARMLESS_TWICE,
        lambda: recurring.occur_slice(resources(), schedule_id),
        lambda: occurrences.is_one_due(resources().database, schedule_id),
    )


@app.task(name="campaigns.fund", base=BellTask)
@discreet
def fund(account: str, serial: int) -> str:
    """Set credits aside for what waits for them."""
    return _work(
        bells.fund(account),
        serial,
        HARMLESS_TWICE,
        lambda: funding.fund_slice(resources(), account),
        lambda: credits.waiting(resources().database, account, only_new=True),
    )


@app.task(name="campaigns.send", base=BellTask)
@discreet
def send(account: str, lane: int, serial: int) -> str:
    """One turn of a lane."""
    return f"lane {lane}: " + _work(
        bells.send(account, lane),
        serial,
        # A lease may be minutes; but the batch is fenced by its attempt, and not by the bell.
        min(resources().lease_seconds(account), HARMLESS_TWICE),
        lambda: sending.send_slice(resources(), account, lane),
        lambda: turns.count_claimable(resources().database, account, lane) >= lane,
    )


@app.task(name="campaigns.poll", base=BellTask)
@discreet
def poll(account: str, serial: int) -> str:
    """Read the account's delivery reports."""
    return _work(bells.poll(account), serial, HARMLESS_TWICE, lambda: tracking.poll_slice(resources(), account))


@app.task(name="campaigns.purge", base=BellTask)
@discreet
def purge(serial: int) -> str:
    """Purge some of what was kept for long enough."""
    return _work(bells.purge(), serial, HARMLESS_TWICE, lambda: purging.purge_slice(resources()))


@app.task(name="campaigns.sweep", base=BellTask)
@discreet
def sweep() -> str:
    """Look for whatever is due, and wake whoever does it."""
    return sweeping.sweep(resources())


@app.task(name="campaigns.give_up_on_the_silent", base=BellTask)
@discreet
def give_up_on_the_silent() -> str:
    """Stop waiting for reports that are overdue."""
    return sweeping.give_up_on_the_silent(resources())


@app.task(name="campaigns.ask_for_reports", base=BellTask)
@discreet
def ask_for_reports() -> str:
    """Wake the poller of each account."""
    return sweeping.ask_for_reports(resources())


@app.task(name="campaigns.ask_for_balances", base=BellTask)
@discreet
def ask_for_balances() -> str:
    """Look at each account's balance."""
    return sweeping.ask_for_balances(resources())
