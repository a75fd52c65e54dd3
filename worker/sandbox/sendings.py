"""What was accepted, kept small: one record a request, arrays inside it, never an object an SMS.

Ids look like the vendor's (`55857bdb8d51b7-38880789`). What becomes of the messages is in reports.py, how the record is
written down in ledger.py.
"""

import json
import re
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

Kind = Literal["send", "lookup"]

_NO_OPTIONS: Mapping[str, str] = {}
_SMSFID = re.compile(r"([0-9a-f]{14})-(\d{8,})", re.ASCII)


class Sending:
    """One accepted request. `first` is the running number of its first SMS over the whole gateway, from 1."""

    __slots__ = ("_texts", "account", "at", "credits", "destinations", "first", "is_merge", "kind", "msgfid", "msgid",
                 "options", "prefix", "sender", "unicode")  # fmt: skip

    def __init__(
        self,
        *,
        kind: Kind,
        is_merge: bool = False,
        account: str,
        msgid: str,
        sender: str = "",
        unicode: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
        at: float,
        number: int,
        first: int,
        destinations: Iterable[int],
        texts: Sequence[str],
        credits: Iterable[int],  # noqa: A002 - the vendor's word
    ) -> None:
        """`texts` holds one text for each destination, or a single one for all of them; `options` is not copied.

        A send is a merge (II) where its recipients carried values, whatever came of them.
        """
        self.kind = kind
        self.is_merge = is_merge
        self.account = account
        self.msgid = msgid
        self.sender = sender
        self.unicode = unicode
        self.options = options or _NO_OPTIONS
        self.at = at
        self.first = first
        # A sending and an SMS never share an id, or a client that mixes the two up would get away with it.
        moment = f"{int(at * 1e6):013x}"[-13:]
        self.prefix = f"{moment}{number & 7 | 8:x}"
        self.msgfid = f"{moment}{number & 7:x}-{number:08d}"
        self.destinations = array("Q", destinations)
        self.credits = array("Q", credits)
        self._texts = _packed(texts)

    def __len__(self) -> int:
        return len(self.destinations)

    @property
    def texts(self) -> Sequence[str]:
        """What each phone shows, in the order of the destinations."""
        texts: list[str] = json.loads(zlib.decompress(self._texts)) if self._texts else [""]
        return texts * len(self) if len(texts) == 1 else texts

    def smsfid(self, position: int) -> str:
        """The id of one SMS, told by its position."""
        return f"{self.prefix}-{self.first + position:08d}"

    @property
    def smsfids(self) -> list[str]:
        """The ids of all its SMS, in the order of the destinations."""
        prefix = self.prefix
        return [f"{prefix}-{number:08d}" for number in range(self.first, self.first + len(self))]

    def position(self, smsfid: str) -> int | None:
        """The position of the SMS with this id, or None where it belongs to another sending."""
        found = _SMSFID.fullmatch(smsfid)
        if found is None or found[1] != self.prefix:
            return None
        position = int(found[2]) - self.first
        return position if 0 <= position < len(self) else None


def running_number(smsfid: str) -> int | None:
    """The running number inside an id, by which the sending is found, or None for what is no id of ours."""
    found = _SMSFID.fullmatch(smsfid)
    return int(found[2]) if found else None


def _packed(texts: Sequence[str]) -> bytes:
    if not any(texts):
        return b""
    return zlib.compress(json.dumps(texts).encode("ascii"), 1)
