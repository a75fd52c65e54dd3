"""A worker that is alive and deaf is found out; one whose broker is away is not blamed for it."""

import os
import signal
import subprocess
import sys

import pytest

from tests.servers.waiting import PATIENCE
from tests.system.conftest import Build
from worker import hearing
from worker.broker import BrokerSettings
from worker.hearing import hears

pytestmark = pytest.mark.system


def knowing(broker_url: str) -> BrokerSettings:
    return BrokerSettings(broker_url=broker_url, _env_file=None)  # type: ignore[call-arg]


def test_a_worker_hears_and_one_whose_main_process_hangs_does_not(build: Build) -> None:
    site = build()
    site.start_worker(processes=1)
    broker = knowing(site.broker_url)
    assert hears(broker, "worker@here", within=60) is True
    assert hears(broker, "another@here", within=1) is False

    main = site.children["worker"].process.pid
    os.kill(main, signal.SIGSTOP)
    assert hears(broker, "worker@here", within=1) is False


def test_where_the_broker_is_away_nobody_is_found_deaf() -> None:
    assert hears(knowing("redis://127.0.0.1:9/0"), "worker@here", within=1) is None


def test_whoever_names_his_worker_otherwise_asks_it_by_that_name(build: Build) -> None:
    site = build()
    site.start_worker(processes=1)
    assert checked(site.broker_url, "worker@here") == 0
    assert checked(site.broker_url) == 1, "nobody has the name that Celery gives"


def test_whoever_restarts_the_deaf_is_told_so_by_0_and_of_nothing_else(own_broker_url: str) -> None:
    assert checked(own_broker_url, "worker@here", "--if-deaf") == 0
    assert checked("redis://127.0.0.1:9/0", "worker@here", "--if-deaf") == 1
    assert checked("no broker", "worker@here", "--if-deaf") == 1


def test_who_answers_when_asked_again_is_not_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, pauses = iter([False, False, True]), list[float]()
    monkeypatch.setattr(hearing, "hears", lambda *_: next(answers))
    monkeypatch.setattr(hearing, "sleep", pauses.append)
    assert hearing.hears_after_all(knowing("redis://127.0.0.1:9/0"), "worker@here", tries=3) is True
    assert len(pauses) == 2


def test_the_check_of_a_container_ends_with_1_if_its_worker_is_deaf_and_with_0_if_the_broker_is_away(
    own_broker_url: str,
) -> None:
    assert checked(own_broker_url) == 1
    assert checked("redis://127.0.0.1:9/0") == 0


def checked(broker_url: str, *words: str) -> int:
    command = [sys.executable, "-m", "worker.hearing", *words]
    environment = {**os.environ, "BROKER_URL": broker_url}
    return subprocess.run(command, env=environment, capture_output=True, timeout=PATIENCE, check=False).returncode
