"""`campaigns doctor` in a running installation: each planted fault is named, and before and after it all is well."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from campaigns import accounts, heartbeats, journal, vitals
from campaigns.models import attempts, report_polls
from campaigns.models import heartbeats as heartbeats_table
from campaigns.resolving import resolve
from campaigns.states import CampaignState
from tests.campaigns.making import clock_goes_on
from tests.servers.waiting import PATIENCE
from tests.system.conftest import Build
from tests.system.installation import LOGIN, PASSWORD, SENDER, Installation, people, quick, select
from tests.system.test_clocks import HOUR, SHIFTED
from tests.worker.terminal import forget, run
from worker import spool, sweeping
from worker.checks import CHECKS, rounds
from worker.spool import Arrived

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]  # a busy machine takes many times half a minute

DAY = 86_400.0


@dataclass
class Doctor:
    """Asks the doctor about an installation, with the settings that a worker there would have, or others."""

    site: Installation
    monkeypatch: pytest.MonkeyPatch
    said: str = field(default="", init=False)

    def look(self, **settings: str) -> dict[str, dict[str, str]]:
        """Name → what is said of it."""
        with self.monkeypatch.context() as its:
            its.chdir(self.site.folder)
            for name, value in self.site.environment(**settings).items():
                its.setenv(name, value)
            forget()
            result = run("doctor", "--json")
            forget()
        return self._read(result.stdout, result.exit_code)

    def look_shifted(self, seconds: float) -> dict[str, dict[str, str]]:
        """The same on a host whose clock is so much ahead."""
        environment = self.site.environment(PYTHONPATH=str(SHIFTED), SHIFT_SECONDS=str(seconds))
        done = subprocess.run(
            [sys.executable, "-c", "from worker.cli import main; main()", "doctor", "--json"],  # psycopg warns of this
            env=environment, cwd=self.site.folder, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return self._read(done.stdout, done.returncode)

    def _read(self, output: str, status: int) -> dict[str, dict[str, str]]:
        self.said += output
        found = json.loads(output)
        assert (status == 1) == (found["verdict"] == "trouble")
        return {each["check"]: each for each in found["checks"]}


def account(site: Installation, **its: str) -> str:
    """Settings of the one account `main`, changed."""
    usual = {"base_url": site.gateways["main"].url, "login": LOGIN, "password": PASSWORD, "sender": SENDER}
    return json.dumps({"main": usual | its})


Looks = Callable[[Doctor], dict[str, dict[str, str]]]


def with_settings(**settings: Callable[[Installation], str]) -> Callable[[Installation], AbstractContextManager[Looks]]:
    """A fault that is one of settings, read by whoever looks."""

    @contextmanager
    def planted(site: Installation) -> Iterator[Looks]:
        yield lambda doctor: doctor.look(**{name: made(site) for name, made in settings.items()})

    return planted


@contextmanager
def at_the_gateway(site: Installation, fault: str, **how: int) -> Iterator[Looks]:
    """Whoever asks it for a balance meets with this."""
    sandbox = site.gateways["poor"].sandbox
    sandbox.fault(fault, operation="balance", share=1.0, **how)
    yield Doctor.look
    sandbox.fault(fault, operation="balance", count=0)


def a_page_of_html(site: Installation) -> AbstractContextManager[Looks]:
    return at_the_gateway(site, "html_page")


def an_account_that_is_not_active(site: Installation) -> AbstractContextManager[Looks]:
    return at_the_gateway(site, "refuse", code=-12)


@contextmanager
def a_clock_that_is_wrong(_site: Installation) -> Iterator[Looks]:
    yield lambda doctor: doctor.look_shifted(3 * HOUR)


@contextmanager
def a_campaign_of_a_sender_that_nobody_registered(site: Installation) -> Iterator[Looks]:
    made = site.submit("main", people(3), sender="NOBODY")
    site.seen(made, lambda its: its.paused_at is not None)
    yield Doctor.look
    site.cancel(made)


@contextmanager
def a_campaign_that_its_account_cannot_pay(site: Installation) -> Iterator[Looks]:
    made = site.submit("poor", people(9))
    site.seen(made, lambda its: its.state == CampaignState.AWAITING_CREDITS)
    yield Doctor.look
    site.cancel(made)


@contextmanager
def a_campaign_that_its_account_will_not_live_to_see(site: Installation) -> Iterator[Looks]:
    made = site.submit("main", people(1), scheduled_at=site.database.clock() + timedelta(days=400))
    yield Doctor.look
    site.cancel(made)


@contextmanager
def a_campaign_of_an_account_that_no_worker_has(site: Installation) -> Iterator[Looks]:
    made = site.submit("mistyped", people(3))
    yield Doctor.look
    site.cancel(made)


@contextmanager
def a_reading_that_was_lost(site: Installation) -> Iterator[Looks]:
    poll = journal.note(site.database, "main")
    journal.lose(site.database, poll)
    yield Doctor.look
    clock_goes_on(site.database, vitals.LATELY + 60, report_polls.c.asked_at)


@contextmanager
def a_file_that_nobody_takes(site: Installation) -> Iterator[Looks]:
    left = spool.write(site.folder / "var" / "spool", Arrived("gone", 7, b"22507", msgfid=None, cut=False, at=0.0))
    assert left is not None
    yield Doctor.look
    left.unlink()


@contextmanager
def a_gateway_of_which_a_worker_found_that_it_is_away(site: Installation) -> Iterator[Looks]:
    accounts.away(site.database, "poor", "connection refused")
    yield Doctor.look
    accounts.back(site.database, "poor")


@contextmanager
def a_beat_that_has_died(site: Installation) -> Iterator[Looks]:
    site.kill("beat")

    def silent() -> bool:  # a sweep that was sent before may go round still
        if heartbeats.ages(site.database)[sweeping.HEARTBEAT] < rounds.SILENT_SECONDS:
            clock_goes_on(site.database, rounds.SILENT_SECONDS, heartbeats_table.c.beat_at)
            return False
        return True

    site.until(silent)
    yield Doctor.look
    begin(site, beat=True)


@contextmanager
def a_worker_that_has_died(site: Installation) -> Iterator[Looks]:
    site.kill("worker")
    site.until(lambda: waiting(site) > 0, what="the beat has sent something")
    yield Doctor.look


@contextmanager
def a_queue_that_nobody_takes_from(site: Installation) -> Iterator[Looks]:
    """What another worker makes of the fault before, which has not all queues."""
    site.start("partly", "worker", "-c", "1", "-Q", "campaigns,tracking,rounds", "--loglevel", "INFO")
    site.until(lambda: " ready." in site.log("partly"), what="the worker is ready")
    yield Doctor.look
    site.kill("partly")
    begin(site, worker=True)


@contextmanager
def a_batch_that_nobody_settles(site: Installation) -> Iterator[Looks]:
    """Its worker is killed in the middle of the request, and no sweep goes round."""
    gateway = site.gateways["main"]
    gateway.sandbox.settings(mix={"silent": 1}, latency=8.0)
    before = gateway.count()
    site.submit("main", people(3))
    site.until(lambda: gateway.count() > before)
    site.kill("worker")
    site.kill("beat")  # not before: the killed worker's bells are rung anew by a sweep
    clock_goes_on(site.database, 120, attempts.c.leased_until)
    yield Doctor.look
    gateway.sandbox.settings(latency=0)


@contextmanager
def a_request_in_doubt(site: Installation) -> Iterator[Looks]:
    """What the fault before has left, once a sweep goes round again."""
    begin(site, worker=True, beat=True)
    found = "SELECT id FROM attempts WHERE state = 'in_doubt'"
    ((doubt,),) = site.until(lambda: select(site, found), what="the sweep makes it a doubt")
    yield Doctor.look
    resolve(doubt, "accepted", by="awa", reason="it is in their log", database=site.database)


PLANTED: dict[str, tuple[Callable[[Installation], AbstractContextManager[Looks]], str, str, str, str]] = {
    "a wrong password": (
        with_settings(ACCOUNTS=lambda site: account(site, password="wrong")),
        "gateway", "trouble", "main: the login is refused (-4)", "ACCOUNTS__MAIN__PASSWORD",
    ),
    "a gateway that is away": (
        with_settings(ACCOUNTS=lambda site: account(site, base_url="http://127.0.0.1:9")),
        "gateway", "trouble", "main: it cannot be reached (connection refused)", "ACCOUNTS__MAIN__BASE_URL",
    ),
    "another service at its address": (
        a_page_of_html, "gateway", "trouble", "poor: something answers that is not the gateway", "its path included",
    ),
    "an account that is not active": (
        an_account_that_is_not_active, "gateway", "trouble", "poor: the account is not active (-12)", "to activate it",
    ),
    "a sender of the account's own that is unknown": (
        with_settings(ACCOUNTS=lambda site: account(site, sender="NOBODY")),
        "senders", "trouble", "main: its own sender 'NOBODY' is not registered", "ACCOUNTS__…__SENDER",
    ),
    "a database that is not migrated": (
        with_settings(DATABASE_URL=lambda site: f"sqlite:///{site.folder}/empty.db"),
        "database", "trouble", "campaigns migrate", "DATABASE_URL",
    ),
    "a broker that is away": (
        with_settings(BROKER_URL=lambda _site: "redis://127.0.0.1:9/0"),
        "broker", "trouble", "redis://127.0.0.1:9 cannot be reached", "REDIS_URL",
    ),
    "settings that are wrong": (
        with_settings(LANES=lambda _site: "0"), "settings", "trouble", "LANES", "docs/settings.md",
    ),
    "a host whose clock is wrong": (
        a_clock_that_is_wrong, "clock", "trouble", "the database's clock is 3 h behind this host's", "NTP",
    ),
    "a campaign's sender that is unknown": (
        a_campaign_of_a_sender_that_nobody_registered,
        "senders", "trouble", "the sender 'NOBODY' is not registered, and 1 campaign names it", "campaigns resume ID",
    ),
    "an account that is poor": (
        a_campaign_that_its_account_cannot_pay,
        "balance", "warning", "poor: 1 campaign waits for 9 credits, and 5 are free", "top the account up",
    ),
    "an account that expires": (
        a_campaign_that_its_account_will_not_live_to_see,
        "balance", "warning", "main: it expires in 365 days, and campaign", "prolong it",
    ),
    "an account without a worker": (
        a_campaign_of_an_account_that_no_worker_has,
        "campaigns", "trouble", "waits for a worker that has the account 'mistyped'", "start a worker",
    ),
    "a lost reading": (
        a_reading_that_was_lost, "reports", "warning", "never arrived: main: 1 reading", "campaigns reports",
    ),
    "a file left alone": (
        a_file_that_nobody_takes, "spool", "trouble", "1 file left alone in", "have ACCOUNTS name the account",
    ),
    "a gateway that workers found away": (
        a_gateway_of_which_a_worker_found_that_it_is_away,
        "accounts", "warning", "poor: connection refused", "it is tried again",
    ),
    "a dead beat": (
        a_beat_that_has_died, "beat", "trouble", "it has sent nothing for", "start `celery -A worker beat`",
    ),
    "a dead worker": (a_worker_that_has_died, "workers", "trouble", "no worker answers", "start one"),
    "a queue without a worker": (
        a_queue_that_nobody_takes_from, "workers", "trouble", "no worker takes from: sending", "start a worker for it",
    ),
    "a batch that is stuck": (
        a_batch_that_nobody_settles,
        "stuck", "trouble", "1 batch of main was claimed and never settled", "see `beat` and `sweep`",
    ),
    "a request in doubt": (
        a_request_in_doubt, "doubts", "warning", "main: 1 request with 3 numbers", "campaigns resolve",
    ),
}  # fmt: skip
"""What is planted; which check names it, how gravely, in which words, and what to do. Two need the one before."""


def waiting(site: Installation) -> int:
    """How many messages nobody has taken from the queue of rounds."""
    with site.client.connection_for_read() as connection:
        return int(connection.default_channel.client.llen("rounds"))


def begin(site: Installation, *, worker: bool = False, beat: bool = False) -> None:
    """Start what is not there, and wait until the sweep goes round."""
    if worker:
        site.start_worker()
    if beat:
        site.start_beat()
    fresh = heartbeats.WRITTEN_EVERY
    site.until(lambda: heartbeats.ages(site.database).get(sweeping.HEARTBEAT, 99) < fresh, what="the sweep goes round")


@pytest.fixture
def doctor(build: Build, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Of an installation that has sent a campaign, and in which all is well."""
    site = build(gateways={"main": quick(), "poor": quick(credits=5)})
    begin(site, worker=True, beat=True)
    site.ended(site.submit("main", people(20), batch_size=10))
    return Doctor(site, monkeypatch)


def test_each_planted_fault_is_named_with_what_to_do_and_all_is_well_before_and_after(doctor: Doctor) -> None:
    site, unnamed = doctor.site, {}
    site.until(lambda: not_well(doctor.look()) == {}, what="all is well")
    for fault, (plant, check, verdict, what, remedy) in PLANTED.items():
        with plant(site) as look:
            for _ in range(3):  # a worker of a busy machine may answer too late to be counted
                named = look(doctor)[check]
                if named["verdict"] == verdict and what in named["what"] and remedy in (named["do"] or ""):
                    break
            else:
                unnamed[fault] = named
    assert unnamed == {}

    site.until(lambda: not_well(doctor.look()) == {}, what="all is well again")
    assert PASSWORD not in doctor.said
    assert LOGIN not in doctor.said


def not_well(found: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """What is said that is not ok."""
    assert list(found) == list(CHECKS)
    return {name: said for name, said in found.items() if said["verdict"] != "ok"}
