"""One text for many people: a small part of Jinja2, read once, filled in for each recipient.

A template of bare names is the gateway's own mail merge; any other is rendered here and travels finished, as the one
value of `FINISHED_TEXT`. What a template may hold is `campaigns.grammar`; alphabets, cleaning and the limit on length
are `campaigns.text`; whose cells these are is `campaigns.audience`.
"""

import re
import textwrap
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Self

import jinja2

from campaigns import text as texts
from campaigns.filters import Blank, Unrenderable
from campaigns.grammar import Script, TemplateError, read, variable

__all__ = [
    "FINISHED_FIELDS",
    "FINISHED_TEXT",
    "BoundTemplate",
    "Template",
    "TemplateError",
    "Unrenderable",
    "columns_named",
]

# How a text that was rendered here travels: as the only value of a merge, since nothing says that a gateway leaves
# braces alone elsewhere.
FINISHED_TEXT, FINISHED_FIELDS = "{f1}", ("f1",)

# All the cells of one recipient that a template names; `truncate` may make a text of more than would fit.
MAX_VALUES = 10_000


# --- The template ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Template:
    """A template that may be used: what `Template.parse` gives."""

    script: Script

    @classmethod
    def parse(cls, source: str) -> Self:
        """Reads Jinja2 source.

        Raises `TemplateError`, for a person, if the template is empty, holds anything that is not allowed, or is
        longer than `text.MAX_CHARACTERS` before any field is filled in.
        """
        script = read(source)
        size = len(script.fixed.strip())
        if size > texts.MAX_CHARACTERS:
            most = f"{texts.MAX_CHARACTERS}, which is {texts.MAX_SEGMENTS} SMS of {texts.GSM7_PART}"
            raise TemplateError(f"the text is {size} characters long before any field is filled in; the most is {most}")
        return cls(script)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names as they are written, in order of first appearance."""
        return self.script.fields

    @property
    def native(self) -> bool:
        """Whether the gateway can merge it: only text and bare names, and no brace in the text."""
        return self.script.parts is not None and not _has_brace(self.script.fixed)

    @property
    def wire_text(self) -> str:
        """The text as the gateway merges it, `Bonjour {f1}`; `FINISHED_TEXT` if it cannot."""
        return _wire_text(_stripped(self.script.parts)) if self.script.parts and self.native else FINISHED_TEXT

    def bind(self, columns: Sequence[str], *, transliterate: bool = False) -> "BoundTemplate":
        """Ties the fields to the columns of an audience, and makes the text fit GSM-7 if asked.

        A name finds the column spelt the same, or else the one that reads the same without accents, capitals and
        punctuation: `{{ prenom }}` finds `Prénom`, `{{ nom_du_client }}` finds `Nom du client`. Raises `TemplateError`
        if a column is missing or could be either of two, or if the text is too long for anyone.
        """
        fixed = texts.transliterate(self.script.fixed) if transliterate else self.script.fixed
        if texts.too_long(fixed.strip()):
            raise TemplateError(
                f"the text costs {texts.measure(fixed.strip())[1]} SMS before any field is filled in; "
                f"the most is {texts.MAX_SEGMENTS}"
            )
        cells = _Cells.at(tuple(_column(name, columns) for name in self.fields))
        if self.script.program is not None:
            return _Rendered(self.fields, cells, self.script.program, transliterate)
        parts = self.script.parts or ()
        if transliterate:
            parts = tuple(texts.transliterate(part) if isinstance(part, str) else part for part in parts)
        return _joined(self.fields, cells, _stripped(parts), transliterate=transliterate)


def columns_named(name: str, columns: Sequence[str]) -> list[int]:
    """Where the columns are that a name means: those spelt the same, or else those that read the same."""
    exact = [index for index, column in enumerate(columns) if column == name]
    return exact or [index for index, column in enumerate(columns) if _slug(column) == _slug(name)]


def _column(name: str, columns: Sequence[str]) -> int:
    found = columns_named(name, columns)
    if not found:
        raise TemplateError(f"there is no column for {{{{ {name} }}}}; the columns are: {_listed(columns)}")
    if len(found) > 1:
        either = _listed([f"{columns[index]} (column {index + 1})" for index in found])
        raise TemplateError(f"{{{{ {name} }}}} could be any of these columns: {either}")
    return found[0]


def _listed(columns: Sequence[str]) -> str:
    return textwrap.shorten(", ".join(columns), 500, placeholder=" …")


def _slug(name: str) -> str:
    """How a column's name reads: `Nom du client` and `nom_du_client` are the same one."""
    letters = unicodedata.normalize("NFKD", texts.transliterate(texts.clean(name))).casefold()
    return "_".join(re.findall(r"[^\W_]+", "".join(letter for letter in letters if not unicodedata.combining(letter))))


