"""The figures for Prometheus: what is read is what is so, by names that its conventions allow, and nothing private."""

import math
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from campaigns import accounts, heartbeats, journal, settling
from campaigns.database import Database
from campaigns.endings import Endings
from campaigns.models import attempts, bells
from campaigns.models import campaigns as campaigns_table
from campaigns.models import heartbeats as heartbeats_table
from campaigns.settings import domain_settings
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.campaigns.gateways import Count
from tests.campaigns.gateways import later as a_while_later
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history
from tests.servers.waiting import eventually
from tests.worker.terminal import PROGRAM, forget, run
from worker import sweeping
from worker.metrics import counting, registry


@pytest.fixture
def database(any_database: Database) -> Database:
    """Each kind in turn, where a worker has said which accounts it has."""
    accounts.serve(any_database, ["default", "other"])
    return any_database


def sampled(database: Database) -> dict[str, float]:
    """Every sample, as Prometheus reads it: `name{label}` → value."""
    return sampled_of(registry(database))


def sampled_of(known: CollectorRegistry) -> dict[str, float]:
    """The same of an exporter that goes on."""
    text = generate_latest(known).decode()
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_where_all_is_well_each_account_has_its_zeros(database: Database) -> None:
    heartbeats.note(database, [sweeping.HEARTBEAT, *map(sweeping.heartbeat, sweeping.LOOKS)])
    found = sampled(database)
    assert found.pop("campaigns_database_up") == 1
    assert 0 < found.pop("campaigns_read_seconds") < 10
    ages = {name: found.pop(name) for name in list(found) if name.startswith("campaigns_sweep_")}
    assert len(ages) == 1 + len(sweeping.LOOKS)
    assert all(age < 10 for age in ages.values())
    unknown = {name: found.pop(name) for name in list(found) if not math.isfinite(found[name])}
    assert {name.partition("{")[0] for name in unknown} == {
        "campaigns_report_poll_age_seconds",
        "campaigns_credits_balance",
        "campaigns_credits_balance_age_seconds",
        "campaigns_credits_free",
        "campaigns_account_expires_timestamp_seconds",
    }
    assert set(found.values()) == {0.0}
    assert {name for name in found if name.endswith("{other}")}


def test_a_sweep_that_is_silent_is_above_its_threshold_and_one_that_never_was_is_infinite(database: Database) -> None:
    heartbeats.note(database, [sweeping.HEARTBEAT])
    making.clock_goes_on(database, 180, heartbeats_table.c.beat_at)
    found = sampled(database)
    assert 180 <= found["campaigns_sweep_heartbeat_age_seconds"] < 190
    assert found["campaigns_sweep_look_age_seconds{rung}"] == float("inf")


def test_what_is_wrong_is_counted_by_account(database: Database) -> None:
    made = making.funded(database, making.numbers(6), batch_size=3)
    settling.doubt(database, making.claimed(database, made), "lost")
    making.clock_goes_on(database, 100, attempts.c.started_at, attempts.c.settled_at)
    making.clock_goes_on(database, 500, making.campaigns_table.c.created_at)
    for _ in range(2):
        journal.lose(database, journal.note(database, "default"))
    row = {"key": "fund:default", "serial": 1, "until": database.clock(), "tries": 3, "trouble": "KeyError"}
    making.change(database, insert(bells).values(row))
    accounts.away(database, "other", "connection refused")
    found = sampled(database)
    exact = {
        "campaigns_attempts_in_doubt{default}": 1,
        "campaigns_attempts_in_doubt_numbers{default}": 3,
        "campaigns_attempts_in_doubt_credits{default}": 3,
        "campaigns_report_polls_lost_total{default}": 2,
        "campaigns_bells_in_trouble{fund}": 1,
        "campaigns_account_away{other}": 1,
        "campaigns_account_away{default}": 0,
        "campaigns_attempts_in_doubt{other}": 0,
    }
    assert {name: found[name] for name in exact} == exact
    assert 100 <= found["campaigns_attempts_in_doubt_oldest_seconds{default}"] < 120
    assert 500 <= found["campaigns_pending_oldest_seconds{default}"] < 520
    assert 100 <= found["campaigns_pending_still_seconds{default}"] < 120


