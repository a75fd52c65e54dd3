"""A campaign is made whole or not at all; its producer may come twice, stop half-way, or be cut short."""

import gc
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

import campaigns
from campaigns import chunks, lifecycle
from campaigns.bells import Bell
from campaigns.database import Database, DatabaseAway, NotMigratedError
from campaigns.expansion import expand_slice
from campaigns.models import audiences, batches
from campaigns.models import campaigns as table
from campaigns.settings import DomainSettings, domain_settings
from campaigns.spec import KeyConflict, SpecError
from campaigns.states import CampaignState
from campaigns.submission import StoredAudience, store_audience, submit
from tests.campaigns.producing import SPEC, counts, people, row
from tests.servers.waiting import eventually


def expand(database: Database, campaign_id: int) -> None:
    while expand_slice(database, campaign_id, DomainSettings()):
        pass


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    domain_settings.cache_clear()
    yield
    domain_settings.cache_clear()


class TestOneBatchOrLess:
    @pytest.mark.parametrize("count", [1, 2, 500], ids=str)
    def test_it_is_expanded_inside_its_submit(self, any_database: Database, count: int) -> None:
        made = submit(SPEC, people(count), database=any_database)
        assert (made.state, made.created) == (CampaignState.FUNDING, True)
        assert counts(any_database) == {"campaigns": 1, "batches": 1, "messages": count}

    def test_one_more_waits_for_a_worker(self, any_database: Database) -> None:
        made = submit(SPEC, people(501), database=any_database)
        assert made.state == CampaignState.SUBMITTED
        assert counts(any_database) == {"campaigns": 1, "audiences": 1, "audience_chunks": 1}

    def test_it_is_seen_whole_or_not_at_all(self, any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        def cut(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("campaigns.expansion.copy_in", cut)
        with pytest.raises(KeyboardInterrupt):
            submit(SPEC, people(3), database=any_database)
        assert counts(any_database) == {}

    def test_a_scheduled_one_waits_for_its_time_and_is_due_then(self, any_database: Database) -> None:
        at = any_database.clock() + timedelta(seconds=2)
        made = submit({**SPEC, "scheduled_at": at}, people(3), database=any_database)
        assert made.state == CampaignState.SUBMITTED
        assert not expand_slice(any_database, made.id, DomainSettings())
        assert row(any_database, made.id).state == CampaignState.SUBMITTED
        with any_database.reading() as connection:
            assert lifecycle.due(connection, 9) == []
            assert eventually(lambda: any_database.clock() > at)
            assert lifecycle.due(connection, 9) == [made.id]
        assert not expand_slice(any_database, made.id, DomainSettings())
        assert row(any_database, made.id).state == CampaignState.FUNDING

    @pytest.mark.parametrize(
        ("audience", "reason"),
        [
            ([], "nothing to send: the audience is empty"),
            ([{"tel": "garbage", "nom": "A"}], "nothing to send: every recipient is excluded (1 invalid)"),
            (
                [{"tel": "0708091011", "nom": ""}, {"tel": "12", "nom": "A"}],
                "nothing to send: every recipient is excluded (1 invalid, 1 unrenderable)",
            ),
        ],
        ids=["empty", "garbage", "two reasons"],
    )
    def test_with_nobody_to_send_to_it_is_completed_and_says_why(
        self, any_database: Database, audience: list[dict[str, str]], reason: str
    ) -> None:
        spec = SPEC if audience else {**SPEC, "template": "Bonjour"}
        made = submit(spec, audience, database=any_database)
        progress = campaigns.progress(made.id, database=any_database)
        assert (progress.state, progress.reason, progress.finished, progress.adds_up) == (
            CampaignState.COMPLETED,
            reason,
            True,
            True,
        )

    def test_a_rated_one_may_have_many_batches_of_few(self, any_database: Database) -> None:
        submit({**SPEC, "rate": 10}, people(7), database=any_database)
        with any_database.reading() as connection:
            assert connection.execute(select(batches.c.size).order_by(batches.c.number)).scalars().all() == [2, 2, 2, 1]


class TestARefusal:
    @pytest.mark.parametrize(
        ("spec", "audience", "fault"),
        [
            ({"rate": -1, "sender": "x" * 20}, [], "rate: .*\n.*|sender: .*\n.*rate"),
            ({"template": "Bonjour {{ prenom }} {{ nom }}"}, [{"tel": "0708091011", "nom": "A"}], "prenom.*tel, nom"),
            ({"template": ""}, [], "template"),
        ],
        ids=["two faults", "a column that is not there", "no text"],
    )
    def test_it_leaves_nothing(self, any_database: Database, spec: Any, audience: Any, fault: str) -> None:
        with pytest.raises(SpecError, match=fault):
            submit({**SPEC, **spec}, audience, database=any_database)
        assert counts(any_database) == {}

    def test_a_column_that_is_not_there_is_named_before_a_million_rows_are_read(self, any_database: Database) -> None:
        stream = people(2_000)
        with pytest.raises(SpecError, match="ville"):
            submit({**SPEC, "template": "{{ ville }}"}, stream, database=any_database)
        assert counts(any_database) == {}
        assert next(stream)["nom"] != "N2000"

    def test_an_audience_whose_numbers_cannot_be_told_leaves_nothing(self, any_database: Database) -> None:
        with pytest.raises(campaigns.AudienceError, match="nom, ville"):
            submit(SPEC, [{"nom": "A", "ville": "Man"}], database=any_database)
        assert counts(any_database) == {}

    def test_a_schedule_that_is_past_is_named_among_the_other_faults(self, any_database: Database) -> None:
        past = any_database.clock() - timedelta(seconds=1)
        with pytest.raises(SpecError) as caught:
            submit({**SPEC, "scheduled_at": past, "rate": 0}, [], database=any_database)
        assert [fault.partition(":")[0] for fault in caught.value.faults] == ["scheduled_at", "rate"]

    @pytest.mark.parametrize("url", ["empty_database_url", "empty_sqlite_url"])
    @pytest.mark.parametrize("count", [1, 501], ids=["small", "large"])
    def test_a_database_that_is_not_migrated_says_so(
        self, url: str, count: int, request: pytest.FixtureRequest
    ) -> None:
        database = Database(request.getfixturevalue(url))
        with pytest.raises(NotMigratedError, match="campaigns migrate"):
            submit(SPEC, people(count), database=database)
        database.close()

    def test_a_database_that_is_away_says_so(self) -> None:
        with pytest.raises(DatabaseAway, match="is away"):
            submit(SPEC, people(1), database=Database("postgresql://127.0.0.1:1/none"))


class TestHandingOver:
    @pytest.mark.parametrize("fault", [OSError("the file is gone"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
    @pytest.mark.parametrize("after", [10, 600, 12_000], ids=["at once", "in the first chunk", "after a commit"])
    def test_a_producer_that_stops_half_way_leaves_nothing(
        self, any_database: Database, fault: BaseException, after: int
    ) -> None:
        def broken() -> Iterator[dict[str, str]]:
            yield from people(after)
            raise fault

        with pytest.raises(type(fault)):
            submit({**SPEC, "key": "k"}, broken(), database=any_database)
        assert counts(any_database) == {}

    def test_it_goes_on_being_seen_as_receiving(self, any_database: Database) -> None:
        seen = []

        def rows() -> Iterator[dict[str, str]]:
            yield from people(10_001)
            with any_database.reading() as connection:
                seen.append(connection.execute(select(table.c.state)).scalar_one())

        made = submit(SPEC, rows(), database=any_database)
        assert seen == [CampaignState.RECEIVING]
        assert row(any_database, made.id).recipients == 10_001

    @pytest.mark.parametrize("how", ["cancelled", "given up"])
    def test_one_that_is_ended_meanwhile_stops_taking_rows_in(self, any_database: Database, how: str) -> None:
        drawn = []

        def rows() -> Iterator[dict[str, str]]:
            for place, person in enumerate(people(60_000)):
                if place == 10_500:
                    self.end(any_database, how)
                drawn.append(place)
                yield person

        with pytest.raises(SpecError, match="cancelled, or given up"):
            submit({**SPEC, "key": "k"}, rows(), database=any_database)
        assert len(drawn) <= 20_020
        assert counts(any_database) == {"campaigns": 1}
        progress = campaigns.find("k", database=any_database)
        assert progress.state == (CampaignState.CANCELLED if how == "cancelled" else CampaignState.FAILED)
        assert (progress.finished, progress.adds_up) == (True, True)

    @staticmethod
    def end(database: Database, how: str) -> None:
        with database.reading() as connection:
            campaign_id = connection.execute(select(table.c.id)).scalar_one()
        if how == "cancelled":
            campaigns.cancel(campaign_id, database=database)
            return
        with database.transaction() as connection:
            long_ago = database.clock() - timedelta(seconds=lifecycle.RECEIVING_SECONDS + 1)
            connection.execute(update(audiences).values(touched_at=long_ago))
            assert lifecycle.give_up_receiving(connection) == 1

    def test_one_cancelled_half_way_keeps_its_key(self, any_database: Database) -> None:
        def rows() -> Iterator[dict[str, str]]:
            yield from people(600)
            self.end(any_database, "cancelled")

        with pytest.raises(SpecError):
            submit({**SPEC, "key": "k"}, rows(), database=any_database)
        with pytest.raises(KeyConflict, match="cancelled half-way"):
            submit({**SPEC, "key": "k"}, people(600), database=any_database)

    def test_one_given_up_gives_its_key_back(self, any_database: Database) -> None:
        def rows() -> Iterator[dict[str, str]]:
            yield from people(600)
            self.end(any_database, "given up")

        with pytest.raises(SpecError):
            submit({**SPEC, "key": "k"}, rows(), database=any_database)
        assert submit({**SPEC, "key": "k"}, people(600), database=any_database).created

    def test_memory_does_not_grow_with_the_audience(self, sqlite: Database) -> None:
        def peak(count: int) -> int:
            gc.collect()
            tracemalloc.start()
            submit(SPEC, people(count), database=sqlite)
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return most

        peak(600)
        few = peak(15_000)
        assert peak(60_000) < few * 1.2

    @pytest.mark.parametrize(
        "value",
        ["O'Brien \\ {x} \t <&> ]]>", "\ud800 half", "nul \0 nul", "\u2028line", "é" * 2_000],
        ids=["signs", "half a pair", "nul", "line separator", "long"],
    )
    def test_whatever_a_cell_holds_is_taken_in(self, any_database: Database, value: str) -> None:
        rows = [{"tel": value, "nom": value}] * 501
        made = submit(SPEC, rows, database=any_database)
        expand(any_database, made.id)
        progress = campaigns.progress(made.id, database=any_database)
        assert (progress.state, progress.excluded) == (CampaignState.COMPLETED, {"invalid": 501})


class TestAStoredAudience:
    def test_it_serves_many_campaigns_and_stays(self, any_database: Database) -> None:
        stored = store_audience(people(1_500), database=any_database)
        made = [submit({**SPEC, "name": f"{n}"}, stored, database=any_database) for n in range(2)]
        for one in made:
            expand(any_database, one.id)
            assert campaigns.progress(one.id, database=any_database).messages == 1_500
        campaigns.cancel(made[0].id, database=any_database)
        assert counts(any_database)["audience_chunks"] == 2

    @pytest.mark.parametrize("audience", [StoredAudience(999), StoredAudience(-1)], ids=["unknown", "nonsense"])
    def test_one_that_does_not_exist_is_refused(self, any_database: Database, audience: StoredAudience) -> None:
        with pytest.raises(SpecError, match="no complete audience has the id"):
            submit(SPEC, audience, database=any_database)

    def test_one_that_is_half_stored_is_refused_and_leaves_in_time(self, any_database: Database) -> None:
        with any_database.transaction() as connection:
            half = chunks.begin(connection, chunks.Shape(("tel",), 0), kept=True)
            connection.execute(update(audiences).values(touched_at=any_database.clock() - timedelta(hours=1)))
        with pytest.raises(SpecError, match="no complete audience"):
            submit(SPEC, StoredAudience(half), database=any_database)
        store_audience(people(1), database=any_database)
        with any_database.reading() as connection:
            assert connection.execute(select(audiences.c.ready)).scalars().all() == [True]

    def test_a_store_that_fails_leaves_nothing(self, any_database: Database) -> None:
        def broken() -> Iterator[dict[str, str]]:
            yield from people(12_000)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store_audience(broken(), database=any_database)
        assert counts(any_database) == {}

    def test_a_template_that_does_not_fit_it_is_refused(self, any_database: Database) -> None:
        stored = store_audience(people(3), database=any_database)
        with pytest.raises(SpecError, match="ville"):
            submit({**SPEC, "template": "{{ ville }}"}, stored, database=any_database)

    def test_its_number_column_cannot_be_another(self, any_database: Database) -> None:
        stored = store_audience(people(3), database=any_database)
        assert submit({**SPEC, "number_column": "tel"}, stored, database=any_database).created
        with pytest.raises(SpecError, match=r"number_column: .* are in 'tel'"):
            submit({**SPEC, "number_column": "nom"}, stored, database=any_database)

    def test_an_empty_one_leads_to_a_campaign_that_completes(self, any_database: Database) -> None:
        stored = store_audience([], database=any_database)
        made = submit({**SPEC, "template": "Bonjour"}, stored, database=any_database)
        expand(any_database, made.id)
        assert row(any_database, made.id).reason == "nothing to send: the audience is empty"


class TestWaking:
    @pytest.mark.parametrize(("count", "task"), [(1, "campaigns.fund"), (501, "campaigns.expand")])
    def test_the_right_worker_is_woken_after_the_commit(self, any_database: Database, count: int, task: str) -> None:
        rung: list[tuple[str, int]] = []

        def ring(bell: Bell, serial: int, after: float) -> None:
            rung.append((bell.task, counts(any_database)["campaigns"]))

        submit(SPEC, people(count), ring=ring, database=any_database)
        assert rung == [(task, 1)]

    def test_a_ring_that_fails_does_not_make_the_producer_submit_again(
        self, any_database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        def ring(bell: Bell, serial: int, after: float) -> None:
            raise ConnectionError("redis://:secret@host is away")

        made = submit(SPEC, people(1), ring=ring, database=any_database)
        assert made.created
        assert "fund:default waits for the sweep" in caplog.text
        assert "secret" not in caplog.text

    def test_one_with_nothing_to_send_wakes_nobody(self, any_database: Database) -> None:
        rung: list[Bell] = []
        submit({**SPEC, "template": "Bonjour"}, [], ring=lambda bell, *_: rung.append(bell), database=any_database)
        assert rung == []


def test_a_file_is_read_to_its_end_and_not_needed_any_more(any_database: Database, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("tel;nom\n" + "".join(f"07{n:08d};N{n}\n" for n in range(700)))
    made = submit(SPEC, file, database=any_database)
    file.unlink()
    expand(any_database, made.id)
    assert campaigns.progress(made.id, database=any_database).messages == 700


def test_the_audience_goes_with_its_expansion(any_database: Database) -> None:
    made = submit(SPEC, people(501), database=any_database)
    expand(any_database, made.id)
    assert counts(any_database) == {"campaigns": 1, "batches": 2, "messages": 501}


def test_no_text_of_the_audience_is_in_the_tables_of_a_waiting_campaign_in_clear(sqlite: Database) -> None:
    submit(SPEC, people(501), database=sqlite)
    with sqlite.reading() as connection:
        spec = connection.execute(text("SELECT spec FROM campaigns")).scalar_one()
    assert "N500" not in spec
