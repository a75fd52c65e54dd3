"""How a body travels: finds the document inside `XML=…` or `JSON=…`, however it was wrapped (I-1, I-3, and programs in
production).

A browser's urlencoded field, or the document raw behind its name with only `+` and `&` escaped by hand: both are
url-decoded here, and a `%` that begins no escape stays a `%`. Raw JSON in a body that calls itself `application/json`
is taken as it is. What the document says is the form's affair.
"""

import re
from collections.abc import Iterator

from worker.sandbox.codes import Refused

# What a merge body is full of, decoded in bulk; whatever is left takes the slow way. None of these is a hex digit or a
# %, so that decoding them first can never make a new escape out of its neighbours.
_COMMON = {
    b"%3C": b"<", b"%3E": b">", b"%2F": b"/", b"%20": b" ", b"%0A": b"\n",
    b"%22": b'"', b"%3A": b":", b"%2C": b",", b"%7B": b"{", b"%7D": b"}",
}  # fmt: skip
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_HEX = "0123456789ABCDEFabcdef"
_BYTES = {f"%{high}{low}".encode(): bytes.fromhex(high + low) for high in _HEX for low in _HEX}
_PIECE = 1 << 13
_RAW = re.compile(rb"\s*([<{])")
_LAST = {b"<": b">", b"{": b"}"}


def document(body: bytes, name: bytes, content_type: str = "") -> bytes:
    """The decoded content of the field `name` (`b"XML"`). Raises Refused(-1) where the body has no such field."""
    content = field(body, name, content_type)
    if content is None:
        raise Refused(-1)
    return content


def field(body: bytes, name: bytes, content_type: str = "") -> bytes | None:
    """The decoded content of the field `name`, or None where the body has no such field."""
    start = name + b"="
    raw = _RAW.match(body, len(start)) if body.startswith(start) else None
    if raw and raw[1] == b"{" and content_type == "application/json":
        return body[len(start) :]
    if raw:
        # It may hold an & that nobody escaped, so it ends with its last tag or brace and not with the first &.
        return urldecoded(body[len(start) : body.rfind(_LAST[raw[1]]) + 1])
    at = 0 if body.startswith(start) else body.find(b"&" + start) + 1
    if not body.startswith(start, at):
        return None
    end = body.find(b"&", at)
    return urldecoded(body[at + len(start) : end if end >= 0 else len(body)])


def urldecoded(raw: bytes) -> bytes:
    """Url-decodes as a form does: `+` is a blank, `%2b` a plus, a lone `%` itself."""
    if b"%" not in raw:
        return raw.replace(b"+", b" ")
    return b"".join(map(_decoded, _pieces(raw)))


def _pieces(raw: bytes) -> Iterator[bytes]:
    """The whole, piece by piece, with no escape cut in two: decoding takes twenty times its length in memory."""
    start = 0
    while start < len(raw):
        end = start + _PIECE
        escape = raw.rfind(b"%", end - 2, end)
        if escape >= 0:
            end = escape
        yield raw[start:end]
        start = end


def _decoded(piece: bytes) -> bytes:
    piece = piece.replace(b"+", b" ")
    for escape, byte in _COMMON.items():
        piece = piece.replace(escape, byte)
    return _ESCAPE.sub(lambda escape: _BYTES[escape[0]], piece)