def test_a_drift_is_what_nothing_under_way_explains_as_the_doctor_has_it(database: Database) -> None:
    gateway = Count(database)
    gateway.read()
    a_while_later(database)
    gateway.accept(making.claimed(database, making.funded(database, making.numbers(3))))
    a_while_later(database)
    drift = "campaigns_credits_drift{default}"

    gateway.take(-2)  # refunds that no report has told us of yet
    gateway.read()
    assert sampled(database)[drift] == 0

    gateway.take(-3)  # of three credits, no five can have come back
    gateway.read()
    assert sampled(database)[drift] == -2


def test_what_is_kept_for_longer_than_it_is_to_be_is_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEP_TEXT_DAYS", "30")
    domain_settings.cache_clear()
    made = making.funded(database, making.numbers(3))
    making.all_delivered(database, making.accepted(database, made))
    assert making.advanced(database, made) == "completed"
    assert sampled(database)["campaigns_purge_overdue{campaigns}"] == 0

    making.clock_goes_on(database, 31 * 86_400.0, campaigns_table.c.completed_at)

    assert sampled(database)["campaigns_purge_overdue{campaigns}"] == 1
    monkeypatch.undo()
    domain_settings.cache_clear()


def test_names_follow_the_conventions_and_each_has_its_help(database: Database) -> None:
    for family in text_string_to_metric_families(generate_latest(registry(database)).decode()):
        assert re.fullmatch(r"campaigns_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert all(sample.name.endswith("_total") == (family.type == "counter") for sample in family.samples)
        labels = {name for sample in family.samples for name in sample.labels}
        assert labels <= {"account", "by", "kind", "le", "look", "outcome", "state", "status", "what", "work"}
        assert ({"age", "oldest"} & set(family.name.split("_")) != set()) <= family.name.endswith("_seconds")


def test_a_database_that_cannot_be_read_is_all_that_is_told(empty_sqlite_url: str) -> None:
    database = Database(empty_sqlite_url)
    assert sampled(database) == {"campaigns_database_up": 0}
    database.close()


def test_no_message_is_read_however_many_there_are(database: Database) -> None:
    old_history(database)
    with plans_of(database, "messages") as plans:
        generate_latest(registry(database))
    assert plans == []


def test_of_a_long_history_no_table_is_walked_through(database: Database) -> None:
    old_history(database)
    known, walked = registry(database), []
    for table in ("campaigns", "batches", "attempts", "report_polls", "balance_readings"):
        with plans_of(database, table) as plans:
            generate_latest(known)
        walked += [
            plan for plan in plans if f"Seq Scan on {table}" in plan or re.search(rf"SCAN {table}(?! USING)", plan)
        ]
    assert walked == []


def test_what_is_at_work_is_counted(database: Database) -> None:
    endings = Endings()
    known = registry(database, endings=endings)
    counting.count(database, endings, seconds=60)
    sampled_of(known)
    made = making.funded(database, making.numbers(12), batch_size=3)
    claim = making.accepted(database, made)
    found = making.report(claim, (0, MessageStatus.DELIVERED), (1, MessageStatus.REJECTED))
    making.reported(database, found)
    settling.refuse(database, making.claimed(database, made), -1, "bad")
    making.claimed(database, made)
    assert counting.count(database, endings, seconds=60)
    exact = {
        "campaigns_at_work{default}{sending}": 1,
        "campaigns_paused{default}{itself}": 0,
        "campaigns_batches{default}{accepted}": 1,
        "campaigns_batches{default}{pending}": 1,
        "campaigns_messages{default}{delivered}": 1,
        "campaigns_messages{default}{rejected}": 1,
        "campaigns_messages{default}{in_flight}": 1,
        "campaigns_messages{default}{refused}": 3,
        "campaigns_messages{default}{sending}": 3,
        "campaigns_messages{default}{pending}": 3,
        "campaigns_messages_ended_total{default}{delivered}": 1,
        "campaigns_messages_ended_total{default}{refused}": 3,
        "campaigns_requests_total{default}{send}{accepted}": 1,
        "campaigns_requests_numbers_total{default}{send}{refused}": 3,
        "campaigns_request_duration_seconds_count{default}{send}": 2,
        "campaigns_request_duration_seconds_bucket{default}{send}{+Inf}": 2,
        "campaigns_requests_in_the_air{default}": 1,
        "campaigns_credits_held{default}": 3,
        "campaigns_credits_in_the_air{default}": 3,
        "campaigns_credits_posted_total{default}": 3,
        "campaigns_credits_refunded_total{default}": 1,
        "campaigns_credits_balance{default}": 1_000_000,
        "campaigns_credits_free{default}": 1_000_000 - 3 - 3 - 3,
        "campaigns_requests_total{other}{send}{accepted}": 0,
    }
    sampled = sampled_of(known)
    assert {name: sampled[name] for name in exact} == exact
    assert 0 < sampled["campaigns_expected_end_timestamp_seconds{default}"] < time.time() + 60


def test_a_campaign_of_an_account_that_no_worker_has_is_seen_all_the_same(database: Database) -> None:
    making.submitted(database, making.numbers(3), account="autre")
    found = sampled(database)
    assert found["campaigns_at_work{autre}{funding}"] == 1
    assert found["campaigns_messages{autre}{pending}"] == 3


def test_a_counter_never_falls_while_its_exporter_lives(database: Database) -> None:
    making.claimed(database, making.funded(database, making.numbers(3)))
    lost = journal.note(database, "default")
    journal.lose(database, lost)
    known = registry(database)
    assert sampled_of(known)["campaigns_report_polls_lost_total{default}"] == 1
    journal.store(database, "default", lost, b"<REPONSE/>")
    assert sampled_of(known)["campaigns_report_polls_lost_total{default}"] == 1
    assert sampled(database)["campaigns_report_polls_lost_total{default}"] == 0


def test_messages_are_counted_meanwhile_again_and_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "RESTS_SECONDS", 0.01)
    endings = Endings()
    with counting.counting(database, endings):
        assert eventually(lambda: endings.counted.since is None)
        making.all_delivered(database, making.accepted(database, making.funded(database, making.numbers(3))))
        assert eventually(lambda: endings.counted.own)


