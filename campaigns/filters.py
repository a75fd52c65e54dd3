"""What a template may do to a value: seven filters, none of which can make it much longer.

Which filters a template may name, and with which options, is checked by `campaigns.grammar`.
"""

from collections.abc import Callable

from jinja2.filters import do_title

from campaigns.language import N_


class Unrenderable(Exception):
    """This recipient cannot be given this text: exclude the row. `reason` names fields, never values."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Blank(str):
    """A blank value: it can be tested, and rescued by `default`, like any empty text; but not put out."""

    name: str

    def __new__(cls, name: str) -> "Blank":
        blank = super().__new__(cls)
        blank.name = name
        return blank


GAP = "\1"
"""Around the name of a blank field in a text that must not be sent; no text has one otherwise, for it is cleaned."""


def put_out(value: str) -> str:
    """What reaches the text. A blank leaves a mark: the texts of many are made at once, and one must not stop them."""
    return f"{GAP}{value.name}{GAP}" if isinstance(value, Blank) else value


def without_gap(text: str) -> str:
    """The text; raises `Unrenderable` if a blank was put out in it: a gap is never sent."""
    if GAP in text:
        raise Unrenderable(N_("{field} is missing or blank").format(field=text.split(GAP)[1]))
    return text


def truncate(value: str, length: int, killwords: bool = False, end: str = "...") -> str:
    """At most `length` characters, `end` among them; cut between words, unless `killwords`.

    >>> truncate("Assemblée générale du 12", 20)
    'Assemblée...'
    """
    if len(value) <= length:
        return value
    if length <= len(end):
        return value[:length]
    kept = value[: length - len(end)]
    return (kept if killwords else kept.rsplit(" ", 1)[0]) + end


def _default(value: str, instead: str, _boolean: bool = True) -> str:
    return value or instead


def _keeping_blanks(change: Callable[..., str]) -> Callable[..., str]:
    return lambda value, *options: value if isinstance(value, Blank) else change(value, *options)


FILTERS: dict[str, Callable[..., str]] = {
    "capitalize": _keeping_blanks(str.capitalize),
    "default": _default,
    "lower": _keeping_blanks(str.lower),
    "title": _keeping_blanks(do_title),
    "trim": _keeping_blanks(str.strip),
    "truncate": _keeping_blanks(truncate),
    "upper": _keeping_blanks(str.upper),
}

# What each filter takes; all but the first may be left out. The second of `default` is the habit of those who know
# Jinja2, and changes nothing here, where blank is missing.
OPTIONS: dict[str, tuple[type, ...]] = {
    "capitalize": (),
    "default": (str, bool),
    "lower": (),
    "title": (),
    "trim": (),
    "truncate": (int, bool, str),
    "upper": (),
}
