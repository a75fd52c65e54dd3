"""One text for many people: a small part of Jinja2, read once, filled in for each recipient.

A template of bare names is the gateway's own mail merge; any other is rendered here and travels finished, as the one
value of `FINISHED_TEXT`. What a template may hold is `campaigns.grammar`; what a recipient gets is `campaigns.filling`;
alphabets, cleaning and the limit on length are `campaigns.text`; whose cells these are is `campaigns.audience`.
"""

import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from campaigns import text as texts
from campaigns.columns import Cells
from campaigns.filling import FINISHED_FIELDS, FINISHED_TEXT, BoundTemplate, Joined, Rendered, has_brace, wire_text
from campaigns.filters import Unrenderable
from campaigns.grammar import Script, TemplateError, read
from campaigns.language import _

__all__ = [
    "FINISHED_FIELDS",
    "FINISHED_TEXT",
    "BoundTemplate",
    "Template",
    "TemplateError",
    "Unrenderable",
    "columns_named",
]


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
            most = _("{most}, which is {count} SMS of {size}").format(
                most=texts.MAX_CHARACTERS, count=texts.MAX_SEGMENTS, size=texts.GSM7_PART
            )
            raise TemplateError(
                _("the text is {size} characters long before any field is filled in; the most is {most}").format(
                    size=size, most=most
                )
            )
        return cls(script)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names as they are written, in order of first appearance."""
        return self.script.fields

    @property
    def native(self) -> bool:
        """Whether the gateway can merge it: only text and bare names, and no brace in the text."""
        return self.script.parts is not None and not has_brace(self.script.fixed)

    @property
    def wire_text(self) -> str:
        """The text as the gateway merges it, `Bonjour {f1}`; `FINISHED_TEXT` if it cannot."""
        return wire_text(_stripped(self.script.parts)) if self.script.parts and self.native else FINISHED_TEXT

    def bind(
        self, columns: Sequence[str], *, transliterate: bool = False, named: Mapping[str, str] | None = None
    ) -> "BoundTemplate":
        """Ties the fields to the columns of an audience, and makes the text fit GSM-7 if asked.

        A name finds the column spelt the same, or else the one that reads the same without accents, capitals and
        punctuation: `{{ prenom }}` finds `Prénom`, `{{ nom_du_client }}` finds `Nom du client`. `named` says of a field
        by which name its column is found instead. Raises `TemplateError` if a column is missing or could be either of
        two, or if the text is too long for anyone.
        """
        fixed = texts.transliterate(self.script.fixed) if transliterate else self.script.fixed
        if texts.too_long(fixed.strip()):
            raise TemplateError(
                _("the text costs {count} SMS before any field is filled in; the most is {most}").format(
                    count=texts.measure(fixed.strip())[1], most=texts.MAX_SEGMENTS
                )
            )
        named = named or {}
        cells = Cells(tuple(_column(name, named.get(name, name), columns) for name in self.fields))
        if self.script.program is not None:
            return Rendered(self.fields, cells, self.script.program, transliterate)
        parts = self.script.parts or ()
        if transliterate:
            parts = tuple(texts.transliterate(part) if isinstance(part, str) else part for part in parts)
        return Joined.of(self.fields, cells, _stripped(parts), transliterate=transliterate)


def columns_named(name: str, columns: Sequence[str]) -> list[int]:
    """Where the columns are that a name means: those spelt the same, or else those that read the same."""
    exact = [index for index, column in enumerate(columns) if column == name]
    return exact or [index for index, column in enumerate(columns) if _slug(column) == _slug(name)]


def _column(field: str, name: str, columns: Sequence[str]) -> int:
    found = columns_named(name, columns)
    called = "" if name == field else f" {name!r}"
    if not found:
        raise TemplateError(
            _("there is no column{called} for {{{{ {field} }}}}; the columns are: {columns}").format(
                called=called, field=field, columns=_listed(columns)
            )
        )
    if len(found) > 1:
        either = _listed(
            [_("{column} (column {place})").format(column=columns[index], place=index + 1) for index in found]
        )
        raise TemplateError(
            _("{{{{ {field} }}}} could be any of these columns: {columns}").format(field=field, columns=either)
        )
    return found[0]


def _listed(columns: Sequence[str]) -> str:
    return textwrap.shorten(", ".join(columns), 500, placeholder=" …")


def _slug(name: str) -> str:
    """How a column's name reads: `Nom du client` and `nom_du_client` are the same one."""
    letters = unicodedata.normalize("NFKD", texts.transliterate(texts.clean(name))).casefold()
    return "_".join(re.findall(r"[^\W_]+", "".join(letter for letter in letters if not unicodedata.combining(letter))))


def _stripped(parts: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Without the blanks at both ends, which nobody sees and everybody pays for."""
    ends = {0: str.lstrip, len(parts) - 1: str.rstrip}
    if len(parts) == 1:
        ends = {0: str.strip}
    return tuple(ends.get(at, str)(part) if isinstance(part, str) else part for at, part in enumerate(parts))
