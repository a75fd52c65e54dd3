"""How a body travels: finds the document inside `XML=…`, however it was wrapped (I-1, and programs in production).

A browser's urlencoded field, or the document raw behind `XML=` with only `+` and `&` escaped by hand: both are
url-decoded here, and a `%` that begins no escape stays a `%`. What the document says is the form's affair.
"""

import re
from urllib.parse import unquote_to_bytes

# What a merge body is full of, decoded in bulk; whatever is left takes the slow way. None of these is a hex digit or a
# %, so that decoding them first can never make a new escape out of its neighbours.
_COMMON = {b"%3C": b"<", b"%3E": b">", b"%2F": b"/", b"%20": b" ", b"%0A": b"\n"}
_RAW = re.compile(rb"\s*<")


def field(body: bytes, name: bytes) -> bytes | None:
    """The decoded content of the field `name` (`b"XML"`), or None where the body has no such field."""
    start = name + b"="
    if body.startswith(start) and _RAW.match(body, len(start)):
        # Raw: it may hold an & that nobody escaped, so it ends with its last tag and not with the first &.
        return urldecoded(body[len(start) : body.rfind(b">") + 1])
    for part in body.split(b"&"):
        if part.startswith(start):
            return urldecoded(part[len(start) :])
    return None


def urldecoded(raw: bytes) -> bytes:
    """Url-decodes as a form does: `+` is a blank, `%2b` a plus, a lone `%` itself."""
    raw = raw.replace(b"+", b" ")
    if b"%" not in raw:
        return raw
    for escape, byte in _COMMON.items():
        raw = raw.replace(escape, byte)
    return unquote_to_bytes(raw)
