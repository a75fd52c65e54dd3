"""What one cell of an audience may hold, and how it becomes text. Where cells come from is left to `sources.py`."""

import math
from datetime import date, datetime, time
from decimal import Decimal

from campaigns.language import _, figure

LONGEST_CELL = 131_072
"""Characters; the limit of Python's csv module, whatever the source."""


class AudienceError(ValueError):
    """The audience cannot be read; the message is written for the person who made it, and holds no number."""


def text_of(value: object) -> str:
    """A cell's text: "" for None and NaN, `22507080910` for the float 22507080910.0, ISO 8601 for dates and times.

    Booleans become `true` and `false`; a datetime at midnight is a date, as spreadsheets mean it. NUL is dropped,
    because no database takes it. Raises AudienceError for bytes, and for more than LONGEST_CELL characters.
    """
    text = value if type(value) is str else _formatted(value)
    if len(text) > LONGEST_CELL:
        raise AudienceError(_("a cell is longer than {most} characters").format(most=figure(LONGEST_CELL)))
    return text.replace("\0", "") if "\0" in text else text


def _formatted(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, bytes | bytearray | memoryview):
        raise AudienceError(_("a cell holds bytes: decode them to text first"))
    return str(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(value)
