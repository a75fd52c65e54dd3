"""Documents with elements, held against the transcripts: by structure, and with texts of the test's own."""

from collections.abc import Iterable, Iterator

from lxml import etree


def structure(document: bytes) -> object:
    """A document as it is printed: the name of each element, and its children, or its text."""

    def simple(element: etree._Element) -> object:
        return element.tag, [simple(child) for child in element] or (element.text or "").strip()

    return simple(etree.fromstring(document))


def refilled(document: bytes, texts: Iterable[str]) -> bytes:
    """The document with these texts, one for each element that holds no other, in their order."""
    root = etree.fromstring(document)
    leaves: Iterator[etree._Element] = (element for element in root.iter() if len(element) == 0)
    for leaf, text in zip(leaves, texts, strict=True):
        leaf.text = text
    return etree.tostring(root)
