"""What is looked at in an installation: a table of checks, each a small function with its finding.

What is said holds no number, no text, no password and no credentials of a URL.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlsplit

from celery import Celery
from sqlalchemy import Connection

from campaigns import heartbeats, tries, vitals
from campaigns.database import Database, default
from campaigns.migrations import require_newest
from campaigns.outages import place
from worker import spool, sweeping
from worker.broker import broker_settings
from worker.console.screen import amount, counted, lasting
from worker.findings import Finding, ok, trouble, warning
from worker.ringing import speak
from worker.settings import Settings, settings

SILENT_SECONDS = 60.0
"""After which a sweep that goes round every two seconds is called silent."""

STILL_SECONDS = 120.0
"""After which it is no chance that nothing leaves although something could: a request may take half a minute."""

DOUBTFUL_SECONDS = 3_600.0
"""After which a doubt is one that no report will settle any more, most likely."""

LATELY = 86_400.0
BROKER_SECONDS = 5.0
MOST_NAMED = 5

T = TypeVar("T")


class Patient:
    """The installation that is looked at; each part of it is had at first need, and may be had not at all."""

    @cached_property
    def settings(self) -> Settings:
        """What a worker would read from this environment. Raises SettingsError."""
        return settings()

    @cached_property
    def database(self) -> Database:
        """The one that DATABASE_URL names. Raises SettingsError."""
        return default()

    def asked(self, question: Callable[[Connection], T]) -> T:
        """What the database says."""
        with self.database.reading() as connection:
            return question(connection)


def _settings(patient: Patient) -> Finding:
    names = ", ".join(patient.settings.accounts)
    return ok(f"readable; accounts: {names}")


def _database(patient: Patient) -> Finding:
    require_newest(patient.database)
    return ok(f"{place(patient.database.url)} is there and migrated")


def _broker(_patient: Patient) -> Finding:
    read = broker_settings()  # which are there even where an account's are wrong
    url = urlsplit(read.broker)
    where = f"{url.scheme}://{url.hostname or url.path}" + (f":{url.port}" if url.port else "")
    client = Celery("doctor", set_as_current=False)
    speak(client, read)
    try:
        with client.connection_for_read(connect_timeout=BROKER_SECONDS) as connection:
            connection.default_channel.close()
    except Exception as error:  # noqa: BLE001  each broker's client has errors of its own; some quote its URL
        what = f"{where} cannot be reached ({type(error).__name__})"
        return trouble(what, "start it, or correct REDIS_URL or BROKER_URL; campaigns then go on by themselves")
    return ok(f"{where} is there")


_RUNNING = "is `celery -A worker beat` running, and a worker that takes from the queue `rounds`?"


def _sweep(patient: Patient) -> Finding:
    ages = heartbeats.ages(patient.database)
    age = ages.get(sweeping.HEARTBEAT)
    if age is None:
        return trouble("the sweep has never gone round", _RUNNING)
    if age > SILENT_SECONDS:
        return trouble(f"the sweep has been silent for {lasting(age)}", _RUNNING)
    broken = [look for look in sweeping.LOOKS if ages.get(sweeping.heartbeat(look), math.inf) > SILENT_SECONDS]
    if broken:
        return trouble(f"the sweep goes round, but this breaks each time: {named(broken)}", "see the worker's log")
    return ok(f"it went round {lasting(age)} ago, or later")


def _doubts(patient: Patient) -> Finding:
    found = patient.asked(vitals.in_doubt)
    if not found:
        return ok("no request is in doubt")
    what = "; ".join(
        f"{each.account}: {counted(each.count, 'request')} with {counted(each.numbers, 'number')}, "
        f"{amount(each.credits)} credits at stake, the oldest {lasting(each.oldest)} old"
        for each in found
    )
    late = max(each.oldest for each in found) > DOUBTFUL_SECONDS
    remedy = "their reports may still settle them; `campaigns doubts` lists them, `campaigns resolve` decides"
    return trouble(what, remedy) if late else warning(what, remedy)


def _reports(patient: Patient) -> Finding:
    found = patient.asked(lambda connection: vitals.polls(connection, lately=LATELY))
    broken = [f"{each.account}: {counted(each.broken, 'body')}" for each in found if each.broken]
    if broken:
        remedy = "`campaigns reports` says why, `campaigns reports --retry ID` has one tried anew"
        return trouble(f"cannot be applied, and kept: {named(broken)}", remedy)
    lost = [
        f"{each.account}: {counted(each.lost_lately + each.overdue, 'reading')}"
        for each in found
        if each.lost_lately + each.overdue
    ]
    if lost:
        what = f"asked for in the last day, and never arrived: {named(lost)}"
        return warning(what, "`campaigns reports` lists these gaps; messages whose report was in one end as unreported")
    return ok("every body that was asked for in the last day arrived")


def _spool(patient: Patient) -> Finding:
    folder, known = patient.settings.spool_dir, patient.settings.accounts
    found = spool.waiting(folder)
    left = [each for each in found if each.account not in known]
    if left:
        what = f"{counted(len(left), 'file')} left alone in {folder}: damaged, or of an account that is unknown here"
        return trouble(what, "`campaigns reports` names them; have ACCOUNTS name the account where a worker runs")
    if found:
        what = f"{counted(len(found), 'body')} of reports in {folder}: the database did not take them"
        return warning(what, "the sweep stores them once the database is there, by a worker on this host")
    return ok("no report waits in a file of this host")


_BY_RESUME = "`campaigns resume ID` has it tried again, once that is mended"

TRIED_AGAIN: Mapping[str, str] = {
    "expand": _BY_RESUME,
    "sends": _BY_RESUME,
    "submit": "it is refused when it comes next, and kept as a failed campaign",
}
"""How work of this kind is tried again; whatever is done for a whole account is by itself (see `campaigns.poison`)."""


def _work(patient: Patient) -> Finding:
    found = patient.asked(vitals.in_trouble)
    if not found:
        return ok("no work breaks again and again")
    what = named([f"{each.key} ({counted(each.tries, 'try')}: {each.reason})" for each in found])
    by_itself = f"it is tried again by itself, every {lasting(tries.PARKED_SECONDS)}"
    kinds = {each.kind: TRIED_AGAIN.get(each.kind, by_itself) for each in found}
    again = [
        f"{', '.join(kind for kind in kinds if kinds[kind] == how)}: {how}" for how in dict.fromkeys(kinds.values())
    ]
    return trouble(what, "; ".join(["see the worker's log for the traceback", *again]))


def _credits(patient: Patient) -> Finding:
    found = patient.asked(lambda connection: vitals.drifts(connection, lately=LATELY))
    drifted = [
        f"{each.account}: {amount(abs(each.lately))} {'more' if each.lately > 0 else 'less'}"
        for each in found
        if each.lately
    ]
    if drifted:
        what = f"in the last day the gateway counted other credits than our ledger: {named(drifted)}"
        return warning(what, "`campaigns credits` says what it may mean: a doubt, another program, or a price")
    return ok("in the last day the gateway counted what our ledger did" if found else "nothing to compare yet")


def _accounts(patient: Patient) -> Finding:
    found = patient.asked(vitals.away)
    if not found:
        return ok("every gateway is there, as far as is known")
    what = named([f"{each.account}: {each.reason}" for each in found])
    return warning(what, "it is tried again each minute at the latest; ask the gateway's operator if it lasts")


def _campaigns(patient: Patient) -> Finding:
    found = patient.asked(lambda connection: vitals.halted(connection, MOST_NAMED + 1))
    if not found:
        return ok("none waits for a person")
    what = named([f"campaign {each.campaign_id} is {each.state}: {each.reason}" for each in found])
    return warning(what, "put the reason right, then `campaigns resume ID`; a stalled one needs `campaigns doubts`")


def _pending(patient: Patient) -> Finding:
    found = patient.asked(vitals.pending)
    still = [each for each in found if each.still > STILL_SECONDS]
    if still:
        what = named([f"{each.account}: nothing has left for {lasting(each.still)}" for each in still])
        return trouble(what, "is a worker running that has this account, and does it take from the queue `sending`?")
    return ok("what could leave leaves" if found else "nothing waits to leave")


CHECKS: Mapping[str, Callable[[Patient], Finding]] = {
    "settings": _settings,
    "database": _database,
    "broker": _broker,
    "sweep": _sweep,
    "pending": _pending,
    "doubts": _doubts,
    "reports": _reports,
    "spool": _spool,
    "credits": _credits,
    "work": _work,
    "accounts": _accounts,
    "campaigns": _campaigns,
}
"""In the order in which one explains the next."""

WITHOUT_DATABASE = frozenset({"settings", "database", "broker", "spool"})
"""Checks that can be made although there is no database."""


def named(some: list[str]) -> str:
    """The first few, and how many more."""
    more = len(some) - MOST_NAMED
    return "; ".join(some[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
