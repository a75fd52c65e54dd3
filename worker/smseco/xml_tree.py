"""A body in the XML form as a tree, and the small values in it: read strictly for safety, leniently for spelling.

Safety: no entity is resolved, no network opened, no DTD accepted, and libxml2's own limits on depth and text stay on.
Spelling: tags whatever their case and namespace, blanks around values, `text` for `texte`, `statur` for `statut`, both
of which the vendor's own document does.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lxml import etree

from worker.smseco.errors import BadReply

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")
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
SPELLINGS = {"text": "texte", "statur": "statut"}


def parse_reply(body: bytes) -> etree._Element:
    """The root of a whole, well-formed `<REPONSE>`; raises BadReply, without a word of the content, for all else."""
    root = _parse(body.strip())
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadReply("a document type", partial=body)
    if name_of(root) != "reponse":
        raise BadReply("HTML" if name_of(root) == "html" else "an unknown document", partial=body)
    return root


def _parse(body: bytes) -> etree._Element:
    if is_typed(body):
        raise BadReply("a document type", partial=body)
    try:
        return etree.fromstring(body, etree.XMLParser(**_SAFE))
    except etree.XMLSyntaxError:
        pass
    # A French `texte` in cp1252 without saying so must not put a whole batch in doubt: all that counts is ASCII.
    if _is_utf8(body):
        raise BadReply("broken XML" if body else "an empty body", partial=body)
    try:
        return etree.fromstring(body, etree.XMLParser(encoding="windows-1252", **_SAFE))
    except etree.XMLSyntaxError:
        raise BadReply("broken XML", partial=body) from None


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
    name = str(element.tag).rpartition("}")[2].lower()
    return SPELLINGS.get(name, name)


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


def integer(text: str) -> int | None:
    """A whole number, or None."""
    return int(text) if _INTEGER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def amount(text: str) -> Decimal | None:
    """An amount of credits, or None; a decimal comma and blanks between thousands are understood."""
    plain = "".join(text.split()).replace(",", ".")
    return Decimal(plain) if _AMOUNT.fullmatch(plain) else None


def moment(text: str) -> datetime | None:
    """A date, with or without a time, in UTC (Abidjan's time), or None."""
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def status_of(fields: dict[str, str]) -> int:
    """The `statut`; raises BadReply if there is none."""
    status = integer(fields.get("statut", ""))
    if status is None:
        raise BadReply("no statut")
    return status
