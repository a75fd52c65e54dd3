"""`python -m tests.benchmarks.sandbox`: what the sandbox takes on one core, so that nobody's benchmark measures it.

The server is a process of its own on one core, the load comes from another; without a second core the figures are too
low. Its CPU time a message is what another busy process disturbs least.
"""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import psutil
from rich.console import Console
from rich.table import Table

from tests.servers.waiting import eventually

RUNS, REQUESTS, RECIPIENTS, CONNECTIONS = 5, 200, 500, 2
START = "from worker.sandbox.command import sandbox; sandbox()"
OPTIONS = ["--port", "0", "--mix", "delivered=1", "--delay-min", "0", "--delay-max", "0", "--credits", "100000000"]
COMPTE = "<compte><login>demo</login><password>demo</password></compte>"
TEXT = "Bonjour {nom}, votre solde est de {solde} FCFA. Merci de votre confiance."
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WANTED = {"merge by XML": 30_000, "reports by XML": 60_000}


class Measured(NamedTuple):
    """A run: messages, how long, and the server's CPU meanwhile, in seconds."""

    messages: int
    seconds: float
    cpu: float


@contextmanager
def server(core: int) -> Iterator[tuple[psutil.Process, int]]:
    """The gateway's process, pinned to a core, and its port."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder, "port")
        command = [sys.executable, "-c", START, *OPTIONS, "--port-file", str(port_file)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            os.sched_setaffinity(process.pid, {core})
            if not eventually(port_file.exists, within=30):
                raise SystemExit("the sandbox gateway did not start")
            yield psutil.Process(process.pid), int(port_file.read_text())
        finally:
            process.terminate()
            process.wait()


def merge(request: int) -> bytes:
    """One mail merge with two fields."""
    message = f"<message><msgid>{request}</msgid><expediteur>DEMO</expediteur><msg>{TEXT}</msg></message>"
    recipients = "".join(
        f"<sms><numero>22507{number:08d}</numero><datas><nom>Philomène {number}</nom><solde>{number % 9_973}</solde>"
        "</datas></sms>"
        for number in range(request * RECIPIENTS, (request + 1) * RECIPIENTS)
    )
    return body(f"{message}<destinataires>{recipients}</destinataires>")


def body(content: str) -> bytes:
    """A request as a form has it."""
    return urlencode({"XML": f"<SMS>{COMPTE}{content}</SMS>"}).encode()


def posted(port: int, command: str, bodies: list[bytes], mark: bytes) -> int:
    """Posts them over one connection. Returns how often `mark` stands in the replies."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        found = 0
        for each in bodies:
            connection.request("POST", f"/api/xml/{command}/", each, FORM)
            found += connection.getresponse().read().count(mark)
        return found


def measured(process: psutil.Process, load: Callable[[], int]) -> Measured:
    """Runs a load that returns how many messages it was."""
    cpu, began = sum(process.cpu_times()[:2]), time.monotonic()
    messages = load()
    return Measured(messages, time.monotonic() - began, sum(process.cpu_times()[:2]) - cpu)


def row(name: str, runs: list[Measured]) -> tuple[str, ...]:
    """The medians; "by CPU" is the rate that the server's core would allow, were nobody else on the machine."""
    rate = statistics.median(run.messages / run.seconds for run in runs)
    cpu = statistics.median(run.cpu / run.messages for run in runs)
    return name, f"{runs[0].messages:,}", f"{rate:,.0f}", f"{WANTED[name]:,}", f"{cpu * 1e6:.1f}", f"{1 / cpu:,.0f}"


def main() -> None:
    cores, load = sorted(os.sched_getaffinity(0)), os.getloadavg()[0]
    os.sched_setaffinity(0, set(cores[1:]) or set(cores))
    lanes = [[merge(request) for request in range(REQUESTS)][lane::CONNECTIONS] for lane in range(CONNECTIONS)]
    reading = [body("")] * (REQUESTS * RECIPIENTS // 10_000)
    runs: dict[str, list[Measured]] = {name: [] for name in WANTED}
    with server(cores[0]) as (process, port), ThreadPoolExecutor(CONNECTIONS) as pool:

        def sending() -> int:
            return sum(pool.map(lambda bodies: posted(port, "sendsms", bodies, b"<smsfid>"), lanes))

        for _ in range(RUNS):
            runs["merge by XML"].append(measured(process, sending))
            runs["reports by XML"].append(measured(process, lambda: posted(port, "getdlrs", reading, b"<dlr>")))
        memory = process.memory_info().rss
    table = Table("", "messages", "a second", "wanted", "CPU µs each", "by CPU", title=f"Load before: {load:.1f}")
    for name in WANTED:
        table.add_row(*row(name, runs[name]))
    Console().print(table)
    Console().print(f"Medians of {RUNS} runs; at the end {memory >> 20} MiB, {RUNS * REQUESTS * RECIPIENTS:,} SMS")


if __name__ == "__main__":
    main()
