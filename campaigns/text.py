"""What a text costs on the air: its alphabet, its segments, and how to make it fit the cheap one.

GSM-7 is 3GPP TS 23.038 §6.2.1 (default alphabet and its extension table), UCS-2 the same §6.2.3; how long texts are cut
is 3GPP TS 23.040 §9.2.3.24.1. Templates and their fields are `campaigns.template`; prices are `campaigns.prices`.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

# ESC (0x1B) is left out on purpose: it is half of an escape pair, never a character that a person reads.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these costs two septets.
EXTENSION = "\f^{}\\[~]|€"

GSM7_SINGLE, GSM7_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67

# Ours, not the gateway's, which names none: beyond ten parts phones and operators begin to drop whole texts.
MAX_SEGMENTS = 10
MAX_CHARACTERS = MAX_SEGMENTS * GSM7_PART
# The worst text, emoji throughout, packs 33 into a part: no shorter text can be over the limit.
_ALWAYS_FITS = MAX_SEGMENTS * (UCS2_PART // 2)

_is_basic = re.compile(f"[{re.escape(BASIC)}]*").fullmatch
_GSM7_ONLY = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*")
_EXTENSION = re.compile(f"[{re.escape(EXTENSION)}]")
_NOT_GSM7 = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")


class Alphabet(StrEnum):
    """How a text is coded on the air; a batch holds one of them."""

    GSM7 = "gsm7"  # 160 septets in one part, 153 in each of several
    UCS2 = "ucs2"  # 70 UTF-16 units in one part, 67 in each of several; one `ê` is enough


_GSM7, _UCS2 = Alphabet.GSM7, Alphabet.UCS2  # to look a member up takes half as long as to measure a text


def measure(text: str) -> tuple[Alphabet, int]:
    """The alphabet that a text needs, and the number of segments (SMS) that it costs.

    An escape pair is not split at 153 septets, nor a surrogate pair at 67 units. An empty text counts one segment: if
    it is sent, it is an SMS.

    >>> measure("Déjà réglé : 10 €")
    (<Alphabet.GSM7: 'gsm7'>, 1)
    """
    if _is_basic(text):
        size = len(text)
        return _GSM7, 1 if size <= GSM7_SINGLE else -(-size // GSM7_PART)
    if _GSM7_ONLY.fullmatch(text):
        return _GSM7, _gsm7_segments(text)
    return _UCS2, _ucs2_segments(text)


def segments(text: str, alphabet: Alphabet) -> int:
    """What a text costs if it is sent in this alphabet, whether that suits it or not.

    >>> segments("x" * 100, Alphabet.UCS2)
    2
    """
    return _ucs2_segments(text) if alphabet is _UCS2 else _gsm7_segments(text)


@dataclass(frozen=True, slots=True)
class Room:
    """How the cost of a text grows when characters of `BASIC` are put into it, wherever.

    Attributes:
        alphabet: of the text, with them and without.
        taken: septets or UTF-16 units that it has without them.
        single: the most in one segment.
        part: the most in each of several.
        most: up to here the segments can be told without a look at the text.
    """

    alphabet: Alphabet
    taken: int
    single: int
    part: int
    most: int

    @classmethod
    def of(cls, text: str) -> "Room":
        """That of a text."""
        if fits_gsm7(text):
            pairs = len(_EXTENSION.findall(text))
            # Of several segments, each end could split a pair.
            return cls(_GSM7, len(text) + pairs, GSM7_SINGLE, GSM7_PART, GSM7_SINGLE if pairs else MAX_CHARACTERS)
        units = len(text.encode("utf-16-be", "surrogatepass")) // 2
        pairs = units - len(text)
        return cls(_UCS2, units, UCS2_SINGLE, UCS2_PART, UCS2_SINGLE if pairs else MAX_SEGMENTS * UCS2_PART)

    def too_full(self, added: Sequence[int]) -> list[int]:
        """Places of texts into which so many characters were put that more is to be looked at than their count."""
        if not added or self.taken + max(added) <= self.most:
            return []
        return [place for place, size in enumerate(added) if self.taken + size > self.most]

    def segments(self, added: Sequence[int]) -> list[int]:
        """Segments of each text, by how many characters were put into it; right up to `most`."""
        if not added or self.taken + max(added) <= self.single:
            return [1] * len(added)
        last, taken, part = self.single - self.taken, self.taken, self.part
        return [1 if size <= last else -(-(size + taken) // part) for size in added]


def too_long(text: str) -> bool:
    """Whether a text is over `MAX_SEGMENTS`; cheap for any text that a person would send."""
    size = len(text)
    return size > _ALWAYS_FITS and (size > MAX_CHARACTERS or measure(text)[1] > MAX_SEGMENTS)


def fits_gsm7(text: str) -> bool:
    """Whether every character is in GSM-7 or its extension table."""
    return _GSM7_ONLY.fullmatch(text) is not None


def blockers(text: str) -> tuple[str, ...]:
    """The different characters that force a text into UCS-2, in order of appearance; none if it fits GSM-7."""
    return tuple(dict.fromkeys(_NOT_GSM7.findall(text)))


def _gsm7_segments(text: str) -> int:
    if len(text) + len(_EXTENSION.findall(text)) <= GSM7_SINGLE:
        return 1
    septets = _EXTENSION.sub("\x1b\\g<0>", text)
    return _parts(len(septets), GSM7_PART, lambda at: septets[at] == "\x1b")


def _ucs2_segments(text: str) -> int:
    units = text.encode("utf-16-be", "surrogatepass")
    size = len(units) // 2
    if size <= UCS2_SINGLE:
        return 1
    return _parts(size, UCS2_PART, lambda at: 0xD8 <= units[2 * at] <= 0xDB)


def _parts(size: int, capacity: int, opens_pair: Callable[[int], bool]) -> int:
    parts = end = 0
    while end < size:
        parts += 1
        end += capacity
        if end < size and opens_pair(end - 1):
            end -= 1
    return parts


# --- Cleaning -------------------------------------------------------------------------------------------------------

_LINE_BREAK = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_UNSHOWABLE = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls: XML 1.0 forbids most, phones show a box for the rest
    "\ud800-\udfff"  # half a pair: neither XML nor UTF-8 can carry it
    "\xad\u200b\u2060-\u2064\ufeff"  # invisible, pasted from the web: each alone would make a text UCS-2
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction marks: the same, and they can disguise a link
    "\ufff9-\ufffb" + _NONCHARACTERS + "]"
)


def clean(text: str) -> str:
    """A text without what neither XML 1.0 (§2.2) nor a phone can show, in composed form (NFC).

    Every kind of line break becomes `\\n` and a tab a blank. Controls, lone surrogates, noncharacters, zero-width
    blanks and direction marks go. The joiners U+200C and U+200D stay, for emoji and several scripts need them. `e` and
    a combining accent, as some systems write `é`, become the one `é` that GSM-7 has.
    """
    if text.isprintable() and (text.isascii() or unicodedata.is_normalized("NFC", text)):
        return text
    text = _LINE_BREAK.sub("\n", text).replace("\t", " ")
    return unicodedata.normalize("NFC", _UNSHOWABLE.sub("", text))


# --- Transliteration ------------------------------------------------------------------------------------------------

# The first character of each word is read as the rest of it. The last line is for Dioula, Mooré, Ewe and Hausa.
_PAIRS = """
    ‘' ’' ‚' ‛' ′' ʹ' ʻ' ʼ' ʽ' `' ´' ‹' ›' “" ”" „" ‟" ″" «" »" ‐- ‑- ‒- –- —- ―- −- •- ‣- ●- ▪-
    œoe ŒOE łl ŁL đd ĐD ðd ÐD þth ÞTh ıi ħh ĦH ẞSS °o ·. ×x ÷/ ⁄/ ¢c µu ¦| ©(c) ®(r) →-> ←<- ⇒=> ≤<= ≥>= ≠!=
    ɛe ƐE ɔo ƆO ɩi ƖI ʋv ƲV ŋn ŊN ɲn ƝN ɓb ƁB ɗd ƊD ɖd ƉD ƙk ƘK ƴy ƳY ƒf ƑF ɣg ƔG əe ƏE ǝe ƎE
