"""What must be there before anything else: settings that can be read, a database, a broker."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import Connection

from campaigns.migrations import require_newest
from campaigns.outages import place
from worker.checks.crew import client
from worker.checks.patient import Patient
from worker.findings import Finding, ok, trouble
from worker.language import N_, _

BROKER_SECONDS = 5.0

START_IT = N_("start it, or correct REDIS_URL or BROKER_URL; campaigns then go on by themselves")
"""The broker."""


def settings(patient: Patient) -> Finding:
    """Names all that is wrong."""
    if patient.refused is not None:
        remedy = _("correct them in the environment or in .env; docs/settings.md lists them")
        return trouble("; ".join(patient.refused.faults), remedy)
    names = ", ".join(patient.settings.accounts)
    return ok(_("readable; accounts: {names}").format(names=names))


def database(patient: Patient) -> Finding:
    require_newest(patient.database)
    words = {"place": place(patient.database.url), "version": patient.asked(_version)}
    return ok(_("{place} is there and migrated ({version})").format(**words))


def _version(connection: Connection) -> str:
    name = "SQLite" if connection.dialect.name == "sqlite" else "PostgreSQL"
    return " ".join([name, ".".join(map(str, connection.dialect.server_version_info or ()))])


def broker(patient: Patient) -> Finding:
    url = urlsplit(patient.settings.broker)
    where = f"{url.scheme}://{url.hostname or url.path}" + (f":{url.port}" if url.port else "")
    try:
        with client(patient.settings).connection_for_read(connect_timeout=BROKER_SECONDS) as connection:
            connection.default_channel.close()
    except Exception as error:  # noqa: BLE001  each broker's client has errors of its own; some quote its URL
        what = _("{place} cannot be reached ({error})").format(place=where, error=type(error).__name__)
        return trouble(what, _(START_IT))
    return ok(_("{place} is there").format(place=where))
