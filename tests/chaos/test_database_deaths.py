"""The database dies under a campaign, with real processes: it is restarted, or its standby takes over.

Nobody is sent to twice, nobody is left out, and the campaign goes on within a minute, unaided.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import pytest
from sqlalchemy.engine import make_url

from campaigns import accounts
from campaigns.database import Database, DatabaseAway
from campaigns.states import CampaignState
from tests.servers.databases import _migrate
from tests.servers.postgres import Server, postgres_server
from tests.system.conftest import Build
from tests.system.installation import Installation, whom

pytestmark = pytest.mark.system

Record = Callable[[str, object], None]

SIZE = 20
COUNT = 40 * SIZE
SOON = {"CONNECT_TIMEOUT": "0.5", "POST_TIMEOUT": "5"}


@contextmanager
def at_work(build: Build, url: str) -> Iterator[tuple[Installation, int]]:
    """An installation on this database, in the middle of a campaign."""
    _migrate(url)
    site = build(database_url=url, settings=SOON)
    site.start_worker()
    site.start_beat()
    yield site, site.begun("main", batches=COUNT // SIZE, size=SIZE)


def goes_on(site: Installation, made: int, began: float, record: Record) -> None:
    """The campaign is sent on, by itself, and ends with everything in its place."""
    gateway = site.gateways["main"]
    before = gateway.count()
    site.until(lambda: gateway.count() > before + 3 * SIZE, within=site.a_minute, what="the campaign goes on")
    record("seconds until it was sent on", monotonic() - began)
    gateway.sandbox.settings(latency=0.0)
    account = site.ended(made)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert set(gateway.sent()) == whom(site, made)
    site.settled("main", made)


@pytest.mark.parametrize("way", [Server.kill, Server.stop], ids=["killed", "stopped in order"])
def test_a_database_that_is_started_again_loses_nothing(
    build: Build, way: Callable[[Server], None], record_property: Record
) -> None:
    with postgres_server(fsync=True) as server, at_work(build, server.url) as (site, made):
        way(server)
        server.start()
        goes_on(site, made, monotonic(), record_property)


def test_a_standby_that_takes_over_has_every_attempt(build: Build, record_property: Record) -> None:
    with postgres_server(fsync=True, replicated=True) as primary:
        standby = primary.standby()
        both = (
            make_url(primary.url)
            .set(query={})
            .update_query_pairs(
                [("host", str(primary.data)), ("host", str(standby.data)), ("target_session_attrs", "read-write")]
            )
        )
        with at_work(build, both.render_as_string(hide_password=False)) as (site, made):
            primary.kill()
            began = monotonic()
            standby.run("SELECT pg_promote()")
            goes_on(site, made, began, record_property)


def test_a_server_that_may_only_be_read_is_left_for_one_that_may_be_written(postgresql: Database) -> None:
    accounts.serve(postgresql, ["one"])
    name = postgresql.url.database
    with postgresql.reading() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgresql.close()
    try:
        with pytest.raises(DatabaseAway):
            accounts.serve(postgresql, ["two"])
    finally:
        with postgresql.reading() as connection:
            connection.exec_driver_sql("SET default_transaction_read_only = off")
            connection.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
            connection.invalidate()
    assert accounts.serve(postgresql, ["two"]) == 1
