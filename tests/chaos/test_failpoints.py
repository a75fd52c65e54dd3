"""What a failpoint does to the process that passes it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.failpoints import FOLDER, Failpoints, Plan
from tests.chaos.field import ROOT
from tests.servers.waiting import eventually

PASSES = """
from tests.chaos.failpoints import of_this_process
failpoints = of_this_process()
for number in range(1, 4):
    print(number, flush=True)
    failpoints.reach("here")
"""


@pytest.fixture
def failpoints(tmp_path: Path) -> Failpoints:
    return Failpoints(tmp_path)


def passing(failpoints: Failpoints) -> subprocess.Popen[str]:
    environment = {**os.environ, FOLDER: str(failpoints.folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PASSES]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_a_process_dies_at_the_passing_that_is_meant_and_at_no_other(failpoints: Failpoints) -> None:
    failpoints.arm(Plan("here", "kill", passing=2))
    process = passing(failpoints)
    assert process.communicate(timeout=120)[0] == "1\n2\n"
    assert process.returncode == -signal.SIGKILL
    struck = failpoints.struck()
    assert struck is not None
    assert struck.pid == process.pid
    assert passing(failpoints).communicate(timeout=120)[0] == "1\n2\n3\n"


def test_passings_are_counted_over_all_processes(failpoints: Failpoints) -> None:
    failpoints.arm(Plan("here", "kill", passing=5))
    assert [len(passing(failpoints).communicate(timeout=120)[0].split()) for _ in range(2)] == [3, 2]


def test_a_stopped_process_goes_on_where_it_was(failpoints: Failpoints) -> None:
    failpoints.arm(Plan("here", "stop_all"))
    process = passing(failpoints)
    assert eventually(lambda: failpoints.struck() is not None)
    assert eventually(lambda: os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)[1] != 0)
    os.killpg(process.pid, signal.SIGCONT)
    assert process.communicate(timeout=120)[0] == "1\n2\n3\n"


@pytest.mark.parametrize("plan", [None, Plan("elsewhere", "kill")])
def test_without_a_plan_for_it_a_point_does_nothing(failpoints: Failpoints, plan: Plan | None) -> None:
    if plan:
        failpoints.arm(plan)
    process = passing(failpoints)
    assert process.communicate(timeout=120)[0] == "1\n2\n3\n"
    assert (process.returncode, failpoints.struck()) == (0, None)
