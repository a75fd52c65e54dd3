"""The command `campaigns` as a test calls it: inside this process, or as a program of its own."""

import sys

from click.testing import CliRunner, Result

from campaigns import database
from campaigns.settings import domain_settings
from worker import ringing
from worker.broker import broker_settings
from worker.cli import main
from worker.settings import settings

PROGRAM = [sys.executable, "-W", "error", "-c", "from worker.cli import main; main()"]


def run(*words: str, stdin: str | bytes | None = None) -> Result:
    """Call it inside this process, where nobody is at the terminal."""
    return CliRunner().invoke(main, words, input=stdin)


def forget() -> None:
    """Drop what a process reads once, so that it is read anew."""
    domain_settings.cache_clear()
    settings.cache_clear()
    broker_settings.cache_clear()
    ringing._client.cache_clear()
    if database._default is not None:
        database._default.close()
        database._default = None
