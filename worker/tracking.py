"""The stage that brings messages up to what delivery reports say: they are read (`polling`), and then applied.

A person who asks by hand takes the same way (`polling.take_in`, `catch_up`), and whoever does must have the account's
bell.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import monotonic

from campaigns import doubts, events, heartbeats, journal, lifecycle, reports, unapplied
from campaigns.ahead import Ahead
from campaigns.database import Record
from campaigns.outages import PASSING
from campaigns.reports import Applied, Reports
from campaigns.states import MessageStatus
from worker import cleaning, evidence, keeping, polling, sending, tracing
from worker.polling import Reading
from worker.resources import Resources, Slice
from worker.smseco.errors import BadReply, Refused
from worker.smseco.reports import parse_reports

log = logging.getLogger(__name__)

STATUSES: Mapping[int, MessageStatus] = {
    50: MessageStatus.WAITING,
    65: MessageStatus.QUEUED,
    55: MessageStatus.HANDED_OVER,
    61: MessageStatus.QUEUED_AT_OPERATOR,
    56: MessageStatus.DELIVERED,
    59: MessageStatus.UNDELIVERED,
    60: MessageStatus.NETWORK_ERROR,
    62: MessageStatus.REJECTED,
    54: MessageStatus.NOT_SENT,
    49: MessageStatus.NO_CREDIT,
}
"""The gateway's codes in our words (III-1); any other is taken as in flight."""

EVIDENCE_WAITS_SECONDS = 86_400.0
"""How long reports of unknown sendings wait at least, while a request is in doubt: a short REPORT_DEADLINE is about the
silent, and must not pass the proof of a doubt on to other programs.
"""

MANY = 1_000
"""Reports in one reading from which on the next reading follows soon."""

SOON_SECONDS = 0.1
"""Not at once: what a reading costs beside its reports is a third of all, if each brings no more than a thousand."""

FULL = 5_000
"""Reports in one reading from which on the next one follows at once, as it brings enough to pay."""

TURN_SECONDS = 0.4
"""For so long a poller reads on at once: then others get its process for a moment."""

BREATH_SECONDS = 0.5

_NAMED: set[int] = set()
"""Unknown report codes that this process has logged."""


def poll_slice(resources: Resources, account: str) -> Slice:
    """Take in what the gateway has to say, and bring messages up to it."""
    until = monotonic() + polling.ASKING_SECONDS
    journal.make_good(resources.database)
    recover(resources)
    catch_up(resources, account)
    last = polling.ask(resources, account, until=until)
    taken, changed = last.reports, 0
    gateway = resources.gateway(account)  # of this thread, which asks for nothing while the other one does
    # One body is read and stored while the one before is applied: the database and this process work at the same time.
    with Ahead[Reading](TURN_SECONDS) as ahead:
        while _may_bring_more(resources, last) and monotonic() < until:
            ahead.begin(lambda: polling.take_in(resources, account, gateway=gateway))
            changed += catch_up(resources, account, settle=True).changed
            reading = ahead.take()
            if reading is None:
                break
            last = reading
            taken += last.reports
    changed += catch_up(resources, account, settle=True).changed
    if last.is_proper:
        heartbeats.note(resources.database, [heartbeat(account)])
    # Until the gateway has no more; but not in a tight loop for a few at a time.
    after = SOON_SECONDS if last.reports >= MANY and not last.error else BREATH_SECONDS
    did = (f"{last.error}; " if last.error else "") + f"{taken:,} reports, {changed:,} messages changed"
    return Slice(did, after=after if taken else None)


def heartbeat(account: str) -> str:
    """By which name it is known that the account's reports are read, and arrive whole."""
    return f"poll: {account}"


def _may_bring_more(resources: Resources, last: Reading) -> bool:
    """Whether to read on at once. With a least age each sending is asked for by itself, and nothing for all."""
    return last.reports >= FULL and not last.error and not resources.settings.poll_min_age


def recover(resources: Resources) -> int:
    """Store what had come to this host while the database was away, for any account; returns how many bodies."""
    return keeping.take_in(resources.database, resources.settings.spool_dir, resources.settings.accounts)


def _parse(body: bytes) -> Reports:
    try:
        batch = parse_reports(body)
    except (Refused, BadReply):
        return Reports([], [], [], [])
    unknown = set(batch.codes) - STATUSES.keys() - _NAMED
    if unknown:
        _NAMED.update(unknown)
        log.warning("report codes that no table knows, taken as in flight: %s", sorted(unknown))
    statuses = [STATUSES.get(code, MessageStatus.IN_FLIGHT_OTHER) for code in batch.codes]
    return Reports(batch.msgfids, batch.smsfids, batch.destinations, statuses)


def catch_up(resources: Resources, account: str, *, settle: bool = False) -> Applied:
    """Apply every stored body, and the parked ones that something new is known about; `settle` doubts by the others."""
    total = Applied()
    _apply_all(resources, account, total)
    if settle:
        _settle_doubts(resources, account, total)
    _go_on(resources, account, total)
    return total


def _apply_all(resources: Resources, account: str, total: Applied) -> None:
    for poll in unapplied.due(resources.database, account):
        _apply(resources, account, poll, total)


def _apply(resources: Resources, account: str, poll: Record, total: Applied) -> None:
    """Apply one body, and add what came of it; one that breaks is tried again, and keeps no other from its turn."""
    database, begun = resources.database, monotonic()
    try:
        body = unapplied.begin(database, poll.id)
        if body is None:
            return
        said = _parse(body)
        with (
            events.about(poll=poll.id),
            tracing.span("apply reports", account=account, poll=poll.id, reports=len(said)),
        ):
            applied = reports.apply(database, poll.id, said)
    except PASSING:
        unapplied.give_back(database, poll.id)
        raise
    except Exception as error:  # noqa: BLE001  whatever is wrong with this body is not wrong with the others
        what = type(error).__name__
        more = "is not tried again" if unapplied.failed(database, poll.id, what) else "is tried again"
        log.warning("the body of poll %s cannot be applied, stays in the journal, and %s: %s", poll.id, more, what)
        return
    if applied.changed:
        events.tell(
            events.APPLIED,
            account=account,
            poll=poll.id,
            reports=len(said),
            changed=applied.changed,
            seconds=monotonic() - begun,
        )
    total.changed += applied.changed
    total.campaigns |= applied.campaigns
    total.looked_up |= applied.looked_up


def _settle_doubts(resources: Resources, account: str, total: Applied) -> None:
    """Adopt what parked reports prove, and apply them."""
    database = resources.database
    waits = max(resources.settings.report_deadline, EVIDENCE_WAITS_SECONDS)
    parked = unapplied.parked(database, account, no_older_than=waits)
    found = evidence.gather(database, account, parked, lambda poll_id: _read(resources, poll_id))
    adopted = doubts.settle(database, account, found, exclusive=resources.settings.accounts[account].exclusive)
    total.campaigns |= set(adopted)
    if adopted:
        _apply_all(resources, account, total)


def _read(resources: Resources, poll_id: int) -> Reports:
    return _parse(journal.body(resources.database, poll_id))


def _go_on(resources: Resources, account: str, applied: Applied) -> None:
    if applied.campaigns:
        with resources.database.transaction() as connection:
            lifecycle.advance(connection, sorted(applied.campaigns))
    if applied.looked_up and cleaning.finish(resources, applied.looked_up):
        sending.wake_lanes(resources, account)
