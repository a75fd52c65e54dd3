"""Delivery reports read by hand, on the poller's own way: under the account's bell, stored before anything else.

Reading consumes them; so what came is in the journal before it is shown, and workers make of it what they make of any.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import click
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from campaigns import bells, journal, migrations
from campaigns.database import Database, NotMigratedError, default
from campaigns.settings import domain_settings
from worker import interruption, polling, tracking
from worker.language import _
from worker.smseco.errors import BadReply
from worker.smseco.reports import parse_reports
from worker.smseco.values import ReportBatch

if TYPE_CHECKING:
    from campaigns.reports import Applied
    from worker.polling import Reading
    from worker.resources import Resources

LEASE_SECONDS = 40.0
"""After which a worker may take over from a command that was killed."""

PATIENCE = 15.0
"""Seconds to wait for a worker that reads: a bell whose task was lost has lapsed by then."""

LOOK_EVERY = 0.1


def found() -> tuple[Database | None, str]:
    """The database with the journal; or None, and why there is none. Raises DatabaseAway where there should be one.

    A file that is not there is not made.
    """
    url = make_url(domain_settings().database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return None, _("there is no database {name} (`campaigns migrate` makes one)").format(name=url.database)
    database = default()
    try:
        migrations.require_newest(database)
    except NotMigratedError as error:
        return None, str(error)
    return database, ""


def read(
    resources: Resources, account: str, *, msgfid: str | None, smsfid: str | None
) -> tuple[Reading, ReportBatch, Applied]:
    """Read reports once, keep them, apply them. A signal that comes meanwhile is raised when they are kept.

    Returns:
        What the request brought, the reports in it (none and `truncated`, where it cannot be read), and what applying
        all that waited came to.

    Raises:
        ClickException: a worker is reading, and went on for longer than we wait.
    """
    with leased(resources.database, account):
        tracking.recover(resources)
        with interruption.uninterrupted():
            reading = polling.take_in(resources, account, msgfid=msgfid, smsfid=smsfid)
        applied = tracking.catch_up(resources, account, settle=True)
    if reading.poll_id is None:
        return reading, ReportBatch(), applied
    try:
        return reading, parse_reports(journal.body(resources.database, reading.poll_id)), applied
    except BadReply:  # it stays in the journal
        return reading, ReportBatch(truncated=True), applied


@contextmanager
def leased(database: Database, account: str) -> Iterator[None]:
    """Meanwhile no worker reads the account's reports. Raises ClickException if one does, and is not done in time."""
    bell = bells.poll(account)
    serial = _answered(database, bell)
    try:
        with bells.kept(database, bell, serial, seconds=LEASE_SECONDS):
            yield
    finally:
        with suppress(SQLAlchemyError):  # it lapses by itself
            bells.quiet(database, bell, serial)


def _answered(database: Database, bell: bells.Bell) -> int:
    until, told = monotonic() + PATIENCE, False
    while True:
        serial = _tried(database, bell)
        if serial is not None:
            return serial
        if monotonic() > until:
            raise click.ClickException(
                _(
                    "a worker is reading these reports just now, and nothing was asked for: what it reads is in the "
                    "accounts of the campaigns (`campaigns show ID`). Try again, or stop the workers first."
                )
            )
        if not told:
            click.echo(_("a worker is reading these reports just now: waiting for it …"), err=True)
            told = True
        sleep(LOOK_EVERY)


def _tried(database: Database, bell: bells.Bell) -> int | None:
    """Ring, and answer it ourselves; None if somebody has the bell."""
    rung: list[int] = []
    if not bells.ring(database, bell, lambda _bell, serial, _after: rung.append(serial), by_hand=True):
        return None
    return bells.answer(database, bell, rung[0], seconds=LEASE_SECONDS)