def test_a_database_that_is_away_is_counted_another_time(empty_sqlite_url: str) -> None:
    database = Database(empty_sqlite_url)
    assert not counting.count(database, Endings(), seconds=1)
    database.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Iterator[None]:
    """A host that knows the database and no account's password."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.delenv("ACCOUNTS", raising=False)
    forget()
    yield
    forget()


def test_the_command_prints_them_and_needs_no_password(told: None) -> None:
    result = run("metrics")
    assert result.exit_code == 0
    assert "campaigns_database_up 1.0\n" in result.stdout


def test_the_command_serves_them_on_loopback_until_ctrl_c(told: None) -> None:
    with subprocess.Popen([*PROGRAM, "metrics", "--port", "0"], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())
            assert url is not None
            for _ in range(2):
                with urllib.request.urlopen(url[0], timeout=60) as reply:
                    assert "campaigns_database_up 1.0\n" in reply.read().decode()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_while_the_database_is_away_it_answers_that_it_is_until_ctrl_c(
    told: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    with subprocess.Popen([*PROGRAM, "metrics", "--port", "0"], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())
            assert url is not None
            for _ in range(2):
                with urllib.request.urlopen(url[0], timeout=60) as reply:
                    lines = [line for line in reply.read().decode().splitlines() if not line.startswith("#")]
                assert [line for line in lines if "broker" not in line and "queue" not in line] == [
                    "campaigns_database_up 0.0"
                ]
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_a_port_that_is_taken_is_a_sentence(told: None, sqlite_url: str) -> None:
    with subprocess.Popen([*PROGRAM, "metrics", "--port", "0"], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            port = re.search(r":(\d+)/metrics", process.stderr.readline())
            assert port is not None
            result = run("metrics", "--port", port[1])
            said = f"cannot listen on 127.0.0.1:{port[1]}, Address already in use: choose another --bind or --port"
            assert (result.exit_code, result.stderr) == (1, f"Error: {said}\n")
        finally:
            process.kill()
