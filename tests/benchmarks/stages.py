"""`python -m tests.benchmarks.stages [RECIPIENTS]`: where each microsecond of a message goes.

One process does what workers do, a stage after the other, so that each stage's CPU time can be told from all others':
its own, PostgreSQL's and the gateway's. Below each stage are functions of it, each with all that it calls. What runs at
the same time in life takes more: processors share their caches.
"""

import functools
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

import campaigns
from campaigns import chunks, claims, expansion, journal, payload, reports, settling, sorting, statuses, unapplied
from campaigns.database import Database
from tests.benchmarks.audience import TEMPLATE, people
from tests.benchmarks.ground import Ground, ground
from tests.benchmarks.site import Site, site
from worker import funding, polling, sending, tracking
from worker.demo import installation
from worker.resources import Resources
from worker.settings import Settings
from worker.smseco import client, xml

ACCOUNT = installation.ACCOUNT
WATCHED: dict[str, list[tuple[Any, str]]] = {
    "hand over": [(chunks, "take_in"), (chunks, "encode"), (chunks, "compress")],
    "expand": [(sorting.Sorter, "sort"), (expansion, "_known"), (chunks, "read"), (expansion, "copy_in")],
    "fund": [],
    "send": [
        (claims, "claim"),
        (claims.Payload, "unpack"),
        (claims, "holds_lease"),
        (xml, "send_request"),
        (client.Connection, "ask"),
        (client, "classify"),
        (settling, "accept"),
        (payload.ReceiptLines, "pack"),
    ],
    "track": [
        (polling, "take_in"),
        (journal, "store"),
        (unapplied, "begin"),
        (tracking, "_parse"),
        (reports, "apply"),
        (statuses, "apply"),
    ],
}


class Watch:
    """CPU seconds of this thread in some functions, each with all that it calls."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def over(self, owner: ModuleType | type, name: str) -> str:
        """Watch it from now on; returns what it is called in the table."""
        original = getattr(owner, name)
        label = f"{owner.__name__.rpartition('.')[2]}.{name}"

        @functools.wraps(original)
        def watched(*args: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return original(*args, **options)
            finally:
                self.seconds[label] += time.thread_time() - began

        setattr(owner, name, watched)
        return label


def main() -> None:
    """Measure, and print the table."""
    recipients = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    watch = Watch()
    labels = {stage: [watch.over(*each) for each in watched] for stage, watched in WATCHED.items()}
    table = Table("", "this process", "PostgreSQL", "gateway", "wall", title=f"µs a message, {recipients:,} recipients")
    with ground() as servers, site(servers, "stages", recipients=recipients) as place:
        for stage, seconds in _played(servers, place, recipients):
            table.add_row(stage, *(f"{each / recipients * 1e6:.1f}" for each in seconds))
            for label in labels[stage]:
                table.add_row(f"[dim]  {label}[/]", f"[dim]{watch.seconds[label] / recipients * 1e6:.2f}[/]")
    Console().print(table)


def _played(servers: Ground, place: Site, recipients: int) -> list[tuple[str, list[float]]]:
    os.environ |= place.environment
    _as_in_a_worker()
    with closing(Database(place.url)) as database:
        resources = Resources(Settings(), database, lambda *_: None)
        spec = {"name": "stages", "template": TEMPLATE, "account": ACCOUNT}
        made = []
        stages: dict[str, Callable[[], object]] = {
            "hand over": lambda: made.append(campaigns.submit(spec, people(recipients), database=database).id),
            "expand": lambda: _while(lambda: expansion.expand_slice(database, made[0], resources.settings)),
            "fund": lambda: funding.fund_slice(resources, ACCOUNT),
            "send": lambda: _while(lambda: sending.send_slice(resources, ACCOUNT, 1).more),
            "track": lambda: _while(lambda: bool(tracking.poll_slice(resources, ACCOUNT)) and _goes_on(database)),
        }
        return [(name, _measured(servers, place, play)) for name, play in stages.items()]


def _as_in_a_worker() -> None:
    from worker.celery import GARBAGE  # which reads the settings when it is imported

    gc.freeze()
    gc.set_threshold(*GARBAGE)


def _while(one_more: Callable[[], bool]) -> None:
    while one_more():
        pass


def _goes_on(database: Database) -> bool:
    with database.reading() as connection:
        return connection.execute(text("SELECT completed_at FROM campaigns")).scalar() is None


def _measured(servers: Ground, place: Site, play: Callable[[], object]) -> list[float]:
    """CPU seconds of this process, of PostgreSQL and of the gateway, and seconds by the clock."""
    meter = servers.meter(place.gateway)
    mine, began = time.process_time(), time.monotonic()
    play()
    mine, passed = time.process_time() - mine, time.monotonic() - began
    used = meter.read()
    return [mine, used["postgres"].cpu, used["gateway"].cpu, passed]


if __name__ == "__main__":
    main()
