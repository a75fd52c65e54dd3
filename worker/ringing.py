"""The bell that producers ring: `campaigns.submit(…, ring=ring)` wakes the workers at once.

It needs to know the broker and nothing else (`worker.broker`). Workers ring the same one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from functools import cache

from celery import Celery
from kombu.exceptions import OperationalError

from campaigns.bells import Bell
from worker import rounds, tracing
from worker.broker import BrokerSettings, broker_settings

log = logging.getLogger(__name__)

WAIT = "wait"
"""The header that says for how many seconds a bell's task waits at its worker: a time would be this host's clock's."""

ROUNDS = "rounds"
"""The queue of what the beat sends, of which a few are enough, however long nobody takes them (`worker.beat`)."""

SAID = {
    "campaigns.expand": "campaign {}",
    "campaigns.fund": "account {}",
    "campaigns.send": "account {}, lane {}",
    "campaigns.poll": "account {}",
    "campaigns.occur": "schedule {}",
    "campaigns.purge": "",
}
"""What a bell's arguments are called where people see them: in Flower."""


NAMED: Mapping[str, tuple[str, ...]] = {
    "campaigns.expand": ("campaign",),
    "campaigns.send": ("account", "lane"),
    "campaigns.poll": ("account",),
    "campaigns.fund": ("account",),
    "campaigns.occur": ("schedule",),
}
"""What the first arguments of a bell's task are; of other tasks nothing is said, for a spec may hold anything."""


def named(task: str, args: Sequence[object]) -> dict[str, object]:
    """What a task is about, by its arguments, for logs and traces."""
    return dict(zip(NAMED.get(task, ()), args, strict=False))


def speak(app: Celery, settings: BrokerSettings) -> None:
    """Have an app know what producers and workers must agree on: the broker, the queues, who listens where."""
    app.conf.update(
        broker_url=settings.broker,
        broker_transport_options=settings.transport_options,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_default_queue="campaigns",
        task_queues={"campaigns": {}, "sending": {}, "tracking": {}, ROUNDS: {}},
        task_routes={
            "campaigns.send": "sending",
            "campaigns.poll": "tracking",
            **dict.fromkeys(sorted(rounds.TASKS), ROUNDS),
        },
    )


@cache
def _client(_process: int) -> Celery:
    # Not the current app: that of a producer who has one of his own must stay his.
    client = Celery("campaigns", set_as_current=False)
    speak(client, broker_settings())
    return client


def ring(bell: Bell, serial: int, after: float = 0.0) -> None:
    """Send a bell's task; to be handed to `campaigns.submit(…, ring=ring)` and the like.

    A broker that is away is no error: the bell lapses, and the sweep rings it anew once the broker is back. Raises
    SettingsError if the settings are wrong that say where it is.
    """
    try:
        _client(os.getpid()).send_task(  # sockets must not be shared with a parent
            bell.task,
            args=[*bell.args, serial],
            argsrepr=SAID[bell.task].format(*bell.args),
            headers={WAIT: after, **tracing.carried()},
            retry=False,
        )
    except OperationalError as error:
        log.warning("the broker is away (%s): the sweep will wake %s", type(error.__cause__).__name__, bell.task)
