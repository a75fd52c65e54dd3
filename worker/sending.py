"""The stage that sends: claim a batch, make its one request, settle it by what came back."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass, field
from time import monotonic

from campaigns import accounts, bells, claims, events, lifecycle, lineage, poison, settling, turns
from campaigns.claims import Claim, DamagedBatchError
from campaigns.database import Database, NotMigratedError
from campaigns.outages import PASSING
from campaigns.states import AttemptKind
from campaigns.template import FINISHED_FIELDS, FINISHED_TEXT
from campaigns.text import Alphabet
from campaigns.unwanted import OptOutKeyError
from worker import balances, mark, tracing
from worker.language import N_
from worker.mark import SetBack
from worker.receipts import acceptance_of
from worker.refused import CLOSED, pause, settle_not_sent, settle_refused, settle_unwritten
from worker.resources import Resources, Slice, UnknownAccountError
from worker.smseco.errors import CannotBeWritten, InDoubt, NotSent, ReadFailed, Refused
from worker.smseco.values import Receipt, Sending

log = logging.getLogger(__name__)

SLICE_SECONDS = 0.2
"""A lane's turn: long ones keep small campaigns waiting for a process, short ones cost a task and two bells each."""

CANDIDATES = 20

SET_BACK = N_("the database was set back: nothing was sent")

LONGEST_WAIT_SECONDS = 2.0
"""How long a lane waits for a gate; the sweep looks as often."""


@dataclass
class Tally:
    """What a lane did in its turn.

    Attributes:
        accepted: messages (or lookups).
        touched: the numbers of the batches that were claimed, by campaign.
        through: campaigns of which it found nothing to claim, or claimed the last batch.
        halted: something came back after which the lane takes no further batch.
    """

    accepted: int = 0
    touched: dict[int, list[int]] = field(default_factory=dict)
    through: set[int] = field(default_factory=set)
    halted: bool = False

    def add(self, claim: Claim) -> None:
        """Note a batch that was claimed."""
        self.touched.setdefault(claim.campaign_id, []).append(claim.number)

    def __str__(self) -> str:
        parts = [f"campaign {campaign_id}, {_numbered(numbers)}" for campaign_id, numbers in self.touched.items()]
        shown = "; ".join(parts[:5]) + (f"; and {len(parts) - 5} more campaigns" if len(parts) > 5 else "")
        return f"{shown}, {self.accepted:,} accepted" if parts else "nothing to send"


def _numbered(numbers: list[int]) -> str:
    first, last = min(numbers), max(numbers)
    return f"batch {first}" if first == last else f"batches {first}–{last}"


def send_slice(resources: Resources, account: str, lane: int) -> Slice:
    """One turn of a lane: batches of campaigns chosen at random, one after the other, for a fifth of a second."""
    until = monotonic() + SLICE_SECONDS
    tally = Tally()
    some = _whose_turn(resources, account, lane, tally)
    while some and not tally.halted and (not tally.touched or monotonic() < until):
        campaign_id = some.pop(0)
        if _see_to(resources, account, campaign_id, tally):
            some.append(campaign_id)
        else:
            tally.through.add(campaign_id)
    _go_on(resources, tally)
    if tally.touched and not tally.halted:
        return Slice(str(tally), more=True)
    # One lane is enough to wait for the gates of rated campaigns, and none waits for one that opens late.
    opens = turns.next_turn(resources.database, account) if lane == 1 else None
    return Slice(str(tally), after=opens if opens is not None and opens <= LONGEST_WAIT_SECONDS else None)


def _whose_turn(resources: Resources, account: str, lane: int, tally: Tally) -> list[int]:
    """Campaigns that the lane may claim from; none where the database was set back, or others try the gateway."""
    database, seen = resources.database, resources.mark.seen()  # before the database is asked: it was committed by then
    turn = turns.look(database, account, CANDIDATES, seen=seen.attempt_id, msgid=seen.msgid)
    if not turn.campaigns:
        tally.through.update(lifecycle.leaving(database, account))
        return []
    if mark.is_doubtful(seen, turn) and (found := mark.behind(database, resources.mark)):
        _stop(database, found, newest_attempt=seen.attempt_id)
        return []
    if accounts.is_doubtful(database, account) and not _may_try(resources, account, lane):
        return []
    resources.mark.generation = turn.generation
    return turn.campaigns


