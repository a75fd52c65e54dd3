"""Delivery reports that have arrived are kept: in the journal, and in a file for as long as it does not take them.

A report can be read once, so what has arrived must outlive an outage, and this process. A body is written to the spool
as soon as storing it fails or takes long; whoever polls next on this host stores it, and so do the sweep and a worker
that starts. Storing it twice does no harm (`campaigns.journal`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from pathlib import Path

from campaigns import journal
from campaigns.database import Database
from campaigns.outages import INSIST_SECONDS, PASSING, insist
from worker import spool
from worker.spool import Arrived

log = logging.getLogger(__name__)

LONG_SECONDS = 1.0
"""After which a body that is still being stored is put into a file beside."""

PATIENCE_SECONDS = 10.0
"""How long a body that is safe in its file is tried to be stored, all the same: most outages are short.

No longer: whoever waits here can do nothing else, loses the account's bell, and holds up the end of its process.
"""


def keep(database: Database, folder: Path, its: Arrived) -> int:
    """Store a body that has just arrived; returns the reading that has it.

    Raises what the database said last, if it does not take it: the body is in a file then, unless the log says that
    there was no room for it either.
    """
    aside = _Aside(folder, its)
    late = threading.Timer(LONG_SECONDS, aside.write)
    late.daemon = True
    late.start()
    try:
        poll_id = _stored(database, its, aside)
    except BaseException:
        aside.write()
        raise
    finally:
        late.cancel()
    aside.drop()
    return poll_id


def _stored(database: Database, its: Arrived, aside: _Aside) -> int:
    try:
        return _store(database, its)
    except PASSING:
        seconds = PATIENCE_SECONDS if aside.write() else INSIST_SECONDS
        return insist(lambda: _store(database, its), seconds=seconds)


def _store(database: Database, its: Arrived) -> int:
    return journal.store(database, its.account, its.poll_id, its.body, msgfid=its.msgfid, cut=its.cut, arrived=its.at)


class _Aside:
    """The file of one body: written once at most, by whichever thread is first, and not after it was dropped."""

    def __init__(self, folder: Path, its: Arrived) -> None:
        self._folder, self._its = folder, its
        self._one_at_a_time = threading.Lock()
        self._tried = False
        self._path: Path | None = None

    def write(self) -> bool:
        """Whether it is there."""
        with self._one_at_a_time:
            if not self._tried:
                self._tried = True
                self._path = spool.write(self._folder, self._its)
            return self._path is not None

    def drop(self) -> None:
        """It is stored: no file is needed."""
        with self._one_at_a_time:
            self._tried = True
            if self._path is not None:
                self._path.unlink(missing_ok=True)


def take_in(database: Database, folder: Path, accounts: Collection[str]) -> int:
    """Store the bodies that wait in files and are of these accounts; returns how many.

    Other files stay, and are named once in the log. Raises what the database says if it does not take them.
    """
    taken = 0
    for path in spool.files(folder):
        with spool.opened(path) as its:
            if its is None:
                continue
            if its.account not in accounts:
                spool.say(path, f"is of the account {its.account!r}, which the settings of this host do not have")
                continue
            try:
                _store(database, its)
            except PASSING:
                raise
            except Exception as error:  # noqa: BLE001  one bad file must not keep the others, and all polling, waiting
                spool.say(path, f"cannot be stored ({type(error).__name__})")
                continue
            path.unlink(missing_ok=True)
            taken += 1
    if taken:
        log.warning("%s bodies of reports, which had waited in files for the database, are stored", taken)
    return taken
