"""A sandbox gateway of a part's own, as a process of its own: what it can be told, and what its ledger says."""

import contextlib
import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from worker.demo import installation
from worker.processes import Processes

LOGIN, SENDER = installation.LOGIN, installation.SENDER
ACCOUNTS = (LOGIN, "naive", "script")  # logins, and passwords alike
READY_WITHIN = 60.0  # seconds

INSTANTLY = ("--mix", "delivered=1", "--delay-min", "0", "--delay-max", "0")
"""One final report a message, ready with the reply: nobody waits for anything but his own doings."""

_LINE = re.compile(rb'"at": ([\d.]+),.*"destination": "(\d+)"')


@dataclass(frozen=True)
class StandIn:
    """A running one."""

    url: str
    pid: int

    def account(self, login: str = LOGIN) -> dict[str, Any]:
        """Its own figures: of one account, and duplicates over all of them."""
        accounts = self._ask("accounts")
        return {**next(account for account in accounts if account["login"] == login), **self.summary()}

    def summary(self) -> dict[str, Any]:
        """Figures over all accounts."""
        summary: dict[str, Any] = self._ask("summary")
        return summary

    def accepted(self, prefix: str = "") -> Iterator[tuple[float, str]]:
        """When it accepted each SMS to a number that begins so, and that number; in the order of acceptance.

        By the gateway's clock, in seconds since 1970: this machine's time of day at its start, counted on evenly.
        """
        mark = f'"destination": "{prefix}'.encode()
        with urllib.request.urlopen(f"{self.url}/_sandbox/ledger", timeout=600) as reply:
            for line in reply:
                found = _LINE.search(line) if mark in line else None
                if found:
                    yield float(found[1]), found[2].decode()

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_sandbox/{what}", timeout=60) as reply:
            return json.load(reply)


@contextlib.contextmanager
def stand_in(processes: Processes, *words: str, credits_each: int) -> Iterator[StandIn]:
    """Run one, with these words of the command `campaigns sandbox`; with none of them it reports instantly."""
    port_file = processes.folder / "gateway.port"
    command = [*INSTANTLY, *words, "--port", "0", "--port-file", str(port_file), "--sender", SENDER]
    command += ["--credits", str(credits_each)]
    command += [word for login in ACCOUNTS for word in ("--account", f"{login}:{login}")]
    start = "from worker.sandbox.command import sandbox; sandbox()"
    child = processes.start("gateway", [sys.executable, "-c", start, *command], cwd=processes.folder)
    processes.until(port_file.exists, within=READY_WITHIN, what="the sandbox gateway listens")
    try:
        yield StandIn(f"http://127.0.0.1:{port_file.read_text().strip()}", child.process.pid)
    finally:
        processes.stop("gateway")
        port_file.unlink(missing_ok=True)
