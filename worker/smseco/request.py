"""One HTTP request to the gateway, and the urlencoding of its body.

What the body says belongs to the forms (`xml.py`); how it travels belongs to `connection.py`.
"""

from dataclasses import dataclass, field

FORM_TYPE = "application/x-www-form-urlencoded"

_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_CODES = {byte: b"+" if byte == 0x20 else b"%%%02X" % byte for byte in range(256)}
# What the codes are made of has to go first, or it would be encoded twice.
_FIRST = b"%+"


@dataclass(frozen=True, slots=True)
class Request:
    """A POST of `body` to `path`, which hangs under the base URL; or a GET, with a `query` (encoded) and no body.

    Body and query hold the password, so no repr shows them. `action` is SOAP's header of that name.
    """

    path: str
    body: bytes = field(default=b"", repr=False)
    content_type: str = FORM_TYPE
    query: str = field(default="", repr=False)
    action: str = ""

    @property
    def method(self) -> str:
        """GET or POST."""
        return "GET" if self.query else "POST"


def urlencode(text: str) -> str:
    """The text as a browser puts it into a form's field, in UTF-8. Raises UnicodeEncodeError on a lone surrogate.

    The standard library goes byte by byte, which takes longer than building the document. One byte value replaced at a
    time goes at the speed of memory, because a batch has few different ones.
    """
    encoded = text.encode()
    unsafe = set(encoded.translate(None, _SAFE))
    for byte in (*_FIRST, *unsafe.difference(_FIRST)):
        if byte in unsafe:
            encoded = encoded.replace(bytes((byte,)), _CODES[byte])
    return encoded.decode("ascii")
