"""The gateway's own count as a second witness: what its `cumul` says of requests in doubt (IV-1 of the API document).

Two readings are compared, the last before a request began and one after it fell in doubt, both of still moments (see
`balances`), with what our ledger accounts for in between. Requests that fell in doubt between the same two readings
are taken all, or none. Whatever else might explain the figures leaves it undecided: another program on the account,
credits that came back, prices that are not ours, a proof that was assumed. The other witness is `doubts`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import Connection, and_, func, not_, or_, select

from campaigns.database import Record, among
from campaigns.models import attempts, balance_readings, campaigns, refunds
from campaigns.states import POSTED, AttemptState

LINGERING = timedelta(minutes=5)
"""For how long after we gave up waiting for it a slow gateway may still take a request."""

OF_LATE = timedelta(days=1)
"""How far back another program on the account is looked for, and prices that are not ours."""

_UNKNOWN = (AttemptState.IN_DOUBT, AttemptState.RESENT, AttemptState.WRITTEN_OFF)

REFUNDABLE = timedelta(days=8)
"""For how long after it was accepted a message may end unbilled."""


class Verdict(StrEnum):
    """What the gateway's count says of requests in doubt."""

    TAKEN = "taken"  # it was paid for: the gateway took them
    NOT_TAKEN = "not_taken"  # nothing was paid for: it took none of them


@dataclass(frozen=True)
class Reading:
    """What the gateway said at a still moment."""

    asked_at: datetime
    credits: Decimal
    consumed: Decimal


@dataclass(frozen=True)
class Witness:
    """What is known of the account's credits around a request in doubt.

    Attributes:
        before: the last reading before it began; none if there is no still one.
        after: the reading that the verdict rests on; the first one since it fell in doubt where there is no verdict.
        unexplained: what the gateway counted between the two, and our ledger does not account for.
        expected: what the requests in doubt between the two would cost, by our prices; `together` is their number.
        verdict: none where it cannot be decided.
    """

    before: Reading | None = None
    after: Reading | None = None
    unexplained: Decimal | None = None
    expected: Decimal | None = None
    together: int = 0
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Window:
    """What is known of the time between two readings.

    Attributes:
        unexplained: what the gateway counted, and our ledger does not account for.
        expected: what the requests in doubt would cost, by our prices.
        together: how many these are.
        lingered: so much time has passed that the gateway will not take them any more.
        assumed: what our ledger accounts for is itself no certainty.
        shared: another program spends the account's credits.
        dearer: of late the gateway took more than our prices say.
        refundable: credits may have come back that our ledger does not know of.
    """

    unexplained: Decimal
    expected: Decimal
    together: int = 1
    lingered: bool = True
    assumed: bool = False
    shared: bool = False
    dearer: bool = False
    refundable: bool = False


def decide(window: Window) -> Verdict | None:
    """What the window proves, if it does."""
    if window.expected <= 0 or window.assumed or window.shared:
        return None
    if window.unexplained == window.expected:  # credits that came back make it less, and never the same
        # At higher prices, some of them might cost as much as all.
        return None if window.together > 1 and window.dearer else Verdict.TAKEN
    if window.unexplained == 0 and window.lingered and not window.refundable:
        return Verdict.NOT_TAKEN
    return None


def witness(connection: Connection, account: str, attempt_ids: Collection[int]) -> Mapping[int, Witness]:
    """What the gateway's count says of some requests in doubt.

    It reads what was settled since the oldest of them began: to be asked now and then, and not all the time.

    Args:
        connection: a snapshot, or a transaction.
        account: whose; that other programs use it shows only once they did: on one that they may use, a verdict may be
            chance.
        attempt_ids: requests that are in doubt, or were and nobody knows still.
    """
    a = attempts.c
    columns = select(a.id, a.started_at, a.settled_at, a.leased_until, a.estimated, a.state)
    unknown = a.state.in_(_UNKNOWN)
    asked = connection.execute(columns.where(among(connection, a.id, attempt_ids), a.account == account, unknown)).all()
    if not asked:
        return {}
    since = min(row.started_at for row in asked) - OF_LATE
    proven = and_(a.state.in_(POSTED), a.receipt.is_(None))
    fell_since = or_(a.state == AttemptState.IN_DOUBT, and_(a.settled_at >= since, or_(unknown, proven)))
    doubtful = connection.execute(columns.where(a.account == account, fell_since)).all()
    look = _Look(connection, account, _still_moments(connection, account, since), doubtful)
    return {row.id: look.at(row) for row in asked}


def _still_moments(connection: Connection, account: str, since: datetime) -> list[_Moment]:
    r = balance_readings.c
    still = select(balance_readings).where(r.account == account, r.drift.is_not(None), r.confirmed_at >= since)
    rows = connection.execute(still.order_by(r.asked_at, r.id)).all()
    return [_Moment(at, row) for row in rows for at in sorted({row.asked_at, row.confirmed_at})]


@dataclass(frozen=True)
class _Moment:
    at: datetime
    row: Record

    def reading(self) -> Reading:
        return Reading(self.at, self.row.credits, self.row.consumed)


