"""Whoever watches sees within three minutes that the beat is dead; and two beats do no harm."""

import json
import subprocess
from typing import Any

import pytest

from campaigns import heartbeats
from campaigns.models import heartbeats as table
from campaigns.states import CampaignState
from tests.campaigns.making import clock_goes_on
from tests.servers.waiting import PATIENCE
from tests.system.conftest import Build
from tests.system.installation import Installation, every, people
from tests.worker.terminal import PROGRAM
from worker import sweeping, tracking
from worker.checks import rounds

pytestmark = pytest.mark.system

AGE = "campaigns_sweep_heartbeat_age_seconds"


def asked(site: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    """One of our commands, with the installation's settings."""
    return subprocess.run(
        [*PROGRAM, *words],
        env=site.environment(),
        cwd=site.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def verdict(site: Installation) -> tuple[int, Any]:
    """The doctor's status, and what it says of the sweep."""
    done = asked(site, "doctor", "--json")
    (sweep,) = [each for each in json.loads(done.stdout)["checks"] if each["check"] == "sweep"]
    return done.returncode, sweep


def all_is_well(site: Installation) -> bool:
    """Whether the doctor finds nothing: not the sweep, nor a worker that a busy machine lets answer too late."""
    status, said = verdict(site)
    return (status, said["verdict"]) == (0, "ok")


def metric(site: Installation) -> float:
    """How old the sweep's heartbeat is, as Prometheus hears it."""
    (line,) = [line for line in asked(site, "metrics").stdout.splitlines() if line.startswith(AGE)]
    return float(line.split()[1])


def age(site: Installation) -> float:
    """The same, as the database has it."""
    return heartbeats.ages(site.database).get(sweeping.HEARTBEAT, float("inf"))


def test_a_beat_that_is_dead_is_a_trouble_and_one_that_runs_again_is_none(build: Build) -> None:
    site = build()
    site.start_worker()
    status, said = verdict(site)
    assert (status, said["verdict"]) == (1, "trouble")

    site.start_beat()
    site.until(lambda: age(site) < heartbeats.WRITTEN_EVERY, what="the sweep's first heartbeat")
    site.until(lambda: all_is_well(site), what="the doctor finds nothing")
    assert metric(site) < rounds.SILENT_SECONDS

    site.kill("beat")
    # A sweep that goes round is never taken for so old: it is written every ten seconds, and made every two.
    site.until(lambda: age(site) > heartbeats.WRITTEN_EVERY + 4, what="the heartbeat grows old")
    clock_goes_on(site.database, rounds.SILENT_SECONDS, table.c.beat_at)
    status, said = verdict(site)
    assert (status, said["verdict"]) == (1, "trouble")
    assert "celery -A worker beat" in said["do"]
    assert metric(site) > rounds.SILENT_SECONDS

    site.start_beat("another")
    site.until(lambda: age(site) < heartbeats.WRITTEN_EVERY, what="the sweep's next heartbeat")
    site.until(lambda: all_is_well(site), what="the doctor finds nothing again")


def test_two_beats_do_no_harm(build: Build) -> None:
    site = build()
    site.start_worker()
    for name in ("beat", "second"):
        site.start_beat(name)
    for name in ("beat", "second"):
        site.until(lambda name=name: list(site.folder.glob(f"{name}.schedule*")), what="both beats have begun")
    site.until(lambda: age(site) < heartbeats.WRITTEN_EVERY, what="the sweep's first heartbeat")
    made = [site.submit("main", people(100), batch_size=20) for _ in range(3)]
    for campaign_id in made:
        assert site.ended(campaign_id).state == CampaignState.COMPLETED
    site.settled("main", *every(site, "main"))
    assert len(site.gateways["main"].sent()) == 300
    looks = {sweeping.HEARTBEAT, *map(sweeping.heartbeat, sweeping.LOOKS)}
    every_one = {*looks, tracking.heartbeat("main")}
    site.until(lambda: set(heartbeats.ages(site.database)) == every_one, what="each look has left its heartbeat")