def _go_on(resources: Resources, tally: Tally) -> None:
    """Move the campaigns on that may have nothing left to send.

    Where a lane's turn is over just when it has settled a campaign's last batch, and its next turn has others to take
    up, nobody asks: the sweep does, within seconds.
    """
    through = tally.through | (tally.touched.keys() if tally.halted else set())
    if through:
        with resources.database.transaction() as connection:
            lifecycle.advance(connection, sorted(through))


def _may_try(resources: Resources, account: str, lane: int) -> bool:
    """Where requests fell in doubt, one lane tries again, and only if the gateway answers what costs nothing.

    A doubt is a batch that may be paid for and that nobody may send again: it must not be one a lane, each minute.
    """
    if lane != 1:
        return False
    try:
        balances.ask_and_note(resources, account)  # which also shows whether the last doubt was paid for
    except Refused:
        return True  # a proper answer: what it says will be heard of the batch as well
    except ReadFailed as error:
        accounts.away(
            resources.database, account, N_("replies are lost or unreadable: {why}").format(why=error), doubtful=True
        )
        return False
    return True


def _see_to(resources: Resources, account: str, campaign_id: int, tally: Tally) -> bool:
    """As `_send_next`; what breaks with one campaign is in no other's way, and pauses it if it happens too often."""
    try:
        with events.about(campaign=campaign_id):
            return _send_next(resources, account, campaign_id, tally)
    except (*PASSING, NotMigratedError, UnknownAccountError):
        raise
    except (DamagedBatchError, OptOutKeyError) as fault:
        pause(resources.database, campaign_id, str(fault))
        return False
    except Exception as error:  # noqa: BLE001  whatever is wrong with this campaign is not wrong with the others
        log.error("campaign %s: a batch could not be seen to: %s", campaign_id, _what_broke(error))  # noqa: TRY400
        poison.not_sent_from(resources.database, campaign_id, _what_broke(error))
        return False


def _what_broke(error: BaseException) -> str:
    """Its kind and the place in our code, and nothing that it says: that may be a number or a text."""
    frames = traceback.extract_tb(error.__traceback__)
    kind = type(getattr(error, "orig", None) or error).__name__
    return f"{kind} in {frames[-1].name}" if frames else kind


def _send_next(resources: Resources, account: str, campaign_id: int, tally: Tally) -> bool:
    """Send the campaign's next batch; returns whether it may have another."""
    lease_seconds, cap = resources.lease_seconds(account), resources.cap(account)
    highest = resources.mark.highest()  # before the claim: whatever is claimed from now on is above it
    claim = claims.claim(resources.database, campaign_id, lease_seconds=lease_seconds, cap=cap)
    if claim is None:
        return False
    tally.add(claim)
    if claim.attempt_id <= highest and (found := mark.behind(resources.database, resources.mark)):
        settling.release(resources.database, claim, SET_BACK)
        _stop(resources.database, found, newest_attempt=claim.attempt_id - 1)
        tally.halted = True
        return False
    resources.mark.rise(claim.attempt_id, claim.msgid)
    its = {"campaign": campaign_id, "batch": claim.number, "attempt": claim.attempt_id}
    with events.about(**its), tracing.span(f"{claim.kind} batch", account=account, size=len(claim.payload), **its):
        tally.accepted += deliver(resources, claim, tally)
    return not claim.is_last


def _stop(database: Database, found: SetBack, *, newest_attempt: int) -> None:
    """The database was set back, to this attempt at the latest: nobody claims until somebody has seen to that."""
    lineage.declare_set_back(database, found.how, newest_attempt=newest_attempt, generation=found.generation)
    log.error("nothing is sent any more: the database was set back (%s): see `campaigns doctor`", found.how)


