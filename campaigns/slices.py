"""An audience, wherever it is, some thousands of rows at a time: for whoever looks at it and stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from campaigns import chunks
from campaigns.audience import Source, open_audience
from campaigns.chunks import Row, Shape
from campaigns.database import Database, default
from campaigns.spec import Spec
from campaigns.submission import StoredAudience, shape_of, stored

ROWS_AT_A_TIME = 5_000
_CHUNKS = ROWS_AT_A_TIME // chunks.ROWS_A_CHUNK


@contextmanager
def sliced(
    spec: Spec, audience: Source | StoredAudience, database: Database | None
) -> Iterator[tuple[Shape, Iterator[list[Row]]]]:
    """What the cells are, and the rows; raises SpecError and AudienceError as a submission does."""
    if isinstance(audience, StoredAudience):
        there = database or default()
        with there.reading() as connection:
            shape, _, _ = stored(connection, spec, audience.id)
        yield shape, _stored_rows(there, audience.id)
        return
    with open_audience(audience, number_column=spec.number_column) as rows:
        yield shape_of(rows), chunks.grouped(rows, ROWS_AT_A_TIME)


def _stored_rows(database: Database, audience_id: int) -> Iterator[list[Row]]:
    first = 0
    while True:
        with database.reading() as connection:
            some = chunks.read(connection, audience_id, first=first, most=_CHUNKS)
        if not some:
            return
        yield [row for chunk in some for row in chunk]
        first += len(some)
