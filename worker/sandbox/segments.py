"""How long a text is on the air: alphabets, segments, and what a phone would show (3GPP TS 23.038, 23.040).

Written for the sandbox alone: the product counts with rules of its own, and the two may be held against each other.
"""

import re

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"

_NOT_BASIC = re.compile(f"[^{re.escape(BASIC)}]")
_NOT_GSM = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_EXTENDED = re.compile(f"[{re.escape(EXTENSION)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def shown(text: str, *, unicode: bool) -> str:
    """What the phone shows. Without `unicode`, a character that GSM-7 lacks arrives as a question mark."""
    return text if unicode else _NOT_GSM.sub("?", text)


def segments(text: str, *, unicode: bool) -> int:
    """How many SMS `text` takes; an empty one still takes one. Call it with what `shown` returned."""
    if unicode:
        return _ucs2_segments(text)
    if _NOT_BASIC.search(text) is None:
        length = len(text)
        return 1 if length <= 160 else -(-length // 153)
    return _count([2 if _EXTENDED.match(character) else 1 for character in text], whole=160, part=153)


def _ucs2_segments(text: str) -> int:
    if _ASTRAL.search(text) is None:
        length = len(text)
        return 1 if length <= 70 else -(-length // 67)
    return _count([2 if character > "\uffff" else 1 for character in text], whole=70, part=67)


def _count(widths: list[int], *, whole: int, part: int) -> int:
    """Segments of characters that may not be split: an escape pair, a surrogate pair."""
    if sum(widths) <= whole:
        return 1
    count, room = 1, part
    for width in widths:
        if width > room:
            count, room = count + 1, part
        room -= width
    return count
