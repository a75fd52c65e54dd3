"""An audience at rest: its rows in compressed chunks, so that the producer's file or memory is no longer needed, and
expansion can go on from a chunk after a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from campaigns.database import Database, later, now
from campaigns.language import _
from campaigns.models import audience_chunks, audiences, campaigns
from campaigns.payload import compress, encode, unpack

T = TypeVar("T")

ROWS_A_CHUNK = 1_000
CHUNKS_A_COMMIT = 10

Row = tuple[int, list[str]]
"""The row's number as a person counts it, and its cells."""


class Digest(Protocol):
    """A hash that grows (hashlib's)."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""


@dataclass(frozen=True)
class Shape:
    """What the cells of an audience's rows are.

    Attributes:
        columns: their names.
        number_column: the index of the one that holds the numbers.
    """

    columns: tuple[str, ...]
    number_column: int


class UnknownAudienceError(ValueError):
    """No stored audience has this id, or it is not complete."""


class GivenUpError(RuntimeError):
    """Nobody wants the rows any more: their campaign was cancelled, or its producer was taken for dead."""


def begin(connection: Connection, shape: Shape, *, kept: bool) -> int:
    """A new, empty audience; returns its id. `kept` ones outlive the campaigns that use them."""
    row = insert(audiences).values(columns=list(shape.columns), number_column=shape.number_column, kept=kept)
    made: int = connection.execute(row.returning(audiences.c.id)).scalar_one()
    return made


def take_in(database: Database, audience_id: int, rows: Iterable[Row], digest: Digest) -> int:
    """Store the rows, some thousands a commit, in memory that does not grow; returns how many there were.

    Raises GivenUpError at the next commit after the audience was dropped.
    """
    number = size = 0
    for packed in grouped(_packed(rows, digest), CHUNKS_A_COMMIT):
        stored = [
            {"audience_id": audience_id, "number": place, "rows": data}
            for place, (_, data) in enumerate(packed, number)
        ]
        number += len(packed)
        size += sum(count for count, _ in packed)
        with database.transaction() as connection:
            _note(connection, audience_id, size=size, chunks=number)
            connection.execute(insert(audience_chunks), stored)
    return size


def _packed(rows: Iterable[Row], digest: Digest) -> Iterator[tuple[int, bytes]]:
    """Chunk after chunk: how many rows are in it, and its bytes."""
    for chunk in grouped(rows, ROWS_A_CHUNK):
        encoded = encode(chunk)
        digest.update(encoded)
        yield len(chunk), compress(encoded)


def hash_rows(rows: Iterable[Row], digest: Digest) -> None:
    """What `take_in` does to the digest, and nothing else: to see whether two audiences are the same."""
    for chunk in grouped(rows, ROWS_A_CHUNK):
        digest.update(encode(chunk))


def complete(connection: Connection, audience_id: int, digest: str) -> None:
    """All its rows are here; raises GivenUpError if it was dropped."""
    _note(connection, audience_id, ready=True, digest=digest)


def shape(connection: Connection, audience_id: int, *, hold: bool = False) -> tuple[Shape, int, str]:
    """Shape, number of rows and digest of a complete audience; raises UnknownAudienceError.

    With `hold` it is there until the transaction ends: nobody purges it before a campaign names it.
    """
    found = select(audiences).where(audiences.c.id == audience_id, audiences.c.ready)
    row = connection.execute(found.with_for_update(read=True, key_share=True) if hold else found).first()
    if row is None:
        raise UnknownAudienceError(_("no complete audience has the id {id}").format(id=audience_id))
    return Shape(tuple(row.columns), row.number_column), row.size, row.digest


def read(connection: Connection, audience_id: int, *, first: int, most: int) -> list[list[Row]]:
    """At most so many chunks, from the number `first` on."""
    chunk = audience_chunks.c
    found = (
        select(chunk.rows)
        .where(chunk.audience_id == audience_id, chunk.number >= first)
        .order_by(chunk.number)
        .limit(most)
    )
    return [unpack(data) for data in connection.execute(found).scalars()]


def drop(connection: Connection, audience_id: int) -> None:
    """Forget an audience that belonged to one campaign, which names it no longer; kept ones stay."""
    a = audiences.c
    if connection.execute(select(a.kept).where(a.id == audience_id)).scalar() is not False:
        return
    connection.execute(update(campaigns).where(campaigns.c.audience_id == audience_id).values(audience_id=None))
    connection.execute(delete(audiences).where(a.id == audience_id))


def drop_abandoned(connection: Connection, *, seconds: float) -> None:
    """Forget audiences whose storing stopped half-way, that long ago."""
    a = audiences.c
    connection.execute(delete(audiences).where(a.kept, ~a.ready, a.touched_at < later(-seconds)))


def _note(connection: Connection, audience_id: int, **values: object) -> None:
    noted = update(audiences).where(audiences.c.id == audience_id).values(touched_at=now(), **values)
    if connection.execute(noted).rowcount == 0:
        raise GivenUpError


def grouped(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many at a time, and the rest."""
    stream = iter(items)
    while group := list(islice(stream, size)):
        yield group
