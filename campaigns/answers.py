"""What the gateways answered, and how soon, counted by somebody who goes on looking since he began.

Only what was settled since the last look is read. A request that fell in doubt counts as such, and once more when it is
known that it was accepted or refused after all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from campaigns.database import now
from campaigns.models import attempts
from campaigns.states import AttemptState
from campaigns.timing import seconds_between

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds within which a gateway has answered."""

OVERLAP = timedelta(seconds=60)
"""What was settled so lately is read once more: it may have been written down earlier than it can be seen."""

OUTCOMES: Mapping[str, str] = {
    AttemptState.ACCEPTED: "accepted",
    AttemptState.ACCEPTED_LATE: "accepted",
    AttemptState.REFUSED: "refused",
    AttemptState.NOT_SENT: "not_sent",
    AttemptState.IN_DOUBT: "in_doubt",
}
"""What a request came to; one that was decided upon counted when it fell in doubt."""

Key = tuple[str, str, str]
"""Account, kind, outcome."""


@dataclass(frozen=True)
class Answered:
    """Requests of one outcome.

    Attributes:
        requests: how many.
        numbers: that they were made for.
        timed: how many of them were answered at once: by the gateway's own reply, and not by what was learnt later.
        seconds: that those took in all.
        within: of those, how many took no longer than each of BOUNDS.
    """

    requests: int = 0
    numbers: int = 0
    timed: int = 0
    seconds: float = 0.0
    within: tuple[int, ...] = (0,) * len(BOUNDS)

    def __add__(self, other: Answered) -> Answered:
        within = tuple(map(sum, zip(self.within, other.within, strict=True)))
        return Answered(
            self.requests + other.requests,
            self.numbers + other.numbers,
            self.timed + other.timed,
            self.seconds + other.seconds,
            within,
        )


class Answers:
    """What has been answered since somebody began to look."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._closed: dict[Key, Answered] = {}
        self._open: dict[Key, Answered] = {}

    def look(self, connection: Connection, accounts: Collection[str]) -> None:
        """Read what was settled since the last look, in a snapshot."""
        clock = connection.execute(select(now())).scalar_one()
        if self._since is None or self._since > clock:  # he begins, or the clock was set back
            self._since, self._open = clock, {}
            return
        upto = max(self._since, clock - OVERLAP)
        self._open = {}
        for account in accounts:
            for row in connection.execute(_settled(connection, account, self._since, upto)):
                key = (account, row.kind, OUTCOMES[row.state])
                into = self._closed if row.is_closed else self._open
                within = tuple(int(getattr(row, f"within_{place}")) for place in range(len(BOUNDS)))
                its = Answered(row.requests, int(row.numbers), row.timed, float(row.seconds or 0), within)
                into[key] = into.get(key, Answered()) + its
        self._since = upto

    def of(self, account: str, kind: str, outcome: str) -> Answered:
        """All of them so far."""
        key = (account, kind, outcome)
        return self._closed.get(key, Answered()) + self._open.get(key, Answered())


def _settled(connection: Connection, account: str, since: datetime, upto: datetime) -> Any:
    a = attempts.c
    seconds = seconds_between(connection, a.started_at, a.settled_at)
    # A request without a receipt was proven by its reports: that says nothing of how soon it was answered.
    timed = or_(
        and_(a.state.in_([AttemptState.ACCEPTED, AttemptState.ACCEPTED_LATE]), a.receipt.is_not(None)),
        a.state == AttemptState.REFUSED,
    )
    is_closed: ColumnElement[bool] = a.settled_at < upto
    counted = select(
        a.kind,
        a.state,
        is_closed.label("is_closed"),
        func.count().label("requests"),
        func.sum(a.size).label("numbers"),
        func.count().filter(timed).label("timed"),
        func.sum(seconds).filter(timed).label("seconds"),
        *[func.count().filter(timed, seconds <= most).label(f"within_{n}") for n, most in enumerate(BOUNDS)],
    )
    its = and_(a.account == account, a.settled_at >= since, a.state.in_(OUTCOMES))
    return counted.where(its).group_by(a.kind, a.state, is_closed)
