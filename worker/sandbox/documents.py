"""Documents of strangers, parsed with care: what the XML form and the SOAP form have in common before either reads.

No entity is expanded, nothing is fetched, a document type is refused, and what would take too much memory is refused
unread. What a document says is the form's affair.
"""

import re

from lxml import etree

from worker.sandbox.codes import Refused

# Elements and attributes take thirty times their length in memory, and one emoji makes a text four times as long, so a
# document with more than this is refused unread. It leaves room for 25,000 recipients of a merge with two fields.
MOST_MARKS = 250_000
MOST_BYTES = 10_000_000

_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)""")
# These write a mark as ASCII does; in others, such as UTF-7, it can hide from whoever counts.
_COUNTABLE = re.compile(rb"utf-?(8|16)|(iso-?)?8859-\d+|latin-?1|windows-125\d|cp125\d|(us-)?ascii", re.IGNORECASE)
# A namespace is told with every name of it, so a long one among many names takes minutes.
_LONG_ATTRIBUTE = re.compile(rb"""=\s*+(?:"[^"<]{1000}|'[^'<]{1000})""")


def root_of(document: bytes) -> etree._Element:
    """The root element, without comments and processing instructions. Raises Refused(-1) for what is no document."""
    document = document.strip()
    if len(document) > MOST_BYTES or document.count(b"<") + document.count(b"=") > MOST_MARKS:
        raise Refused(-1)
    declared = _DECLARED.match(document)
    if declared and not _COUNTABLE.fullmatch(declared[1]):
        raise Refused(-1)
    # UTF-16 and UTF-32 write a mark as ASCII does but for the NULs.
    if _LONG_ATTRIBUTE.search(document.replace(b"\0", b"")):
        raise Refused(-1)
    # A parser of its own for each document: a shared one would keep every name that it ever saw.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        raise Refused(-1) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refused(-1)
    return root
