"""What every stage works with: settings, database, the gateway's clients and the bell to ring; one set a process."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from campaigns import lineage
from campaigns.bells import Ring
from campaigns.caps import Cap
from campaigns.clocks import zone
from campaigns.database import Database
from worker.language import _
from worker.mark import Mark
from worker.settings import Settings
from worker.smseco.client import Gateway


class UnknownAccountError(Exception):
    """The settings of this worker have no such account; whoever named it waits for a worker that has it."""

    def __init__(self, account: str, known: Iterable[str]) -> None:
        there = ", ".join(known)
        super().__init__(
            _("this worker's settings have no account {account!r} (there are: {there}): its campaigns wait").format(
                account=account, there=there
            )
        )


@dataclass(frozen=True)
class Resources:
    """The tools of one worker process. Gateway clients are made at first use, one a thread: they cannot be shared.

    `form` is how requests to the gateway are written; workers use the default.
    """

    settings: Settings
    database: Database
    ring: Ring
    form: str = "xml"
    _mine: threading.local = field(default_factory=threading.local, repr=False)

    def gateway(self, account: str) -> Gateway:
        """This thread's client for the account. Raises UnknownAccountError."""
        clients: dict[str, Gateway] = self._mine.__dict__.setdefault("clients", {})
        if account not in self.settings.accounts:
            raise UnknownAccountError(account, self.settings.accounts)
        if account not in clients:
            clients[account] = self.settings.gateway(account, form=self.form)
        return clients[account]

    @cached_property
    def mark(self) -> Mark:
        """This host's mark of the database."""
        return Mark(self.settings.spool_dir, lineage.read(self.database))

    def cap(self, account: str) -> Cap | None:
        """How many messages a number may get from the account in a day, if there is such a cap."""
        its = self.settings.accounts[account]
        return None if its.daily_cap is None else Cap(its.daily_cap, zone(its.daily_cap_timezone))

    def lease_seconds(self, account: str) -> float:
        """How long a request may take at the very most: connecting, answering, and our own doings around it."""
        return self.gateway(account).longest_send + 10


@dataclass(frozen=True)
class Slice:
    """What a stage did in its short turn.

    Attributes:
        did: in a few words, for Flower: ids and counts only.
        more: whether to go on at once.
        after: seconds to wait before going on, where it is known when there will be more.
    """

    did: str
    more: bool = False
    after: float | None = None
