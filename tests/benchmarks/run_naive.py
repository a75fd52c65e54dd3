"""The naive way's run: two worker processes with beat, as many recipients as it takes to know its rate."""

import importlib
import os
import sys
import time
from collections.abc import Callable

from tests.benchmarks.audience import people
from tests.benchmarks.gateway import READY_WITHIN
from tests.benchmarks.ground import ROOT, Ground, database_bytes
from tests.benchmarks.outcome import Outcome
from tests.benchmarks.usage import Usage
from worker.processes import Processes

LOOK_EVERY = 0.1  # seconds
MODULE = "tests.benchmarks.naive"


def run(ground: Ground, recipients: int, say: Callable[[str], None]) -> Outcome:
    """Send to so many, and wait for the last status."""
    with (
        ground.database("naive") as database_url,
        ground.gateway(credits_each=10 * recipients) as gateway,
        Processes(ground.folder) as processes,
    ):
        os.environ["NAIVE_BROKER_URL"] = ground.broker()
        os.environ["NAIVE_DATABASE_URL"], os.environ["NAIVE_GATEWAY_URL"] = database_url, gateway.url
        sys.modules.pop(MODULE, None)  # it reads where its servers are when it is imported, as such things do
        naive = importlib.import_module(MODULE)
        naive.Base.metadata.create_all(naive.engine)
        command = [sys.executable, "-m", "celery", "-A", MODULE, "worker", "--concurrency", "2", "--beat"]
        command += ["--schedule", str(ground.folder / "naive-schedule"), "--loglevel", "WARNING"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        worker = processes.start("naive", command, environment=environment, cwd=ground.folder)
        processes.until(
            lambda: naive.app.control.ping(timeout=0.2, limit=1), within=READY_WITHIN, what="the naive worker answers"
        )
        meter, ours = ground.meter(gateway, worker), sum(os.times()[:2])
        started = time.monotonic()
        naive.submit(people(recipients))
        queued = time.monotonic() - started
        ours = sum(os.times()[:2]) - ours
        while left := naive.unsettled():
            say(f"naive way: {recipients - left:,} of {recipients:,}")
            processes.check()
            time.sleep(LOOK_EVERY)
        seconds = time.monotonic() - started
        usage = {**meter.read(), "producer": Usage(ours, 0)}
        processes.stop("naive")
        naive.engine.dispose()
        return Outcome(
            way="naive way",
            messages=recipients,
            seconds=seconds,
            usage=usage,
            database_bytes=database_bytes(database_url),
            stages={"queued": queued},
            checks={"the gateway took each once": gateway.account("naive")["charged"] == recipients},
        )
