"""The half of tracking that reads: delivery reports are asked for, each time noted first and stored at once.

What the reports say is the affair of `tracking`; how their bytes outlive a database that is away, that of `keeping`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from time import monotonic, time

from campaigns import accounts, doubts, events, journal, reports, silence
from worker import keeping, tracing
from worker.language import N_
from worker.resources import Resources
from worker.smseco.client import Gateway
from worker.smseco.errors import BadReply, ReadFailed, Refused
from worker.smseco.reports import count_reports, names_an_sms, parse_reports
from worker.spool import Arrived

log = logging.getLogger(__name__)

ASKED_AT_ONCE = 20

ASKING_SECONDS = 60.0
"""After which a slice begins no further request: the broker hands out anew what takes longer than it waits."""


@dataclass(frozen=True)
class Reading:
    """What one request for reports brought.

    Attributes:
        reports: how many, where they can be counted at a glance.
        poll_id: where in the journal its body is; None if there was nothing to keep.
        error: why it was not answered as it should be; some of the body may have come all the same.
        unreadable: an answer came that is none of the API, and is kept.
    """

    reports: int = 0
    poll_id: int | None = None
    error: Refused | ReadFailed | None = None
    unreadable: bool = False

    @property
    def is_proper(self) -> bool:
        """Whether it was answered as it should be."""
        return self.error is None and not self.unreadable


def ask(resources: Resources, account: str, *, until: float) -> Reading:
    """Ask for all that is new, then for the silent by their ids, up to the first failure.

    Args:
        resources: the tools.
        account: whose reports.
        until: the moment (monotonic) after which no further request is begun.

    Returns:
        How many came in all, the failure, and whether any answer could not be read.
    """
    taken, unreadable = 0, False
    # With a least age each sending is asked for by itself: to ask for all would consume what is still to change.
    if not resources.settings.poll_min_age:
        reading = take_in(resources, account)
        taken, unreadable = reading.reports, reading.unreadable
        if reading.error:
            return reading
    silent, error = _silent(resources, account), None
    while silent and monotonic() < until:
        reading = take_in(resources, account, msgfid=silent.pop(0))
        taken += reading.reports
        unreadable |= reading.unreadable
        error = reading.error
        if error:
            break
    if silent:  # nobody asked for these after all
        silence.put_back(resources.database, account, silent)
    return Reading(taken, error=error, unreadable=unreadable)


def _silent(resources: Resources, account: str) -> list[str]:
    age = resources.settings.poll_min_age or resources.settings.silent_after
    silent = silence.sendings(resources.database, account, older_than=age, every=age, most=ASKED_AT_ONCE)
    in_doubt = doubts.to_ask_for(resources.database, account, every=age, most=ASKED_AT_ONCE)
    return [each.msgfid for each in silent] + in_doubt


def take_in(
    resources: Resources,
    account: str,
    *,
    msgfid: str | None = None,
    smsfid: str | None = None,
    gateway: Gateway | None = None,
) -> Reading:
    """Read reports once, of one sending or one SMS if named, and store their bytes. Applying them is another matter.

    `gateway` is the client to ask with, where that is not this thread's own.
    """
    database, gateway = resources.database, gateway or resources.gateway(account)
    poll_id, begun = journal.note(database, account, msgfid), monotonic()
    try:
        with tracing.span("read reports", account=account, poll=poll_id):
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
        return replace(_keep(resources, cut, begun), error=error)
    return _keep(resources, Arrived(account, poll_id, body, msgfid, cut=False, at=time()), begun)


def _refused(resources: Resources, account: str, error: Refused) -> None:
    """Say so where a person looks; nothing is paused, because what is sent can be reported on later."""
    log.warning("the gateway refused to hand out reports of the account %s: %s", account, error)
    reports.note_refusal(
        resources.database, account, N_("it refuses to hand out delivery reports, {why}").format(why=error)
    )


def _nothing_came(resources: Resources, account: str, poll_id: int, error: ReadFailed) -> Reading:
    log.warning("reports of the account %s did not arrive: %s", account, error)
    if error.begun:
        journal.lose(resources.database, poll_id)
    else:
        journal.forget(resources.database, poll_id)
        accounts.away(resources.database, account, error.reason)
    return Reading(error=error)


def _keep(resources: Resources, its: Arrived, begun: float) -> Reading:
    account, body = its.account, its.body
    poll_id = keeping.keep(resources.database, resources.settings.spool_dir, its)
    # Whoever applies it parses it: here it is counted, if it is spelt as usual.
    count = count_reports(body)
    if count:
        took = monotonic() - begun
        events.tell(events.READ, account=account, poll=poll_id, reports=count, bytes=len(body), seconds=took)
        _answered(resources, account)
        return Reading(count, poll_id)
    reading, is_empty = _told_by(resources, account, body)
    if not is_empty or names_an_sms(body):
        return replace(reading, poll_id=poll_id)
    journal.forget(resources.database, poll_id)
    return reading


def _answered(resources: Resources, account: str) -> None:
    """The gateway is there, and it hands out reports."""
    accounts.back(resources.database, account, proven=False)
    reports.note_answer(resources.database, account)


def _told_by(resources: Resources, account: str, body: bytes) -> tuple[Reading, bool]:
    """What a body comes to in which no report is seen at a glance, and whether it is a proper answer without one.

    What cannot be read may hold one, and is kept; as long as that is all that comes, no reports are read.
    """
    try:
        batch = parse_reports(body)
    except Refused as error:
        _refused(resources, account, error)
        return Reading(error=error), True
    except BadReply as error:
        log.warning("a body of reports cannot be read, and is kept in the journal: %s", error)
        return Reading(unreadable=True), False
    _answered(resources, account)
    return Reading(), not (batch.codes or batch.truncated)
