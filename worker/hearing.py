"""Whether a worker hears: `python -m worker.hearing`, the health check of a container (exit status 1: it is deaf).

A worker whose main process hangs, or has lost the broker and does not know it, looks alive from outside. Where the
broker is away it cannot be told, and no restart would help: that is no fault of the worker's.
"""

from __future__ import annotations

import socket
import sys

from celery import Celery
from kombu.exceptions import OperationalError

from campaigns.settings import SettingsError
from worker.broker import BrokerSettings, broker_settings
from worker.ringing import speak

LONGEST_WAIT = 10.0
"""Seconds for an answer: it comes from the main process, which never works itself."""


def hears(settings: BrokerSettings, node: str, *, within: float = LONGEST_WAIT) -> bool | None:
    """Whether the worker of that name, such as `celery@host`, answers within so many seconds; None: no broker does."""
    app = Celery("hearing", set_as_current=False)
    speak(app, settings)
    try:
        with app.connection_for_write(connect_timeout=within) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
            answers = app.control.ping(destination=[node], timeout=within, connection=connection)
    except (OperationalError, OSError):
        return None
    return bool(answers)


def main() -> None:
    """Ask this host's worker; says what is wrong, if anything is."""
    node = f"celery@{socket.gethostname()}"
    try:
        heard = hears(broker_settings(), node)
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    if heard is None:
        print("the broker is away: nobody can tell whether the worker hears", file=sys.stderr)  # noqa: T201
    elif not heard:
        raise SystemExit(f"{node} does not answer, though the broker does")


if __name__ == "__main__":
    main()