def deliver(resources: Resources, claim: Claim, tally: Tally) -> int:
    """Make the request of a claim and settle it; returns how many messages (or lookups) were accepted."""
    gateway = resources.gateway(claim.account)
    # Counted from before the looks: a process that is stopped after them must not send with a lease that has run out,
    # nor in a window that has closed.
    looked = monotonic()
    if not claims.holds_lease(resources.database, claim, seconds=gateway.longest_send):
        settling.release(resources.database, claim, N_("its lease had too little time left: nothing was sent"))
        return 0
    closes = looked + claims.seconds_left(resources.database, claim)
    if closes <= monotonic():
        settling.release(resources.database, claim, CLOSED)
        return 0
    try:
        with tracing.span("request", campaign=claim.campaign_id, attempt=claim.attempt_id):
            receipt = _request(resources, claim, min(looked + gateway.longest_beginning, closes))
    except NotSent as error:
        tally.halted = settle_not_sent(resources, claim, error, closed=closes <= monotonic())
    except CannotBeWritten as error:
        tally.halted = settle_unwritten(resources, claim, _what_broke(error.__cause__ or error))
    except Refused as error:
        tally.halted = settle_refused(resources, claim, error)
    except InDoubt as error:
        tally.halted = _settle_doubt(resources, claim, error)
    else:
        settling.accept(resources.database, claim, acceptance_of(claim.payload.numbers, receipt))
        if not tally.accepted:  # once a turn is enough: it is a look at the database
            accounts.back(resources.database, claim.account)
        return len(receipt.smsfids)
    return 0


def _settle_doubt(resources: Resources, claim: Claim, error: InDoubt) -> bool:
    """Nobody knows what became of it. A page that says "maintenance" must not put one batch after the other in doubt:
    the lane must stop."""
    settling.doubt(resources.database, claim, error.reason, msgfid=error.msgfid)
    why = N_("replies are lost or unreadable: {why}").format(why=error.reason)
    accounts.away(resources.database, claim.account, why, doubtful=True)
    return True


def _request(resources: Resources, claim: Claim, begin_by: float) -> Receipt:
    gateway = resources.gateway(claim.account)
    numbers = claim.payload.numbers
    if claim.kind == AttemptKind.LOOKUP:
        return gateway.lookup(claim.msgid, numbers, begin_by=begin_by)
    sender = claim.sender or resources.settings.accounts[claim.account].sender
    try:
        asked = sending_of(claim, sender or "")
    except Exception as error:
        raise CannotBeWritten(type(error).__name__) from error
    make = gateway.merge if asked.fields else gateway.send
    return make(asked, begin_by=begin_by)


def sending_of(claim: Claim, sender: str) -> Sending:
    """The request for a claimed batch: plain, merged by the gateway, or finished texts in one field."""
    values = claim.payload.values
    text, fields = claim.wire_text, tuple(f"f{place}" for place in range(1, len(values[0]) + 1))
    if not claim.merged:
        text, fields = FINISHED_TEXT, FINISHED_FIELDS
    return Sending(
        msgid=claim.msgid,
        sender=sender,
        text=text,
        numbers=claim.payload.numbers,
        fields=fields,
        values=values if fields else None,
        unicode=claim.alphabet == Alphabet.UCS2,
        flash=claim.flash,
    )


def wake_lanes(resources: Resources, account: str) -> None:
    """Ring as many lanes as there are batches to claim, up to what the account may have in the air."""
    waiting = turns.count_claimable(resources.database, account, resources.settings.lanes)
    for lane in range(1, resources.settings.lanes + 1):
        if waiting == 0:
            return
        # A lane that waits for a gate, or whose worker was killed, stays silent: another one takes its place.
        waiting -= bells.ring(resources.database, bells.send(account, lane), resources.ring)
