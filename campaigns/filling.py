"""What recipients get: a template that is tied to columns, filled in for one row, or for many by the column.

By the column is how an audience is expanded: plain values (`campaigns.columns`) need not even be put together to be
measured. All that is not plain is looked at by the row, which is the one place where it is said what becomes of it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import starmap

from campaigns import text as texts
from campaigns.columns import Cells, blanks, odd_texts
from campaigns.filters import Blank, Unrenderable, without_gap
from campaigns.language import N_
from campaigns.programs import Program
from campaigns.text import Alphabet, Room, measure

# How a text that was rendered here travels: as the only value of a merge, since nothing says that a gateway leaves
# braces alone elsewhere.
FINISHED_TEXT, FINISHED_FIELDS = "{f1}", ("f1",)

Kind = tuple[Alphabet, bool]
"""The alphabet of a text, and whether the gateway merges it."""

KINDS: tuple[Kind, ...] = tuple((alphabet, merged) for alphabet in Alphabet for merged in (True, False))
UNRENDERABLE = len(KINDS)
"""Stands among the kinds of texts for none."""

_EMPTY = Room.of("")
_FIELD = re.compile(r"\{f([0-9]+)\}")


@dataclass(frozen=True, slots=True)
class Filled:
    """What some rows get, column by column.

    Attributes:
        kinds: indices in KINDS, or UNRENDERABLE.
        segments: of each text.
        values: for `fields_on_wire` of the template, or, where the gateway does not merge it, the text alone.
    """

    kinds: bytearray
    segments: list[int]
    values: list[tuple[str, ...]]

    @classmethod
    def alike(cls, kind: Kind, segments: list[int], values: list[tuple[str, ...]]) -> Filled:
        """Rows that all get a text of one kind."""
        return cls(bytearray([KINDS.index(kind)]) * len(segments), segments, values)

    def extend(self, more: Filled) -> None:
        """The rows after these."""
        self.kinds.extend(more.kinds)
        self.segments.extend(more.segments)
        self.values.extend(more.values)

    def put(self, place: int, text: str, values: tuple[str, ...] | None) -> None:
        """What a row gets after all."""
        alphabet, self.segments[place] = measure(text)
        self.kinds[place] = KINDS.index((alphabet, values is not None))
        self.values[place] = (text,) if values is None else values

    def refuse(self, place: int) -> None:
        """Nothing can be made of a row."""
        self.kinds[place] = UNRENDERABLE


class BoundTemplate(ABC):
    """A template whose fields are tied to the columns of one audience."""

    wire_text: str
    fields_on_wire: tuple[str, ...]

    @abstractmethod
    def render(self, cells: Sequence[str]) -> tuple[str, tuple[str, ...] | None]:
        """The finished text, and the values for `fields_on_wire`, or None if the text has to travel finished.

        Values are cleaned, on one line, stripped, and hold no brace: a merge can never expand one again. A row shorter
        than the header counts as blank at its end. Raises `Unrenderable` when a field that is put out is blank, or
        when the text is empty or longer than `text.MAX_SEGMENTS`.
        """

    @abstractmethod
    def fill(self, rows: Sequence[Sequence[str]]) -> Filled:
        """What `render` and `measure` give for each of some rows, several times as fast."""

    def _fill_by_row(self, rows: Sequence[Sequence[str]], places: Iterable[int], filled: Filled) -> None:
        """Put what `render` and `measure` give for the rows at these places."""
        for place in places:
            try:
                text, values = self.render(rows[place])
            except Unrenderable:
                filled.refuse(place)
            else:
                filled.put(place, text, values)


def _checked(text: str) -> str:
    if not text:
        raise Unrenderable(N_("the text is empty"))
    if texts.too_long(text):
        raise Unrenderable(N_("the text is longer than {most} SMS").format(most=texts.MAX_SEGMENTS))
    return text


def has_brace(text: str) -> bool:
    """Whether a gateway could take some of it for a field."""
    return "{" in text or "}" in text


def wire_text(parts: Sequence[str | int]) -> str:
    """Text and indices of fields as a gateway merges them: `Bonjour {f1}`."""
    return "".join(part if isinstance(part, str) else f"{{f{part + 1}}}" for part in parts)


def as_merged(wire: str, values: Sequence[str]) -> str:
    """The text that a gateway makes of a wire text and somebody's values."""
    return _FIELD.sub(lambda field: values[int(field[1]) - 1], wire)


