"""The workers that answer when the broker asks all of them, and how much waits in the queues that they take from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from celery import Celery

from worker.broker import BrokerSettings
from worker.ringing import speak

PATIENCES = (0.5, 2.5)
"""Seconds in which whoever is there answers; those of whom some queue is in need of are asked once more."""

ONCE = 1.0

SWEEP = "campaigns.sweep"


@dataclass(frozen=True)
class Crew:
    """Who is there.

    Attributes:
        takes: by the worker's name, the queues that it takes from.
        waiting: by queue, how many messages nobody has taken; every queue that workers are to take from is in it.
    """

    takes: Mapping[str, frozenset[str]]
    waiting: Mapping[str, int]

    @property
    def deserted(self) -> list[str]:
        """The queues that nobody takes from."""
        taken = frozenset[str]().union(*self.takes.values())
        return [queue for queue in self.waiting if queue not in taken]

    @property
    def hosts(self) -> list[str]:
        """Where they run, by the names that they have."""
        return sorted({name.partition("@")[2] for name in self.takes})


def client(settings: BrokerSettings) -> Celery:
    """A Celery app that is nobody's: it knows where the broker is, and the queues."""
    made = Celery("doctor", set_as_current=False)
    speak(made, settings)
    return made


def crew(settings: BrokerSettings) -> Crew:
    """Ask. Raises whatever the broker's client does where there is no broker."""
    app = client(settings)
    waiting = depths(app)
    found = Crew({}, waiting)
    for seconds in PATIENCES:
        answers = app.control.inspect(timeout=seconds).active_queues() or {}
        found = Crew({name: frozenset(each["name"] for each in its) for name, its in answers.items()}, waiting)
        if not found.deserted:
            break
    return found


def depths(app: Celery) -> dict[str, int]:
    """How many messages wait in each queue; none in one that was never declared."""
    found = {}
    with app.connection_for_read() as connection:
        for queue in app.conf.task_queues:
            # A channel each: RabbitMQ closes the one on which a queue is asked for that is not there.
            with connection.channel() as channel:
                try:
                    found[queue] = int(channel.queue_declare(queue, passive=True).message_count)
                except connection.channel_errors:
                    found[queue] = 0
    return found


def sweeps(app: Celery) -> int:
    """How many sweeps the workers that answer have taken up since they began."""
    answers = app.control.inspect(timeout=ONCE).stats() or {}
    return sum(int(its["total"].get(SWEEP, 0)) for its in answers.values())
