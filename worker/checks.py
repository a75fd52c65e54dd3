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

from campaigns import heartbeats, retention, tries, vitals
from campaigns.called import called
from campaigns.database import Database, default
from campaigns.migrations import require_newest
from campaigns.outages import place
from campaigns.reasons import retold
from worker import spool, sweeping
from worker.broker import broker_settings
from worker.console.screen import amount, counted, lasting
from worker.findings import Finding, ok, trouble, warning
from worker.language import N_, _, figure, ngettext
from worker.ringing import speak
from worker.settings import Settings, settings

SILENT_SECONDS = 60.0
"""After which a sweep that goes round every two seconds is called silent."""

STILL_SECONDS = 120.0
"""After which it is no chance that nothing leaves although something could: a request may take half a minute."""

DOUBTFUL_SECONDS = 3_600.0
"""After which a doubt is one that no report will settle any more, most likely."""

LATELY = 86_400.0
DAYS_LATE = 1
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
    return ok(_("readable; accounts: {names}").format(names=names))


def _database(patient: Patient) -> Finding:
    require_newest(patient.database)
    return ok(_("{place} is there and migrated").format(place=place(patient.database.url)))


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
        what = _("{place} cannot be reached ({error})").format(place=where, error=type(error).__name__)
        return trouble(what, _("start it, or correct REDIS_URL or BROKER_URL; campaigns then go on by themselves"))
    return ok(_("{place} is there").format(place=where))


_RUNNING = N_("is `celery -A worker beat` running, and a worker that takes from the queue `rounds`?")


def _sweep(patient: Patient) -> Finding:
    ages = heartbeats.ages(patient.database)
    age = ages.get(sweeping.HEARTBEAT)
    if age is None:
        return trouble(_("the sweep has never gone round"), _(_RUNNING))
    if age > SILENT_SECONDS:
        return trouble(_("the sweep has been silent for {time}").format(time=lasting(age)), _(_RUNNING))
    broken = [look for look in sweeping.LOOKS if ages.get(sweeping.heartbeat(look), math.inf) > SILENT_SECONDS]
    if broken:
        what = _("the sweep goes round, but this breaks each time: {looks}").format(looks=named(broken))
        return trouble(what, _("see the worker's log"))
    return ok(_("it went round {time} ago, or later").format(time=lasting(age)))


def _doubts(patient: Patient) -> Finding:
    found = patient.asked(vitals.in_doubt)
    if not found:
        return ok(_("no request is in doubt"))
    what = "; ".join(map(_at_stake, found))
    late = max(each.oldest for each in found) > DOUBTFUL_SECONDS
    remedy = _("their reports may still settle them; `campaigns doubts` lists them, `campaigns resolve` decides")
    return trouble(what, remedy) if late else warning(what, remedy)


def _at_stake(its: vitals.InDoubt) -> str:
    return _("{account}: {requests} with {numbers}, {credits} credits at stake, the oldest {age} old").format(
        account=its.account,
        requests=counted(its.count, "request"),
        numbers=counted(its.numbers, "number"),
        credits=amount(its.credits),
        age=lasting(its.oldest),
    )


def _reports(patient: Patient) -> Finding:
    found = patient.asked(lambda connection: vitals.polls(connection, lately=LATELY))
    broken = [_(": ").join([each.account, counted(each.broken, "body")]) for each in found if each.broken]
    if broken:
        remedy = _("`campaigns reports` says why, `campaigns reports --retry ID` has one tried anew")
        return trouble(_("cannot be applied, and kept: {bodies}").format(bodies=named(broken)), remedy)
    lost = [
        _(": ").join([each.account, counted(gone, "reading")])
        for each in found
        if (gone := each.lost_lately + each.overdue)
    ]
    if lost:
        what = _("asked for in the last day, and never arrived: {readings}").format(readings=named(lost))
        remedy = _("`campaigns reports` lists these gaps; messages whose report was in one end as unreported")
        return warning(what, remedy)
    return ok(_("every body that was asked for in the last day arrived"))


def _spool(patient: Patient) -> Finding:
    folder, known = patient.settings.spool_dir, patient.settings.accounts
    found = spool.waiting(folder)
    left = [each for each in found if each.account not in known]
    if left:
        what = ngettext(
            "{count} file left alone in {folder}: damaged, or of an account that is unknown here",
            "{count} files left alone in {folder}: damaged, or of an account that is unknown here",
            len(left),
        ).format(count=figure(len(left)), folder=folder)
        return trouble(what, _("`campaigns reports` names them; have ACCOUNTS name the account where a worker runs"))
    if found:
        what = ngettext(
            "{count} body of reports in {folder}: the database did not take them",
            "{count} bodies of reports in {folder}: the database did not take them",
            len(found),
        ).format(count=figure(len(found)), folder=folder)
        return warning(what, _("the sweep stores them once the database is there, by a worker on this host"))
    return ok(_("no report waits in a file of this host"))


_BY_RESUME = N_("`campaigns resume ID` has it tried again, once that is mended")

TRIED_AGAIN: Mapping[str, str] = {
    "expand": _BY_RESUME,
    "sends": _BY_RESUME,
    "submit": N_("it is refused when it comes next, and kept as a failed campaign"),
}
"""How work of this kind is tried again; whatever is done for a whole account is by itself (see `campaigns.poison`)."""


