"""The straight script's run, in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from tests.benchmarks.ground import ROOT, Ground, database_bytes
from tests.benchmarks.outcome import Outcome
from tests.benchmarks.usage import Usage
from worker.processes import Processes

LOOK_EVERY = 0.2  # seconds


def run(ground: Ground, recipients: int, say: Callable[[str], None]) -> Outcome:
    """Send to so many, and wait for the last status."""
    with (
        ground.database("script") as database_url,
        ground.gateway(credits_each=10 * recipients) as gateway,
        Processes(ground.folder) as processes,
    ):
        meter = ground.meter(gateway)
        say(f"straight script: {recipients:,} recipients")
        done = _play(processes, [database_url, gateway.url, str(recipients)])
        usage = meter.read()
        usage["script"] = Usage(done["cpu"], int(done["peak"]))
        return Outcome(
            way="straight script",
            messages=recipients,
            seconds=done["seconds"],
            usage=usage,
            database_bytes=database_bytes(database_url),
            checks={"the gateway took each once": gateway.account("script")["charged"] == recipients},
        )


def _play(processes: Processes, words: list[str]) -> dict[str, float]:
    """Its own figures: its start and its imports are not counted, as a worker's are not."""
    output = processes.folder / "script.json"
    database_url, gateway_url, recipients = words
    command = [sys.executable, "-m", "tests.benchmarks.script", "--database", database_url, "--gateway", gateway_url]
    command += ["--recipients", recipients, "--output", str(output)]
    child = processes.start(
        "script", command, environment={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=processes.folder
    )
    while child.process.poll() is None:
        time.sleep(LOOK_EVERY)
    processes.stop("script")
    if child.process.returncode:
        raise subprocess.CalledProcessError(child.process.returncode, "script", child.last_lines())
    figures: dict[str, float] = json.loads(output.read_text())
    return figures
