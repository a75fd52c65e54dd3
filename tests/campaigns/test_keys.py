"""One campaign a key, whoever comes twice, and when; a refusal is kept under its key until something better comes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

import campaigns
from campaigns import chunks, keys, submission
from campaigns.database import Database
from campaigns.keys import keep_refusal
from campaigns.models import audiences
from campaigns.spec import KeyBusy, KeyConflict, Spec, SpecError
from campaigns.states import CampaignState
from campaigns.submission import store_audience, submit
from tests.campaigns.making import at_once, clock_goes_on
from tests.campaigns.producing import SPEC, counts, people, row
from tests.servers.waiting import eventually


class Killed(BaseException):
    """Nothing runs after this, in a process that is killed."""


def killed_half_way(database: Database, monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any]) -> int:
    """Hand a campaign over and die; its id."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "take_in", die)
        patch.setattr(submission, "_unmake", lambda *_: None)
        with pytest.raises(Killed):
            submit(spec, people(600), database=database)
    return campaigns.find(spec["key"], database=database).id


class TestAKey:
    @pytest.mark.parametrize("count", [1, 501, 1_001], ids=["small", "large", "chunks"])
    def test_the_same_content_is_the_first_campaign(self, any_database: Database, count: int) -> None:
        spec = {**SPEC, "key": "k"}
        first = submit(spec, people(count), database=any_database)
        before = counts(any_database)
        again = submit(Spec(**spec), list(people(count)), database=any_database)
        assert (again.id, again.created) == (first.id, False)
        assert counts(any_database) == before

    @pytest.mark.parametrize("count", [1, 501], ids=["small", "large"])
    @pytest.mark.parametrize("other", ["rows", "text", "fewer"])
    def test_other_content_is_a_conflict(self, any_database: Database, count: int, other: str) -> None:
        first = submit({**SPEC, "key": "k"}, people(count + 1), database=any_database)
        before = counts(any_database)
        spec = {**SPEC, "key": "k", **({"template": "Bonsoir {{ nom }}"} if other == "text" else {})}
        rows = people(count + 1, first=7 if other == "rows" else 0) if other != "fewer" else people(count)
        with pytest.raises(KeyConflict, match=f"campaign {first.id} has this key and other content"):
            submit(spec, rows, database=any_database)
        assert counts(any_database) == before

    def test_it_belongs_to_its_account(self, any_database: Database) -> None:
        one = submit({**SPEC, "key": "k"}, people(1), database=any_database)
        other = submit({**SPEC, "key": "k", "account": "other"}, people(2), database=any_database)
        assert one.id != other.id
        assert submit({**SPEC, "key": "k"}, people(1), database=any_database).id == one.id
        assert submit({**SPEC, "key": "k", "account": "other"}, people(2), database=any_database).id == other.id
        assert keep_refusal("Rappel", "k", "third", ["rate: too high"], any_database) not in (one.id, other.id)

    def test_a_stored_audience_with_the_same_rows_is_the_same_content(self, any_database: Database) -> None:
        stored = store_audience(people(501), database=any_database)
        first = submit({**SPEC, "key": "k"}, people(501), database=any_database)
        again = submit({**SPEC, "key": "k"}, stored, database=any_database)
        assert (again.id, again.created) == (first.id, False)
        other = store_audience(people(502), database=any_database)
        with pytest.raises(KeyConflict):
            submit({**SPEC, "key": "k"}, other, database=any_database)

    def test_an_option_named_with_its_default_makes_no_other_content(self, any_database: Database) -> None:
        first = submit({**SPEC, "key": "k"}, people(1), database=any_database)
        assert submit({**SPEC, "key": "k", "flash": False}, people(1), database=any_database).id == first.id

    def test_a_second_submit_after_the_scheduled_time_is_the_first_campaign(self, any_database: Database) -> None:
        at = any_database.clock() + timedelta(seconds=2)
        spec = {**SPEC, "key": "k", "scheduled_at": at}
        first = submit(spec, people(1), database=any_database)
        assert eventually(lambda: any_database.clock() > at)
        assert submit(spec, people(1), database=any_database).id == first.id

    @pytest.mark.parametrize("count", [1, 700], ids=["small", "large"])
    def test_many_at_once_make_one_campaign(self, any_database: Database, count: int) -> None:
        start = threading.Barrier(4)

        def submit_it(_: int) -> Any:
            start.wait(timeout=60)
            return submit({**SPEC, "key": "k"}, people(count), database=any_database)

        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(submit_it, range(4)))
        assert len({one.id for one in made}) == 1
        assert sum(one.created for one in made) == 1
        assert counts(any_database)["campaigns"] == 1
        assert counts(any_database).get("audiences", 0) == (count > 500)

    def test_one_that_comes_while_the_first_is_handed_over_waits_for_it(self, any_database: Database) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> Iterator[dict[str, str]]:
            yield from people(600)
            begun.set()
            go_on.wait(timeout=60)

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(submit, {**SPEC, "key": "k"}, slow(), database=any_database)
            assert begun.wait(timeout=60)
            again = pool.submit(submit, {**SPEC, "key": "k"}, people(600), database=any_database)
            other = pool.submit(submit, {**SPEC, "key": "k"}, people(1), database=any_database)
            assert not again.done()
            go_on.set()
            assert again.result(timeout=60).id == first.result(timeout=60).id
            assert not again.result().created
            with pytest.raises(KeyConflict, match="other content"):
                other.result(timeout=60)
        assert counts(any_database) == {"campaigns": 1, "audiences": 1, "audience_chunks": 1}

    def test_it_waits_for_the_first_no_longer_than_is_decent(
        self, sqlite: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "PATIENCE_SECONDS", 0.0)

        def while_handing_over() -> Iterator[dict[str, str]]:
            yield from people(600)
            with pytest.raises(KeyConflict, match="still being handed over"):
                submit({**SPEC, "key": "k"}, people(600), database=sqlite)

        assert submit({**SPEC, "key": "k"}, while_handing_over(), database=sqlite).created

    @pytest.mark.parametrize("count", [1, 600], ids=["small", "large"])
    def test_one_whose_producer_was_killed_half_way_makes_room_after_a_minute(
        self, any_database: Database, monkeypatch: pytest.MonkeyPatch, count: int
    ) -> None:
        monkeypatch.setattr(keys, "PATIENCE_SECONDS", 0.0)
        spec = {**SPEC, "key": "k"}
        first = killed_half_way(any_database, monkeypatch, spec)
        with pytest.raises(KeyBusy, match=f"campaign {first} with this key is still being handed over"):
            submit(spec, people(count), database=any_database)
        clock_goes_on(any_database, keys.ABANDONED_SECONDS + 1, audiences.c.touched_at)
        again = submit(spec, people(count), database=any_database)
        assert (again.id != first, again.created) == (True, True)
        assert (row(any_database, first).state, row(any_database, first).key) == (CampaignState.FAILED, None)
        assert "its producer stopped" in row(any_database, first).reason
        assert counts(any_database).get("audiences", 0) == (count > 500)

    def test_many_that_would_take_its_place_make_one_campaign(
        self, any_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = {**SPEC, "key": "k"}
        killed_half_way(any_database, monkeypatch, spec)
        clock_goes_on(any_database, keys.ABANDONED_SECONDS + 1, audiences.c.touched_at)
        made = at_once(*[lambda: submit(spec, people(600), database=any_database)] * 4)
        assert len({one.id for one in made}) == 1
        assert sum(one.created for one in made) == 1

    def test_a_producer_that_was_taken_for_dead_cannot_finish(self, any_database: Database) -> None:
        spec = {**SPEC, "key": "k"}
        others = []

        def overtaken() -> Iterator[dict[str, str]]:
            yield from people(600)
            clock_goes_on(any_database, keys.ABANDONED_SECONDS + 1, audiences.c.touched_at)
            others.append(submit(spec, people(600), database=any_database))

        with pytest.raises(SpecError, match="given up for lost"):
            submit(spec, overtaken(), database=any_database)
        assert campaigns.find("k", database=any_database).id == others[0].id
        assert counts(any_database) == {"campaigns": 2, "audiences": 1, "audience_chunks": 1}

    def test_a_scheduled_one_takes_the_place_of_its_own_first_try_although_its_time_is_past(
        self, sqlite: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "PATIENCE_SECONDS", 0.0)
        at = sqlite.clock() + timedelta(seconds=3)
        spec = {**SPEC, "key": "k", "scheduled_at": at}
        killed_half_way(sqlite, monkeypatch, spec)
        assert eventually(lambda: sqlite.clock() > at)
        clock_goes_on(sqlite, keys.ABANDONED_SECONDS + 1, audiences.c.touched_at)
        assert submit(spec, people(600), database=sqlite).created

    def test_one_that_no_database_stores_is_refused_as_such(self, any_database: Database) -> None:
        at = any_database.clock() + timedelta(hours=1)
        for bad in ("k\0", "\ud800"):
            with pytest.raises(SpecError, match="key: "):
                submit({**SPEC, "key": bad, "scheduled_at": at}, people(1), database=any_database)

    def test_if_the_first_stops_half_way_the_second_is_told_to_come_again(self, any_database: Database) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def broken() -> Iterator[dict[str, str]]:
            yield from people(600)
            begun.set()
            go_on.wait(timeout=60)
            raise OSError("the file is gone")

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(submit, {**SPEC, "key": "k"}, broken(), database=any_database)
            assert begun.wait(timeout=60)
            again = pool.submit(submit, {**SPEC, "key": "k"}, people(600), database=any_database)
            go_on.set()
            with pytest.raises(OSError, match="gone"):
                first.result(timeout=60)
            try:
                assert again.result(timeout=60).created  # it came just after the first had gone
            except KeyBusy as error:
                assert "submit yours again" in str(error)  # noqa: PT017  either is right
        assert submit({**SPEC, "key": "k"}, people(600), database=any_database).id


class TestARefusalThatIsKept:
    def test_one_that_nobody_hears_is_kept_and_found_by_its_key(self, any_database: Database) -> None:
        first = keep_refusal("Promo", "promo", "default", ["rate: too high", "sender: too long"], any_database)
        kept = campaigns.find("promo", database=any_database)
        assert (kept.id, kept.state, kept.finished) == (first, CampaignState.FAILED, True)
        assert kept.reason == "refused: rate: too high; sender: too long"

    def test_the_newest_one_is_found_by_the_key(self, any_database: Database) -> None:
        keep_refusal("Promo", "promo", "default", ["rate: too high"], any_database)
        again = keep_refusal("Promo", "promo", "default", ["rate: too low"], any_database)
        assert campaigns.find("promo", database=any_database).id == again

    def test_one_with_the_key_of_a_campaign_is_kept_without_it(self, any_database: Database) -> None:
        made = submit({**SPEC, "key": "promo"}, people(1), database=any_database)
        refused = row(any_database, keep_refusal("Promo", "promo", "default", ["rate: too high"], any_database))
        assert (refused.state, refused.key) == (CampaignState.FAILED, None)
        assert refused.reason == "refused: rate: too high (kept without its key, which another campaign has)"
        assert campaigns.find("promo", database=any_database).id == made.id
        assert row(any_database, made.id).state == CampaignState.FUNDING

    @pytest.mark.parametrize("bad", ["\0", "\ud800", "\x1b"], ids=["a null", "half a surrogate", "an escape"])
    def test_what_no_database_stores_is_kept_by_what_stands_for_it(self, any_database: Database, bad: str) -> None:
        said = f"a{bad}b"
        kept = row(any_database, keep_refusal(said, said, said, [said], any_database))
        assert {kept.name, kept.key, kept.account} == {"a\ufffdb"}
        assert kept.reason == "refused: a\ufffdb"

    def test_it_gives_its_key_back(self, any_database: Database) -> None:
        refused = keep_refusal("Promo", "promo", "default", ["rate: too high"], any_database)
        made = submit({**SPEC, "key": "promo"}, people(1), database=any_database)
        assert made.created
        assert made.id != refused