"""
_REPLACEMENTS = {pair[0]: pair[1:] for pair in _PAIRS.split()} | dict.fromkeys("\t\u2028\u2029", " ")


def transliterate(text: str) -> str:
    """A text with every character outside GSM-7 replaced, where that can be done without changing what is read.

    French accents, ligatures, typographic quotes, dashes and blanks, other Latin letters and the letters of West
    African languages are replaced. What fits GSM-7 is never touched (`é`, `à`, `€`, `Ç` stay; `ç` becomes `c`). What
    has no equivalent, an emoji for example, stays, and so the text stays UCS-2.

    >>> transliterate("Fête à l’œuvre… ça coûte 10 €")
    "Fete à l'oeuvre... ca coute 10 €"
    """
    if fits_gsm7(text):
        return text
    return _NOT_GSM7.sub(_in_place, unicodedata.normalize("NFC", text))


def _in_place(found: re.Match[str]) -> str:
    replaced = _replacement(found[0])
    before = found.string[max(found.start() - 1, 0) : found.start()]
    # `10²` would be read as 102, and `1½` as 11/2.
    return found[0] if replaced[:1].isdigit() and before.isnumeric() else replaced


@lru_cache(maxsize=4096)
def _replacement(character: str) -> str:
    pieces = [_piece(piece) for piece in _REPLACEMENTS.get(character) or unicodedata.normalize("NFKD", character)]
    replaced = "".join(pieces)
    return replaced if fits_gsm7(replaced) else character


def _piece(character: str) -> str:
    if "\u0300" <= character <= "\u036f":  # an accent that its letter has to do without
        return ""
    return _REPLACEMENTS.get(character, character)