def _has_brace(text: str) -> bool:
    return "{" in text or "}" in text


def _stripped(parts: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Without the blanks at both ends, which nobody sees and everybody pays for."""
    ends = {0: str.lstrip, len(parts) - 1: str.rstrip}
    if len(parts) == 1:
        ends = {0: str.strip}
    return tuple(ends.get(at, str)(part) if isinstance(part, str) else part for at, part in enumerate(parts))


def _wire_text(parts: tuple[str | int, ...]) -> str:
    return "".join(part if isinstance(part, str) else f"{{f{part + 1}}}" for part in parts)


# --- What a recipient gets ------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class _Cells:
    """Picks the cells that a template names, and makes values of them."""

    indices: tuple[int, ...]
    pick: Callable[[Sequence[str]], tuple[str, ...]]

    @classmethod
    def at(cls, indices: tuple[int, ...]) -> Self:
        if len(indices) > 1:
            return cls(indices, itemgetter(*indices))
        return cls(indices, lambda cells: tuple(cells[index] for index in indices))

    def values(self, cells: Sequence[str]) -> tuple[str, ...]:
        try:
            values = self.pick(cells)
        except IndexError:
            values = tuple(cells[index] if index < len(cells) else "" for index in self.indices)
        joined = "".join(values)
        if len(joined) > MAX_VALUES:
            raise Unrenderable(f"the fields hold more than {MAX_VALUES} characters")
        if joined.isprintable() and (joined.isascii() or unicodedata.is_normalized("NFC", joined)):
            return tuple([value.strip() for value in values])
        return tuple(_on_one_line(value) for value in values)


def _on_one_line(value: str) -> str:
    line = texts.clean(value).replace("\n", " ").strip()
    return line if line.strip(" \u200c\u200d") else ""  # joiners alone would be seen as a gap


def _checked(text: str) -> str:
    if not text:
        raise Unrenderable("the text is empty")
    if texts.too_long(text):
        raise Unrenderable(f"the text is longer than {texts.MAX_SEGMENTS} SMS")
    return text


@dataclass(frozen=True, slots=True)
class _Joined(BoundTemplate):
    """Text and bare names: no Jinja2 at run time."""

    wire_text: str
    fields_on_wire: tuple[str, ...]
    fields: tuple[str, ...]
    cells: _Cells
    fill: Callable[..., str]
    native: bool
    transliterate: bool

    def render(self, cells: Sequence[str]) -> tuple[str, tuple[str, ...] | None]:
        values = self.cells.values(cells)
        if self.transliterate:
            values = tuple(map(texts.transliterate, values))
        if not all(values):
            raise Unrenderable(f"{self.fields[values.index('')]} is missing or blank")
        text = _checked(self.fill(*values))
        # A native template has no brace of its own, so that one found here came with a value.
        return text, values if self.native and not _has_brace(text) else None


def _joined(fields: tuple[str, ...], cells: _Cells, parts: tuple[str | int, ...], *, transliterate: bool) -> _Joined:
    native = not any(_has_brace(part) for part in parts if isinstance(part, str))
    pattern = "".join(
        part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else f"{{{part}}}" for part in parts
    )
    return _Joined(
        wire_text=_wire_text(parts) if native else FINISHED_TEXT,
        fields_on_wire=tuple(f"f{index + 1}" for index in range(len(fields))) if native else FINISHED_FIELDS,
        fields=fields,
        cells=cells,
        fill=pattern.format,
        native=native,
        transliterate=transliterate,
    )


@dataclass(frozen=True, slots=True)
class _Rendered(BoundTemplate):
    """Anything more than bare names, run by Jinja2."""

    wire_text = FINISHED_TEXT
    fields_on_wire = FINISHED_FIELDS
    fields: tuple[str, ...]
    cells: _Cells
    program: jinja2.Template
    transliterate: bool

    def render(self, cells: Sequence[str]) -> tuple[str, None]:
        values: tuple[str, ...] = self.cells.values(cells)
        if not all(values):
            values = tuple(value or Blank(name) for value, name in zip(values, self.fields, strict=True))
        variables = {variable(index): value for index, value in enumerate(values)}
        context = self.program.new_context(variables, shared=True)
        text = "".join(self.program.root_render_func(context)).strip()
        # At the end, not before: conditions compare the values as they were given.
        return _checked(texts.transliterate(text) if self.transliterate else text), None
