"""Processes that run together."""

import os
import signal
import sys
from pathlib import Path

import pytest

from worker.processes import EndedEarlyError, NotReadyError, Processes

SLEEPER = [sys.executable, "-c", "import signal; print('ready', flush=True); signal.pause()"]


def test_what_a_process_says_is_in_its_log(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("sleeper", SLEEPER)
        processes.until(lambda: child.last_lines() == "ready", within=60, what="it speaks")
    assert (tmp_path / "sleeper.log").read_text() == "ready\n"


def test_an_unexpected_exit_is_noticed_and_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    says = "import sys; print('starting'); sys.exit('no such broker')"
    with Processes(tmp_path) as processes:
        processes.start("sleeper", SLEEPER)
        processes.start("worker", [sys.executable, "-c", says])
        with pytest.raises(EndedEarlyError, match=r"worker ended by itself with status 1:\n(?s:.*)no such broker"):
            processes.until(lambda: False, within=60, what="never")


def test_an_exit_with_status_0_is_just_as_unexpected(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("worker", [sys.executable, "-c", ""])
        child.process.wait()
        with pytest.raises(EndedEarlyError, match="status 0"):
            processes.check()


def test_what_is_not_ready_in_time_is_named_with_the_logs(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("sleeper", SLEEPER)
        processes.until(lambda: child.last_lines(), within=60, what="it speaks")
        with pytest.raises(NotReadyError, match="the port is open: not within 0 s\n--- sleeper\nready"):
            processes.until(lambda: False, within=0, what="the port is open")


def test_the_last_one_started_is_the_first_one_stopped(tmp_path: Path) -> None:
    order = tmp_path / "order"
    says = (
        "import pathlib, signal, sys\n"
        "def end(*_):\n"
        "    with open(sys.argv[1], 'a') as order: order.write(sys.argv[2])\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "signal.pause()"
    )
    with Processes(tmp_path) as processes:
        for name in "abc":
            child = processes.start(name, [sys.executable, "-c", says, str(order), name])
            processes.until(child.last_lines, within=60, what="it is ready")
    assert order.read_text() == "cba"


def test_one_process_is_stopped_and_started_again_under_its_name(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        processes.start("worker", SLEEPER)
        with pytest.raises(ValueError, match="worker is running already"):
            processes.start("worker", SLEEPER)
        assert processes.stop("worker") == -signal.SIGTERM
        processes.start("worker", SLEEPER)
        processes.check()


def test_everything_is_stopped_when_its_user_fails(tmp_path: Path) -> None:
    started = []

    def use() -> None:
        with Processes(tmp_path) as processes:
            started.append(processes.start("worker", SLEEPER))
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        use()
    assert started[0].process.returncode == -signal.SIGTERM


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_root_can_start_a_process_as_somebody_else(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("id", ["/bin/sh", "-c", "id; exec sleep 60"], user="nobody", cwd=Path("/"))
        processes.until(child.last_lines, within=60, what="it speaks")
        said = child.last_lines()
    assert "(nobody)" in said
    assert "root" not in said
