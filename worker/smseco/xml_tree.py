"""A body in the XML or SOAP form as a tree: read strictly for safety, leniently for spelling.

Safety: no entity is resolved, no network opened, no DTD accepted, libxml2's own limits on depth and text stay on, and
what would make a tree too large, or hides how large it would be, is refused unread.
Spelling: tags whatever their case and namespace, blanks around values, and what `fields.py` says of names.
"""

import re
from typing import Any

from lxml import etree

from worker.smseco.errors import BadReply
from worker.smseco.fields import spelt

_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "collect_ids": False,
    # Dropped, so that a text is never split by one.
    "remove_comments": True,
    "remove_pis": True,
}

# A reply to a send of 25,000 numbers takes two thirds of either.
MOST_BYTES = 8_000_000
# Elements and attributes, which take up to 400 bytes each, however short they are.
MOST_NODES = 150_000
TOO_LARGE = ("too long", "too many elements")

_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)""")
# In these a mark is one byte, as in ASCII: others hide it from being counted, and no reply was ever seen in one.
_PLAIN = re.compile(rb"utf-?8|us-ascii|ascii|iso-8859-\d+|latin-?1|windows-125\d|cp125\d", re.IGNORECASE)
# A namespace is told with every name of it, so a long one among many names takes minutes.
_LONG_ATTRIBUTE = re.compile(rb"""=\s*+(?:"[^"<]{1000}|'[^'<]{1000})""")

# `SendsmsResponse`, in it perhaps a `return`, in it perhaps a `REPONSE`.
_DEEPEST_WRAPPER = 3


def parse_reply(body: bytes) -> etree._Element:
    """The element that holds the fields of a whole, well-formed reply: a `<REPONSE>`, or what a SOAP envelope carries.

    Raises BadReply, without a word of the content, for all else, a SOAP fault included: that proves nothing.
    """
    root = _parse(body.strip())
    if name_of(root) == "envelope":
        return _carried(root, body)
    if name_of(root) != "reponse":
        raise BadReply("HTML" if name_of(root) == "html" else "an unknown document", partial=body)
    return root


def _carried(envelope: etree._Element, body: bytes) -> etree._Element:
    """The element that has the `statut`, inside its wrappers; else the outermost, whose reader will miss a `statut`."""
    content = child_named(envelope, "body")
    if content is None:
        return envelope
    if child_named(content, "fault") is not None:
        raise BadReply("SOAP fault", partial=body)
    wrapper = content
    for _ in range(_DEEPEST_WRAPPER):
        if len(wrapper) != 1:
            break
        wrapper = wrapper[0]
        if child_named(wrapper, "statut") is not None:
            return wrapper
    quoted = _quoted(wrapper)
    return content if quoted is None else quoted


def _quoted(wrapper: etree._Element) -> etree._Element | None:
    """The XML form's reply as a text, which a server of PHP makes of a string: `<return>&lt;REPONSE&gt;…`, or CDATA."""
    text = text_of(wrapper).encode()
    if not text.startswith(b"<"):
        return None
    try:
        root = _parse(text)
    except BadReply:
        return None  # what is said of it has to be said of the whole body
    return root if name_of(root) == "reponse" else None


def _parse(body: bytes) -> etree._Element:
    root = None if is_typed(body) else _well_formed(body)
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        raise BadReply("a document type", partial=body)
    return root


def _well_formed(body: bytes) -> etree._Element:
    _check_size(body)
    if not _is_plain(body):
        raise BadReply("broken XML" if body else "an empty body", partial=body)
    try:
        return etree.fromstring(body, etree.XMLParser(**_SAFE))
    except (etree.XMLSyntaxError, ValueError, LookupError):
        pass
    # A French `texte` in cp1252 without saying so must not put a whole batch in doubt: all that counts is ASCII.
    if _is_utf8(body):
        raise BadReply("broken XML", partial=body)
    try:
        return etree.fromstring(body, etree.XMLParser(encoding="windows-1252", **_SAFE))
    except etree.XMLSyntaxError:
        raise BadReply("broken XML", partial=body) from None


def _check_size(body: bytes) -> None:
    if len(body) > MOST_BYTES:
        raise BadReply(TOO_LARGE[0], partial=body)
    if marks(body) > MOST_NODES:
        raise BadReply(TOO_LARGE[1], partial=body)
    if _LONG_ATTRIBUTE.search(body):
        raise BadReply("a long attribute", partial=body)


def marks(body: bytes) -> int:
    """At least how many elements and attributes are in it, those of a reply that it holds as a text included."""
    elements = body.count(b"<") - body.count(b"</") + body.count(b"&lt;") - body.count(b"&lt;/") + body.count(b"&#")
    return elements + body.count(b"=")


def _is_plain(body: bytes) -> bool:
    """Whether marks stand in it as in ASCII: UTF-16 has a NUL in each of its own."""
    declared = _DECLARED.match(body[:1000])
    return bool(_BEGIN.match(body)) and b"\0" not in body and not (declared and not _PLAIN.fullmatch(declared[1]))


def is_typed(body: bytes) -> bool:
    """Whether it names a document type: a page of HTML or a bomb of entities, refused before libxml2 sees it."""
    return b"<!doctype" in body[:1000].lower()


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def name_of(element: etree._Element) -> str:
    """The tag in lower case, without namespace, in its usual spelling."""
    return spelt(str(element.tag).rpartition("}")[2])


def text_of(element: etree._Element) -> str:
    """The text without the blanks around it; empty if there is none."""
    return (element.text or "").strip()


def fields_of(element: etree._Element) -> dict[str, str]:
    """The texts of the children by name; of two of a name the first."""
    fields: dict[str, str] = {}
    for child in element:
        fields.setdefault(name_of(child), text_of(child))
    return fields


def child_named(element: etree._Element, name: str) -> etree._Element | None:
    """The first child of that name."""
    return next((child for child in element if name_of(child) == name), None)
