"""Rows of an audience → messages of one alphabet and form each, and who is left out and why. It writes nothing.

First each row is looked at by itself, which needs no database and may be done ahead; then it is seen whose number a row
before has taken, and who wants no texts. Texts are `campaigns.filling`, numbers `campaigns.phone`; what is made of all
this is `campaigns.expansion`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import cast

from campaigns.chunks import Row, Shape
from campaigns.filling import KINDS, UNRENDERABLE, Filled, Kind
from campaigns.payload import Payload
from campaigns.phone import column_normalizer
from campaigns.prices import Prices
from campaigns.settings import DomainSettings
from campaigns.spec import Spec
from campaigns.states import Exclusion
from campaigns.template import Template

Excluded = tuple[int, str, Exclusion]
"""Row number, the number as it came, the reason."""

Some = Callable[[list[int]], set[int]]
"""Of some MSISDNs, those that something is true of."""

ROWS_AT_ONCE = 1_000
"""How many are looked at as columns: few enough to stay in the processor's cache, and small beside a slice."""

INVALID, DUPLICATE, OPTED_OUT = UNRENDERABLE + 1, UNRENDERABLE + 2, UNRENDERABLE + 3
_REASONS = {
    UNRENDERABLE: Exclusion.UNRENDERABLE,
    INVALID: Exclusion.INVALID,
    DUPLICATE: Exclusion.DUPLICATE,
    OPTED_OUT: Exclusion.OPTED_OUT,
}
_SELECTING = [bytes(code == kind for code in range(256)) for kind in range(len(KINDS))]


@dataclass(frozen=True, repr=False)
class Looked:
    """Rows, each of which was looked at by itself.

    Attributes:
        rows: row numbers and cells.
        raw: the number of each as it came.
        numbers: MSISDNs, None where it is none.
        filled: the texts.
    """

    rows: Sequence[Row]
    raw: Sequence[str]
    numbers: Sequence[int | None]
    filled: Filled


@dataclass(frozen=True, repr=False)
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

    Attributes:
        prices: of segments and lookups.
        to_check: whether numbers are looked up before they are texted.
        hours: the campaign's window, if it has one.
        template: tied to the columns.
    """

    def __init__(self, spec: Spec, shape: Shape, settings: DomainSettings) -> None:
        self.prices = Prices(settings.credit_prices, settings.lookup_price)
        self.to_check = spec.lookup is not None
        self.hours = spec.hours
        self._size = spec.messages_a_batch
        self._number_column = shape.number_column
        self._normalize = column_normalizer(settings.default_region)
        self.template = Template.parse(spec.template).bind(
            shape.columns, transliterate=spec.transliterate, named=spec.columns
        )

    def look(self, rows: Sequence[Row]) -> Looked:
        """Each row by itself."""
        raw = [cells[self._number_column] for _, cells in rows]
        filled = Filled(bytearray(), [], [])
        for start in range(0, len(rows), ROWS_AT_ONCE):
            filled.extend(self.template.fill([cells for _, cells in rows[start : start + ROWS_AT_ONCE]]))
        return Looked(rows, raw, self._normalize(raw), filled)

    def sort(self, looked: Looked, known: Some, opted_out: Some | None = None) -> Sorted:
        """What becomes of these rows; to be asked once.

        Args:
            looked: what `look` gave.
            known: of some MSISDNs, those that an earlier slice has.
            opted_out: of some, those whose people want no texts; None where it is known that nobody is one of them.
        """
        rows, kinds = looked.rows, looked.filled.kinds
        numbers = [number for number in looked.numbers if number is not None]
        _leave_out(kinds, looked.numbers, known(numbers), opted_out(numbers) if opted_out else set())
        excluded = [
            (rows[place][0], looked.raw[place], _REASONS[kind]) for place, kind in enumerate(kinds) if kind in _REASONS
        ]
        return Sorted(list(self._payloads(looked)), excluded)

    def _payloads(self, looked: Looked) -> Iterable[tuple[Kind, Payload]]:
        """Those of each kind, in the order in which the kinds turned up."""
        kinds = looked.filled.kinds
        numbers = cast(Sequence[int], looked.numbers)  # those that are none are left out
        columns = ([row for row, _ in looked.rows], numbers, looked.filled.segments, looked.filled.values)
        for kind in sorted(set(kinds).difference(_REASONS), key=kinds.index):
            alike = kinds.count(kind) == len(kinds)
            selected = kinds.translate(_SELECTING[kind])
            payload = Payload(*(columns if alike else [list(compress(column, selected)) for column in columns]))
            for alike_in_time in self._apart(payload):
                for start in range(0, len(alike_in_time), self._size):
                    yield KINDS[kind], alike_in_time.part(start, start + self._size)

    def _apart(self, payload: Payload) -> list[Payload]:
        """By country, where the window goes by the clocks of each: a batch is of one, for it leaves at one moment."""
        return payload.apart(self.hours.place) if self.hours and self.hours.by_country else [payload]


def _leave_out(kinds: bytearray, numbers: Sequence[int | None], taken: set[int], unwanted: set[int]) -> None:
    """Note who has no number, or wants no texts, or has a number that a row before has taken: one that gets a text."""
    if not taken and not unwanted and len(set(numbers)) == len(numbers) and None not in numbers:
        return
    for place, number in enumerate(numbers):
        if number is None:
            kinds[place] = INVALID
        elif number in unwanted:
            kinds[place] = OPTED_OUT
        elif number in taken:
            kinds[place] = DUPLICATE
        elif kinds[place] != UNRENDERABLE:
            taken.add(number)
