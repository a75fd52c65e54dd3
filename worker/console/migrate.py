"""`campaigns migrate`: the database's tables, made or brought up to date."""

from __future__ import annotations

import click

from worker.language import _

EPILOG = """\b
Example:
  DATABASE_URL=postgresql://user:password@host/campaigns campaigns migrate
"""


@click.command(epilog=EPILOG)
def migrate() -> None:
    """Make the tables in the database that DATABASE_URL names, or bring them up to date.

    On a database that is up to date it does nothing. Run it before the workers of a new release start.
    """
    from campaigns import migrations
    from campaigns.database import default

    database = default()
    try:
        migrations.require_newest(database)
    except migrations.NotMigratedError:
        migrations.migrate(database)
        click.echo(_("the database is migrated"))
    else:
        click.echo(_("the database is up to date"))
