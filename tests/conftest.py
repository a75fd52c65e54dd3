"""What every test may ask for; the fixtures themselves stand in `tests/servers/`."""

import os
import signal
import threading
from collections.abc import Callable

import click
import pytest
from hypothesis import HealthCheck, settings

from hatch_build import compile_catalogues
from worker.cli import main

pytest_plugins = [
    "tests.servers.databases",
    "tests.servers.opened",
    "tests.servers.brokers",
    "tests.servers.certificates",
    "tests.strangers.needed",
]

# How long an example takes says more of the machine, and of what else it does, than of the code.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

LONGEST_RUN = 3_600.0  # seconds; a test's own limit ends with its first failure, so what hangs after it has none


# Whatever the language of who runs the tests: what they expect is English, where they do not say another.
os.environ.pop("LANGUAGE", None)
os.environ["LC_ALL"] = "C.UTF-8"


def pytest_sessionstart(session: pytest.Session) -> None:
    """A run that hangs shows where, and ends: a test process by the stacks of its threads, the run by its summary.

    A shell has what runs in its background ignore Ctrl-C, and so all that is started from it: tests press it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    compile_catalogues()  # what people write, perhaps since the last `make setup`
    _load(main)
    if hasattr(session.config, "workerinput"):
        _after(LONGEST_RUN, os.abort)
    else:
        _after(LONGEST_RUN + 30.0, lambda: os.kill(os.getpid(), signal.SIGINT))


def _load(command: click.Command) -> None:
    """Load each command while English is spoken: click says what a type is called where it is made."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            _load(command.get_command(context, name))


def _after(seconds: float, act: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
