"""The rows of a reply to a send, taken out of its body: a tree of them takes longer than all else that is read of it.

A document stays what it is, well-formed or not, if whole elements are taken out of one of its elements. So where the
rows are spelt exactly as the vendor's, the parser gets only the rest, with all its checks; what is not proven here goes
through it whole. Whether the rest is a reply, and has a `messages`, is for the caller to see.
"""

import re

from worker.smseco.fields import Columns
from worker.smseco.xml_tree import MOST_BYTES, MOST_NODES, marks

_FIRST, _LAST = b"<sms><smsfid>", b"</credits></sms>"
_BETWEEN = ((_LAST + _FIRST, b"\1"), (b"</smsfid><destination>", b"\2"), (b"</destination><credits>", b"\3"))
_ONE_MARK = bytes.maketrans(b"\2\3", b"\1\1")
# Possessive: two runs of blanks side by side would otherwise be tried at every cut between them.
_SMS = re.compile(
    r"<sms>\s*+<smsfid>\s*+([^<\s]*+)\s*+</smsfid>\s*+<destination>\s*+([^<\s]*+)\s*+</destination>"
    r"\s*+<credits>\s*+([^<\s]*+)\s*+</credits>\s*+</sms>"
)
_TAGS_A_ROW = 8

# What a value may be made of: nothing that is markup, that counts as a mark (`xml_tree.py`), or that XML has not.
_VALUE = bytes(set(range(0x21, 0x7F)) - set(b"<>&="))
_TEXT = _VALUE + b" \t\n\r<>"


def without_rows(body: bytes) -> tuple[bytes, Columns] | None:
    """The body with nothing in its `messages`, and the columns of the rows that were there.

    None if that is not sure to be the same: if the rows are not exactly the vendor's, another `messages` may be meant,
    or the whole is near the limits of size. If the rest parses, and holds a `messages`, then so does the whole.
    """
    before, opened, rest = body.partition(b"<messages>")
    rows, closed, after = rest.rpartition(b"</messages>")
    shell = before + opened + closed + after
    if not _is_unmistakable(shell):
        return None
    columns = _compact(rows) or _spaced(rows)
    if columns is None or len(body) > MOST_BYTES:
        return None
    return (shell, columns) if marks(shell) + _TAGS_A_ROW // 2 * len(columns[0]) <= MOST_NODES else None


def _is_unmistakable(shell: bytes) -> bool:
    """Whether an element `messages` that is found in it can only be the one whose rows were taken.

    A reply that is quoted in an envelope (`xml_tree.py`) might spell another one by references or by pieces of CDATA.
    """
    lowered = shell.lower()
    quotes = b"&" in shell and b"envelope" in lowered
    return lowered.count(b"messages") == 2 and b"<!" not in shell and not quotes


def _compact(rows: bytes) -> Columns | None:
    """The columns of rows without a blank: tags between values become marks, whose order is that of the tags."""
    if not (rows.startswith(_FIRST) and rows.endswith(_LAST)) or any(mark in rows for _, mark in _BETWEEN):
        return None
    values = rows[len(_FIRST) : -len(_LAST)]
    for tags, mark in _BETWEEN:
        values = values.replace(tags, mark)
    if values.translate(None, _VALUE) + b"\1" != b"\2\3\1" * (values.count(b"\1") + 1):
        return None
    cells = values.translate(_ONE_MARK).decode("ascii").split("\1")
    return cells[::3], cells[1::3], cells[2::3]


def _spaced(rows: bytes) -> Columns | None:
    """The columns of rows with blanks between the tags and around the values."""
    if rows.translate(None, _TEXT):
        return None
    found = _SMS.findall(rows.decode("ascii"))
    tags = _TAGS_A_ROW * len(found)
    if not found or rows.count(b"<") != tags or rows.count(b">") != tags:
        return None
    smsfids, destinations, amounts = zip(*found, strict=True)
    return smsfids, destinations, amounts
