"""The ground that the other tests stand on."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from queue import Empty

import psycopg
import pytest
import redis
from kombu import Connection
from sqlalchemy import create_engine, text

from campaigns.database import Database
from campaigns.migrations import require_newest
from tests.servers.brokers import DATABASES
from tests.servers.databases import Databases
from tests.servers.waiting import eventually
from worker.embedded import client_url


def test_a_fresh_postgresql_database_takes_sqlalchemy_and_psycopg_alike(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (id int)"))
    engine.dispose()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_no_test_sees_what_another_one_left(empty_database_url: str, turn: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
        connection.execute("CREATE TABLE mine (id int)")


def test_a_database_is_dropped_even_while_somebody_is_connected(databases: Databases, postgres_url: str) -> None:
    with databases.fresh() as url:
        late = psycopg.connect(url)
    with psycopg.connect(postgres_url) as connection:
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database")]
    late.close()
    assert not [name for name in names if url.partition("?")[0].endswith(f"/{name}")]


def test_a_fresh_database_of_either_kind_is_migrated(any_database_url: str) -> None:
    database = Database(any_database_url)
    require_newest(database)
    database.close()


def test_sqlite_comes_fresh_for_each_test(sqlite_url: str, empty_sqlite_url: str) -> None:
    assert Path(sqlite_url.removeprefix("sqlite:///")).exists()
    assert not Path(empty_sqlite_url.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_broker_is_empty_at_first_and_takes_celery_messages(broker_url: str, turn: str) -> None:
    with Connection(broker_url) as connection, connection.SimpleQueue("bells") as queue:
        with pytest.raises(Empty):
            queue.get(block=False)
        queue.put("look")
        assert queue.get(timeout=60).payload == "look"
        queue.put("left behind")


def test_a_database_of_the_broker_that_holds_something_is_passed_over(
    valkey_server: str, request: pytest.FixtureRequest
) -> None:
    if not valkey_server.startswith("redis+socket:"):
        pytest.skip("writes into databases at will: only on our own server")
    every = [f"{client_url(valkey_server)}?db={number}" for number in range(DATABASES)]
    theirs, free = every[:-1], every[-1]
    _each(theirs, lambda client: client.set("theirs", "1"))
    assert client_url(request.getfixturevalue("broker_url")) == free
    assert _each(theirs, lambda client: client.getdel("theirs")) == [b"1"] * len(theirs)


def test_no_server_outlives_a_pytest_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "test_killed.py").write_text(
        "import os, signal\n"
        "def test_killed(postgres_url, valkey_server):\n"
        "    print('URLS', postgres_url, valkey_server, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    private = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    command = [sys.executable, "-m", "pytest", "-s", "-p", "tests.servers.databases", "-p", "tests.servers.brokers"]
    command += ["-p", "no:cacheprovider", "--rootdir", str(tmp_path), "--basetemp", str(tmp_path / "base")]
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True, timeout=120, env=private)
    assert done.returncode == -9
    postgres_url, valkey_server = done.stdout.partition("URLS ")[2].split()
    folders = [Path(postgres_url.partition("host=")[2]), Path(valkey_server.removeprefix("redis+socket://")).parent]
    assert eventually(lambda: not any(folder.exists() for folder in folders))


def _each(urls: list[str], act: Callable[[redis.Redis], object]) -> list[object]:
    results = []
    for url in urls:
        with redis.Redis.from_url(url) as client:
            results.append(act(client))
    return results
