"""A body in the JSON form as plain values: read strictly for safety, leniently for spelling.

Safety: numbers stay the texts that they came as, so none is too long, inexact or infinite; of two of a name the first
counts; nesting ends at Python's limit; what would take too much memory is refused unread. Spelling: names whatever
their case, blanks around values, what `fields.py` says of names, and what PHP makes of a list.
"""

import json
import re
from typing import Any

from worker.smseco.errors import BadReply, what_else
from worker.smseco.fields import spelt

Object = dict[str, Any]

# A reply to a send of 25,000 numbers takes two thirds of either. Small values take a hundred bytes and more each, and
# one emoji makes a text four times as long in memory.
MOST_BYTES = 4_000_000
MOST_VALUES = 150_000

# No database takes a NUL or half of a surrogate pair, and JSON can write both.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Escapes that there are, or the backslash of another: a server that escapes by hand writes l\'Opérateur.
_ESCAPE = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))|\\')


def parse_reply(body: bytes) -> Object:
    """The object of a whole, well-formed reply; raises BadReply, without a word of the content, for all else."""
    if is_too_large(body):
        raise too_large(body)
    text = _text(body)
    if not text.startswith(("{", "[")):
        raise BadReply(what_else(text), partial=body)
    try:
        reply = decoded(text)
    except ValueError:
        raise BadReply("broken JSON", partial=body) from None
    if not isinstance(reply, dict):
        raise BadReply("an unknown document", partial=body)
    return reply


def too_large(body: bytes) -> BadReply:
    """What is said of such a body."""
    return BadReply("too many elements", partial=body)


def is_too_large(body: bytes) -> bool:
    """Whether its values might take more memory than a reply may."""
    return len(body) > MOST_BYTES or sum(map(body.count, (b"{", b"[", b","))) > MOST_VALUES


def decoded(text: str, *, strict: bool = True) -> Any:
    """A document as objects, lists, texts (numbers too), booleans and None; raises ValueError if it is not well-formed.

    If not strict, control characters within texts, NaN and the infinities, which are None then, are no fault.
    """
    try:
        return (_STRICT if strict else _LENIENT).decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def unescaped(text: str) -> str:
    """Without the backslashes that escape nothing."""
    return _ESCAPE.sub(r"\1", text)


def text_of(value: object) -> str:
    """A text or number without the blanks around it, fit for a database; empty for any other value."""
    if not isinstance(value, str):
        return ""
    return (value if value.isprintable() else _UNWANTED.sub("", value)).strip()


def texts_of(row: Object) -> dict[str, str]:
    """The texts and numbers in an object by name."""
    return {name: text_of(value) for name, value in row.items()}


def rows_of(value: object, *names: str) -> list[Object]:
    """The objects of a list, each in its place; what is no object there is an empty one.

    Instead of a list there may be one object that has one of the `names`, or an object of objects: so PHP writes a list
    with gaps, and a converter of XML the element in which they stood.
    """
    if isinstance(value, dict):
        value = [value] if any(name in value for name in names) else _flat(value)
    return [row if isinstance(row, dict) else {} for row in value] if isinstance(value, list) else []


def _flat(values: Object) -> list[Any]:
    return [row for value in values.values() for row in (value if isinstance(value, list) else [value])]


def _text(body: bytes) -> str:
    """The body in UTF-8 or, because of a French `texte` that does not say so, in cp1252; raises BadReply."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        try:
            text = body.decode("cp1252")
        except UnicodeDecodeError:
            raise BadReply("broken JSON", partial=body) from None
    return text.strip().removeprefix("\ufeff").lstrip()


def _object(pairs: list[tuple[str, Any]]) -> Object:
    fields = {spelt(name): value for name, value in pairs}
    if len(fields) < len(pairs):
        fields.update((spelt(name), value) for name, value in reversed(pairs))
    return fields


def _plain(number: str) -> str:
    """A number with a fraction, without the zeros that say nothing: 1.0 is 1. One with an exponent stays as it came."""
    return number if "e" in number.lower() else number.rstrip("0").removesuffix(".")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


_NUMBERS: Any = {"parse_int": str, "parse_float": _plain}
_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse, **_NUMBERS)
_LENIENT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=lambda _: None, strict=False, **_NUMBERS)
