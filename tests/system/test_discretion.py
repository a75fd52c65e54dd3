"""What operators see of a running campaign: which lane did what; and no password, login, number or text, anywhere."""

import json
import re
import sys

import pytest

from campaigns.states import CampaignState
from tests.system import flower
from tests.system.canaries import CANARY, in_redis, private
from tests.system.conftest import Build
from tests.system.installation import LOGIN, Installation, people, select

pytestmark = pytest.mark.system


def start_flower(site: Installation) -> int:
    """Flower beside an installation; returns its port."""
    port = flower.free_port()
    command = [sys.executable, "-m", "celery", "-A", "worker", *flower.words(port)]
    site.processes.start("flower", command, environment=site.environment(**flower.KNOWN), cwd=site.folder)
    site.until(lambda: flower.answers(port), what="Flower answers")
    return port


def test_a_leak_would_be_seen() -> None:
    audience = [{"tel": "0700001060"}]
    assert private("to 2250700001060, by login-7c1e", audience) == {"2250700001060", LOGIN}
    assert private(f"0700001060 {CANARY}", audience) == {"0700001060", CANARY}
    assert not private("seconds 1764074700.0700001060", audience)


def test_flower_shows_what_each_lane_did_and_nothing_private_is_anywhere(build: Build) -> None:
    site = build()
    site.start_worker()
    site.start_beat()
    port = start_flower(site)
    site.gateways["main"].sandbox.settings(latency=0.05)
    audience = [{**one, "nom": f"{CANARY} {place}"} for place, one in enumerate(people(2_000))]
    made = site.submit("main", audience, batch_size=10)
    site.seen(made, lambda account: account.by_status.get("delivered", 0) > 200)
    site.gateways["main"].sandbox.settings(latency=1.0)  # so that it stays in the middle while its pages are looked at
    shown = flower.everything(port)
    tasks = json.loads(shown[flower.LATEST][1])
    queued = in_redis(site.broker_url)
    assert site.progress(made).state == CampaignState.SENDING, "all of this was seen in mid-campaign"

    assert {path: status for path, (status, _) in shown.items() if status != 200} == {}
    results = [str(task["result"]) for task in tasks.values() if task["name"] == "campaigns.send"]
    lane = re.compile(rf"'lane \d: campaign {made}, batch(es)? \d+(–\d+)?, \d+ accepted'")
    assert any(lane.fullmatch(result) for result in results), results[:5]
    assert "campaigns.send" in queued

    site.gateways["main"].sandbox.settings(latency=0.0)
    site.ended(made)
    logs = "\n".join(site.log(name) for name in ("worker", "beat", "flower"))
    everything = {path: body for path, (_, body) in shown.items()} | {"redis": queued, "logs": logs}
    assert not {where: leaks for where, text in everything.items() if (leaks := private(text, audience))}


def test_what_a_database_quotes_in_its_errors_reaches_no_log(build: Build) -> None:
    site = build()
    site.start_worker()
    made = site.submit("main", audience := [{**one, "nom": CANARY} for one in people(1_200)])
    with site.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE messages ADD CONSTRAINT none CHECK (msisdn < 0) NOT VALID")
    site.start_beat()
    site.until(lambda: "StageFailedError" in site.log("worker"), what="a failed task")
    assert "CheckViolation (23514)" in site.log("worker")
    assert not private(site.log("worker"), audience)
    with site.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE messages DROP CONSTRAINT none")
    assert site.ended(made).state == CampaignState.COMPLETED
    assert not select(site, "SELECT id FROM campaigns WHERE state = 'failed'")
    site.settled("main", made)
