"""The tables' history, by Alembic; `migrate` brings a database to the newest."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from campaigns import lineage
from campaigns.database import Database, NotMigratedError
from campaigns.language import _

__all__ = ["NotMigratedError", "migrate", "require_newest"]

_TURN = 7_020_225
"""Of all that locks by number, this is ours."""


def migrate(database: Database) -> None:
    """Bring the tables to the newest version; on a migrated database it does nothing. Two at once take turns."""
    database.make()
    with database.transaction() as connection:
        if not database.is_sqlite:  # there the transaction itself is the lock
            connection.execute(select(func.pg_advisory_xact_lock(_TURN)))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        lineage.begin(connection)


def require_newest(database: Database) -> None:
    """Raise NotMigratedError where `campaigns migrate` has to be run first, or where the database is ahead of us."""
    scripts = ScriptDirectory.from_config(_config())
    newest = scripts.get_current_head()
    with database.reading() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        newer = _("the database is at version {found}, which a newer release made: upgrade this one")
        raise NotMigratedError(newer.format(found=found))
    if found is None:
        raise NotMigratedError(_("the database has no tables yet: run `campaigns migrate`"))
    if found != newest:
        older = _("the database is at version {found} and this release needs {newest}: run `campaigns migrate`")
        raise NotMigratedError(older.format(found=found, newest=newest))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
