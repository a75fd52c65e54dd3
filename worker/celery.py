"""The Celery app: queues, routes, the beat; `celery -A worker …` finds it here.

Tasks are bells, not jobs (see `campaigns.bells`): acknowledged late, soon expired, with names and ids for arguments.
"""

from __future__ import annotations

import logging
from pathlib import Path

import click
from celery import Celery
from celery.signals import beat_init, worker_init
from kombu.exceptions import OperationalError

from campaigns.bells import Bell
from campaigns.database import Database, DatabaseAway, NotMigratedError
from campaigns.migrations import require_newest
from campaigns.settings import SettingsError
from worker.settings import Settings
from worker.settings import settings as read_settings

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0

STALE_SECONDS = 60.0
"""After which a task in a queue is not worth doing. Generous: hosts' clocks differ, and a late double does no harm."""


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        if click.get_current_context(silent=True) is None:
            raise
        raise SystemExit(str(error)) from None  # Celery's command would show a traceback around it


_NOW = _settings()

app = Celery("campaigns", broker=_NOW.broker, include=["worker.tasks"])
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_disable_rate_limits=True,
    # Flower shows what each lane did; events of bells cost little, since a bell is a slice of work and not a batch.
    worker_send_task_events=True,
    broker_connection_retry_on_startup=True,
    # A killed worker's bells come back within seconds; the sweep would ring them anew in any case.
    broker_transport_options={
        "visibility_timeout": 600,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 5,
        # A producer whose broker is away waits for a moment and not for six seconds: the sweep finds its campaign.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
    }
    if _NOW.broker.startswith(("redis", "valkey"))
    else {},
    task_default_queue="campaigns",
    task_queues={"campaigns": {}, "sending": {}, "tracking": {}},
    task_routes={"campaigns.send": "sending", "campaigns.poll": "tracking", "campaigns.ask_for_reports": "tracking"},
    beat_schedule_filename="var/beat",
    beat_schedule={
        "sweep": {
            "task": "campaigns.sweep",
            "schedule": SWEEP_SECONDS,
            "options": {"expires": STALE_SECONDS},
        },
        "reports": {
            "task": "campaigns.ask_for_reports",
            "schedule": _NOW.poll_interval,
            "options": {"expires": STALE_SECONDS},
        },
        "silence": {
            "task": "campaigns.give_up_on_the_silent",
            "schedule": min(60.0, _NOW.report_deadline),
            "options": {"expires": STALE_SECONDS},
        },
        "balances": {
            "task": "campaigns.ask_for_balances",
            "schedule": _NOW.balance_interval,
            "options": {"expires": STALE_SECONDS},
        },
    },
)


@worker_init.connect
def _refuse_other_tables(**_: object) -> None:
    """A worker whose tables are missing or of another release would fail at each task, again and again."""
    database = Database(_NOW.database_url)
    try:
        require_newest(database)
    except (NotMigratedError, DatabaseAway) as error:
        raise SystemExit(f"the worker does not start: {error}") from None
    finally:
        database.close()  # its connections must not be shared with the children


@beat_init.connect
def _make_room_for_the_schedule(**_: object) -> None:
    Path(app.conf.beat_schedule_filename).parent.mkdir(parents=True, exist_ok=True)


def ring(bell: Bell, serial: int, after: float = 0.0) -> None:
    """Send a bell's task; to be handed to `campaigns.submit(…, ring=ring)` and the like.

    A broker that is away is no error: the bell lapses, and the sweep rings it anew once the broker is back.
    """
    try:
        app.send_task(
            bell.task,
            args=[*bell.args, serial],
            countdown=after or None,
            expires=after + STALE_SECONDS,
            retry=False,
        )
    except OperationalError as error:
        log.warning("the broker is away (%s): the sweep will wake %s", type(error.__cause__).__name__, bell.task)
