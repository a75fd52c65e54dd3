"""Campaigns that come over the broker: from clients without our code, and from a beat, or two."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import campaigns
from campaigns.progress import Progress
from campaigns.states import CampaignState
from tests.servers.waiting import PATIENCE
from tests.system.conftest import Build
from tests.system.installation import SENDER, Installation, people, select

pytestmark = pytest.mark.system

SPEC = {"name": "Promo", "template": "Bonjour {{ nom }}", "account": "main"}

CLIENT = """
import json, sys
from celery import Celery
assert not any(name.split(".")[0] in ("campaigns", "worker") for name in sys.modules)
broker, spec = sys.argv[1:]
Celery(broker=broker).send_task("campaigns.submit", [json.loads(spec)], queue="campaigns")
"""


def send(shared: Installation, **spec: object) -> None:
    """Submit by the task's name from a process that has nothing but Celery."""
    command = [sys.executable, "-I", "-c", CLIENT, shared.broker_url, json.dumps({**SPEC, **spec})]
    subprocess.run(command, cwd="/", check=True, timeout=PATIENCE)


def found(shared: Installation, key: str) -> Progress:
    """The campaign with this key, once there is one."""

    def look() -> Progress | None:
        try:
            return campaigns.find(key, account="main", database=shared.database)
        except campaigns.UnknownCampaignError:
            return None

    account = shared.until(look, what=f"a campaign with the key {key}")
    assert account is not None
    return account


def file_of(shared: Installation, count: int) -> str:
    """A file with so many new recipients under AUDIENCE_DIR; returns its name."""
    some = people(count)
    name = f"{some[0]['tel']}.csv"
    lines = ["tel;nom", *(f"{one['tel']};{one['nom']}" for one in some)]
    (shared.folder / "audiences" / name).write_text("\n".join(lines))
    return name


def test_a_client_without_our_code_submits_a_file_by_the_task_s_name(shared: Installation) -> None:
    send(shared, key="file-1", audience={"file": file_of(shared, 30)})
    account = shared.ended(found(shared, "file-1").id)
    assert (account.state, account.messages) == (CampaignState.COMPLETED, 30)
    shared.settled("main", account.id)


def test_a_stored_audience_is_named_by_its_id(shared: Installation) -> None:
    stored = campaigns.store_audience(people(700), database=shared.database)
    send(shared, key="stored-1", audience={"id": stored.id})
    account = shared.ended(found(shared, "stored-1").id)
    assert (account.state, account.messages) == (CampaignState.COMPLETED, 700)
    shared.settled("main", account.id)


@pytest.mark.parametrize(
    ("name", "wrong", "fault"),
    [
        ("numbers", {"audience": [{"tel": "0700000001"}]}, "audience: numbers do not travel in a task"),
        ("nothing", {}, "audience: numbers do not travel in a task"),
        ("outside", {"audience": {"file": "../../etc/passwd"}}, "is not under AUDIENCE_DIR"),
        ("template", {"audience": {"file": "x.csv"}, "template": "", "rate": -1}, "rate: "),
    ],
    ids=["numbers", "no audience", "a file elsewhere", "a bad spec"],
)
def test_a_refused_submission_is_kept_as_a_failed_campaign_that_its_key_finds(
    shared: Installation, name: str, wrong: dict[str, object], fault: str
) -> None:
    send(shared, key=f"refused-{name}", **wrong)
    account = found(shared, f"refused-{name}")
    assert account.state == CampaignState.FAILED
    assert fault in str(account.reason)
    assert "0700000001" not in str(account.reason)


def test_a_campaign_submitted_while_the_broker_is_away_is_kept_and_found_later(build: Build) -> None:
    site = build()
    broker = site.broker_url
    site.broker_url = "redis+socket:///nowhere/valkey.sock"
    script = (
        "import sys, campaigns; from worker.ringing import ring;"
        "print(campaigns.submit({'name': 'x', 'template': 'Bonjour', 'account': 'main'}, [{'tel': sys.argv[1]}],"
        " ring=ring).id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, people(1)[0]["tel"]],
        cwd=site.folder,
        env=site.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert "the broker is away" in done.stderr
    site.broker_url = broker
    site.start_worker()
    site.start_beat()
    assert site.ended(int(done.stdout)).state == CampaignState.COMPLETED


AGAIN = "was there already"

BEAT = """
from celery import Celery
from celery.schedules import crontab
from worker.schedule import occurrence

app = Celery(broker={broker!r})
every = {every}
app.conf.beat_schedule = {{
    "promo": {{
        "task": "campaigns.submit",
        "schedule": 1.0,
        "args": [{spec!r}],
        "kwargs": {{"occurrence": occurrence(every)}},
        "options": {{"queue": "campaigns"}},
    }}
}}
"""


@pytest.mark.parametrize("every", ["crontab(minute=0)", "3600"], ids=["a crontab", "an interval"])
def test_two_beats_with_the_same_entry_make_one_campaign_an_occurrence(
    shared: Installation, tmp_path: Path, every: str
) -> None:
    name = "crontab" if "crontab" in every else "interval"
    spec = {**SPEC, "sender": SENDER, "key": f"{name}-{{occurrence:%H:%M}}", "audience": {"file": file_of(shared, 3)}}
    (tmp_path / "shop.py").write_text(BEAT.format(broker=shared.broker_url, every=every, spec=spec))
    for number in (1, 2):
        words = ["beat", "--schedule", str(tmp_path / f"{number}.schedule"), "--pidfile", ""]
        shared.processes.start(
            f"{name}-{number}", [sys.executable, "-m", "celery", "-A", "shop", *words], cwd=tmp_path, grace=5
        )
    started = datetime.now(UTC)
    try:
        before = shared.log("worker").count(AGAIN)
        shared.until(lambda: shared.log("worker").count(AGAIN) >= before + 4, what="four more submissions")
    finally:
        for number in (1, 2):
            shared.processes.stop(f"{name}-{number}")
    keys = select(shared, "SELECT key FROM campaigns WHERE key LIKE :some", some=f"{name}-%")
    hours = {f"{name}-{moment:%H}:00" for moment in (started, datetime.now(UTC))}
    assert {row.key for row in keys} <= hours
    assert 1 <= len(keys) <= 2
