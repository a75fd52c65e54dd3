"""The beat: on a host that has never run one, on one whose clock is set, and where nobody takes what it sends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from celery import Celery
from kombu.exceptions import OperationalError

from tests.servers.waiting import eventually
from worker import beat
from worker.beat import MOST_WAITING, Scheduler
from worker.broker import BrokerSettings
from worker.embedded import client_url
from worker.ringing import ROUNDS, speak


def test_a_beat_begins_where_nothing_is_yet_and_rings(tmp_path: Path, broker_url: str) -> None:
    environment = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "BROKER_URL": broker_url,
        "DATABASE_URL": "postgresql://nowhere/campaigns",
        "ACCOUNTS__DEFAULT__LOGIN": "login",
        "ACCOUNTS__DEFAULT__PASSWORD": "password",
    }
    command = [sys.executable, "-m", "celery", "-A", "worker", "beat", "--pidfile", ""]
    with (tmp_path / "log").open("w") as log, redis.Redis.from_url(client_url(broker_url)) as client:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            assert eventually(lambda: client.llen(ROUNDS) > 0, within=120), (tmp_path / "log").read_text()
        finally:
            process.kill()
            process.wait()
    assert list((tmp_path / "var").glob("beat*"))


EVERY = 2.0
HOUR = 3600.0


class Host:
    """A host's clock, and a beat on it that sends a round every other second, and a submission as often."""

    def __init__(self, folder: Path, broker_url: str, queues: redis.Redis) -> None:
        self.clock, self.uptime, self._queues = datetime.now(UTC), 1000.0, queues
        self._file = str(folder / "beat")
        self._app = Celery("campaigns", set_as_current=False)
        speak(self._app, BrokerSettings(redis_url=broker_url, broker_url=None))
        self._app.conf.beat_schedule = {
            "sweep": {"task": "campaigns.sweep", "schedule": EVERY},
            "offer": {"task": "campaigns.submit", "schedule": EVERY},
        }
        self.boot()

    def boot(self) -> None:
        """A beat that goes on from the file of the one before."""
        self.scheduler = Scheduler(self._app, schedule_filename=self._file)

    def set_clock(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def live(self, seconds: float) -> None:
        """Let time pass in steps of a second, and the beat do whatever is due at each."""
        for _ in range(int(seconds)):
            self.set_clock(1)
            self.uptime += 1
            while self.scheduler.tick() == 0:
                pass

    def waiting(self, queue: str = ROUNDS) -> int:
        return int(self._queues.llen(queue))

    def take(self, count: int) -> None:
        self._queues.lpop(ROUNDS, count)


@pytest.fixture
def host(tmp_path: Path, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with redis.Redis.from_url(client_url(broker_url)) as queues:
        made = Host(tmp_path, broker_url, queues)
        monkeypatch.setattr(Celery, "now", lambda _app: made.clock)
        its = SimpleNamespace(time=lambda: made.clock.timestamp(), monotonic=lambda: made.uptime)
        monkeypatch.setattr(beat, "time", its)
        yield made
        made.scheduler.close()


def test_of_rounds_that_nobody_takes_a_few_wait_and_of_submissions_all(host: Host) -> None:
    host.live(100)
    assert host.waiting() == MOST_WAITING
    assert host.waiting("campaigns") > 45


def test_once_some_were_taken_others_are_sent(host: Host) -> None:
    host.live(100)
    host.take(5)
    host.live(4)
    assert host.waiting() == MOST_WAITING - 3


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["an hour ahead", "an hour back"])
def test_a_clock_that_is_set_stops_nothing_and_makes_up_for_nothing(host: Host, seconds: float) -> None:
    host.live(10)
    before = host.waiting()
    host.set_clock(seconds)
    host.live(10)
    assert before + 4 <= host.waiting() <= before + 6


def test_a_beat_whose_file_is_of_a_time_to_come_begins_at_once(host: Host) -> None:
    host.live(10)
    before = host.waiting()
    host.scheduler.close()
    host.set_clock(-HOUR)
    host.boot()
    host.live(4)
    assert before + 1 <= host.waiting() <= before + 3


@pytest.mark.parametrize(("error", "stacks"), [(OperationalError("refused"), False), (KeyError("ours"), True)])
def test_a_broker_that_is_away_is_a_line_a_try_and_a_fault_of_ours_has_its_stack(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, stacks: bool
) -> None:
    def fails(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(Celery, "send_task", fails)  # where another test has made our tasks, they send themselves
    with caplog.at_level("WARNING"):
        host.live(4)
    tried = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(tried) >= 2
    assert {bool(record.exc_info) for record in tried} == {stacks}
    assert all(("\n" in record.getMessage()) == stacks for record in tried)


def test_how_many_wait_is_asked_so_that_the_channel_stays_open(host: Host) -> None:
    """RabbitMQ closes it where a queue is asked for that is not there: it is declared, as each sending does."""
    asked: list[dict[str, object]] = []
    channel = SimpleNamespace(
        prepare_queue_arguments=lambda arguments, **_: arguments,
        queue_declare=lambda **named: asked.append(named) or SimpleNamespace(message_count=7),
        default_channel=None,
    )
    assert host.scheduler._waiting(SimpleNamespace(channel=channel)) == 7
    assert [(each["queue"], each["passive"], each["durable"]) for each in asked] == [(ROUNDS, False, True)]


def test_where_the_broker_does_not_say_how_many_wait_the_round_is_sent(host: Host) -> None:
    assert host.scheduler._waiting(SimpleNamespace(channel=None)) == 0
