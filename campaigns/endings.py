"""How messages end, counted by somebody who goes on looking: so many delivered, undelivered … since he began.

Only the messages themselves know it, and there may be millions of them. So they are walked over a slice at a time, for
as long as each look may take and no longer: first the campaigns that have ended, once more and for the last time, then
those at work, the one that was not looked at for longest first. Nothing is kept but sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import Connection, Select, and_, func, select

from campaigns.census import Own
from campaigns.database import Record, among, forbid_scans, forbid_sorting, now
from campaigns.models import batches, campaigns, messages
from campaigns.progress import IN_THE_OPEN, word
from campaigns.states import BatchState, CampaignState, MessageStatus, Purged

ROWS_AT_ONCE = 50_000
"""Messages in a slice: some fifty milliseconds."""

CAMPAIGNS_AT_ONCE = 500

OVERLAP = timedelta(seconds=60)
"""So much before the last look is looked for what has ended: the one who ended it may have taken so long to say so."""

_NOT_SENT_YET = (CampaignState.RECEIVING, CampaignState.SUBMITTED, CampaignState.EXPANDING, CampaignState.FAILED)
_LEFT = [state for state in CampaignState if state not in _NOT_SENT_YET]

Counts = Counter[tuple[str, int]]
"""Messages of a campaign, by the state of their batch and their own status."""


@dataclass
class _Walk:
    """A campaign that is walked over in slices: how far, and what was found so far."""

    campaign_id: int
    last: int = -(2**62)
    found: Counts = field(default_factory=Counter)


@dataclass(frozen=True)
class Counted:
    """What has been counted so far.

    Attributes:
        ended: messages that have come to an end since somebody began to count, by account and status.
        own: messages of campaigns at work whose own status is known, as they were counted last.
        since: when the campaign at work that was not counted for longest was (`time.monotonic`); None: there is none.
    """

    ended: Mapping[tuple[str, str], int]
    own: Own
    since: float | None

    @property
    def age(self) -> float:
        """Seconds since then."""
        return 0.0 if self.since is None else monotonic() - self.since


class Endings:
    """Somebody who counts on.

    Attributes:
        counted: what he has counted when he last looked; another thread may read it.
    """

    def __init__(self, *, rows_at_once: int = ROWS_AT_ONCE) -> None:
        self.counted = Counted({}, {}, None)
        self._ended: Counter[tuple[str, str]] = Counter()
        self._rows = rows_at_once
        self._since: datetime | None = None
        self._account: dict[int, str] = {}
        self._size: dict[int, int] = {}
        self._counted: dict[int, Counts] = {}
        self._looked_at: dict[int, float] = {}
        self._over: dict[int, datetime] = {}
        self._to_close: dict[int, None] = {}
        self._known_before: set[int] = set()
        self._walk: _Walk | None = None

    def look(self, connection: Connection, *, seconds: float) -> bool:
        """Count on for about so long, in a snapshot, and go on from there at the next look.

        Returns:
            Whether all were counted in that time.
        """
        until = monotonic() + seconds
        self._take_stock(connection)
        whole = True
        for _ in self._count(connection):
            if monotonic() >= until:
                whole = False
                break
        since = min(self._looked_at.values(), default=None)
        self.counted = Counted(dict(self._ended), self._own(), since)
        return whole

    def _own(self) -> Own:
        known: Counter[tuple[str, str, int]] = Counter()
        for campaign_id, counts in self._counted.items():
            for (state, status), count in counts.items():
                if status != MessageStatus.AS_BATCH:
                    known[self._account[campaign_id], state, status] += count
        return known

    def _take_stock(self, connection: Connection) -> None:
        """Which campaigns are to be counted: those at work, and those that have ended since the last look."""
        c = campaigns.c
        columns = select(c.id, c.account, c.recipients, c.completed_at)
        at_work = connection.execute(columns.where(c.state.in_(_LEFT), c.completed_at.is_(None))).all()
        clock = connection.execute(select(now())).scalar_one()
        begun, self._since = self._since, clock
        if begun is None:
            self._known_before = {row.id for row in at_work}
        else:
            # In the words of its index: of which ended since, all levels of purging.
            lately = and_(c.purged.in_([*Purged]), c.completed_at.is_not(None), c.completed_at > begun - OVERLAP)
            self._close(connection.execute(columns.where(lately, c.state != CampaignState.FAILED)).all(), begun)
        self._note(at_work)

    def _close(self, ended: Collection[Record], begun: datetime) -> None:
        for row in ended:
            seen_before = row.completed_at < begun - OVERLAP or row.id in self._over
            if not seen_before:
                self._over[row.id] = row.completed_at
                self._account[row.id], self._size[row.id] = row.account, row.recipients
                self._to_close[row.id] = None
                if self._walk is not None and self._walk.campaign_id == row.id:  # what ended behind it is not missed
                    self._walk = None
        self._over = {key: at for key, at in self._over.items() if at > begun - 2 * OVERLAP}

    def _note(self, at_work: Collection[Record]) -> None:
        moment = monotonic()
        for row in at_work:
            self._account[row.id], self._size[row.id] = row.account, row.recipients
            self._looked_at.setdefault(row.id, moment)
        gone = self._account.keys() - {row.id for row in at_work} - self._to_close.keys()
        for campaign_id in gone:
            self._forget(campaign_id)

    def _forget(self, campaign_id: int) -> None:
        for known in (self._account, self._size, self._counted, self._looked_at, self._to_close):
            known.pop(campaign_id, None)
        self._known_before.discard(campaign_id)

    def _count(self, connection: Connection) -> Iterator[None]:
        """Count one piece after the other, each campaign once; there is a breath between two of them."""
        forbid_scans(connection)
        forbid_sorting(connection)
        began, goes_on = monotonic(), self._walk
        if goes_on is not None and goes_on.campaign_id in self._account:
            yield from self._count_large(connection, goes_on)
        self._walk = None
        waiting = [key for key, at in self._looked_at.items() if at < began and key not in self._to_close]
        queue = [*self._to_close, *sorted(waiting, key=self._looked_at.__getitem__)]
        while queue:
            if self._size[queue[0]] > self._rows:
                self._walk = _Walk(queue.pop(0))
                yield from self._count_large(connection, self._walk)
            else:
                some = self._some(queue)
                del queue[: len(some)]
                self._count_small(connection, some)
            if queue:
                yield

    def _some(self, queue: list[int]) -> list[int]:
        """The first few that are counted together."""
        rows = 0
        some: list[int] = []
        for campaign_id in queue[:CAMPAIGNS_AT_ONCE]:
            rows += self._size[campaign_id]
            if some and rows > self._rows:
                break
            some.append(campaign_id)
        return some

    def _count_small(self, connection: Connection, some: Collection[int]) -> None:
        found: dict[int, Counts] = {campaign_id: Counter() for campaign_id in some}
        for row in connection.execute(_of_these(connection, some)):
            found[row.campaign_id][row.state, row.status] += int(row.messages)
        for campaign_id, counts in found.items():
            self._add(campaign_id, counts)

    def _count_large(self, connection: Connection, walk: _Walk) -> Iterator[None]:
        while True:
            rows = connection.execute(_slice(walk.campaign_id, walk.last, self._rows)).all()
            for row in rows:
                walk.found[row.state, row.status] += int(row.messages)
            if sum(int(row.messages) for row in rows) < self._rows:
                break
            walk.last = max(row.last for row in rows)
            yield
        self._walk = None
        self._add(walk.campaign_id, walk.found)

    def _add(self, campaign_id: int, counts: Counts) -> None:
        """A campaign was counted: what has come to an end since it was counted last is added to what has."""
        account = self._account[campaign_id]
        if campaign_id in self._known_before:  # how its messages ended before anybody looked is not counted
            self._known_before.discard(campaign_id)
        else:
            before = _ended(self._counted.get(campaign_id, Counter()))
            for its_word, count in _ended(counts).items():
                self._ended[account, its_word] += max(0, count - before[its_word])
        self._counted[campaign_id] = counts
        self._looked_at[campaign_id] = monotonic()
        if campaign_id in self._to_close:
            self._forget(campaign_id)


def _ended(counts: Counts) -> Counter[str]:
    found: Counter[str] = Counter()
    for (state, status), count in counts.items():
        its = word(MessageStatus(status), BatchState(state))
        if its not in IN_THE_OPEN:
            found[its] += count
    return found


def _of_these(connection: Connection, campaign_ids: Collection[int]) -> Select[int, str, int, int]:
    """Messages of these campaigns, by their batch's state and their own status."""
    m, b = messages.c, batches.c
    theirs = select(m.campaign_id, m.batch_id, m.status, func.count().label("messages"))
    theirs = theirs.where(among(connection, m.campaign_id, campaign_ids))
    of = theirs.group_by(m.campaign_id, m.batch_id, m.status).subquery().c
    counted = select(of.campaign_id, b.state, of.status, func.sum(of.messages).label("messages")).where(
        b.id == of.batch_id
    )
    return counted.group_by(of.campaign_id, b.state, of.status)


def _slice(campaign_id: int, last: int, rows: int) -> Select[str, int, int, int]:
    """The same of the next so many messages of one campaign, by number, and the last of these."""
    m, b = messages.c, batches.c
    some = select(m.msisdn, m.batch_id, m.status).where(m.campaign_id == campaign_id, m.msisdn > last)
    its = some.order_by(m.msisdn).limit(rows).subquery().c
    by_batch = select(its.batch_id, its.status, func.count().label("messages"), func.max(its.msisdn).label("last"))
    of = by_batch.group_by(its.batch_id, its.status).subquery().c
    counted = select(b.state, of.status, func.sum(of.messages).label("messages"), func.max(of.last).label("last"))
    return counted.where(b.id == of.batch_id).group_by(b.state, of.status)
