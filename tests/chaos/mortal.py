"""A gateway in a process of its own, so that it can be killed: the sandbox as a person starts it, with all on disk.

To the rounds it is what one on a thread is (`RunningSandbox`), asked by its own endpoint; while it is dead every
question raises OSError. Started again it listens on the port that it had, and knows all that it has ever answered for.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.system.installation import LOGIN, PASSWORD, SENDER
from worker.processes import Processes

START = "from worker.sandbox.command import sandbox; sandbox()"
READY_WITHIN = 90.0  # seconds
ANSWER_SECONDS = 30.0


@dataclass
class MortalGateway:
    """Made dead. `folder` has its books, under the account's name; `options` are those of a sandbox."""

    processes: Processes
    folder: Path
    account: str
    options: Mapping[str, Any]
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        port_file = self._path("port")
        port_file.unlink(missing_ok=True)
        words = ["--port", self.port, "--port-file", port_file, "--account", f"{LOGIN}:{PASSWORD}", "--sender", SENDER]
        words += ["--ledger", self._path("ledger"), "--ledger-fsync", "--readings", self._path("readings")]
        words += ["--state", self._path("state")]
        command = [sys.executable, "-c", START, *map(str, words)]
        self._process = self.processes.start(self._name, command, cwd=self.folder, farewell=signal.SIGKILL).process
        self.processes.until(port_file.exists, within=READY_WITHIN, what="the gateway listens")
        self.port = int(port_file.read_text())
        self.settings(**self.options)

    def kill(self) -> None:
        """Kill -9 it."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self.processes.stop(self._name)

    def summary(self) -> dict[str, Any]:
        """As that of `RunningSandbox`; faults are counted from its last start."""
        told: dict[str, Any] = self._asked("summary")
        return told

    def accounts(self) -> list[dict[str, Any]]:
        """Each account without its password."""
        told: list[dict[str, Any]] = self._asked("accounts")
        return told

    def ledger(self) -> list[dict[str, Any]]:
        """The ledger's records."""
        told: list[dict[str, Any]] = self._asked("ledger?format=json")
        return told

    def top_up(self, login: str, amount: int) -> None:
        """Grant credits."""
        self._asked("credits", {"login": login, "amount": amount})

    def fault(self, name: str, **how: Any) -> None:
        """Arm a fault; it is forgotten when the process dies."""
        self._asked("faults", {"name": name, **how})

    def settings(self, **changes: Any) -> None:
        """Change settings; they are remembered."""
        self._asked("settings", changes)

    @property
    def _name(self) -> str:
        return f"gateway-{self.account}"

    def _path(self, what: str) -> Path:
        return self.folder / f"{self.account}.{what}"

    def _asked(self, what: str, told: Mapping[str, Any] | None = None) -> Any:
        body = None if told is None else json.dumps(told).encode()
        request = Request(f"{self.url}/_sandbox/{what}", body, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)
        except HTTPException as error:  # it died as it answered
            raise ConnectionError(type(error).__name__) from None
