"""What a worker's log says of a campaign, to programs: an object a line, with the ids that it is about, and nothing
private whatever happens."""

import json
from typing import Any

import pytest

from campaigns import events
from tests.system.canaries import CANARY, private
from tests.system.conftest import Build
from tests.system.installation import Installation, people
from worker import rounds

pytestmark = pytest.mark.system

JSON = {"LOG_FORMAT": "json"}


def lines(site: Installation, name: str) -> list[dict[str, Any]]:
    """Each line of a process's log; a line that is no object fails."""
    whole, _, _ = site.log(name).rpartition("\n")  # the last one may be on its way
    return [json.loads(line) for line in whole.splitlines()]


def started(site: Installation) -> None:
    """A worker that says all it can, from several processes at a time."""
    site.start("worker", "worker", "--concurrency", "4", "--loglevel", "DEBUG", "--hostname", "worker@here")
    site.until(lambda: "worker@here ready." in site.log("worker"), what="the worker is ready")
    site.start(
        "beat", "--quiet", "beat", "--loglevel", "DEBUG", "--schedule", str(site.folder / "schedule"), "--pidfile", ""
    )


def all_is_told(told: list[dict[str, Any]]) -> bool:
    """Its end, and what was done before: a process may say what it did when another has gone on from there."""
    changed = sum(line["changed"] for line in told if line["event"] == events.APPLIED)
    ended = any(line.get("state") == "completed" for line in told)
    return ended and changed >= 1_200 and sum(line["event"] == events.SENT for line in told) >= 24


def test_each_line_is_an_object_and_has_the_ids_of_the_work_that_it_is_about(build: Build) -> None:
    site = build(settings=JSON)
    started(site)
    made = site.submit("main", audience := people(1_200), batch_size=50)
    site.ended(made)
    site.until(lambda: all_is_told(lines(site, "worker")), what="its end")
    told = lines(site, "worker")
    assert lines(site, "beat")
    assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in told)
    for line in told:
        if line["event"] in events.EVENTS:
            assert line.keys() <= {*events.EVENTS[line["event"]], *events.BOUND, *ALWAYS}

    sent = [line for line in told if line["event"] == events.SENT]
    assert sorted(line["batch"] for line in sent) == list(range(1, 25))
    assert {(line["campaign"], line["account"], line["outcome"], line["accepted"]) for line in sent} == {
        (made, "main", "accepted", 50)
    }
    asked = {line["attempt"] for line in told if line["logger"] == "urllib3.connectionpool" and "batch" in line}
    assert asked == {line["attempt"] for line in sent}, "a line of the HTTP library says for which attempt it is"
    moves = [line["state"] for line in told if line["event"] == events.MOVED and line["campaign"] == made]
    assert moves == ["expanding", "funding", "sending", "tracking", "completed"]
    done = [line for line in told if " succeeded in " in line["event"] and line["task"] == "campaigns.send"]
    assert {line["account"] for line in done} == {"main"}
    assert all(line["task_id"] in line["event"] for line in done)
    taken_up = [line for line in told if line["event"].endswith(" received") and line["task"] in rounds.TASKS]
    assert {line["level"] for line in taken_up} == {"debug"}
    assert {line["level"] for line in told if line["event"].endswith(repr(rounds.NOTHING))} <= {"debug"}
    reported = [line for line in told if line["event"] == events.APPLIED]
    assert sum(line["changed"] for line in reported) >= 1_200
    assert {line["poll"] for line in reported} <= {line["poll"] for line in told if line["event"] == events.READ}
    assert not private(site.log("worker") + site.log("beat"), audience)


ALWAYS = ("event", "level", "logger", "timestamp", "pid")


def test_nothing_private_is_in_it_though_the_gateway_fails_and_the_database_breaks(build: Build) -> None:
    site = build(settings=JSON)
    started(site)
    site.gateways["main"].sandbox.fault("http_500")
    made = site.submit("main", audience := [{**one, "nom": CANARY} for one in people(1_200)], batch_size=100)
    site.until(lambda: any(line.get("outcome") == "in_doubt" for line in lines(site, "worker")), what="a doubt")
    (doubt,) = [line for line in lines(site, "worker") if line.get("outcome") == "in_doubt"]
    assert (doubt["level"], doubt["campaign"], doubt["accepted"]) == ("warning", made, 0)
    with site.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE messages ADD CONSTRAINT none CHECK (msisdn < 0) NOT VALID")
    other = site.submit("main", more := [{**one, "nom": CANARY} for one in people(1_200)])
    site.until(lambda: "StageFailedError" in site.log("worker"), what="a failed task")
    crashed = [line for line in lines(site, "worker") if "StageFailedError" in line.get("exception", "")]
    assert crashed
    assert {line["campaign"] for line in crashed if line["task"] == "campaigns.expand"} == {other}
    assert not private(site.log("worker"), audience + more)
