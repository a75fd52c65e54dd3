"""What a task does beside its stage: whose turn it is, when it comes again, and what may be said of a failure."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from celery.exceptions import Reject, Retry
from sqlalchemy import select, text

import campaigns
from campaigns import bells
from campaigns.bells import Bell
from campaigns.database import Database, DatabaseAway, NotMigratedError
from campaigns.models import bells as bells_table
from campaigns.spec import KeyBusy
from tests.servers.waiting import eventually
from tests.worker.workshop import ACCOUNTS
from worker.resources import Resources, Slice, UnknownAccountError
from worker.ringing import WAIT
from worker.settings import Settings
from worker.settings import settings as read_settings

NUMBER = "2250700000001"
DIED_EACH_TIME = "each process that tried it died: see the workers' log, and its audience"
BELL = bells.fund("default")
SPEC = {"name": "Promo", "template": "Bonjour {{ nom }}", "sender": "CLINIQUE", "audience": {"file": "clients.csv"}}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The module, which reads the settings as it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("settings"))
        patch.setenv("ACCOUNTS", json.dumps(ACCOUNTS))
        patch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
        read_settings.cache_clear()
        yield importlib.import_module("worker.tasks")
        for name in ("worker.tasks", "worker.celery"):
            del sys.modules[name]
    read_settings.cache_clear()


@pytest.fixture
def database(sqlite: Database) -> Database:
    return sqlite


@pytest.fixture
def rung(tasks: ModuleType, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bells that were rung, with serial and delay; tasks work on the test's own database."""
    noted: list[Any] = []
    (tmp_path / "clients.csv").write_text("tel;nom\n0700000001;Awa\n")
    settings = Settings(accounts=ACCOUNTS, audience_dir=tmp_path, _env_file=None)  # type: ignore[arg-type,call-arg]

    def ring(bell: Bell, serial: int, after: float = 0.0) -> None:
        noted.append((bell, serial, after))

    resources = Resources(settings, database, ring)
    monkeypatch.setattr(tasks, "resources", lambda: resources)
    monkeypatch.setattr(tasks, "ring", ring)
    return noted


class TestATurn:
    """One task at a time does a piece of work, and rings again as long as there is more."""

    @pytest.fixture
    def take(self, tasks: ModuleType, database: Database, rung: list[Any]) -> Callable[..., str]:
        """Ring the bell once, and take a turn with the serial that was rung."""
        serials: list[int] = []
        bells.ring(database, BELL, lambda _bell, serial, _after: serials.append(serial))
        return lambda stage, serial=None, **more: tasks._work(BELL, serial or serials[0], 40.0, stage, **more)

    def test_one_with_another_serial_goes_away(self, take: Callable[..., str]) -> None:
        def never() -> Slice:
            raise AssertionError

        assert take(never, serial=99) == "somebody else does it"

    def test_a_double_goes_away(self, take: Callable[..., str], rung: list[Any]) -> None:
        def meanwhile() -> Slice:
            assert take(lambda: Slice("twice")) == "somebody else does it"
            return Slice("once")

        assert take(meanwhile) == "once"
        assert rung == []

    @pytest.mark.parametrize(
        ("turn", "after"),
        [(Slice("", more=True), 0.0), (Slice("", after=3.0), 3.0), (Slice("", more=True, after=3.0), 0.0)],
        ids=["at once", "later", "at once although something else is due later"],
    )
    def test_it_rings_again_while_there_is_more(
        self, take: Callable[..., str], rung: list[Any], turn: Slice, after: float
    ) -> None:
        take(lambda: turn)
        ((bell, serial, when),) = rung
        assert (bell, when) == (BELL, after)
        assert take(lambda: Slice("next"), serial=serial) == "next"

    def test_with_nothing_left_the_bell_is_silent_and_can_be_rung(
        self, take: Callable[..., str], rung: list[Any], database: Database
    ) -> None:
        assert take(lambda: Slice("done")) == "done"
        assert rung == []
        assert bells.ring(database, BELL, lambda *_: None)

    def test_work_that_lasts_longer_than_its_bell_takes_no_second_process(
        self, tasks: ModuleType, database: Database, rung: list[Any]
    ) -> None:
        serials: list[int] = []
        bells.ring(database, BELL, lambda _bell, serial, _after: serials.append(serial))

        def hang() -> Slice:
            lapsed = database.clock() + timedelta(seconds=4)
            assert eventually(lambda: database.clock() > lapsed)
            return Slice(f"rung meanwhile: {bells.ring(database, BELL, lambda *_: None)}")

        assert tasks._work(BELL, serials[0], 3.0, hang) == "rung meanwhile: False"

    def test_work_that_came_after_the_last_look_is_seen(self, take: Callable[..., str], rung: list[Any]) -> None:
        assert take(lambda: Slice("done"), once_more=lambda: True) == "done"
        assert [(bell, after) for bell, _, after in rung] == [(BELL, 0.0)]

    def test_a_stage_that_failed_leaves_the_bell_to_be_rung_at_once(
        self, take: Callable[..., str], rung: list[Any], database: Database
    ) -> None:
        def fail() -> Slice:
            raise OSError

        with pytest.raises(OSError):
            take(fail)
        assert rung == []
        assert bells.ring(database, BELL, lambda *_: None)

    def tries(self, database: Database) -> tuple[int, str | None]:
        with database.reading() as connection:
            row = connection.execute(text("SELECT tries, trouble FROM bells")).one()
        return row.tries, row.trouble

    def test_a_stage_that_failed_was_a_try_and_only_the_kind_of_it_is_kept(
        self, take: Callable[..., str], rung: list[Any], database: Database
    ) -> None:
        def fail() -> Slice:
            raise KeyError(NUMBER)

        with pytest.raises(KeyError):
            take(fail)
        assert self.tries(database) == (1, "KeyError")

    @pytest.mark.parametrize(
        "error",
        [DatabaseAway.__new__(DatabaseAway), NotMigratedError(), UnknownAccountError("x", []), SystemExit(0)],
        ids=lambda one: type(one).__name__,
    )
    def test_what_is_no_fault_of_the_work_was_no_try(
        self, take: Callable[..., str], rung: list[Any], database: Database, error: BaseException
    ) -> None:
        def fail() -> Slice:
            raise error

        with pytest.raises(type(error)):
            take(fail)
        assert self.tries(database) == (0, None)


