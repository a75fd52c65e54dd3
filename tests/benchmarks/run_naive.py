"""The naive way's run: two worker processes with beat, as many recipients as it takes to know its rate."""

import importlib
import os
import sys
import time
from collections.abc import Callable

from tests.benchmarks.audience import people
from tests.benchmarks.ground import READY_WITHIN, ROOT, Ground, database_bytes
from tests.benchmarks.outcome import Outcome

LOOK_EVERY = 0.1  # seconds
MODULE = "tests.benchmarks.naive"


def run(ground: Ground, recipients: int, say: Callable[[str], None]) -> Outcome:
    """Send to so many, and wait for the last status."""
    with ground.database("naive") as database_url:
        ours = {
            "NAIVE_BROKER_URL": ground.broker(1),
            "NAIVE_DATABASE_URL": database_url,
            "NAIVE_GATEWAY_URL": ground.gateway_url,
        }
        os.environ.update(ours)
        naive = importlib.import_module(MODULE)  # it reads where its servers are when it is imported, as such things do
        naive.Base.metadata.create_all(naive.engine)
        command = [sys.executable, "-m", "celery", "-A", MODULE, "worker", "--concurrency", "2", "--beat"]
        command += ["--schedule", str(ground.folder / "naive-schedule"), "--loglevel", "WARNING"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        worker = ground.processes.start("naive", command, environment=environment, cwd=ground.folder)
        ground.processes.until(
            lambda: naive.app.control.ping(timeout=0.2, limit=1), within=READY_WITHIN, what="the naive worker answers"
        )
        meter = ground.meter(worker)
        started = time.monotonic()
        naive.submit(people(recipients))
        queued = time.monotonic() - started
        while left := naive.unsettled():
            say(f"naive way: {recipients - left:,} of {recipients:,}")
            ground.processes.check()
            time.sleep(LOOK_EVERY)
        seconds = time.monotonic() - started
        usage = meter.read()
        ground.processes.stop("naive")
        naive.engine.dispose()
        ledger = ground.ledger("naive")
        return Outcome(
            way="naive way",
            messages=recipients,
            seconds=seconds,
            usage=usage,
            database_bytes=database_bytes(database_url),
            stages={"queued": queued},
            checks={"the gateway took each once": ledger["charged"] == recipients},
        )
