"""How often a piece of work may fail, or take its process with it, before it is left alone.

The tries are counted in the rows of `bells`, each before it is made. What becomes of campaigns by that is in `poison`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, literal, or_, select

from campaigns.database import Record, later, now
from campaigns.language import N_
from campaigns.models import bells

MOST_TRIES = 3
"""So often may a piece of work fail in a row, before it is left alone."""

PARKED_SECONDS = 300.0
"""How long work of a whole account is left alone then, before it has one more try each time: many wait for it."""

DIED = N_("its process died")
"""Why a try failed of which nobody came back to say why."""

NO_TROUBLE: dict[str, Any] = {"tries": 0, "trouble": None}
"""What a bell's row says of its tries when the work came to a good end, or is forgiven."""

_FOR_GOOD = frozenset({"expand"})
"""Kinds of work that are left alone until a person resumes what they are for."""

_LANES = "send"

_COUNTED_TO = 1_000


def one_more() -> ColumnElement[int]:
    """Of a bell: its tries, with the one that begins now."""
    b = bells.c
    return case((b.tries < _COUNTED_TO, b.tries + 1), else_=b.tries)


def one_less() -> ColumnElement[int]:
    """Of a bell: its tries, but for the one that was broken off."""
    b = bells.c
    return case((b.tries > 0, b.tries - 1), else_=0)


def may_be_tried(kind: str) -> ColumnElement[bool]:
    """Of a bell of this kind: its work has not failed too often, or has been left alone for long enough."""
    b = bells.c
    few = b.tries < MOST_TRIES
    rested = few if kind in _FOR_GOOD else or_(few, b.until < later(-PARKED_SECONDS))
    # What a lane takes up is not taken up again, whatever becomes of its process: lanes wait for nobody.
    return rested if kind == _LANES else and_(rested, or_(b.tries < MOST_TRIES - 1, ~_suspect_at_work()))


def kind_of(key: str) -> str:
    """Which kind of work a bell with this key is for."""
    return key.partition(":")[0]


def _suspect_at_work() -> ColumnElement[bool]:
    """Of a bell: whether other work is being done that failed before, as often as this.

    The end of a process, or of a whole host, ends all that is under way in it. The last try is made without the others:
    so that what merely died beside them comes to its end, and is not put aside with them.
    """
    other = bells.alias("other")
    suspect = and_(other.c.key != bells.c.key, other.c.tries >= MOST_TRIES - 1, other.c.until > now())
    return exists(literal(1)).where(suspect).correlate(bells)


def waits_for_a_person() -> ColumnElement[bool]:
    """Of a bell: its work is left alone until a person resumes what it is for."""
    its_kind = or_(*[bells.c.key.startswith(f"{kind}:", autoescape=True) for kind in _FOR_GOOD])
    return and_(bells.c.tries >= MOST_TRIES, its_kind)


def in_trouble(connection: Connection) -> Sequence[Record]:
    """Work that failed MOST_TRIES times or more, and never since came to its end: key, tries, trouble."""
    found = select(bells.c.key, bells.c.tries, bells.c.trouble).where(is_in_trouble())
    return connection.execute(found.order_by(bells.c.key)).all()


def is_in_trouble() -> ColumnElement[bool]:
    """Of a bell: its work failed too often; the try that is going on may still be a good one."""
    b = bells.c
    return or_(b.tries > MOST_TRIES, and_(b.tries == MOST_TRIES, b.until < now()))