@dataclass(frozen=True, slots=True)
class Joined(BoundTemplate):
    """Text and bare names: no Jinja2 at run time."""

    wire_text: str
    fields_on_wire: tuple[str, ...]
    fields: tuple[str, ...]
    cells: Cells
    join: Callable[..., str]
    native: bool
    transliterate: bool
    room: Room
    put_in: tuple[int, ...]  # the index of a field, as often as it is put in

    @classmethod
    def of(cls, fields: tuple[str, ...], cells: Cells, parts: Sequence[str | int], *, transliterate: bool) -> Joined:
        """From text and indices of fields."""
        fixed = "".join(part for part in parts if isinstance(part, str))
        native = not has_brace(fixed)
        pattern = "".join(
            part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else f"{{{part}}}" for part in parts
        )
        return cls(
            wire_text=wire_text(parts) if native else FINISHED_TEXT,
            fields_on_wire=tuple(f"f{index + 1}" for index in range(len(fields))) if native else FINISHED_FIELDS,
            fields=fields,
            cells=cells,
            join=pattern.format,
            native=native,
            transliterate=transliterate,
            room=Room.of(fixed),
            put_in=tuple(part for part in parts if isinstance(part, int)),
        )

    def render(self, cells: Sequence[str]) -> tuple[str, tuple[str, ...] | None]:
        """One row, looked at in every way."""
        values = self.cells.values(cells)
        if self.transliterate:
            values = tuple(map(texts.transliterate, values))
        if not all(values):
            raise Unrenderable(N_("{field} is missing or blank").format(field=self.fields[values.index("")]))
        text = _checked(self.join(*values))
        # A native template has no brace of its own, so that one found here came with a value.
        return text, values if self.native and not has_brace(text) else None

    def fill(self, rows: Sequence[Sequence[str]]) -> Filled:
        """Many rows; what is plain is never put together unless it has to travel finished."""
        columns, odd = self.cells.columns(rows)
        odd.update(*map(blanks, columns))
        segments = self._segments(columns, odd, len(rows))
        values: list[tuple[str, ...]] = list(zip(*columns, strict=True)) if columns else [()] * len(rows)
        if not self.native:
            values = list(zip(starmap(self.join, values), strict=True))
        filled = Filled.alike((self.room.alphabet, self.native), segments, values)
        self._fill_by_row(rows, odd, filled)
        return filled

    def _segments(self, columns: Sequence[Sequence[str]], odd: set[int], count: int) -> list[int]:
        """Those of plain rows; `odd` is told which rows are too long for that to be said of them here."""
        if self.room.taken + sum(max(map(len, columns[index]), default=0) for index in self.put_in) <= self.room.single:
            return [1] * count
        sizes = [list(map(len, column)) for column in columns]
        added = list(map(sum, zip(*[sizes[index] for index in self.put_in], strict=True))) or [0] * count
        odd.update(self.room.too_full(added))
        return self.room.segments(added)


@dataclass(frozen=True, slots=True)
class Rendered(BoundTemplate):
    """Anything more than bare names, run by Jinja2."""

    wire_text = FINISHED_TEXT
    fields_on_wire = FINISHED_FIELDS
    fields: tuple[str, ...]
    cells: Cells
    program: Program
    transliterate: bool

    def render(self, cells: Sequence[str]) -> tuple[str, None]:
        """One row, looked at in every way."""
        return self._finished(self.program([self._values(cells)])[0]), None

    def fill(self, rows: Sequence[Sequence[str]]) -> Filled:
        """Many rows, in one run of the program; a text that is plain is only measured."""
        values, too_much = self._all_values(rows)
        made = list(map(str.strip, self.program(values)))
        sizes = list(map(len, made))
        filled = Filled.alike((_EMPTY.alphabet, False), _EMPTY.segments(sizes), list(zip(made, strict=True)))
        for place in too_much.union(odd_texts(made), _EMPTY.too_full(sizes), blanks(made)):
            try:
                filled.put(place, self._finished("" if place in too_much else made[place]), None)
            except Unrenderable:
                filled.refuse(place)
        return filled

    def _all_values(self, rows: Sequence[Sequence[str]]) -> tuple[list[tuple[str, ...]], set[int]]:
        """Those of each row, and the places of rows that have too much of them."""
        columns, odd = self.cells.columns(rows)
        for at, (name, column) in enumerate(zip(self.fields, columns, strict=True)):
            if "" in column:
                blank = Blank(name)
                columns[at] = [value or blank for value in column]
        values: list[tuple[str, ...]] = list(zip(*columns, strict=True)) if columns else [()] * len(rows)
        too_much = set()
        for place in odd:
            try:
                values[place] = self._values(rows[place])
            except Unrenderable:
                values[place] = ("",) * len(columns)
                too_much.add(place)
        return values, too_much

    def _values(self, cells: Sequence[str]) -> tuple[str, ...]:
        values = self.cells.values(cells)
        if all(values):
            return values
        return tuple(value or Blank(name) for value, name in zip(values, self.fields, strict=True))

    def _finished(self, text: str) -> str:
        text = without_gap(text).strip()
        # At the end, not before: conditions compare the values as they were given.
        return _checked(texts.transliterate(text) if self.transliterate else text)
