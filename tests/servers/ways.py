"""What a proxy may do to a connection; no protocol is known here, only bytes to look for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""PostgreSQL's message of a commit, as psycopg sends it: a simple query, whatever the statements before it were."""


class Toward(Enum):
    """Whither bytes travel."""

    SERVER = "server"
    CLIENT = "client"


SERVER, CLIENT = Toward.SERVER, Toward.CLIENT


@dataclass(eq=False)
class Line:
    """One connection through the proxy: what is done to it, and what it has carried since that was said."""

    way: Way
    carried: dict[Toward, int] = field(default_factory=lambda: {SERVER: 0, CLIENT: 0})
    tail: bytes = b""  # of what went to the server: what is looked for may come in two pieces
    losing: bool = False

    def turn(self, way: Way) -> None:
        """Another way from now on."""
        self.way, self.carried, self.tail, self.losing = way, {SERVER: 0, CLIENT: 0}, b"", False


@dataclass(frozen=True)
class Verdict:
    """What to pass on of a piece, and whether to cut both ends after it.

    `reset`: by RST, as a killed host does. `shut`: and listen no more.
    """

    piece: bytes
    cut: bool = False
    reset: bool = False
    shut: bool = False


class Way:
    """What is done to a connection; this one lets all pass."""

    refuses = False
    seconds = 0.0
    reset = False

    def of(self, _line: Line, _toward: Toward, piece: bytes) -> Verdict:
        """What becomes of a piece."""
        return Verdict(piece)


Pass = Way


@dataclass(frozen=True)
class Drop(Way):
    """Accepted and closed at once; what is open already is cut at its next byte."""

    reset: bool = False
    refuses = True

    def of(self, _line: Line, _toward: Toward, _piece: bytes) -> Verdict:
        return Verdict(b"", cut=True, reset=self.reset)


@dataclass(frozen=True)
class Blackhole(Way):
    """Accepted, and nothing more is heard: `toward` swallows one direction only, so that the server may still act."""

    toward: Toward | None = None

    def of(self, _line: Line, toward: Toward, piece: bytes) -> Verdict:
        return Verdict(b"" if self.toward in (None, toward) else piece)


@dataclass(frozen=True)
class Delay(Way):
    """Each piece comes so many seconds late."""

    seconds: float = 0.1


@dataclass(frozen=True)
class Cut(Way):
    """Cut after so many bytes in one direction, counted from when it was said."""

    after: int
    toward: Toward = CLIENT
    reset: bool = False

    def of(self, line: Line, toward: Toward, piece: bytes) -> Verdict:
        if toward is not self.toward:
            return Verdict(piece)
        left = self.after - line.carried[toward]
        return Verdict(piece[: max(0, left)], cut=len(piece) >= left, reset=self.reset)


@dataclass(eq=False)
class LoseAnswer(Way):
    """Cut just after the server has answered to a message that holds these bytes: it is done, and nobody hears of it.

    Attributes:
        to: the bytes.
        skip: so many such messages pass first, counted over all connections.
        times: how many answers are lost; all passes afterwards.
        carried_out: False cuts before the server has got the message: it is not done, and the client cannot tell.
        early: cut as soon as the server has the message: it may still be at it.
        shut: and listen no more.
        reset: cut by RST.
        lost: how many have been lost so far.
    """

    to: bytes
    skip: int = 0
    times: int = 1
    carried_out: bool = True
    early: bool = False
    shut: bool = False
    reset: bool = False
    lost: int = 0

    def of(self, line: Line, toward: Toward, piece: bytes) -> Verdict:
        if toward is CLIENT:
            return self._cut(b"") if line.losing else Verdict(piece)
        if line.losing or not self._matches(line, piece):
            return Verdict(piece)
        self.lost += 1
        line.losing = self.carried_out
        if self.carried_out and not self.early:
            return Verdict(piece)
        return self._cut(piece if self.carried_out else b"")

    def _cut(self, piece: bytes) -> Verdict:
        return Verdict(piece, cut=True, reset=self.reset, shut=self.shut)

    def _matches(self, line: Line, piece: bytes) -> bool:
        seen = line.tail + piece  # the tail is too short to hold what was found before
        line.tail = seen[len(seen) - len(self.to) + 1 :] if len(seen) >= len(self.to) else seen
        found = seen.count(self.to)
        taken = min(found, self.skip)
        self.skip -= taken
        return found > taken and self.lost < self.times
