"""A worker that is alive and deaf is found out; one whose broker is away is not blamed for it."""

import os
import signal
import subprocess
import sys

import pytest

from tests.system.conftest import Build
from worker.broker import BrokerSettings
from worker.hearing import hears

pytestmark = pytest.mark.system


def knowing(broker_url: str) -> BrokerSettings:
    return BrokerSettings(broker_url=broker_url, _env_file=None)  # type: ignore[call-arg]


def test_a_worker_hears_and_one_whose_main_process_hangs_does_not(build: Build) -> None:
    site = build()
    site.start_worker(processes=1)
    broker = knowing(site.broker_url)
    assert hears(broker, "worker@here", within=10) is True
    assert hears(broker, "another@here", within=1) is False

    main = site.children["worker"].process.pid
    os.kill(main, signal.SIGSTOP)
    assert hears(broker, "worker@here", within=1) is False


def test_where_the_broker_is_away_nobody_is_found_deaf() -> None:
    assert hears(knowing("redis://127.0.0.1:9/0"), "worker@here", within=1) is None


def test_the_check_of_a_container_ends_with_1_if_its_worker_is_deaf_and_with_0_if_the_broker_is_away(
    own_broker_url: str,
) -> None:
    assert checked(own_broker_url) == 1
    assert checked("redis://127.0.0.1:9/0") == 0


def checked(broker_url: str) -> int:
    command = [sys.executable, "-m", "worker.hearing"]
    environment = {**os.environ, "BROKER_URL": broker_url}
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode
