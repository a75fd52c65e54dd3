"""An orderly end, whenever and however often one is asked for."""

import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.servers.waiting import alive, eventually
from worker.interruption import ends_in_order, uninterrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_the_command_with_the_status_that_a_shell_expects(number: signal.Signals) -> None:
    with pytest.raises(SystemExit) as end, ends_in_order():
        os.kill(os.getpid(), number)
    assert end.value.code == 128 + number


def test_a_second_signal_does_not_disturb_what_the_first_one_began() -> None:
    cleaned = []

    def command() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            cleaned.append("all")

    with pytest.raises(SystemExit), ends_in_order():
        command()
    assert cleaned == ["all"]


def test_a_block_is_finished_before_the_command_ends() -> None:
    done = []

    def command() -> None:
        with uninterrupted():
            with uninterrupted():
                os.kill(os.getpid(), signal.SIGTERM)
                done.append("inner")
            done.append("outer")
        done.append("too late")

    with pytest.raises(SystemExit), ends_in_order():
        command()
    assert done == ["inner", "outer"]


def test_a_signal_is_not_lost_in_a_block_that_fails() -> None:
    def block() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ValueError("ours")

    with pytest.raises(SystemExit), ends_in_order():
        block()


def test_what_is_done_about_it_is_said_at_once_and_once(capfd: pytest.CaptureFixture[str]) -> None:
    def block() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            assert capfd.readouterr().err == "\nstopping\n"

    with pytest.raises(SystemExit), ends_in_order("stopping"):
        block()
    assert capfd.readouterr().err == ""


def test_signals_mean_what_they_meant_before_when_the_command_is_over() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with ends_in_order():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


PROGRAM = """
    import sys
    from pathlib import Path
    from worker import lifeline
    from worker.interruption import ends_in_order
    from worker.processes import Processes
    SLEEPER = [sys.executable, "-S", "-c", "import os, signal; os.fork(); signal.pause()"]
    with ends_in_order(), lifeline.folder("interruption-") as folder, Processes(folder) as processes:
        print(folder, flush=True)
        for number in range(10_000):
            print(processes.start(str(number), SLEEPER).process.pid, flush=True)
            if number % 3 == 2:
                processes.stop(str(number))
"""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_at_any_moment_leaves_nothing_behind(times: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        folder = program.stdout.readline().strip()
        lines = [program.stdout.readline() for _ in range(random.randint(0, 8))]
        for _ in range(times):
            program.send_signal(signal.SIGINT)
        lines += program.stdout.readlines()
    assert program.returncode == 130
    assert not Path(folder).exists()
    assert eventually(lambda: not any(alive(int(line)) for line in lines if line.strip()))
