"""Campaign → batches of messages: numbers read, texts made, duplicates found, everybody else excluded with a reason.

It streams: a slice is some thousands of rows, read from chunks and written in one transaction together with the place
to go on from, so that a crash repeats nothing and memory does not grow. Each batch has one alphabet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import BigInteger, Connection, insert, select, update

from campaigns import chunks, lifecycle
from campaigns.chunks import Shape
from campaigns.database import Database, Record, copy_in, forbid_scans, rows_of
from campaigns.models import batches, campaigns, messages
from campaigns.payload import Payload
from campaigns.phone import normalizer
from campaigns.prices import Prices
from campaigns.settings import DomainSettings
from campaigns.spec import Spec
from campaigns.states import BatchState, CampaignState, Exclusion
from campaigns.template import Template, Unrenderable
from campaigns.text import Alphabet, measure

CHUNKS_A_SLICE = 10

Excluded = tuple[int, str, Exclusion]
"""Row number, the number as it came, the reason."""

Kind = tuple[Alphabet, bool]
"""The alphabet of a batch, and whether the gateway merges it."""


@dataclass
class Bucket:
    """Messages of one alphabet and one form, column by column as they will be packed."""

    rows: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    values: list[Sequence[str]] = field(default_factory=list)

    def put(self, row: int, number: int, segments: int, values: Sequence[str]) -> None:
        """One more message."""
        self.rows.append(row)
        self.numbers.append(number)
        self.segments.append(segments)
        self.values.append(values)

    def cut(self, size: int) -> Iterable[Payload]:
        """Payloads of at most `size` messages, in order."""
        whole = Payload(self.rows, self.numbers, self.segments, self.values)
        for start in range(0, len(whole), size):
            yield whole.part(start, start + size)


@dataclass(frozen=True)
class Sorted:
    """What becomes of some rows: payloads of batches by kind, and who is left out."""

    payloads: Sequence[tuple[Kind, Payload]]
    excluded: Sequence[Excluded]


class Sorter:
    """Tells for each row what message it makes, or why none.

    Args:
        spec: the campaign's.
        shape: of its audience. Raises TemplateError where the template names a column that is not there.
        settings: default region and prices.
    """

    def __init__(self, spec: Spec, shape: Shape, settings: DomainSettings) -> None:
        self.prices = Prices(settings.credit_prices, settings.lookup_price)
        self._size = spec.messages_a_batch
        self._to_check = spec.lookup is not None
        self._number_column = shape.number_column
        self._normalize = normalizer(settings.default_region)
        self._render = Template.parse(spec.template).bind(shape.columns, transliterate=spec.transliterate).render

    def sort(self, rows: Iterable[chunks.Row], known: Callable[[list[int]], set[int]]) -> Sorted:
        """What becomes of these rows.

        Args:
            rows: row numbers and cells.
            known: of some MSISDNs, those that an earlier slice has.
        """
        column, normalize, render = self._number_column, self._normalize, self._render
        numbered = [(number, cells, normalize(cells[column])) for number, cells in rows]
        taken = known([msisdn for _, _, msisdn in numbered if msisdn is not None])
        buckets: dict[Kind, Bucket] = {}
        excluded: list[Excluded] = []
        last: Kind | None = None
        bucket = Bucket()
        for number, cells, msisdn in numbered:
            if msisdn is None:
                excluded.append((number, cells[column], Exclusion.INVALID))
                continue
            if msisdn in taken:
                excluded.append((number, cells[column], Exclusion.DUPLICATE))
                continue
            try:
                text, values = render(cells)
            except Unrenderable:
                excluded.append((number, cells[column], Exclusion.UNRENDERABLE))
                continue
            taken.add(msisdn)
            alphabet, segments = measure(text)
            merged = values is not None
            # Most rows are of the kind of the one before, and to look a bucket up costs as much as to fill it.
            if last is None or alphabet is not last[0] or merged is not last[1]:
                last = (alphabet, merged)
                bucket = buckets.setdefault(last, Bucket())
            bucket.put(number, msisdn, segments, (text,) if values is None else values)
        payloads = [(kind, payload) for kind, bucket in buckets.items() for payload in bucket.cut(self._size)]
        return Sorted(payloads, excluded)

    def write(self, connection: Connection, campaign_id: int, rows: Iterable[chunks.Row], *, after: int) -> int:
        """Batches, messages and exclusions of these rows; returns how many batches there are now.

        Args:
            connection: a transaction that holds the campaign's row.
            campaign_id: whose rows they are.
            rows: row numbers and cells.
            after: how many batches the campaign has already.
        """
        # Without a batch there is no message yet that a row could repeat.
        known = partial(_known, connection, campaign_id) if after else nobody
        found = self.sort(rows, known)
        self.store(connection, campaign_id, found, after=after)
        return after + len(found.payloads)

    def store(self, connection: Connection, campaign_id: int, found: Sorted, *, after: int = 0) -> None:
        """Write down what `sort` found; the arguments are those of `write`."""
        if found.payloads:
            made = [
                self._batch(campaign_id, number, *kind, payload)
                for number, (kind, payload) in enumerate(found.payloads, start=after + 1)
            ]
            ids = connection.execute(insert(batches).returning(batches.c.id, sort_by_parameter_order=True), made)
            copy_in(
                connection,
                "messages",
                ("campaign_id", "msisdn", "batch_id"),
                [
                    (campaign_id, msisdn, batch_id)
                    for batch_id, (_, payload) in zip(ids.scalars(), found.payloads, strict=True)
                    for msisdn in payload.numbers
                ],
            )
        exclude(connection, campaign_id, found.excluded)

    def _batch(self, campaign_id: int, number: int, alphabet: str, merged: bool, payload: Payload) -> dict[str, object]:
        return {
            "campaign_id": campaign_id,
            "number": number,
            "alphabet": alphabet,
            "merged": merged,
            "size": len(payload),
            "segments": sum(payload.segments),
            "credits": self.prices.total(payload.numbers, payload.segments),
            "lookup_credits": len(payload) * self.prices.lookup if self._to_check else 0,
            "state": BatchState.UNCHECKED if self._to_check else BatchState.PENDING,
            "payload": payload.pack(),
        }


def exclude(connection: Connection, campaign_id: int, excluded: Sequence[Excluded]) -> None:
    """Write down who gets no message, and why."""
    rows = [(campaign_id, row, _storable(number), reason.value) for row, number, reason in excluded]
    copy_in(connection, "exclusions", ("campaign_id", "row", "number", "reason"), rows)


def _storable(text: str) -> str:
    """Without halves of surrogate pairs, which PostgreSQL takes for no text (nor NUL, which no cell holds)."""
    return text if text.isprintable() else text.encode(errors="ignore").decode()


def nobody(_numbers: list[int]) -> set[int]:
    """None of the numbers is known: the campaign has no message yet."""
    return set()


def _known(connection: Connection, campaign_id: int, numbers: list[int]) -> set[int]:
    forbid_scans(connection)
    asked = rows_of(connection, "asked", msisdn=(BigInteger, numbers))
    found = select(messages.c.msisdn).where(messages.c.campaign_id == campaign_id, messages.c.msisdn == asked.c.msisdn)
    return set(connection.execute(found).scalars())


def expand_slice(database: Database, campaign_id: int, settings: DomainSettings) -> bool:
    """Expand some thousands of rows, or finish; may be called by several at once, and again after a crash.

    Returns:
        Whether there is more to do.
    """
    with database.transaction() as connection:
        campaign = _lock(connection, campaign_id)
        if campaign is None:
            return False
        if campaign.audience_id is None:  # expanded inside its submit, and only waited for its time
            lifecycle.expanded(connection, campaign_id)
            return False
        shape, _, _ = chunks.shape(connection, campaign.audience_id)
        some = chunks.read(connection, campaign.audience_id, first=campaign.next_chunk, most=CHUNKS_A_SLICE)
        rows = [row for chunk in some for row in chunk]
        if not rows:
            chunks.drop(connection, campaign.audience_id)
            lifecycle.expanded(connection, campaign_id)
            return False
        sorter = Sorter(Spec.model_validate(campaign.spec), shape, settings)
        count = sorter.write(connection, campaign_id, rows, after=campaign.batches)
        connection.execute(
            update(campaigns)
            .where(campaigns.c.id == campaign_id)
            .values(
                state=CampaignState.EXPANDING,
                next_chunk=campaign.next_chunk + len(some),
                expanded=campaign.expanded + len(rows),
                batches=count,
            )
        )
        return True


def _lock(connection: Connection, campaign_id: int) -> Record | None:
    # Skipping a locked row lets the second of two doubled tasks go away instead of waiting to repeat the work.
    found = select(campaigns).where(campaigns.c.id == campaign_id, lifecycle.is_due())
    return connection.execute(found.with_for_update(skip_locked=True)).first()