def _fell(row: Record) -> datetime:
    """When a request was over for us; a decision that was made later has changed its `settled_at`."""
    fell: datetime = min(row.settled_at, row.leased_until)
    return fell


@dataclass(frozen=True)
class _Look:
    """All that is known of an account's doubts, for one after the other."""

    connection: Connection
    account: str
    moments: Sequence[_Moment]
    doubtful: Sequence[Record]

    def at(self, attempt: Record) -> Witness:
        before = self._before(attempt)
        if before is None:
            return Witness()
        found = [self._compared(before, attempt, linger) for linger in (timedelta(0), LINGERING)]
        decided = [each for each in found if each.verdict is not None]
        return (decided or found)[0]

    def _before(self, attempt: Record) -> _Moment | None:
        earlier = [moment for moment in self.moments if moment.at <= attempt.started_at]
        return next((moment for moment in reversed(earlier) if not self._lingers(moment.at)), None)

    def _lingers(self, at: datetime) -> bool:
        """Whether a request that had fallen in doubt might still have been taken after this moment."""
        return any(row.started_at < at < _fell(row) + LINGERING for row in self.doubtful)

    def _compared(self, before: _Moment, attempt: Record, linger: timedelta) -> Witness:
        group, after = [attempt], self._after([attempt], linger)
        while after is not None:  # what fell in doubt until then is in the figures, and may put the moment off
            joined = [row for row in self.doubtful if before.at <= row.started_at < after.at and row.state in _UNKNOWN]
            if len(joined) <= len(group):
                break
            group, after = joined, self._after(joined, linger)
        if after is None:
            return Witness(before=before.reading())
        window = self._window(before, after, group, lingered=bool(linger))
        return Witness(
            before=before.reading(),
            after=after.reading(),
            unexplained=window.unexplained,
            expected=window.expected,
            together=window.together,
            verdict=decide(window),
        )

    def _after(self, group: Sequence[Record], linger: timedelta) -> _Moment | None:
        over = max(map(_fell, group)) + linger
        return next((moment for moment in self.moments if moment.at >= over), None)

    def _window(self, before: _Moment, after: _Moment, group: Sequence[Record], *, lingered: bool) -> Window:
        accounted, assumed = self._accounted(before.at, after.at)
        unexplained = after.row.consumed - before.row.consumed - accounted
        return Window(
            unexplained=unexplained,
            expected=sum((row.estimated for row in group), Decimal(0)),
            together=len(group),
            lingered=lingered,
            assumed=assumed,
            shared=self._is_shared(),
            dearer=len(group) > 1 and self._is_dearer(before.at, after.at),
            refundable=unexplained == 0 and self._may_be_refunded(before.at, after.at),
        )

    def _accounted(self, before: datetime, after: datetime) -> tuple[Decimal, bool]:
        """What the gateway took for requests that began and were settled in between; and whether that is not sure.

        A request that our clocks have across one of the moments, or whose price is our own guess, makes it unsure; one
        that was over before, and only proven since, is in neither reading's difference.
        """
        a = attempts.c
        proven = a.receipt.is_(None)
        within = and_(~proven, a.started_at >= before, a.settled_at < after)
        unsure = not_(or_(within, and_(proven, a.started_at < before)))
        posted = select(
            func.sum(a.credits).filter(within),
            func.count().filter(unsure),
        ).where(a.account == self.account, a.settled_at >= before, a.state.in_(POSTED), a.started_at < after)
        accounted, not_sure = self.connection.execute(posted).one()
        return accounted or Decimal(0), bool(not_sure)

    def _is_shared(self) -> bool:
        """Whether the gateway counted more than all that may ever have been taken for our requests."""
        given_up = [row for row in self.doubtful if row.state in (AttemptState.RESENT, AttemptState.WRITTEN_OFF)]

        def ours(moment: _Moment) -> Decimal:
            taken_perhaps: Decimal = sum((row.estimated for row in given_up if row.started_at < moment.at), Decimal(0))
            allowed: Decimal = moment.row.unsettled + taken_perhaps
            return allowed

        first = self.moments[0]
        return any(moment.row.drift - first.row.drift > ours(moment) for moment in self.moments)

    def _is_dearer(self, before: datetime, after: datetime) -> bool:
        a = attempts.c
        of_late = and_(a.account == self.account, a.settled_at >= before - OF_LATE, a.settled_at < after)
        dearer = select(a.id).where(of_late, a.state.in_(POSTED), a.credits > a.estimated)
        return self.connection.execute(dearer.limit(1)).first() is not None

    def _may_be_refunded(self, before: datetime, after: datetime) -> bool:
        """Whether messages may have ended unbilled in between: one of those accepted before did of late, or is open."""
        a, c, r = attempts.c, campaigns.c, refunds.c
        refunded = select(r.msisdn).where(r.refunded_at >= before, a.id == r.attempt_id, a.account == self.account)
        accepted = and_(a.account == self.account, a.settled_at >= before - REFUNDABLE, a.settled_at < after)
        still_open = and_(a.state.in_(POSTED), a.ended_at.is_(None), c.id == a.campaign_id, c.completed_at.is_(None))
        asked = (refunded, select(a.id).where(accepted, still_open))
        return any(self.connection.execute(each.limit(1)).first() is not None for each in asked)
