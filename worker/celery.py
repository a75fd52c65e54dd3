"""The Celery app: queues, routes, the beat; `celery -A worker …` finds it here.

Tasks are bells, not jobs (see `campaigns.bells`): acknowledged late, with names and ids for arguments.
"""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path
from typing import Any

import click
from celery import Celery, Task
from celery.signals import (
    after_setup_logger,
    after_setup_task_logger,
    celeryd_init,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutting_down,
)

from campaigns import departure, events
from campaigns.database import Database, DatabaseAway, NotMigratedError
from campaigns.migrations import require_newest
from campaigns.settings import SettingsError
from worker import keeping, mark, tracing
from worker.ringing import named, speak
from worker.settings import Settings
from worker.settings import settings as read_settings

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0

LEAVING_SECONDS = 20.0
"""How long a worker that was asked to stop waits for a database that is away, after the longest request: its operator
grants it POST_TIMEOUT plus 45 seconds in all, of which Celery takes some to end its processes."""

GARBAGE = (50_000, 20, 20)
"""How many objects are made before cycles are looked for (see `gc.set_threshold`). A batch is a thousand small tuples
and no cycle: by Python's own 700, expanding and parsing spend four tenths of their time in looking.
"""


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        if click.get_current_context(silent=True) is None:
            raise
        raise SystemExit(str(error)) from None  # Celery's command would show a traceback around it


def _safe_flower() -> None:
    """Flower is started with our settings for it, unless it is told others: by its own it would need no login."""
    context = click.get_current_context(silent=True)
    if context is not None and context.invoked_subcommand == "flower":
        os.environ.setdefault("FLOWER_CONF", str(Path(__file__).with_name("flowerconfig.py")))


_NOW = _settings()
_safe_flower()

app = Celery("campaigns", include=["worker.tasks"])
speak(app, _NOW)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_disable_rate_limits=True,
    worker_consumer="worker.consuming:QuietConsumer",
    # Flower shows what each lane did; events of bells cost little, since a bell is a slice of work and not a batch.
    worker_send_task_events=True,
    broker_connection_retry_on_startup=True,
    beat_scheduler="worker.beat:Scheduler",
    beat_schedule_filename="var/beat",
    beat_schedule={
        "sweep": {
            "task": "campaigns.sweep",
            "schedule": SWEEP_SECONDS,
        },
        "reports": {
            "task": "campaigns.ask_for_reports",
            "schedule": _NOW.poll_interval,
        },
        "silence": {
            "task": "campaigns.give_up_on_the_silent",
            "schedule": min(60.0, _NOW.report_deadline),
        },
        "balances": {
            "task": "campaigns.ask_for_balances",
            "schedule": _NOW.balance_interval,
        },
    },
)


@after_setup_logger.connect
@after_setup_task_logger.connect
def _dress(logger: logging.Logger, colorize: bool, **_: object) -> None:
    """Celery has made the handlers, by its options; what they write looks as our settings say."""
    from worker import logs  # late: who only looks at a worker (`celery status`) needs none of it

    logs.dress(logger, _NOW, colours=bool(colorize))
    logs.hush_rounds()


@celeryd_init.connect
def _hush(instance: Any, **_: object) -> None:
    """The banner is for people; and what Celery warns of before it has made its handlers is a line as the others."""
    if _NOW.log_format == "json":
        from worker import logs

        instance.quiet = True
        logs.capture_warnings(_NOW)


@task_prerun.connect
def _about(task_id: str, task: Task, args: tuple[object, ...], **_: object) -> None:
    events.unbind()
    its = named(task.name, args)
    events.bind(task=task.name, task_id=task_id, **its)
    tracing.begin_task(task.name, task_id, task.request.headers, its)


@task_postrun.connect
def _about_nothing(state: str | None = None, **_: object) -> None:
    tracing.end_task(state)
    events.unbind()


@worker_init.connect
def _begin(**_: object) -> None:
    """A worker whose tables are missing or of another release would fail at each task, again and again.

    What a worker before it had to leave in files is stored first.
    """
    database = Database(_NOW.database_url)
    try:
        require_newest(database)
        keeping.take_in(database, _NOW.spool_dir, _NOW.accounts)
        set_back = mark.look(database, _NOW.spool_dir)
    except (NotMigratedError, DatabaseAway) as error:
        raise SystemExit(f"the worker does not start: {error}") from None
    finally:
        database.close()  # its connections must not be shared with the children
    if set_back is not None:  # it goes on reading reports, which nobody can read twice
        log.error("nothing is sent: the database was set back (%s): see `campaigns doctor`", set_back)


@worker_process_init.connect
def _spare(**_: object) -> None:
    """What was there before the fork stays, and is not looked through again and again."""
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    tracing.begin()


@worker_process_shutdown.connect
def _end(**_: object) -> None:
    tracing.end()


@worker_shutting_down.connect
def _leave(**_: object) -> None:
    """Its processes are in the middle of requests: what they learn is settled, but not waited for without end."""
    departure.announce(_NOW.post_timeout + LEAVING_SECONDS)
