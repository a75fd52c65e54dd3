"""The demo from curtain to curtain: an installation, a producer's submit, the wait for the last report, the account."""

import json
import os
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from contextlib import chdir
from pathlib import Path

from rich.console import Console

from worker.console.watching import LOOK_SHARE
from worker.demo import installation
from worker.demo.account import Account
from worker.demo.people import people
from worker.demo.watching import watch
from worker.language import _
from worker.processes import Processes

CLIENTS = Path(__file__).with_name("clients.csv")
CLIENTS_COUNT = 5_000  # about; only deadlines depend on it
TEMPLATE = "Bonjour {{ nom }}, votre solde est de {{ solde }} F CFA. Merci de votre confiance."
READY_WITHIN = 60.0  # seconds
LEDGER_WITHIN = 30.0  # seconds


def perform(folder: Path, recipients: int | None, console: Console) -> Account:
    """Play the demo in a folder, with so many made-up recipients or the shipped list; everything is stopped at the end.

    Raises EndedEarlyError or NotReadyError if a process or the campaign fails, NotOursError if it must not use a
    server that the environment names.
    """
    count = recipients or CLIENTS_COUNT
    with chdir(folder), installation.broker(folder) as broker_url, Processes(folder) as processes:
        gateway_url = installation.start_gateway(processes, recipients=count)
        environment = installation.environment(
            broker_url=broker_url,
            database_url=installation.database_url(folder),
            gateway_url=gateway_url,
            recipients=count,
        )
        # A `.env` here is not read, for we are in the demo's folder: its campaigns would go to the sandbox.
        os.environ.update(environment)
        return _campaign(processes, environment, gateway_url, recipients, console)


def _campaign(
    processes: Processes, environment: Mapping[str, str], gateway_url: str, recipients: int | None, console: Console
) -> Account:
    import campaigns  # from here on, for the settings are read once
    from campaigns.database import Database
    from campaigns.glance import Lookout
    from campaigns.migrations import migrate

    database = Database(environment["DATABASE_URL"])
    migrate(database)
    flower_url = installation.start_workers(processes, environment)
    from worker.celery import app
    from worker.ringing import ring

    # A worker that is still starting would be counted against the campaign's speed.
    processes.until(lambda: app.control.ping(timeout=0.2, limit=1), within=READY_WITHIN, what=_("the worker answers"))
    name, password = installation.FLOWER_LOGIN.split(":")
    said = _("Flower, while this runs: {url} (name: {name}, password: {password})")
    console.print(said.format(url=flower_url, name=name, password=password))
    audience: Path | Iterable[Sequence[str]] = CLIENTS if recipients is None else people(recipients)
    spec = {"name": "demo", "template": TEMPLATE, "account": installation.ACCOUNT, "transliterate": True}
    started = time.monotonic()
    submitted = campaigns.submit(spec, audience, ring=ring, database=database)
    last_report = watch(
        Lookout(submitted.id, database=database, count_share=LOOK_SHARE).look,
        check=processes.check,
        console=console,
        patience=30 + installation.report_deadline(recipients or CLIENTS_COUNT),
    )
    ended = time.monotonic()
    account = Account(
        progress=campaigns.progress(submitted.id, database=database),
        ledger=_ledger(gateway_url),
        seconds=ended - started,
        seconds_to_last_report=last_report - started,
    )
    database.close()
    return account


def _ledger(gateway_url: str) -> dict[str, int]:
    """The sandbox's own figures."""
    with urllib.request.urlopen(f"{gateway_url}/_sandbox/summary", timeout=LEDGER_WITHIN) as reply:  # noqa: S310 - loopback
        summary: dict[str, int] = json.load(reply)
        return summary
