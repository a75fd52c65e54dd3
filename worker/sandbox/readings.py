"""What was handed out to those who read reports: one JSON line for each reply that held any, once it has left.

A report is gone as soon as it is read, whoever has it then. This tells, of each reader, what must be in his journal,
unless he says himself that he lost a reading. What nobody was given stands nowhere here. Of a sandbox that was killed
it also holds what may have left just before, if it has a memory (memory.py).
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from worker.sandbox.appending import AppendedFile
from worker.sandbox.calls import ReportsAnswer


class ReadingsFile:
    """The readings on disk. Raises OSError where the file cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = AppendedFile(path)

    def write(self, answer: ReportsAnswer, *, at: float, login: str, whole: bool) -> None:
        """Appends what an answer held: `reports`, of msgfid, smsfid and statut each. Raises Unwritten.

        `at` is in seconds since 1970. `whole` says whether all of it left on a connection that was still open then;
        who was at its other end cannot be seen from here.
        """
        reports = [(msgfid, smsfid, status) for msgfid, dues in answer.groups for smsfid, _, _, status in dues]
        line = {"at": round(at, 3), "account": login, "whole": whole, "reports": reports}
        self._file.append(json.dumps(line).encode("ascii") + b"\n")

    def catch_up(self, remembered: Iterable[tuple[float, str, ReportsAnswer]]) -> None:
        """Appends what the file lacks of what was remembered: when, by whom, what. Raises Unwritten.

        Its writer may have died when the reply had left, or before: nobody knows, and it is not said to be whole.
        """
        if not self._path.is_file():
            return  # a pipe or a terminal, which would be waited for
        known: set[tuple[str, str, int]] = set()
        whole = 0
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    os.truncate(self._path, whole)
                    break
                whole += len(line)
                known.update((msgfid, smsfid, status) for msgfid, smsfid, status in json.loads(line)["reports"])
        for at, login, answer in remembered:
            reports = {(msgfid, smsfid, status) for msgfid, dues in answer.groups for smsfid, _, _, status in dues}
            if not reports <= known:
                self.write(answer, at=at, login=login, whole=False)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
