"""The bell as a producer rings it: from a process that has an app of its own, and knows the broker alone."""

import os
import subprocess
import sys
from pathlib import Path

import kombu

CODE = """
from celery import Celery, current_app
own = Celery("shop", broker="memory://")
from campaigns import bells
from worker.ringing import ring
ring(bells.poll("main"), 7)
ring(bells.send("main", 1), 8)
assert current_app.main == "shop", current_app.main
"""


def test_a_producer_s_own_celery_app_stays_his_and_each_task_finds_its_queue(broker_url: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "REDIS_URL": broker_url}
    subprocess.run([sys.executable, "-c", CODE], env=environment, cwd=tmp_path, check=True, timeout=120)
    with kombu.Connection(broker_url) as connection:
        waiting = {name: connection.SimpleQueue(name).get(timeout=60) for name in ("tracking", "sending")}
    assert {name: (task.headers["task"], task.payload[0]) for name, task in waiting.items()} == {
        "tracking": ("campaigns.poll", ["main", 7]),
        "sending": ("campaigns.send", ["main", 1, 8]),
    }
    for task in waiting.values():  # no moment of this host's clock
        assert (task.headers["eta"], task.headers["expires"], task.headers["wait"]) == (None, None, 0.0)
