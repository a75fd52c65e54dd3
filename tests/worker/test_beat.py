"""A beat on a host that has never run one."""

import subprocess
import sys
from pathlib import Path

import redis

from tests.servers.waiting import eventually
from worker.embedded import client_url


def test_a_beat_begins_where_nothing_is_yet_and_rings(tmp_path: Path, broker_url: str) -> None:
    environment = {
        "BROKER_URL": broker_url,
        "DATABASE_URL": "postgresql://nowhere/campaigns",
        "ACCOUNTS__DEFAULT__LOGIN": "login",
        "ACCOUNTS__DEFAULT__PASSWORD": "password",
    }
    command = [sys.executable, "-m", "celery", "-A", "worker", "beat", "--pidfile", ""]
    with (tmp_path / "log").open("w") as log, redis.Redis.from_url(client_url(broker_url)) as client:
        beat = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            assert eventually(lambda: client.llen("rounds") > 0, within=30), (tmp_path / "log").read_text()
        finally:
            beat.kill()
            beat.wait()
    assert list((tmp_path / "var").glob("beat*"))
