"""The stage that reads delivery reports: note, ask, store, and only then make something of them.

A person who asks by hand takes the same way (`take_in`, `catch_up`), and whoever does must have the account's bell.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic, time

from campaigns import accounts, doubts, journal, lifecycle, reports, silence, unapplied
from campaigns.database import Record
from campaigns.outages import PASSING
from campaigns.reports import Applied, Reports
from campaigns.states import MessageStatus
from worker import cleaning, evidence, keeping, sending
from worker.resources import Resources, Slice
from worker.smseco.errors import BadReply, ReadFailed, Refused
from worker.smseco.reports import count_reports, names_an_sms, parse_reports
from worker.spool import Arrived

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

ASKED_AT_ONCE = 20

ASKING_SECONDS = 60.0
"""After which a slice begins no further request: the broker hands out anew what takes longer than it waits."""

EVIDENCE_WAITS_SECONDS = 86_400.0
"""How long reports of unknown sendings wait at least, while a request is in doubt: a short REPORT_DEADLINE is about the
silent, and must not pass the proof of a doubt on to other programs.
"""

MANY = 1_000
"""Reports in one reading from which on the next reading follows at once."""

BREATH_SECONDS = 0.5

_NAMED: set[int] = set()
"""Unknown report codes that this process has logged."""


def poll_slice(resources: Resources, account: str) -> Slice:
    """Take in what the gateway has to say, and bring messages up to it."""
    journal.make_good(resources.database)
    recover(resources)
    catch_up(resources, account)
    taken = _ask(resources, account)
    applied = catch_up(resources, account, settle=True)
    # Until the gateway has no more; but not in a tight loop for a few at a time.
    return Slice(
        f"{taken:,} reports, {applied.changed:,} messages changed",
        more=taken >= MANY,
        after=BREATH_SECONDS if taken else None,
    )


def recover(resources: Resources) -> int:
    """Store what had come to this host while the database was away, for any account; returns how many bodies."""
    return keeping.take_in(resources.database, resources.settings.spool_dir, resources.settings.accounts)


@dataclass(frozen=True)
class Reading:
    """What one request for reports brought.

    Attributes:
        reports: how many, where they can be counted at a glance.
        poll_id: where in the journal its body is; None if there was nothing to keep.
        error: why it was not answered as it should be; some of the body may have come all the same.
    """

    reports: int = 0
    poll_id: int | None = None
    error: Refused | ReadFailed | None = None


def _ask(resources: Resources, account: str) -> int:
    """Ask for all that is new, then for the silent by their ids, up to the first failure; returns how many came."""
    taken, until = 0, monotonic() + ASKING_SECONDS
    # With a least age each sending is asked for by itself: to ask for all would consume what is still to change.
    if not resources.settings.poll_min_age:
        reading = take_in(resources, account)
        taken = reading.reports
        if reading.error:
            return taken
    silent = _silent(resources, account)
    while silent and monotonic() < until:
        reading = take_in(resources, account, msgfid=silent.pop(0))
        taken += reading.reports
        if reading.error:
            break
    if silent:  # nobody asked for these after all
        silence.put_back(resources.database, account, silent)
    return taken


def _silent(resources: Resources, account: str) -> list[str]:
    age = resources.settings.poll_min_age or resources.settings.silent_after
    silent = silence.sendings(resources.database, account, older_than=age, every=age, most=ASKED_AT_ONCE)
    in_doubt = doubts.to_ask_for(resources.database, account, every=age, most=ASKED_AT_ONCE)
    return [each.msgfid for each in silent] + in_doubt


def take_in(resources: Resources, account: str, *, msgfid: str | None = None, smsfid: str | None = None) -> Reading:
    """Read reports once, of one sending or one SMS if named, and store their bytes. Applying them is another matter."""
    database, gateway = resources.database, resources.gateway(account)
    poll_id = journal.note(database, account, msgfid)
    try:
        body = gateway.fetch_reports(msgfid, smsfid)
    except Refused as error:
        journal.forget(database, poll_id)
        _refused(resources, account, error)
        return Reading(error=error)
    except ReadFailed as error:
        if not error.partial:
            return _nothing_came(resources, account, poll_id, error)
        log.warning("reports of the account %s did not arrive whole: %s", account, error)
        cut = Arrived(account, poll_id, error.partial, msgfid, cut=True, at=time())
        return replace(_keep(resources, cut), error=error)
    return _keep(resources, Arrived(account, poll_id, body, msgfid, cut=False, at=time()))


def _refused(resources: Resources, account: str, error: Refused) -> None:
    """Say so where a person looks; nothing is paused, because what is sent can be reported on later."""
    log.warning("the gateway refused to hand out reports of the account %s: %s", account, error)
    reports.note_refusal(resources.database, account, f"it refuses to hand out delivery reports, {error}")


def _nothing_came(resources: Resources, account: str, poll_id: int, error: ReadFailed) -> Reading:
    log.warning("reports of the account %s did not arrive: %s", account, error)
    if error.begun:
        journal.lose(resources.database, poll_id)
    else:
        journal.forget(resources.database, poll_id)
        accounts.away(resources.database, account, error.reason)
    return Reading(error=error)


def _keep(resources: Resources, its: Arrived) -> Reading:
    account, body = its.account, its.body
    poll_id = keeping.keep(resources.database, resources.settings.spool_dir, its)
    # Whoever applies it parses it: here it is counted, if it is spelt as usual.
    count = count_reports(body)
    if count:
        _answered(resources, account)
        return Reading(count, poll_id)
    empty = _empty(resources, account, body)
    if empty is None or names_an_sms(body):
        return replace(empty or Reading(), poll_id=poll_id)
    journal.forget(resources.database, poll_id)
    return empty


def _answered(resources: Resources, account: str) -> None:
    """The gateway is there, and it hands out reports."""
    accounts.back(resources.database, account, proven=False)
    reports.note_answer(resources.database, account)


def _empty(resources: Resources, account: str, body: bytes) -> Reading | None:
    """What it comes to, if it is a proper answer without a report; what cannot be read may hold one, and is kept."""
    try:
        batch = parse_reports(body)
    except Refused as error:
        _refused(resources, account, error)
        return Reading(error=error)
    except BadReply as error:
        log.warning("a body of reports cannot be read, and is kept in the journal: %s", error)
        return None
    _answered(resources, account)
    return None if batch.codes or batch.truncated else Reading()


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
        _apply(resources, poll, total)


def _apply(resources: Resources, poll: Record, total: Applied) -> None:
    """Apply one body, and add what came of it; one that breaks is tried again, and keeps no other from its turn."""
    database = resources.database
    try:
        body = unapplied.begin(database, poll.id)
        if body is None:
            return
        applied = reports.apply(database, poll.id, _parse(body))
    except PASSING:
        unapplied.give_back(database, poll.id)
        raise
    except Exception as error:  # noqa: BLE001  whatever is wrong with this body is not wrong with the others
        what = type(error).__name__
        more = "is not tried again" if unapplied.failed(database, poll.id, what) else "is tried again"
        log.warning("the body of poll %s cannot be applied, stays in the journal, and %s: %s", poll.id, more, what)
        return
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
