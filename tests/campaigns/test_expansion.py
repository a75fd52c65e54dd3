"""An audience becomes batches: once, in order, of one alphabet each, with everybody else excluded and a reason."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event, func, insert, select, text

import campaigns
from campaigns import expansion
from campaigns.ahead import Ahead
from campaigns.chunks import Row, Shape
from campaigns.database import Database, copy_in
from campaigns.expansion import Slice, expand_slice
from campaigns.models import batches, exclusions, messages
from campaigns.models import campaigns as table
from campaigns.payload import Payload
from campaigns.phone import normalizer
from campaigns.settings import DomainSettings
from campaigns.sorting import Sorter
from campaigns.spec import Spec
from campaigns.states import CampaignState, Exclusion
from campaigns.submission import submit
from campaigns.template import Template, Unrenderable
from campaigns.text import measure
from tests.campaigns.making import at_once
from tests.campaigns.producing import SPEC, people

SETTINGS = DomainSettings(database_url="sqlite:///unused.db", default_region="CI")
A_SLICE = 10_000


def expand(database: Database, campaign_id: int) -> None:
    while expand_slice(database, campaign_id, SETTINGS):
        pass


def made(database: Database, rows: Any, **options: Any) -> int:
    """The id of a campaign that is expanded."""
    campaign_id = submit({**SPEC, **options}, rows, database=database).id
    expand(database, campaign_id)
    return campaign_id


def excluded(database: Database, campaign_id: int) -> list[tuple[int, str, str]]:
    e = exclusions.c
    with database.reading() as connection:
        found = select(e.row, e.number, e.reason).where(e.campaign_id == campaign_id).order_by(e.row)
        return [tuple(row) for row in connection.execute(found)]


def its_batches(database: Database, campaign_id: int) -> list[Any]:
    with database.reading() as connection:
        found = select(batches).where(batches.c.campaign_id == campaign_id).order_by(batches.c.number)
        return list(connection.execute(found))


def sound(database: Database, campaign_id: int) -> bool:
    """Batches are numbered without a gap, and hold the very messages of the table."""
    rows = its_batches(database, campaign_id)
    with database.reading() as connection:
        m = messages.c
        found = set(map(tuple, connection.execute(select(m.msisdn, m.batch_id).where(m.campaign_id == campaign_id))))
    travelling = [(number, row.id) for row in rows for number in Payload.unpack(row.payload).numbers]
    numbered = [row.number for row in rows] == list(range(1, len(rows) + 1))
    return numbered and len(travelling) == len(found) and set(travelling) == found


# One small enough for its submit, one for a worker.
SIZES = pytest.mark.parametrize("filler", [0, 600], ids=["in the submit", "by a worker"])


@SIZES
class TestWhoIsLeftOut:
    @pytest.mark.parametrize(
        "raw",
        ["27 20 30 40 50", "gar\tbage", "\\N", "\\.", "a\nb\r\nc", "nul\0", "Élodie 😀 \u2028", "", "\\", "'; --"],
        ids=ascii,
    )
    def test_a_number_that_is_none_is_kept_as_it_came(self, any_database: Database, filler: int, raw: str) -> None:
        campaign_id = made(any_database, [*people(filler), {"tel": raw, "nom": "A"}])
        assert excluded(any_database, campaign_id) == [(filler + 1, raw.replace("\0", ""), "invalid")]

    def test_the_row_number_is_that_of_the_file(self, any_database: Database, filler: int, tmp_path: Any) -> None:
        file = tmp_path / "clients.csv"
        lines = [f"{person['tel']};{person['nom']}" for person in people(filler)]
        file.write_text("\n".join(["tel;nom", "", "12;A", *lines, "0708091011;A", "+225 07 08 09 10 11;B"]))
        campaign_id = made(any_database, file)
        assert excluded(any_database, campaign_id) == [
            (3, "12", "invalid"),
            (filler + 5, "+225 07 08 09 10 11", "duplicate"),
        ]

    def test_a_number_is_texted_once_however_it_is_spelled(self, any_database: Database, filler: int) -> None:
        spellings = ["0708091011", "+225 07 08 09 10 11", "002250708091011", "2250708091011", "08091011"]
        campaign_id = made(any_database, [*people(filler), *({"tel": raw, "nom": "A"} for raw in spellings)])
        assert [reason for _, _, reason in excluded(any_database, campaign_id)] == ["duplicate"] * 4
        assert campaigns.progress(campaign_id, database=any_database).messages == filler + 1

    def test_a_field_that_is_missing_is_unrenderable_and_a_later_row_may_do_better(
        self, any_database: Database, filler: int
    ) -> None:
        rows = [
            {"tel": "0708091011", "nom": " "},
            {"tel": "0708091011", "nom": "A"},
            {"tel": "0708091011", "nom": ""},
        ]
        campaign_id = made(any_database, [*people(filler), *rows])
        reasons = [(row - filler, reason) for row, _, reason in excluded(any_database, campaign_id)]
        assert reasons == [(1, "unrenderable"), (3, "duplicate")]

    def test_a_text_that_is_too_long_is_unrenderable(self, any_database: Database, filler: int) -> None:
        campaign_id = made(any_database, [*people(filler), {"tel": "0708091011", "nom": "x" * 2_000}])
        assert [reason for _, _, reason in excluded(any_database, campaign_id)] == ["unrenderable"]


NUMBERS_TO_SORT = ["0708091011", "+225 0708091011", "0708091012", "0708091013", "12", ""]
NAMES_TO_SORT = ["Awa", "Awa", "Koné", "Zoë", "{x}", "ê{", "", "x" * 2_000]
pairs = st.tuples(
    st.sampled_from(NUMBERS_TO_SORT) | st.integers(2250700000000, 2250700000030).map(str),
    st.sampled_from(NAMES_TO_SORT),
)


class TestSorting:
    @given(st.lists(pairs, max_size=30), st.sets(st.sampled_from([2250708091011, 2250708091012])), st.integers(1, 4))
    @pytest.mark.parametrize("template", ["Bonjour {{ nom }}", "Bonjour {{ nom | upper }}"], ids=["merged", "rendered"])
    def test_what_becomes_of_many_rows_is_what_is_said_of_one_after_the_other(
        self, template: str, rows: list[tuple[str, str]], known: set[int], size: int
    ) -> None:
        spec = Spec.model_validate({**SPEC, "template": template, "batch_size": size})
        audience = [(number, list(cells)) for number, cells in enumerate(rows, 2)]
        sorter = Sorter(spec, Shape(("tel", "nom"), 0), SETTINGS)
        found = sorter.sort(sorter.look(audience), known.intersection)
        payloads = [
            (kind, list(zip(made.rows, made.numbers, made.segments, made.values, strict=True)))
            for kind, made in found.payloads
        ]
        assert (payloads, found.excluded) == one_after_the_other(spec, audience, known)


def one_after_the_other(spec: Spec, rows: list[Row], known: set[int]) -> tuple[list[Any], list[Any]]:
    """Kind and messages of each batch, and the exclusions."""
    normalize, template = normalizer("CI"), Template.parse(spec.template).bind(("tel", "nom"))
    kinds: dict[Any, list[Any]] = {}
    left_out: list[Any] = []
    taken = set(known)
    for row, cells in rows:
        number = normalize(cells[0])
        if number is None or number in taken:
            left_out.append((row, cells[0], Exclusion.INVALID if number is None else Exclusion.DUPLICATE))
            continue
        try:
            text, values = template.render(cells)
        except Unrenderable:
            left_out.append((row, cells[0], Exclusion.UNRENDERABLE))
            continue
        taken.add(number)
        alphabet, segments = measure(text)
        message = (row, number, segments, (text,) if values is None else values)
        kinds.setdefault((alphabet, values is not None), []).append(message)
    size = spec.messages_a_batch
    return [(kind, its[at : at + size]) for kind, its in kinds.items() for at in range(0, len(its), size)], left_out


class TestBatches:
    def test_each_has_one_alphabet_and_one_way_to_travel(self, any_database: Database) -> None:
        names = ["Awa", "Zoë", "{x}", "ê{", "Koné"]
        rows = [{"tel": f"07{place:08d}", "nom": names[place % 5]} for place in range(1_000)]
        campaign_id = made(any_database, rows, batch_size=300)
        found = its_batches(any_database, campaign_id)
        kinds = sorted((row.alphabet, row.merged, row.size) for row in found)
        assert kinds == [
            *[("gsm7", False, 200), ("gsm7", True, 100), ("gsm7", True, 300)],
            *[("ucs2", False, 200), ("ucs2", True, 200)],
        ]
        assert sound(any_database, campaign_id)

    def test_values_travel_merged_or_as_finished_text(self, any_database: Database) -> None:
        rows = [{"tel": "0708091011", "nom": "Awa"}, {"tel": "0708091012", "nom": "{x}"}]
        campaign_id = made(any_database, rows)
        values = {row.merged: Payload.unpack(row.payload).values for row in its_batches(any_database, campaign_id)}
        assert values == {True: [["Awa"]], False: [["Bonjour {x}"]]}

    def test_none_is_larger_than_asked(self, any_database: Database) -> None:
        campaign_id = made(any_database, people(1_050), batch_size=200)
        assert [row.size for row in its_batches(any_database, campaign_id)] == [200, 200, 200, 200, 200, 50]

    def test_a_rated_campaigns_are_a_fifth_of_a_second_each(self, any_database: Database) -> None:
        campaign_id = made(any_database, people(600), rate=1_000)
        assert [row.size for row in its_batches(any_database, campaign_id)] == [200, 200, 200]

    @pytest.mark.parametrize(
        ("lookup", "state", "lookup_credits"), [(False, "pending", 0), (True, "unchecked", 1)], ids=["without", "with"]
    )
    def test_each_knows_its_price(self, any_database: Database, lookup: bool, state: str, lookup_credits: int) -> None:
        rows = [{"tel": "0708091011", "nom": "Awa"}, {"tel": "22670000000", "nom": "A" * 200}]
        prices = DomainSettings(
            database_url="sqlite:///unused.db", credit_prices={"225": "1.5", "": 4}, lookup_price="0.5"
        )
        campaign_id = submit({**SPEC, "lookup": lookup, "batch_size": 1}, rows, database=any_database).id
        while expand_slice(any_database, campaign_id, prices):
            pass
        found = its_batches(any_database, campaign_id)
        assert [(row.segments, row.credits) for row in found] == [(1, 1.5), (2, 8)]
        assert {(row.state, row.lookup_credits) for row in found} == {(state, lookup_credits * prices.lookup_price)}


class TestSlices:
    def test_duplicates_are_found_across_slices(self, any_database: Database) -> None:
        campaign_id = made(any_database, [*people(A_SLICE), *people(500), *people(1, first=77_777)])
        progress = campaigns.progress(campaign_id, database=any_database)
        assert (progress.messages, progress.excluded) == (A_SLICE + 1, {"duplicate": 500})
        assert progress.adds_up
        assert sound(any_database, campaign_id)

    def test_a_crash_between_two_slices_repeats_nothing(self, any_database: Database) -> None:
        campaign_id = submit(SPEC, people(A_SLICE + 1_500), database=any_database).id
        assert expand_slice(any_database, campaign_id, SETTINGS)
        halfway = campaigns.progress(campaign_id, database=any_database)
        assert (halfway.state, halfway.expanded, halfway.adds_up) == (CampaignState.EXPANDING, A_SLICE, True)
        again = Database(any_database.url.render_as_string(hide_password=False))
        expand(again, campaign_id)
        again.close()
        assert campaigns.progress(campaign_id, database=any_database).messages == A_SLICE + 1_500
        assert sound(any_database, campaign_id)

    @pytest.mark.parametrize("where", ["copy_in", "exclude"])
    def test_a_crash_in_mid_transaction_repeats_nothing(
        self, any_database: Database, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        campaign_id = submit(SPEC, [*people(700), {"tel": "12", "nom": "A"}], database=any_database).id

        def cut(*_: object) -> None:
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr(expansion, where, cut)
            with pytest.raises(SystemExit):
                expand_slice(any_database, campaign_id, SETTINGS)
        assert its_batches(any_database, campaign_id) == []
        expand(any_database, campaign_id)
        progress = campaigns.progress(campaign_id, database=any_database)
        assert (progress.messages, progress.excluded, progress.adds_up) == (700, {"invalid": 1}, True)
        assert sound(any_database, campaign_id)

    def test_two_at_once_repeat_nothing(self, any_database: Database) -> None:
        campaign_id = submit(SPEC, [*people(A_SLICE * 2 + 10), *people(100)], database=any_database).id
        start = threading.Barrier(3)

        def work(_: int) -> None:
            start.wait(timeout=60)
            for _ in range(4):
                expand_slice(any_database, campaign_id, SETTINGS)

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(3)))
        expand(any_database, campaign_id)
        progress = campaigns.progress(campaign_id, database=any_database)
        assert (progress.messages, progress.excluded) == (A_SLICE * 2 + 10, {"duplicate": 100})
        assert (progress.state, progress.adds_up) == (CampaignState.FUNDING, True)
        assert sound(any_database, campaign_id)

    def test_a_turn_of_several_slices_is_one_after_the_other(self, any_database: Database) -> None:
        campaign_id = submit(SPEC, [*people(A_SLICE * 2 + 10), *people(100)], database=any_database).id
        assert not expansion.expand(any_database, campaign_id, SETTINGS, seconds=60)
        progress = campaigns.progress(campaign_id, database=any_database)
        assert (progress.messages, progress.excluded) == (A_SLICE * 2 + 10, {"duplicate": 100})
        assert (progress.state, progress.adds_up) == (CampaignState.FUNDING, True)
        assert sound(any_database, campaign_id)

    def test_a_turn_that_is_over_ends_with_its_slice(self, any_database: Database) -> None:
        campaign_id = submit(SPEC, people(A_SLICE + 10), database=any_database).id
        assert expansion.expand(any_database, campaign_id, SETTINGS, seconds=0)
        assert campaigns.progress(campaign_id, database=any_database).expanded == A_SLICE

    def test_several_turns_at_once_repeat_nothing(self, any_database: Database) -> None:
        campaign_id = submit(SPEC, [*people(A_SLICE * 3 + 10), *people(100)], database=any_database).id
        at_once(*[lambda: expansion.expand(any_database, campaign_id, SETTINGS, seconds=60)] * 3)
        expand(any_database, campaign_id)
        progress = campaigns.progress(campaign_id, database=any_database)
        assert (progress.messages, progress.excluded) == (A_SLICE * 3 + 10, {"duplicate": 100})
        assert (progress.state, progress.adds_up) == (CampaignState.FUNDING, True)
        assert sound(any_database, campaign_id)

    def test_rows_looked_at_in_vain_are_thrown_away(self, any_database: Database) -> None:
        """Somebody else was quicker, between the look at a slice and the transaction that would have written it."""
        campaign_id = submit(SPEC, people(A_SLICE + 10), database=any_database).id
        stale = expansion._first_look(any_database, campaign_id, SETTINGS)
        assert stale is not None
        expand_slice(any_database, campaign_id, SETTINGS)
        with Ahead[Slice](60) as ahead:
            ahead.begin(lambda: stale)
            assert expand_slice(any_database, campaign_id, SETTINGS, ahead)
            assert not ahead.begun
        assert campaigns.progress(campaign_id, database=any_database).expanded == A_SLICE
        expand(any_database, campaign_id)
        assert campaigns.progress(campaign_id, database=any_database).messages == A_SLICE + 10
        assert sound(any_database, campaign_id)

    def test_one_that_is_cancelled_during_a_turn_goes_no_further(
        self, any_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign_id = submit(SPEC, people(A_SLICE * 2), database=any_database).id
        really = expansion.expand_slice

        def cancelled_after(*arguments: Any) -> bool:
            more = really(*arguments)
            campaigns.cancel(campaign_id, database=any_database)
            return more

        monkeypatch.setattr(expansion, "expand_slice", cancelled_after)
        assert not expansion.expand(any_database, campaign_id, SETTINGS, seconds=60)
        progress = campaigns.progress(campaign_id, database=any_database)
        assert (progress.expanded, progress.by_status, progress.adds_up) == (A_SLICE, {"voided": A_SLICE}, True)

    def test_one_that_is_cancelled_half_way_goes_no_further(self, any_database: Database) -> None:
        campaign_id = submit(SPEC, people(A_SLICE + 1), database=any_database).id
        expand_slice(any_database, campaign_id, SETTINGS)
        campaigns.cancel(campaign_id, database=any_database)
        assert not expand_slice(any_database, campaign_id, SETTINGS)
        progress = campaigns.progress(campaign_id, database=any_database)
        assert (progress.expanded, progress.by_status, progress.adds_up) == (A_SLICE, {"voided": A_SLICE}, True)

    def test_all_excluded_completes_with_a_reason(self, any_database: Database) -> None:
        campaign_id = made(any_database, ({"tel": "12", "nom": "A"} for _ in range(600)))
        progress = campaigns.progress(campaign_id, database=any_database)
        assert progress.state == CampaignState.COMPLETED
        assert progress.reason == "nothing to send: every recipient is excluded (600 invalid)"

    @pytest.mark.parametrize("state", ["funding", "sending", "completed", "cancelled", "failed", "receiving"])
    def test_in_any_other_state_there_is_nothing_to_do(self, sqlite: Database, state: str) -> None:
        campaign_id = submit(SPEC, people(600), database=sqlite).id
        with sqlite.transaction() as connection:
            connection.execute(table.update().values(state=state))
        assert not expand_slice(sqlite, campaign_id, SETTINGS)
        assert its_batches(sqlite, campaign_id) == []

    def test_an_unknown_campaign_is_nothing_to_do(self, any_database: Database) -> None:
        assert not expand_slice(any_database, 999, SETTINGS)


class TestKnownNumbers:
    @pytest.fixture
    def crowded(self, any_database: Database) -> int:
        with any_database.transaction() as connection:
            row = {"account": "a", "name": "n", "spec": {}, "wire_text": "", "state": "expanding"}
            ids = connection.execute(insert(table).returning(table.c.id), [row, row]).scalars().all()
            for campaign_id, count in zip(ids, (200_000, 20_000), strict=True):
                rows = [(campaign_id, 22507_00000000 + number * 7, 1) for number in range(count)]
                copy_in(connection, "messages", ("campaign_id", "msisdn", "batch_id"), rows)
        if not any_database.is_sqlite:
            with any_database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE messages"))
        return int(ids[0])

    @pytest.mark.parametrize("asked", [1, 10_000])
    def test_they_are_probed_by_the_primary_key(self, any_database: Database, crowded: int, asked: int) -> None:
        numbers = [22507_00000000 + number * 70 for number in range(asked)]
        with any_database.transaction() as connection:
            known, plan = self.asked(any_database, connection, crowded, numbers)
        assert known == set(numbers)
        if any_database.is_sqlite:
            assert "SEARCH messages USING PRIMARY KEY (campaign_id=? AND msisdn=?)" in plan
        else:
            assert "messages_pk" in plan
            assert "Hash" not in plan
            assert "Seq Scan" not in plan

    def test_they_are_probed_in_a_campaign_that_is_newer_than_the_statistics(
        self, any_database: Database, crowded: int
    ) -> None:
        """PostgreSQL takes it for a campaign of one message, and would compare each that is there with each number."""
        numbers = [22507_00000000 + number * 7 for number in range(3_000)]
        with any_database.transaction() as connection:
            row = {"account": "a", "name": "n", "spec": {}, "wire_text": "", "state": "expanding"}
            campaign_id = connection.execute(insert(table).returning(table.c.id), row).scalar_one()
            rows = [(campaign_id, number, 1) for number in numbers]
            copy_in(connection, "messages", ("campaign_id", "msisdn", "batch_id"), rows)
            known, plan = self.asked(any_database, connection, campaign_id, numbers)
        assert known == set(numbers)
        both = "campaign_id=? AND msisdn=?" if any_database.is_sqlite else "'::bigint) AND (msisdn ="
        assert both in plan

    def asked(
        self, database: Database, connection: Connection, campaign_id: int, numbers: list[int]
    ) -> tuple[set[int], str]:
        """Those that are known, and how they were looked for."""
        asking: list[tuple[str, Any]] = []
        event.listen(database.engine, "before_cursor_execute", lambda *call: asking.append(call[2:4]))
        known = expansion._known(connection, campaign_id, numbers)
        statement, parameters = asking[-1]
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        lines = connection.exec_driver_sql(f"{explain} {statement}", parameters)
        return known, "\n".join(str(line[-1]) for line in lines)


def test_all_of_a_campaign_is_in_one_place(any_database: Database) -> None:
    rows = [*people(900), {"tel": "12", "nom": "A"}, {"tel": "0708091011", "nom": ""}, *people(5)]
    campaign_id = made(any_database, rows)
    with any_database.reading() as connection:
        count = connection.execute(select(func.count()).select_from(messages)).scalar_one()
    assert count + len(excluded(any_database, campaign_id)) == len(rows)
