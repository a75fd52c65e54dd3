"""The broker dies, loses all that it had, or is full, under a campaign, with real processes and their supervisor.

A task is only a bell: what is lost with it is rung anew, by the sweep, within a minute. That a wiped queue does no harm
is in `tests.system.test_crashes`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import psutil
import pytest
import redis

from campaigns.states import CampaignState
from tests.chaos.test_database_deaths import SIZE, SOON
from tests.servers.databases import Databases
from tests.servers.waiting import eventually
from tests.system.installation import Installation, installation, people, quick, whom
from worker import lifeline
from worker.embedded import client_url, valkey

pytestmark = pytest.mark.system

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def broker_folder() -> Iterator[Path]:
    with lifeline.folder("valkey-") as folder:
        yield folder


@pytest.fixture(scope="module")
def brokers() -> Iterator[ExitStack]:
    """Each of them runs until all tests are over, or until it is killed."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def site(databases: Databases, brokers: ExitStack, broker_folder: Path) -> Iterator[Installation]:
    """One whose broker the tests may do anything to."""
    with (
        databases.fresh() as url,
        lifeline.folder("own-") as folder,
        installation(
            folder,
            database_url=url,
            broker_url=brokers.enter_context(valkey(broker_folder)),
            gateways={"main": quick()},
            settings=SOON,
        ) as made,
    ):
        made.start_worker()
        made.start_beat()
        yield made


def goes_on(site: Installation, made: int, record: Record) -> None:
    """The campaign is sent on, whatever its supervisor has to start anew, and ends with everything in its place."""
    gateway, began = site.gateways["main"], monotonic()
    before = gateway.count()
    revived: list[str] = []

    def sent_on() -> bool:
        revived.extend(site.revive())
        return gateway.count() > before + 3 * SIZE

    assert eventually(sent_on, within=site.a_minute), "the campaign does not go on"
    record("seconds until it was sent on", monotonic() - began)
    record("processes started anew", len(revived))
    gateway.sandbox.settings(latency=0.0)
    account = site.ended(made)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert whom(site, made) <= set(gateway.sent())
    site.settled("main", made)


def broker(site: Installation) -> redis.Redis:
    return redis.Redis.from_url(client_url(site.broker_url))


def test_a_full_broker_takes_nothing_and_the_campaign_goes_on_when_it_has_room(
    site: Installation, record_property: Record
) -> None:
    made = site.begun("main", batches=40, size=SIZE)
    with broker(site) as client:
        client.config_set("maxmemory", 1)
        meanwhile = site.submit("main", people(3))
        assert not eventually(lambda: not site.revive() and site.progress(made).finished, within=3)
        client.config_set("maxmemory", 0)
    goes_on(site, made, record_property)
    site.ended(meanwhile)


@pytest.mark.parametrize("forgets", [False, True], ids=["with what it knew", "with nothing"])
def test_a_broker_that_dies_and_comes_back_is_found_again(
    site: Installation, brokers: ExitStack, broker_folder: Path, forgets: bool, record_property: Record
) -> None:
    made = site.begun("main", batches=40, size=SIZE)
    with broker(site) as client:
        process = psutil.Process(client.info("server")["process_id"])
    process.kill()
    psutil.wait_procs([process], timeout=60)
    meanwhile = site.submit("main", people(3))
    if forgets:
        for path in (broker_folder / "appendonlydir").iterdir():
            path.unlink()
    assert brokers.enter_context(valkey(broker_folder)) == site.broker_url
    goes_on(site, made, record_property)
    site.ended(meanwhile)
