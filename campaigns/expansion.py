"""Campaign → batches of messages: numbers read, texts made, duplicates found, everybody else excluded with a reason.

It streams: a slice is some thousands of rows, read from chunks and written in one transaction together with the place
to go on from, so that a crash repeats nothing and memory does not grow. Each batch has one alphabet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import cast

from sqlalchemy import BigInteger, Connection, insert, select, update

from campaigns import chunks, lifecycle
from campaigns.chunks import Shape
from campaigns.database import Database, Record, copy_in, forbid_scans, rows_of
from campaigns.filling import KINDS, UNRENDERABLE, Filled, Kind
from campaigns.models import batches, campaigns, messages
from campaigns.payload import Payload
from campaigns.phone import column_normalizer
from campaigns.prices import Prices
from campaigns.settings import DomainSettings
from campaigns.spec import Spec
from campaigns.states import BatchState, CampaignState, Exclusion
from campaigns.template import Template

CHUNKS_A_SLICE = 10

Excluded = tuple[int, str, Exclusion]
"""Row number, the number as it came, the reason."""

ROWS_AT_ONCE = 1_000
"""How many are looked at as columns: few enough to stay in the processor's cache, and small beside a slice."""

INVALID, DUPLICATE = UNRENDERABLE + 1, UNRENDERABLE + 2
_REASONS = {UNRENDERABLE: Exclusion.UNRENDERABLE, INVALID: Exclusion.INVALID, DUPLICATE: Exclusion.DUPLICATE}
_SELECTING = [bytes(code == kind for code in range(256)) for kind in range(len(KINDS))]


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
        self._normalize = column_normalizer(settings.default_region)
        self._template = Template.parse(spec.template).bind(shape.columns, transliterate=spec.transliterate)

    def sort(self, rows: Sequence[chunks.Row], known: Callable[[list[int]], set[int]]) -> Sorted:
        """What becomes of these rows.

        Args:
            rows: row numbers and cells.
            known: of some MSISDNs, those that an earlier slice has.
        """
        raw = [cells[self._number_column] for _, cells in rows]
        numbers = self._normalize(raw)
        filled = Filled(bytearray(), [], [])
        for start in range(0, len(rows), ROWS_AT_ONCE):
            filled.extend(self._template.fill([cells for _, cells in rows[start : start + ROWS_AT_ONCE]]))
        _leave_out(filled.kinds, numbers, known([number for number in numbers if number is not None]))
        excluded = [
            (rows[place][0], raw[place], _REASONS[kind]) for place, kind in enumerate(filled.kinds) if kind in _REASONS
        ]
        return Sorted(list(self._payloads([row for row, _ in rows], numbers, filled)), excluded)

    def _payloads(self, rows: list[int], numbers: list[int | None], filled: Filled) -> Iterable[tuple[Kind, Payload]]:
        """Those of each kind, in the order in which the kinds turned up."""
        kinds = filled.kinds
        columns = (rows, cast(list[int], numbers), filled.segments, filled.values)
        for kind in sorted(set(kinds).difference(_REASONS), key=kinds.index):
            alike = kinds.count(kind) == len(kinds)
            selected = kinds.translate(_SELECTING[kind])
            payload = Payload(*(columns if alike else [list(compress(column, selected)) for column in columns]))
            for start in range(0, len(payload), self._size):
                yield KINDS[kind], payload.part(start, start + self._size)

    def write(self, connection: Connection, campaign_id: int, rows: Sequence[chunks.Row], *, after: int) -> int:
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


def _leave_out(kinds: bytearray, numbers: list[int | None], taken: set[int]) -> None:
    """Note who has no number, or one that a row before has taken: one that gets a text."""
    if not taken and len(set(numbers)) == len(numbers) and None not in numbers:
        return
    for place, number in enumerate(numbers):
        if number is None:
            kinds[place] = INVALID
        elif number in taken:
            kinds[place] = DUPLICATE
        elif kinds[place] != UNRENDERABLE:
            taken.add(number)


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
