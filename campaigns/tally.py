"""What is counted of an audience, slice by slice, to tell beforehand what a campaign will cost and whom it leaves out.

What becomes of each row is `campaigns.sorting`, as in expansion; nothing here decides it anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import nsmallest
from itertools import chain

from campaigns.filling import FINISHED_TEXT, UNRENDERABLE
from campaigns.filters import Unrenderable
from campaigns.payload import Payload
from campaigns.sorting import Looked, Sorted, Sorter
from campaigns.states import Exclusion
from campaigns.text import Alphabet, blockers, measure

Cells = list[str]


@dataclass(frozen=True)
class LeftOut:
    """Recipients who would get no message for one reason.

    Attributes:
        count: how many.
        row: the first one's row number.
        number: the first one's, as it came.
        why: what is wrong with the first one, where the reason alone does not say it.
    """

    count: int
    row: int
    number: str = field(repr=False)
    why: str | None = None


@dataclass(frozen=True)
class Text:
    """One recipient's text, as the phone would show it."""

    row: int
    number: int = field(repr=False)
    text: str = field(repr=False)
    alphabet: Alphabet
    segments: int


@dataclass(frozen=True)
class Saving:
    """What transliteration would bring.

    Attributes:
        texts: how many would cost less.
        segments: how many fewer.
        credits: how many fewer.
    """

    texts: int
    segments: int
    credits: Decimal


class Tally:
    """Counts what `take` is given; memory does not grow with it.

    Args:
        sorter: who looked at the rows.
        cheaper: one that transliterates, where the other does not.
        texts: how many of the first texts are kept.
    """

    def __init__(self, sorter: Sorter, cheaper: Sorter | None, *, texts: int) -> None:
        self.rows = self.messages = 0
        self.credits = Decimal(0)
        self.segments: Counter[int] = Counter()
        self.alphabets: Counter[str] = Counter()
        self.forcing: Counter[str] = Counter()
        self.places: Counter[str] = Counter()
        self.texts: list[Text] = []
        self._sorter, self._cheaper, self._wanted = sorter, cheaper, texts
        self._left_out: Counter[Exclusion] = Counter()
        self._first: dict[Exclusion, LeftOut] = {}
        self._saved_texts = self._saved_segments = 0
        self._saved_credits = Decimal(0)

    def take(self, looked: Looked, found: Sorted) -> None:
        """Count some rows, and what becomes of them."""
        cells = dict(looked.rows)
        self.rows += len(looked.rows)
        self._take_excluded(found, cells)
        self._take_texts(found, cells)
        for (alphabet, merged), payload in found.payloads:
            self.messages += len(payload)
            if self._sorter.hours is not None:  # each payload is of one place then
                self.places[self._sorter.hours.place(payload.numbers[0])] += len(payload)
            self.alphabets[alphabet.value] += len(payload)
            self.segments.update(payload.segments)
            self.credits += self._sorter.prices.total(payload.numbers, payload.segments)
            if alphabet is Alphabet.UCS2:
                self._take_forcing(payload, merged=merged)
                self._take_saving(payload, cells)

    @property
    def excluded(self) -> dict[str, LeftOut]:
        """By reason."""
        return {
            reason.value: LeftOut(count, its.row, its.number, its.why)
            for reason, count in self._left_out.items()
            for its in (self._first[reason],)
        }

    @property
    def saving(self) -> Saving | None:
        """None where texts are transliterated anyway."""
        if self._cheaper is None:
            return None
        return Saving(self._saved_texts, self._saved_segments, self._saved_credits)

    def _take_excluded(self, found: Sorted, cells: Mapping[int, Cells]) -> None:
        self._left_out.update([reason for _, _, reason in found.excluded])
        if len(self._first) == len(self._left_out):
            return
        for row, number, reason in found.excluded:
            if reason not in self._first:
                why = self._why(cells[row]) if reason is Exclusion.UNRENDERABLE else None
                self._first[reason] = LeftOut(1, row, number, why)

    def _why(self, cells: Cells) -> str | None:
        try:
            self._sorter.template.render(cells)
        except Unrenderable as error:
            return str(error)
        return None

    def _take_texts(self, found: Sorted, cells: Mapping[int, Cells]) -> None:
        missing = self._wanted - len(self.texts)
        if missing <= 0:
            return
        everybody = chain.from_iterable(zip(its.rows, its.numbers, strict=True) for _, its in found.payloads)
        for row, number in nsmallest(missing, everybody):
            text, _ = self._sorter.template.render(cells[row])
            self.texts.append(Text(row, number, text, *measure(text)))

    def _take_forcing(self, payload: Payload, *, merged: bool) -> None:
        """In how many texts each character is that makes them UCS-2; most are in all of them, or in few."""
        everywhere = blockers(self._sorter.template.wire_text if merged else FINISHED_TEXT)
        for character in everywhere:
            self.forcing[character] += len(payload)
        if set(blockers("".join(chain.from_iterable(payload.values)))) <= set(everywhere):
            return
        for values in payload.values:
            self.forcing.update(set(blockers("".join(values))).difference(everywhere))

    def _take_saving(self, payload: Payload, cells: Mapping[int, Cells]) -> None:
        if self._cheaper is None:
            return
        # Of one segment there is nothing to save, and most texts have no more.
        dear = [place for place, size in enumerate(payload.segments) if size > 1]
        if not dear:
            return
        filled = self._cheaper.look([(payload.rows[place], cells[payload.rows[place]]) for place in dear]).filled
        saved = [
            0 if kind == UNRENDERABLE else payload.segments[place] - after
            for place, kind, after in zip(dear, filled.kinds, filled.segments, strict=True)
        ]
        self._saved_texts += sum(less > 0 for less in saved)
        self._saved_segments += sum(saved)
        self._saved_credits += self._sorter.prices.total([payload.numbers[place] for place in dear], saved)
