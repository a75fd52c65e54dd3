"""Whether a worker hears: `python -m worker.hearing [NAME]`, the health check of a container (exit 1: it is deaf).

A worker whose main process hangs, or has lost the broker and does not know it, looks alive from outside. Where the
broker is away it cannot be told, and no restart would help: that is no fault of the worker's.

With `--if-deaf` it asks a supervisor's question instead: exit status 0 means deaf, so whatever else is wrong, with the
settings or with the program itself, has no worker restarted.
"""

from __future__ import annotations

import argparse
import socket
import sys
from time import sleep

from celery import Celery
from kombu.exceptions import OperationalError

from campaigns.settings import SettingsError
from worker.broker import BrokerSettings, broker_settings
from worker.ringing import speak

LONGEST_WAIT = 10.0
"""Seconds for an answer: it comes from the main process, which never works itself."""

PAUSE = 30.0
"""Seconds between two tries: a worker that starts, or finds the broker again, has as long until it is asked again."""


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


def hears_after_all(settings: BrokerSettings, node: str, *, tries: int) -> bool | None:
    """As `hears`, but deaf is only who does not answer any of so many times."""
    for left in reversed(range(tries)):
        heard = hears(settings, node)
        if heard is not False or not left:
            break
        sleep(PAUSE)
    return heard


def main() -> None:
    """Ask a worker, this host's unless another is named; says what is wrong, if anything is."""
    asked = _asked()
    try:
        settings = broker_settings()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    heard = hears_after_all(settings, asked.name, tries=asked.tries)
    if heard is None:
        print("the broker is away: nobody can tell whether the worker hears", file=sys.stderr)  # noqa: T201
    elif not heard:
        print(f"{asked.name} does not answer, though the broker does", file=sys.stderr)  # noqa: T201
    deaf = heard is False
    sys.exit(int(deaf != asked.if_deaf))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker.hearing", description="Whether a worker hears.")
    own = f"celery@{socket.gethostname()}"
    parser.add_argument("name", nargs="?", default=own, help="as --hostname named it; %(default)s unless it did")
    parser.add_argument("--tries", type=int, default=1, help="ask so often before it is deaf, half a minute apart")
    parser.add_argument("--if-deaf", action="store_true", help="end with 0 if it is deaf, and with 1 if it is not")
    return parser.parse_args()


if __name__ == "__main__":
    main()
