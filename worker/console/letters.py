"""Letters that a terminal has not: it gets the nearest ones, and no command fails because of them.

A terminal that knows UTF-8 gets everything. What a program reads is written as bytes or in ASCII, and never changed.
"""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

HANDLER = "campaigns.nearest"

NEAREST = {
    "…": "...",
    "’": "'",
    "«": '"',
    "»": '"',
    "–": "-",
    "—": "-",
    "œ": "oe",
    "Œ": "OE",
    "━": "-",
    "╸": "-",
    "•": "*",
}
UNKNOWN = "?"


def nearest(text: str) -> str:
    """`Crédits épuisés…` → `Credits epuises...`: in ASCII, with a `?` for each letter that is like none."""
    return "".join(_nearest(letter) for letter in text)


def spare_the_terminal() -> None:
    """Have standard output and error write the nearest letters where their encoding has not the right ones.

    Where it is ASCII, click writes its texts in UTF-8 all the same: mostly nobody chose that.
    """
    codecs.register_error(HANDLER, _instead)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors=HANDLER)


def _nearest(letter: str) -> str:
    if letter.isascii():
        return letter
    return NEAREST.get(letter) or unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or UNKNOWN


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return nearest(error.object[error.start : error.end]), error.end
