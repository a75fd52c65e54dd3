"""What each check makes of what it finds, where no installation runs: by tables, and by gateways that misbehave."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest

from campaigns import heartbeats
from campaigns.database import Database
from campaigns.models import heartbeats as heartbeats_table
from tests.campaigns import making
from tests.worker.terminal import forget
from worker import sweeping
from worker.beat import MOST_WAITING
from worker.checks import CHECKS, Patient, clocks, crews, gateways, rounds, space
from worker.checks.asked import Asked
from worker.checks.crew import Crew
from worker.doctor import examine
from worker.findings import Finding, Verdict, ok
from worker.smseco.errors import BadReply, NeedsPerson, Unreachable

QUEUES = ("campaigns", "sending", "tracking", "rounds")


class Manned(Patient):
    """One whose workers are known."""

    def __init__(self, takes: dict[str, set[str]], **waiting: int) -> None:
        super().__init__(offline=True)
        self.its = Crew({name: frozenset(queues) for name, queues in takes.items()}, dict.fromkeys(QUEUES, 0) | waiting)

    @property
    def crew(self) -> Crew:
        return self.its


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("ACCOUNTS__MAIN__LOGIN", "toto")
    monkeypatch.setenv("ACCOUNTS__MAIN__PASSWORD", "s3cret-9f1")
    monkeypatch.setenv("ACCOUNTS__MAIN__BASE_URL", "http://127.0.0.1:9")
    forget()
    yield
    forget()


class TestClocks:
    @pytest.mark.parametrize(
        ("ahead", "verdict", "what"),
        [
            ({"the database's clock": 4.9}, "ok", "this host's agrees with the database's clock"),
            ({"the database's clock": -5.1}, "warning", "the database's clock is 5 s behind this host's"),
            ({"the database's clock": 61.0}, "trouble", "the database's clock is 61 s ahead of this host's"),
            ({"its": 0.0, "the gateway's": 200.0}, "trouble", "the gateway's is 3 min ahead of this host's"),
        ],
    )
    def test_how_far_they_may_be_apart(self, ahead: dict[str, float], verdict: str, what: str) -> None:
        found = clocks.compared(ahead)
        assert (found.verdict, found.what) == (verdict, what)


class TestGateways:
    @pytest.mark.parametrize(
        ("error", "what", "remedy"),
        [
            (NeedsPerson(-4, "Echec", "authentication_failed"), "the login is refused (-4)", "__PASSWORD"),
            (NeedsPerson(-12, "Compte", "account_not_active"), "the account is not active (-12)", "to activate it"),
            (NeedsPerson(-14, "Commande", "unknown_command"), "refuses to answer (-14)", "what its code means"),
            (Unreachable("name not found", begun=False), "(name not found)", "resolve names (DNS)"),
            (Unreachable("TLS failed", begun=False), "(TLS failed)", "__CA_BUNDLE"),
            (Unreachable("timed out", begun=False), "(timed out)", "firewall"),
            (BadReply("HTML"), "something answers that is not the gateway (HTML)", "path included"),
            (TimeoutError(), "has not answered within 8 s", "firewall"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
    )
    def test_what_is_wrong_and_what_helps(self, error: Exception, what: str, remedy: str) -> None:
        said, helps = gateways._failure(error)
        assert what in said
        assert remedy in helps

    def test_one_that_is_away_is_named_with_the_settings_of_its_account(self) -> None:
        found = gateways.gateway(Patient())
        assert found.what == "main: it cannot be reached (connection refused)"
        assert found.remedy == "is the gateway up, and is the port right in ACCOUNTS__MAIN__BASE_URL?"

    def test_none_is_asked_offline(self) -> None:
        assert gateways.gateway(Patient(offline=True)) == ok("not asked: --offline")
        assert gateways.senders(Patient(offline=True)) == ok("not asked: --offline")


class TestWorkers:
    def test_each_queue_needs_one(self) -> None:
        assert crews.workers(Manned({"a@here": set(QUEUES)})).what == "each queue has one: a@here"
        found = crews.workers(Manned({"a@here": {"campaigns", "sending"}, "b@here": {"rounds"}}))
        assert (found.verdict, found.what) == (Verdict.TROUBLE, "no worker takes from: tracking")
        assert crews.workers(Manned({})).what == "no worker answers"

    def test_an_sqlite_file_serves_one_host(self) -> None:
        found = crews.workers(Manned({"a@here": set(QUEUES), "a@there": set(QUEUES)}))
        assert (found.verdict, found.what) == (
            Verdict.WARNING,
            "workers run on here; there, and SQLite is a file of one host",
        )

    @pytest.mark.parametrize(
        ("takes", "waiting", "verdict", "what"),
        [
            (set(QUEUES), {}, "ok", "they are empty"),
            (set(QUEUES), {"sending": 7}, "ok", "waiting: 7 messages in sending"),
            (set(QUEUES), {"sending": 1_001}, "warning", "more waits than workers take: 1,001 messages in sending"),
            ({"rounds"}, {"sending": 1, "rounds": 2}, "trouble", "nobody takes what waits: 1 message in sending"),
        ],
    )
    def test_what_waits_needs_somebody(self, takes: set[str], waiting: dict[str, int], verdict: str, what: str) -> None:
        found = crews.queues(Manned({"a@here": takes}, **waiting))
        assert (found.verdict, found.what) == (verdict, what)


class TestBeat:
    def silent(self, sqlite_url: str) -> None:
        database = Database(sqlite_url)
        heartbeats.note(database, [sweeping.HEARTBEAT])
        making.clock_goes_on(database, rounds.SILENT_SECONDS + 20, heartbeats_table.c.beat_at)
        database.close()

    def test_one_whose_rounds_pile_up_without_a_worker_ran_at_least(self, sqlite_url: str) -> None:
        self.silent(sqlite_url)
        found = rounds.beat(Manned({}, rounds=MOST_WAITING))
        assert (found.verdict, found.remedy) == (
            Verdict.WARNING,
            "start a worker that takes from the queue `rounds`",
        )

    def test_one_that_leaves_nothing_where_nobody_takes_it_is_dead(self, sqlite_url: str) -> None:
        self.silent(sqlite_url)
        found = rounds.beat(Manned({}, rounds=MOST_WAITING - 1))
        assert (found.verdict, "once in the whole installation" in found.remedy) == (Verdict.TROUBLE, True)

    @pytest.mark.parametrize(("later", "verdict"), [(6, "ok"), (5, "trouble")], ids=["taken up", "none"])
    def test_where_sweeps_break_they_are_counted_as_they_are_taken_up(
        self, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, later: int, verdict: str
    ) -> None:
        self.silent(sqlite_url)
        counts = iter([5, later])
        monkeypatch.setattr(rounds, "sweeps", lambda _app: next(counts))
        monkeypatch.setattr(rounds, "BETWEEN_LOOKS", 0.0)
        assert rounds.beat(Manned({"a@here": set(QUEUES)})).verdict == verdict

    def test_one_that_never_sent_anything_is_said_to_be_so(self) -> None:
        assert rounds.beat(Manned({})).what == "it has never sent anything"


class TestDisk:
    @pytest.mark.parametrize(
        ("free", "verdict"),
        [(space.LITTLE, "ok"), (space.LITTLE - 1, "warning"), (space.TOO_LITTLE - 1, "trouble")],
    )
    def test_how_much_must_be_free(self, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
        usage: Any = type(shutil.disk_usage("/"))
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**12, 10**12 - free, free))
        found = space.disk(Patient())
        assert found.verdict == verdict
        assert "var/spool" in found.what

    def test_a_folder_that_is_made_at_first_need_is_as_the_one_above_it(self, tmp_path: Path) -> None:
        assert space.existing(tmp_path / "var" / "spool") == tmp_path

    def test_one_that_may_not_be_written_to_is_a_trouble(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SPOOL_DIR", "/proc/sys/spool")  # not even root may
        forget()
        monkeypatch.setattr("os.access", lambda path, _mode: not str(path).startswith("/proc"))
        found = space.disk(Patient())
        assert (found.verdict, found.what) == (Verdict.TROUBLE, "nothing can be written to /proc/sys/spool")


class TestPatience:
    def test_a_check_that_hangs_is_a_trouble_and_keeps_no_other_from_being_made(self) -> None:
        held = Event()

        def hangs(_patient: Patient) -> Finding:
            held.wait(30)
            return ok("late")

        began = monotonic()
        checks = {"broker": hangs, "queues": lambda _: ok("never asked"), "even": lambda _: ok("well")}
        found = dict(examine(Patient(), checks, within=0.2))
        held.set()

        assert monotonic() - began < 5
        assert found["broker"].what == "it could not be told within 0 s" or "within 1 s" in found["broker"].what
        assert found["queues"].what == "cannot be told without the broker"
        assert found["even"] == ok("well")

    def test_servers_that_take_a_connection_and_never_answer_cost_a_quarter_of_a_minute_in_all(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
            where = f"127.0.0.1:{silent.getsockname()[1]}"
            monkeypatch.setenv("DATABASE_URL", f"postgresql://a:b@{where}/x")
            monkeypatch.setenv("BROKER_URL", f"redis://{where}/0")
            monkeypatch.setenv("ACCOUNTS__MAIN__BASE_URL", f"http://{where}")
            forget()
            took: list[float] = []
            while len(took) < 3 and not any(seconds < 15 for seconds in took):  # a machine may do something else
                patient, began = Patient(), monotonic()
                assert patient.begin() == 2
                found = dict(examine(patient))
                took.append(monotonic() - began)

        assert min(took) < 15, took
        wrong = {name for name, its in found.items() if its.verdict == Verdict.TROUBLE}
        assert wrong == {"database", "broker", "gateway"}
        assert found["gateway"].what == "main: it cannot be reached (timed out)"

    def test_an_answer_is_had_again_and_an_error_raised_again(self) -> None:
        fine, broken = Asked(lambda: 7), Asked(lambda: {}[7])
        assert [fine.answer(within=60), fine.answer(within=60)] == [7, 7]
        for _ in range(2):
            with pytest.raises(KeyError):
                broken.answer(within=60)

    def test_whoever_looks_is_told_the_name_of_each(self) -> None:
        names: list[str] = []
        checks = {name: lambda _patient: ok("well") for name in CHECKS}
        assert dict(examine(Patient(), checks, looking=names.append)).keys() == CHECKS.keys()
        assert names == list(CHECKS)
