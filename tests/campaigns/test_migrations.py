"""The tables' history ends where the models are, on both databases; and running it again does no harm."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from campaigns import migrations
from campaigns.database import Database, NotMigratedError
from campaigns.migrations import migrate, require_newest
from campaigns.models import metadata


@pytest.fixture(params=["empty_database_url", "empty_sqlite_url"], ids=["postgresql", "sqlite"])
def empty(request: pytest.FixtureRequest) -> Database:
    return Database(request.getfixturevalue(request.param))


def constraints(database: Database) -> dict[str, dict[str, object]]:
    """What `compare_metadata` does not look at: checks, conditions of indexes, names of keys, options of tables."""
    seen = inspect(database.engine)
    return {
        table: {
            "checks": {c["name"]: re.sub(r"\s+", "", c["sqltext"]) for c in seen.get_check_constraints(table)},
            "key": seen.get_pk_constraint(table)["name"],
            "references": sorted(
                (str(f["name"]), str(f["options"].get("ondelete"))) for f in seen.get_foreign_keys(table)
            ),
            "conditions": {
                i["name"]: re.sub(r"\s+", "", str(i["dialect_options"].get(f"{database.engine.dialect.name}_where")))
                for i in seen.get_indexes(table)
            },
            "options": {k: v for k, v in seen.get_table_options(table).items() if k != "postgresql_tablespace"},
        }
        for table in metadata.tables
    }


def test_the_models_and_the_migrations_make_the_same_tables(empty: Database) -> None:
    migrate(empty)
    # SQLite numbers rows without a default, which Alembic takes for a difference.
    options = {"compare_type": True, "compare_server_default": not empty.is_sqlite}
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    migrated = constraints(empty)
    metadata.drop_all(empty.engine)
    metadata.create_all(empty.engine)
    assert migrated == constraints(empty)
    empty.close()


def test_migrating_twice_does_no_harm(empty: Database) -> None:
    migrate(empty)
    with empty.transaction() as connection:
        connection.execute(text("INSERT INTO accounts (name) VALUES ('kept')"))
    migrate(empty)
    with empty.reading() as connection:
        assert connection.execute(text("SELECT name FROM accounts")).scalar_one() == "kept"
    require_newest(empty)
    empty.close()


def test_two_who_migrate_at_once_take_turns(empty: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: migrate(Database(empty.url.render_as_string(hide_password=False))), range(2)))
    require_newest(empty)
    empty.close()


def test_a_migration_that_fails_leaves_nothing(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    real = command.upgrade

    def broken(*args: object) -> None:
        real(*args)
        raise OSError("power cut")

    monkeypatch.setattr(command, "upgrade", broken)
    with pytest.raises(OSError, match="power cut"):
        migrate(empty)
    monkeypatch.undo()
    assert inspect(empty.engine).get_table_names() == []
    migrate(empty)
    require_newest(empty)
    empty.close()


def test_an_empty_database_is_to_be_migrated_first(empty: Database) -> None:
    with pytest.raises(NotMigratedError, match=r"no (tables yet|file .*): run `campaigns migrate`"):
        require_newest(empty)
    empty.close()


def test_a_database_of_a_newer_release_asks_for_that_release(empty: Database) -> None:
    migrate(empty)
    with empty.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NotMigratedError, match="newer release"):
        require_newest(empty)


def test_the_way_back_leaves_nothing(empty: Database) -> None:
    migrate(empty)
    with empty.transaction() as connection:
        config = migrations._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(empty.engine).get_table_names() == ["alembic_version"]