@pytest.mark.parametrize(
    ("name", "work"), [("fund", ("shopp",)), ("poll", ("shopp",)), ("send", ("shopp", 1))], ids=["fund", "poll", "send"]
)
def test_an_account_that_this_worker_does_not_have_is_one_sentence_and_no_traceback(
    tasks: ModuleType,
    database: Database,
    rung: list[Any],
    caplog: pytest.LogCaptureFixture,
    name: str,
    work: tuple[Any, ...],
) -> None:
    serials: list[int] = []
    bells.ring(database, getattr(bells, name)(*work), lambda _bell, serial, _after: serials.append(serial))
    told = getattr(tasks, name)(*work, serials[0])
    (record,) = caplog.records
    assert record.getMessage() == told
    assert told == "this worker's settings have no account 'shopp' (there are: default): its campaigns wait"
    assert record.exc_info is None


class TestASubmission:
    """It is the one task that is a job: whatever happens, it comes again until it is decided."""

    @pytest.fixture
    def run(self, tasks: ModuleType, rung: list[Any]) -> Iterator[Callable[..., str]]:
        """Run the task as a worker does, under this id."""
        task = tasks.submit

        def call(task_id: str, retries: int = 0, **spec: object) -> str:
            task.push_request(
                id=task_id, args=[{**SPEC, **spec}], kwargs={}, called_directly=False, retries=retries, is_eager=False
            )
            try:
                said: str = task.run({**SPEC, **spec})
            finally:
                task.pop_request()
            return said

        return call

    def test_one_without_a_key_that_comes_twice_is_one_campaign(self, run: Callable[..., str]) -> None:
        assert run("a1") == "campaign 1 submitted"
        assert run("a1") == "campaign 1 was there already"

    def test_two_without_a_key_are_two_campaigns(self, run: Callable[..., str], database: Database) -> None:
        assert run("a1") == "campaign 1 submitted"
        assert run("a2") == "campaign 2 submitted"
        assert campaigns.find("task-a2", database=database).id == 2

    def test_the_producer_s_own_key_is_kept(self, run: Callable[..., str], database: Database) -> None:
        run("a1", key="promo")
        assert run("a2", key="promo") == "campaign 1 was there already"
        assert campaigns.find("promo", database=database).id == 1

    def test_one_whose_process_dies_each_time_is_a_failed_campaign_after_three_tries(
        self, tasks: ModuleType, run: Callable[..., str], database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(tasks.poison, "end", lambda *_: None)  # as if nobody had lived to say it
            patch.setattr(tasks.submitting, "submit_named", lambda *_, **__: "died")
            assert [run("a1", key="promo") for _ in range(3)] == ["died"] * 3
        assert run("a1", key="promo") == "refused: campaign 1 says why"
        kept = campaigns.find("promo", database=database)
        assert (kept.state, kept.reason) == ("failed", f"refused: {DIED_EACH_TIME}")
        assert run("a1", key="promo") == "campaign 2 submitted"  # were it to be sent anew, by a person

    def test_tries_that_come_to_an_end_are_not_counted(self, run: Callable[..., str]) -> None:
        assert [run("a1") for _ in range(5)] == ["campaign 1 submitted"] + ["campaign 1 was there already"] * 4

    @pytest.mark.parametrize(
        "error", [KeyBusy(["key: busy"]), DatabaseAway.__new__(DatabaseAway)], ids=lambda one: type(one).__name__
    )
    @pytest.mark.parametrize("taken", [True, False], ids=["the broker takes it", "the broker does not take it"])
    def test_what_cannot_be_decided_yet_comes_again_under_its_id_and_is_never_dropped(
        self,
        tasks: ModuleType,
        run: Callable[..., str],
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
        taken: bool,
    ) -> None:
        sent: list[Any] = []

        def refuse(*_: object, **__: object) -> str:
            raise error

        def send(_args: object, _kwargs: object, task_id: str, **options: Any) -> None:
            if not taken:
                raise OSError
            assert not options["countdown"]  # which would be a moment of this host's clock
            sent.append((task_id, options["headers"][WAIT]))

        monkeypatch.setattr(tasks.submitting, "submit_named", refuse)
        monkeypatch.setattr(tasks.submit, "apply_async", lambda args, kwargs, **options: send(args, kwargs, **options))
        with pytest.raises(Retry if taken else Reject) as raised:
            run("a1")
        if isinstance(raised.value, Reject):
            assert raised.value.requeue
        assert sent == ([("a1", tasks.AGAIN_SECONDS)] if taken else [])

    def test_an_audience_s_host_that_is_away_is_tried_for_an_hour(
        self, tasks: ModuleType, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries: list[bool] = []

        def host_away(*_: object, last_try: bool, **__: object) -> str:
            tries.append(last_try)
            if not last_try:
                raise tasks.HostAwayError(["audience: it cannot be fetched"])
            return "refused"

        monkeypatch.setattr(tasks.submitting, "submit_named", host_away)
        waits: list[float] = []
        monkeypatch.setattr(tasks.submit, "apply_async", lambda *_, headers, **__: waits.append(headers[WAIT]))
        for retries in range(tasks.HOST_TRIES):
            with pytest.raises(Retry):
                run("a1", retries=retries)
        assert run("a1", retries=tasks.HOST_TRIES) == "refused"
        assert sum(waits) == 3600
        assert tries == [False] * tasks.HOST_TRIES + [True]

    def test_however_often_that_is(self, tasks: ModuleType) -> None:
        assert tasks.submit.max_retries is None


def test_a_lane_whose_process_dies_is_rung_anew_within_a_minute_however_long_a_request_may_take(
    tasks: ModuleType, database: Database, rung: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(accounts=ACCOUNTS, post_timeout=300, _env_file=None)  # type: ignore[arg-type,call-arg]
    monkeypatch.setattr(tasks, "resources", lambda: Resources(settings, database, tasks.ring))
    left: list[float] = []

    def dies(*_: object) -> Slice:
        with database.reading() as connection:
            until = connection.execute(select(bells_table.c.until)).scalar_one()
        left.append((until - database.clock()).total_seconds())
        return Slice("")

    monkeypatch.setattr(tasks.sending, "send_slice", dies)
    bells.ring(database, bells.send("default", 1), tasks.ring)
    ((_, serial, _),) = rung
    tasks.send("default", 1, serial)
    assert 10 < left[0] <= tasks.HARMLESS_TWICE
