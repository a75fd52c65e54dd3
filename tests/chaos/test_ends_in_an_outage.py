"""A worker ends, in order or by kill -9, while the database is away: what it knew is settled, kept or proven later.

The worker and the beat have the database through a proxy; the test itself looks past it.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from campaigns.states import CampaignState
from tests.chaos.field import lines
from tests.chaos.oracle import _DLR
from tests.chaos.test_orderly_ends import all_in_the_air
from tests.servers.between import before
from tests.servers.databases import Databases
from tests.servers.proxy import Proxy
from tests.servers.waiting import PATIENCE, eventually
from tests.system.conftest import Build
from tests.system.installation import Gateway, Installation, people, select, whom
from worker import spool

pytestmark = pytest.mark.system

Record = Callable[[str, object], None]

SIZE = 20
PROCESSES = 2
POST_TIMEOUT = 6
TIMEOUT_STOP = POST_TIMEOUT + 45
"""Seconds, as an operator is told to allow."""


@dataclass(frozen=True)
class Cut:
    """An installation whose processes can be cut off from their database."""

    site: Installation
    between: Proxy
    readings: Path

    @property
    def gateway(self) -> Gateway:
        return self.site.gateways["main"]

    @property
    def spool(self) -> Path:
        return self.site.folder / "var" / "spool"

    def completed(self, made: int) -> None:
        account = self.site.ended(made)
        assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
        assert set(self.gateway.sent()) == whom(self.site, made)
        self.site.settled("main", made)


@pytest.fixture
def cut(databases: Databases, build: Build, tmp_path: Path) -> Iterator[Cut]:
    with databases.fresh() as url, before(url) as (through, between):
        readings = tmp_path / "readings"
        settings = {"DATABASE_URL": through, "CONNECT_TIMEOUT": "0.2", "POST_TIMEOUT": str(POST_TIMEOUT)}
        site = build(database_url=url, settings=settings, readings=readings)
        site.start_worker("worker", processes=PROCESSES)
        site.start_beat()
        yield Cut(site, between, readings)


@pytest.mark.parametrize("back", [True, False], ids=["and is back soon", "and stays away"])
def test_a_worker_that_is_asked_to_stop_while_the_database_is_away(
    cut: Cut, back: bool, record_property: Record
) -> None:
    site = cut.site
    cut.gateway.sandbox.settings(latency=4.0)
    made = site.submit("main", people(10 * SIZE), batch_size=SIZE)

    def cut_off() -> bool:
        with site.asleep("worker"):  # in which no reply is heard
            waits = all_in_the_air(site, made, PROCESSES)
            if waits:
                cut.between.refuse()
                site.children["worker"].process.terminate()
        return waits

    site.until(cut_off, what="every process waits for a reply")
    began, replies = monotonic(), cut.gateway.sandbox.summary()["acceptances"]
    cut.gateway.sandbox.settings(latency=0.0)
    site.kill("beat")
    if back:
        site.until(lambda: monotonic() > began + 6)
        cut.between.listen()
    site.children.pop("worker").process.wait(TIMEOUT_STOP)
    record_property("seconds from SIGTERM to the end of the worker", monotonic() - began)
    site.processes.stop("worker")
    assert site.progress(made).batches.get("sending", 0) == (0 if back else PROCESSES)
    cut.between.listen()
    site.start_worker("next", processes=PROCESSES)
    site.start_beat("another")
    cut.completed(made)
    (proven,) = select(site, "SELECT count(*) AS count FROM attempts WHERE receipt IS NULL")
    assert proven.count == (0 if back else PROCESSES)
    assert cut.gateway.sandbox.summary()["acceptances"] >= replies


@pytest.mark.parametrize("first", ["the worker", "the database"])
def test_reports_in_the_spool_of_a_worker_that_is_killed_are_stored_and_applied_once(cut: Cut, first: str) -> None:
    site = cut.site
    cut.gateway.sandbox.settings(delays=(0.5, 1.5))
    cut.gateway.sandbox.fault("latency", operation="reports", seconds=5, count=1_000)
    made = site.submit("main", people(4 * SIZE), batch_size=SIZE)
    site.until(lambda: cut.gateway.sandbox.summary()["reports_read"], what="reports are on their way")
    cut.between.refuse()
    site.until(lambda: spool.waiting(cut.spool), what="they lie in a file that is whole")
    site.kill("worker")
    cut.gateway.sandbox.fault("latency", operation="reports", count=0)
    assert not journalled(site), "nothing was stored before"
    if first == "the database":
        cut.between.listen()
    site.start("worker", "worker", "--concurrency", "2", "--loglevel", "INFO")
    if first == "the worker":
        assert eventually(lambda: bool(site.revive()), within=PATIENCE), "a worker that has no database does not start"
        assert "the worker does not start" in site.log("worker")
        cut.between.listen()
    assert eventually(lambda: not site.revive() and site.progress(made).finished, within=PATIENCE)
    cut.completed(made)
    assert spool.files(cut.spool) == []
    handed_out = Counter((sms, code) for each in lines(cut.readings) for _, sms, code in each["reports"])
    assert journalled(site) == handed_out
    assert set(handed_out.values()) == {1}
    site.until(lambda: not select(site, "SELECT id FROM report_polls WHERE state = 'stored'"), what="all is applied")
    assert not select(site, "SELECT id FROM report_polls WHERE state = 'lost'")


def journalled(site: Installation) -> Counter[tuple[str, int]]:
    """How often each report stands in the journal."""
    # In one look: a body without a report is there for a moment, and gone before it could be asked for by its id.
    bodies = [zlib.decompress(row.body) for row in select(site, "SELECT body FROM report_polls WHERE body IS NOT NULL")]
    return Counter((sms.decode(), int(code)) for body in bodies for sms, code in _DLR.findall(body))
