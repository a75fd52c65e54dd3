"""The command `campaigns` as a test calls it: inside this process, or as a program of its own."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE

from click.testing import CliRunner, Result

from campaigns import database
from campaigns.settings import domain_settings
from worker import ringing
from worker.broker import broker_settings
from worker.cli import main
from worker.settings import settings

PROGRAM = [sys.executable, "-W", "error", "-c", "from worker.cli import main; main()"]


_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def at_a_terminal(*words: str, answers: dict[str, str]) -> tuple[int, str]:
    """Call it as a program at a real terminal, and type an answer to each question; returns its status and the screen.

    "\\x03" is Ctrl-C; one that comes between a prompt and the reading behind it is lost, and is pressed again.
    """
    command = [sys.executable, "-c", _TERMINAL, *PROGRAM, *words]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, bufsize=0) as process, _no_longer_than(200, process):
        assert process.stdin is not None
        assert process.stdout is not None
        seen = b""
        for question, answer in answers.items():
            while not seen.endswith(question.encode()):
                piece = process.stdout.read(1)
                assert piece, seen.decode()
                seen += piece
            process.stdin.write(answer.encode())
            while answer == "\x03" and not _ended(process):
                process.stdin.write(answer.encode())
        seen += process.stdout.read()
        return process.wait(60), seen.decode()


@contextmanager
def _no_longer_than(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whoever reads from it would wait for ever: the limit of a test ends the test, and not what it has started."""
    killer = threading.Timer(seconds, process.kill)
    killer.start()
    try:
        yield
    finally:
        killer.cancel()
        process.kill()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        return False
    return True


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
