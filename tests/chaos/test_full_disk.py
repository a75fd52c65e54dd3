"""The database's disk is full in the middle of a campaign: a real one, so small that a file fills it.

Where a table cannot grow PostgreSQL refuses what is written (SQLSTATE 53100), and goes on with what needs no room;
where its log cannot, it dies, and may not come back before there is room.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import psycopg
import pytest

from campaigns.states import CampaignState
from tests.chaos.field import lines
from tests.chaos.test_ends_in_an_outage import journalled
from tests.servers.databases import _migrate
from tests.servers.postgres import Server, postgres_server
from tests.servers.small_disk import NoSmallDiskError
from tests.servers.waiting import PATIENCE, eventually
from tests.system.conftest import Build
from tests.system.installation import people, select, whom
from worker import spool

pytestmark = pytest.mark.system

Record = Callable[[str, object], None]

SIZE = 10
MEGABYTES = 160
SETTINGS = {"CONNECT_TIMEOUT": "0.5", "POST_TIMEOUT": "5", "POLL_INTERVAL": "2"}
"""Polled seldom, so that much comes at once: what is little may find room in a page that is there already."""


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        with postgres_server(fsync=True, megabytes=MEGABYTES) as made:
            yield made
    except NoSmallDiskError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("log_too", [False, True], ids=["for its tables", "for its log as well"])
def test_nothing_is_sent_twice_or_lost_and_all_goes_on_when_there_is_room_again(
    server: Server, build: Build, tmp_path: Path, log_too: bool, record_property: Record
) -> None:
    assert server.disk is not None
    _migrate(server.url)
    site = build(database_url=server.url, settings=SETTINGS, readings=tmp_path / "readings", delays=(0.5, 2.0))
    site.start_worker(processes=3)
    site.start_beat()
    gateway = site.gateways["main"]
    gateway.sandbox.settings(latency=0.1)
    gateway.sandbox.fault("latency", operation="reports", seconds=5)
    made = site.submit("main", people(240 * SIZE), batch_size=SIZE)
    site.until(lambda: gateway.sandbox.summary()["reports_read"], what="reports are on their way")
    # There may be no room for a new connection; and what is on its way to the worker comes when it is full, or dead.
    with psycopg.connect(server.url, autocommit=True) as connection, site.asleep("worker"):
        server.disk.fill()
        gateway.sandbox.settings(latency=1.5)  # so slow that much of the campaign is left when there is room again
        if log_too:
            assert eventually(lambda: has_died(server, connection), within=PATIENCE), server.log[-3000:]
    waiting = site.folder / "var" / "spool"
    site.until(lambda: spool.files(waiting), what="reports lie in a file")
    site.until(lambda: "No space left on device" in server.log, what="it is full")
    before = gateway.count()
    eventually(lambda: gateway.count() > before + 10 * SIZE, within=5)
    record_property("sent in some seconds without room, where a page had some", gateway.count() - before)
    record_property("bodies that wait in files", len(spool.files(waiting)))
    server.disk.free()
    if server.ended:
        server.kill()
        server.start()
    began, before = monotonic(), gateway.count()
    site.until(lambda: gateway.count() > before + 3 * SIZE, within=site.a_minute, what="the campaign goes on")
    record_property("seconds until it was sent on", monotonic() - began)
    gateway.sandbox.settings(latency=0.0)
    account = site.ended(made)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert set(gateway.sent()) == whom(site, made)
    handed_out = Counter((sms, code) for each in lines(tmp_path / "readings") for _, sms, code in each["reports"])
    assert journalled(site) == handed_out
    assert set(handed_out.values()) == {1}
    assert spool.files(waiting) == []
    assert not select(site, "SELECT id FROM report_polls WHERE state = 'lost'")
    site.settled("main", made)


def has_died(server: Server, connection: psycopg.Connection) -> bool:
    """Write what goes to its log alone, and have it kept; whether that was too much."""
    for kept in (False, True):
        with suppress(psycopg.OperationalError):
            connection.execute("SELECT pg_logical_emit_message(%s, 'much', repeat('x', 8000000))", [kept])
    return "PANIC:" in server.log
