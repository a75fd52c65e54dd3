"""A backup is restored into an empty database, while reports were arriving: nobody is texted twice, and it is said."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import campaigns
from campaigns.database import Database
from campaigns.states import CampaignState
from tests.servers.databases import Databases
from tests.servers.dumps import dump, load
from tests.system.conftest import Build
from tests.system.installation import Installation, select, whom

pytestmark = pytest.mark.system

SIZE = 40
"""People in a batch."""

BATCHES = 80


@pytest.fixture
def urls(request: pytest.FixtureRequest, databases: Databases, sqlite_url: str, tmp_path: Path) -> Iterator[list[str]]:
    """Of a database, and of an empty one for its backup."""
    if request.param == "sqlite":
        yield [sqlite_url, f"sqlite:///{tmp_path / 'anew.db'}"]
        return
    with databases.fresh() as url, databases.fresh(migrated=False) as empty:
        yield [url, empty]


@pytest.fixture
def site(build: Build, urls: list[str]) -> Installation:
    """A gateway whose reports come within a second, each once."""
    settings = {"REPORT_DEADLINE": "8", "SILENT_AFTER": "5", "BALANCE_INTERVAL": "1"}
    made = build(database_url=urls[0], settings=settings, mix={"delivered": 1}, delays=(0.1, 0.8))
    made.start_worker(processes=3)
    made.start_beat()
    return made


@pytest.fixture
def restored(site: Installation, urls: list[str], tmp_path: Path) -> Iterator[tuple[Installation, int]]:
    """The same with a database that was restored: the backup was taken while a campaign was sent, and it went on.

    No worker runs, and none was asked to stop.
    """
    gateway = site.gateways["main"]
    made = site.begun("main", batches=BATCHES, size=SIZE)
    dump(urls[0], tmp_path / "backup")
    gateway.sandbox.settings(latency=0.5)
    enough = gateway.count() + 10 * SIZE
    site.until(lambda: gateway.sandbox.summary()["reports_read"] >= enough, what="it goes on, and reports are read")
    gateway.sandbox.settings(delays=(6.0, 7.0))  # of what leaves from now on no report is read before the accident
    more = gateway.count() + 5 * SIZE
    site.until(lambda: gateway.count() >= more, what="it goes on")
    site.kill("worker")
    site.kill("beat")
    gateway.sandbox.settings(latency=0, delays=(0.1, 0.8))
    load(tmp_path / "backup", urls[1])
    database = Database(urls[1])
    yield replace(site, database=database), made
    database.close()


def command(site: Installation, *words: str, status: int = 0) -> str:
    """What a command of `campaigns` says to a person on the worker's host."""
    program = Path(sys.executable).with_name("campaigns")
    done = subprocess.run(
        [program, *words], env=site.environment(), cwd=site.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def found_by_the_doctor(site: Installation, *, status: int) -> dict[str, dict[str, Any]]:
    said = json.loads(command(site, "doctor", "--json", status=status))
    return {each["check"]: each for each in said["checks"]}


def start(site: Installation) -> None:
    site.start_worker()
    site.start_beat()


def sent_in(site: Installation, doubt: campaigns.Doubt, sent: Counter[str]) -> int:
    """How many of a batch's people the gateway has texted, by its ledger."""
    query = (
        "SELECT msisdn FROM messages m JOIN batches b ON b.id = m.batch_id WHERE b.campaign_id = :id AND number = :n"
    )
    return sum(sent[str(row.msisdn)] for row in select(site, query, id=doubt.campaign_id, n=doubt.batch))


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_a_worker_that_nobody_told_sends_nothing_and_people_decide_what_reports_do_not(
    restored: tuple[Installation, int],
) -> None:
    site, made = restored
    gateway = site.gateways["main"]
    before = gateway.count()

    start(site)  # as a supervisor does, at once
    site.rounds("main")

    assert gateway.count() == before
    assert "nothing is sent: the database was set back" in site.log("worker")
    backup = found_by_the_doctor(site, status=1)["backup"]
    assert (backup["verdict"], "campaigns restored" in backup["do"]) == ("trouble", True)

    said = command(site, "restored", "--yes")

    assert "may have left since" in said
    in_doubt = int(re.search(r"(\d+) requests in doubt", said)[1])
    assert found_by_the_doctor(site, status=0)["backup"]["verdict"] == "warning"
    site.until(lambda: site.progress(made).in_doubt_attempts < in_doubt, what="reports that nobody had read yet")
    site.rounds("main")
    left = campaigns.open_doubts(campaign_id=made, most=1_000, database=site.database)
    assert gateway.count() == before

    ledger = gateway.sent()
    texted = {doubt.attempt_id: sent_in(site, doubt, ledger) for doubt in left}
    assert set(texted.values()) == {0, SIZE}  # of some all reports had been read before, and others had not left
    for decision, which in (("accepted", SIZE), ("resend", 0)):
        ids = [str(attempt_id) for attempt_id, count in texted.items() if count == which]
        if ids:
            command(site, "resolve", *ids, decision, "--reason", "the log of the gateway", "--yes")

    account = site.ended(made)
    assert (account.state, account.duplicates) == (CampaignState.COMPLETED, 0)
    assert gateway.sent() == Counter(whom(site, made))
    site.settled("main", made)


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)
def test_whoever_has_all_of_it_sent_again_is_told_how_many_were_texted_twice(
    restored: tuple[Installation, int],
) -> None:
    """And a host that is new has no mark: there a person must say it first."""
    site, made = restored
    gateway = site.gateways["main"]
    for kept in (site.folder / "var" / "spool").glob("*.mark"):
        kept.unlink()

    said = command(site, "restored", "--yes")
    assert "main: since " in said  # the gateway's own count, held against the database's
    before = gateway.count()
    start(site)
    site.rounds("main")
    assert gateway.count() == before

    command(site, "resolve", "--campaign", str(made), "resend", "--reason", "rather twice than never", "--yes")

    account = site.ended(made)
    sent = gateway.sent()
    twice = Counter(sent.values())[2]
    assert (account.state, account.messages) == (CampaignState.COMPLETED, BATCHES * SIZE)
    assert account.adds_up
    assert account.duplicates <= twice  # as far as any report was left to tell
    assert sent.keys() == set(whom(site, made))