def _work(patient: Patient) -> Finding:
    found = patient.asked(vitals.in_trouble)
    if not found:
        return ok(_("no work breaks again and again"))
    what = named(
        [
            ngettext("{work} ({count} try: {reason})", "{work} ({count} tries: {reason})", each.tries).format(
                work=each.key, count=figure(each.tries), reason=retold(each.reason)
            )
            for each in found
        ]
    )
    by_itself = _("it is tried again by itself, every {time}").format(time=lasting(tries.PARKED_SECONDS))
    kinds = {each.kind: _(TRIED_AGAIN[each.kind]) if each.kind in TRIED_AGAIN else by_itself for each in found}
    again = [
        _(": ").join([", ".join(kind for kind in kinds if kinds[kind] == how), how])
        for how in dict.fromkeys(kinds.values())
    ]
    return trouble(what, "; ".join([_("see the worker's log for the traceback"), *again]))


def _credits(patient: Patient) -> Finding:
    found = patient.asked(lambda connection: vitals.drifts(connection, lately=LATELY))
    drifted = [
        (_("{account}: {credits} more") if each.lately > 0 else _("{account}: {credits} less")).format(
            account=each.account, credits=amount(abs(each.lately))
        )
        for each in found
        if each.lately
    ]
    if drifted:
        what = _("in the last day the gateway counted other credits than our ledger: {accounts}")
        remedy = _("`campaigns credits` says what it may mean: a doubt, another program, or a price")
        return warning(what.format(accounts=named(drifted)), remedy)
    if not found:
        return ok(_("nothing to compare yet"))
    return ok(_("in the last day the gateway counted what our ledger did"))


def _accounts(patient: Patient) -> Finding:
    found = patient.asked(vitals.away)
    if not found:
        return ok(_("every gateway is there, as far as is known"))
    what = named([_(": ").join([each.account, retold(each.reason)]) for each in found])
    return warning(what, _("it is tried again each minute at the latest; ask the gateway's operator if it lasts"))


_BY_A_PERSON: Mapping[str, str] = {
    "paused": N_("put the reason right, then `campaigns resume ID`"),
    "stalled": N_("a stalled one needs `campaigns doubts`"),
    "awaiting_credits": N_("one that awaits credits goes on by itself once its account has been topped up"),
}
"""What a campaign in this state needs."""


def _campaigns(patient: Patient) -> Finding:
    strange = patient.asked(vitals.unserved)
    found = patient.asked(lambda connection: vitals.halted(connection, MOST_NAMED + 1))
    if not found and not strange:
        return ok(_("none waits for a person"))
    halted = [
        _("campaign {id} is {state}: {reason}").format(
            id=each.campaign_id, state=called(each.state), reason=retold(each.reason)
        )
        for each in found
    ]
    states = {each.state for each in found}
    remedies = [_(remedy) for state, remedy in _BY_A_PERSON.items() if state in states]
    if not strange:
        return warning(named(halted), "; ".join(remedies))
    missed = _("start a worker whose settings have the account (ACCOUNTS__NAME__…), or `campaigns cancel ID`")
    return trouble("; ".join(map(named, filter(None, [_missed(strange), halted]))), "; ".join([missed, *remedies]))


def _missed(strange: list[vitals.Unserved]) -> list[str]:
    return [
        ngettext(
            "campaign {id} waits for a worker that has the account {account!r}, and none has",
            "{count} campaigns, the first is {id}, wait for a worker that has the account {account!r}, and none has",
            each.count,
        ).format(id=each.first, count=figure(each.count), account=each.account)
        for each in strange
    ]


def _pending(patient: Patient) -> Finding:
    found = patient.asked(vitals.pending)
    still = [each for each in found if each.still > STILL_SECONDS]
    if still:
        what = named(
            [
                _("{account}: nothing has left for {time}").format(account=each.account, time=lasting(each.still))
                for each in still
            ]
        )
        return trouble(what, _("is a worker running that has this account, and does it take from the queue `sending`?"))
    return ok(_("what could leave leaves") if found else _("nothing waits that may leave now"))


def _retention(patient: Patient) -> Finding:
    its = patient.settings
    if its.keep_text_days is None and its.keep_reports_days is None:
        return ok(_("nothing is purged: no KEEP_…_DAYS is set"))
    found = patient.asked(lambda connection: retention.overdue(connection, days_late=DAYS_LATE))
    if not found.campaigns and not found.bodies:
        return ok(_("what is to be purged is"))
    what = _("should have been purged a day ago: campaigns: {campaigns}, raw reports: {bodies}")
    remedy = _("is a worker running that takes from the queue `campaigns`? it purges a little at a time")
    return warning(what.format(campaigns=figure(found.campaigns), bodies=figure(found.bodies)), remedy)


CHECKS: Mapping[str, Callable[[Patient], Finding]] = {
    N_("settings"): _settings,
    N_("database"): _database,
    N_("broker"): _broker,
    N_("sweep"): _sweep,
    N_("pending"): _pending,
    N_("doubts"): _doubts,
    N_("reports"): _reports,
    N_("spool"): _spool,
    N_("credits"): _credits,
    N_("work"): _work,
    N_("accounts"): _accounts,
    N_("campaigns"): _campaigns,
    N_("retention"): _retention,
}
"""In the order in which one explains the next."""

WITHOUT_DATABASE = frozenset({"settings", "database", "broker", "spool"})
"""Checks that can be made although there is no database."""


def named(some: list[str]) -> str:
    """The first few, and how many more."""
    more = len(some) - MOST_NAMED
    first = "; ".join(some[:MOST_NAMED])
    return _("{first}; and {count} more").format(first=first, count=figure(more)) if more > 0 else first
