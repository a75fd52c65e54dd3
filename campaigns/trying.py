"""A campaign tried on oneself: its first text goes to one's own phones, as a campaign of its own, before all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from campaigns.audience import Source
from campaigns.bells import Ring
from campaigns.chunks import Row, Shape
from campaigns.database import Database, default
from campaigns.expansion import nobody
from campaigns.language import _
from campaigns.phone import normalizer
from campaigns.settings import domain_settings
from campaigns.slices import sliced
from campaigns.sorting import Sorter
from campaigns.spec import Spec, SpecError, check
from campaigns.submission import StoredAudience, Submitted, bind, earliest, submit
from campaigns.text import measure

_AT_ONCE: dict[str, Any] = {
    "key": None, "scheduled_at": None, "window": None, "window_zone": None, "rate": None, "lookup": None,
    "uncapped": True,
}  # fmt: skip
"""A test comes when it is asked for, to whoever asks, as often as it is asked for, and costs no lookup."""


@dataclass(frozen=True)
class Tried:
    """What became of a test.

    Attributes:
        campaign: the test's own.
        numbers: how many phones it is for.
        row: whose text it is, by the row number of the audience.
        text: as the phones will show it.
        segments: of the text.
    """

    campaign: Submitted
    numbers: int
    row: int
    text: str = field(repr=False)
    segments: int


def try_out(
    asked: Spec | Mapping[str, Any],
    audience: Source | StoredAudience,
    numbers: Sequence[str],
    *,
    ring: Ring | None = None,
    database: Database | None = None,
) -> Tried:
    """Send what the first recipient with a text would get to some numbers of one's own, and to nobody else.

    Args:
        asked: the campaign that is to be tried, a Spec or a mapping of its fields. Its key and its time are not used.
        audience: that of the campaign. Only its beginning is read, so what cannot be read again is spoilt by this.
        numbers: as people write them; one that is named twice gets it once.
        ring: as for `submit`.
        database: where; the one that DATABASE_URL names by default.

    Raises:
        SpecError: with every fault named, such as a number that is none, or an audience in which nobody gets a text.
        AudienceError: the audience cannot be read. Whatever else `submit` raises.
    """
    database = database or default()
    spec = check(asked, now=earliest(database, asked))
    own = _msisdns(numbers)
    with sliced(spec, audience, database) as (shape, slices):
        row, cells, text = _first(spec, shape, slices)
    number_column = shape.columns[shape.number_column]
    person = dict(zip(shape.columns, cells, strict=True))
    people = [person | {number_column: f"+{number}"} for number in own]
    test = {"name": f"Test of {spec.name}"[:200], "number_column": number_column, **_AT_ONCE}
    made = submit(spec.model_copy(update=test), people, ring=ring, database=database)
    return Tried(made, len(own), row, text, measure(text)[1])


def _msisdns(numbers: Sequence[str]) -> list[int]:
    if not numbers:
        raise SpecError([_("test: no mobile number of your own is named")])
    normalize = normalizer(domain_settings().default_region)
    own: dict[int, None] = {}
    for place, written in enumerate(numbers, 1):
        number = normalize(written)
        if number is None:
            # It may be a number with one digit too many, and is not repeated.
            fault = _("number {place} of {count} is no mobile number: write it with its country code").format(
                place=place, count=len(numbers)
            )
            raise SpecError([f"test: {fault}"])
        own[number] = None
    return list(own)


def _first(spec: Spec, shape: Shape, slices: Iterator[list[Row]]) -> tuple[int, list[str], str]:
    """Row number, cells and text of the first recipient who gets one."""
    bind(spec, shape)  # says what is wrong with the template
    sorter = Sorter(spec, shape, domain_settings())
    for rows in slices:
        found = sorter.sort(sorter.look(rows), nobody)
        firsts = [payload.rows[0] for _, payload in found.payloads]
        if firsts:
            row = min(firsts)
            cells = dict(rows)[row]
            return row, cells, sorter.template.render(cells)[0]
    raise SpecError([_("nobody in the audience gets a text: there is nothing to test")])
