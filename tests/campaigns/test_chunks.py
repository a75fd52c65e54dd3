"""An audience at rest: taken in by chunks, read from any of them on, and forgotten when nobody needs it."""

import hashlib
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, text

from campaigns import chunks
from campaigns.chunks import GivenUpError, Row, Shape, UnknownAudienceError
from campaigns.database import Database
from campaigns.models import audience_chunks, audiences

SHAPE = Shape(("Téléphone", "nom"), 0)


def rows(count: int) -> Iterator[Row]:
    return ((number, [f"07{number:08d}", f"N{number}"]) for number in range(2, count + 2))


def stored(database: Database, count: int, *, kept: bool = True) -> int:
    digest = hashlib.sha256()
    with database.transaction() as connection:
        audience_id = chunks.begin(connection, SHAPE, kept=kept)
    assert chunks.take_in(database, audience_id, rows(count), digest) == count
    with database.transaction() as connection:
        chunks.complete(connection, audience_id, digest.hexdigest())
    return audience_id


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (1_000, [1_000]), (1_001, [1_000, 1]), (11_001, [*[1_000] * 11, 1])],
    ids=str,
)
def test_rows_come_back_in_chunks_and_in_order(any_database: Database, count: int, sizes: list[int]) -> None:
    audience_id = stored(any_database, count)
    with any_database.reading() as connection:
        found = chunks.read(connection, audience_id, first=0, most=100)
        shape, size, _ = chunks.shape(connection, audience_id)
    assert [len(chunk) for chunk in found] == sizes
    assert [(number, list(cells)) for chunk in found for number, cells in chunk] == list(rows(count))
    assert (shape, size) == (SHAPE, count)


@pytest.mark.parametrize(
    ("first", "most", "numbers"), [(0, 1, [2]), (1, 2, [1_002, 2_002]), (3, 5, []), (2, 5, [2_002])]
)
def test_reading_goes_on_from_any_chunk(any_database: Database, first: int, most: int, numbers: list[int]) -> None:
    audience_id = stored(any_database, 2_500)
    with any_database.reading() as connection:
        found = chunks.read(connection, audience_id, first=first, most=most)
    assert [chunk[0][0] for chunk in found] == numbers


def test_the_digest_is_that_of_the_rows_alone(sqlite: Database) -> None:
    audience_id = stored(sqlite, 2_500)
    digest = hashlib.sha256()
    chunks.hash_rows(rows(2_500), digest)
    with sqlite.reading() as connection:
        assert chunks.shape(connection, audience_id)[2] == digest.hexdigest()


@pytest.mark.parametrize("change", [(1_700, ["x", "y"]), (9, ["0700000002", "N2"])], ids=["a cell", "a row number"])
def test_another_row_makes_another_digest(change: Row) -> None:
    digests = set()
    for tail in ([], [change]):
        digest = hashlib.sha256()
        chunks.hash_rows([*rows(1_500), *tail], digest)
        digests.add(digest.hexdigest())
    assert len(digests) == 2


def test_an_audience_that_is_not_complete_is_unknown(any_database: Database) -> None:
    with any_database.transaction() as connection:
        audience_id = chunks.begin(connection, SHAPE, kept=True)
        with pytest.raises(UnknownAudienceError, match=f"the id {audience_id}"):
            chunks.shape(connection, audience_id)


@pytest.mark.parametrize(("kept", "left"), [(True, (1, 2)), (False, (0, 0))], ids=["kept", "its campaign's"])
def test_only_what_belonged_to_one_campaign_is_dropped(any_database: Database, kept: bool, left: object) -> None:
    audience_id = stored(any_database, 1_500, kept=kept)
    with any_database.transaction() as connection:
        chunks.drop(connection, audience_id)
        chunks.drop(connection, audience_id)
        counts = [select(func.count()).select_from(table) for table in (audiences, audience_chunks)]
        assert tuple(connection.execute(count).scalar_one() for count in counts) == left


def test_taking_in_stops_once_the_audience_is_dropped(any_database: Database) -> None:
    with any_database.transaction() as connection:
        audience_id = chunks.begin(connection, SHAPE, kept=False)
    drawn = []

    def dropped_meanwhile() -> Iterator[Row]:
        for number, cells in rows(50_000):
            if number == 15_000:
                with any_database.transaction() as connection:
                    chunks.drop(connection, audience_id)
            drawn.append(number)
            yield number, cells

    with pytest.raises(GivenUpError):
        chunks.take_in(any_database, audience_id, dropped_meanwhile(), hashlib.sha256())
    assert len(drawn) == 20_000
    with any_database.transaction() as connection, pytest.raises(GivenUpError):
        chunks.complete(connection, audience_id, "")


def test_a_half_stored_audience_is_dropped_in_time_and_no_other(any_database: Database) -> None:
    whole = stored(any_database, 10)
    with any_database.transaction() as connection:
        chunks.begin(connection, SHAPE, kept=True)
        fresh = chunks.begin(connection, SHAPE, kept=True)
        old = any_database.clock().replace(year=2020)
        connection.execute(audiences.update().where(audiences.c.id != fresh).values(touched_at=old))
        chunks.drop_abandoned(connection, seconds=60)
        assert connection.execute(select(audiences.c.id).order_by(audiences.c.id)).scalars().all() == [whole, fresh]


def test_dropping_one_of_many_looks_through_no_table(postgresql: Database) -> None:
    with postgresql.transaction() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(text("EXPLAIN UPDATE campaigns SET audience_id = NULL WHERE audience_id = 7"))
        assert "campaigns_audience" in "\n".join(row[0] for row in plan)
