"""Every state that a thing can be in, each with one line that says what it means.

How campaigns, batches and messages move between them is drawn in ARCHITECTURE.md; `claims`, `batches`, `lifecycle` and
`reports` are the code that moves them.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class CampaignState(StrEnum):
    """Where a campaign is on its way; `paused_at` stands beside it."""

    RECEIVING = "receiving"  # its producer is still handing over the audience
    SUBMITTED = "submitted"  # all here; waits for its time, or for a worker
    EXPANDING = "expanding"  # its audience is being turned into batches
    FUNDING = "funding"  # waits for its sender to be checked and its credits to be set aside
    AWAITING_CREDITS = "awaiting_credits"  # the account cannot pay; goes on when the balance has risen
    CLEANING = "cleaning"  # its numbers are being looked up
    SENDING = "sending"  # batches are leaving
    TRACKING = "tracking"  # all has left; delivery reports are awaited
    STALLED = "stalled"  # only batches in doubt are left, and they need evidence or a person
    COMPLETED = "completed"  # every message has its final status
    CANCELLED = "cancelled"  # nothing more leaves; what had left is still tracked
    FAILED = "failed"  # the submission itself was wrong; the reason says how


ENDED = frozenset({CampaignState.COMPLETED, CampaignState.CANCELLED, CampaignState.FAILED})


class BatchState(StrEnum):
    """What became of the messages that travel in one request."""

    UNCHECKED = "unchecked"  # its numbers are to be looked up first
    CHECKING = "checking"  # a lookup of its numbers was made; answers are awaited
    PENDING = "pending"  # may be claimed by a lane
    SENDING = "sending"  # claimed: an attempt is written, its request may be in the air
    ACCEPTED = "accepted"  # the gateway took it
    REFUSED = "refused"  # the gateway refused it for good; nobody got a message
    HALVED = "halved"  # put aside because of some row of it: its messages went on in smaller ones
    IN_DOUBT = "in_doubt"  # the request left and no proper reply came back
    WRITTEN_OFF = "written_off"  # it was in doubt, and it was decided to ask no more
    VOIDED = "voided"  # its campaign was cancelled, or it lost everybody, before it left


TO_LOOK_UP = frozenset({BatchState.UNCHECKED, BatchState.CHECKING})
UNSENT = TO_LOOK_UP | {BatchState.PENDING}


class AttemptKind(StrEnum):
    """What a request asked for."""

    SEND = "send"  # texts to a batch
    LOOKUP = "lookup"  # whether the batch's numbers are reachable


class AttemptState(StrEnum):
    """What is known of one request."""

    OPEN = "open"  # written down; the request is being made, until its lease runs out
    ACCEPTED = "accepted"  # the gateway said yes, or its reports prove it
    REFUSED = "refused"  # the gateway said no, with a code
    NOT_SENT = "not_sent"  # proof that nothing left this machine
    IN_DOUBT = "in_doubt"  # nobody knows yet
    RESENT = "resent"  # nobody knows, and its messages were given free to be sent again
    WRITTEN_OFF = "written_off"  # nobody knows, and nobody waits for it any longer
    ACCEPTED_LATE = "accepted_late"  # proof came after its messages had been sent again or written off


NOTHING_SENT = frozenset({AttemptState.REFUSED, AttemptState.NOT_SENT})
"""Proof that nobody was texted: nothing will ever be heard of such a request."""

POSTED = (AttemptState.ACCEPTED, AttemptState.ACCEPTED_LATE)
"""The gateway took credits for these; nothing else is posted."""


class Decision(StrEnum):
    """What is made of a request in doubt, by a person or by its campaign's policy."""

    ACCEPTED = "accepted"  # the gateway took it: its messages wait for their reports
    RESEND = "resend"  # it did not, or may have: its messages are sent again
    WRITE_OFF = "write_off"  # nobody is texted, and nobody waits for an answer


class PollState(StrEnum):
    """What became of one reading of the delivery reports."""

    ASKED = "asked"  # noted before the request; if it stays so, its bytes may be lost
    STORED = "stored"  # the raw body is here, not yet applied
    PARKED = "parked"  # applied but for reports of sendings that nobody knows (yet)
    APPLIED = "applied"  # every report of it is applied, or belongs to nobody here
    BROKEN = "broken"  # it was tried three times and cannot be applied; its body is kept, the detail says why
    LOST = "lost"  # the request was made and no body arrived: the gateway may have consumed reports


class Exclusion(StrEnum):
    """Why a recipient gets no message."""

    INVALID = "invalid"  # no mobile number in it
    DUPLICATE = "duplicate"  # an earlier row has the same number
    OPTED_OUT = "opted_out"  # asked not to be texted
    UNRENDERABLE = "unrenderable"  # a field of the template is missing, or the text is too long
    UNREACHABLE = "unreachable"  # a lookup found the number dead
    CAPPED = "capped"  # has had as many messages that day as may be
    FORGOTTEN = "forgotten"  # asked to be forgotten before it was sent


class Purged(IntEnum):
    """How much of a campaign was purged, be it that this is still under way; counts and credits stay."""

    NOTHING = 0  # all that it is made of is here
    TEXT = 1  # what people were sent is gone; to whom it was sent is here
    NUMBERS = 2  # so are the numbers, and the gateway's ids of the messages


class WhenMissed(StrEnum):
    """What becomes of a schedule's occurrences that nobody was there to make in time."""

    SKIP = "skip"  # they are not made, but counted
    CATCH_UP = "catch_up"  # each is made, the oldest first; of many, only the last ones


class MessageStatus(IntEnum):
    """What became of one SMS. The tens are the rank: a status never gives way to one of a lower rank.

    Within a rank an in-flight status gives way to a later one, any other stays.
    """

    AS_BATCH = 0  # what the batch's state says: so that accepting a batch touches no message
    IN_DOUBT = 1  # the reply contradicted itself and did not name this number
    WAITING = 10  # the gateway holds it (its 50)
    QUEUED = 11  # in the gateway's local queue (its 65)
    HANDED_OVER = 12  # passed to the operator (its 55)
    QUEUED_AT_OPERATOR = 13  # in the operator's queue (its 61)
    IN_FLIGHT_OTHER = 19  # a code that no table knows: kept in the journal, taken as in flight
    REFUSED = 20  # the gateway did not take this number
    UNREPORTED = 21  # no answer came before the deadline
    UNDELIVERED = 30  # the operator could not deliver it
    NETWORK_ERROR = 31  # the operator's network failed
    REJECTED = 32  # rejected; not billed
    NOT_SENT = 33  # the gateway did not send it; not billed
    NO_CREDIT = 34  # the account ran dry at the gateway; not billed, safe to send again
    DELIVERED = 40  # the phone has it: nothing overwrites this

    @property
    def rank(self) -> int:
        """How strong the evidence is, 0 to 4."""
        return self // 10


FIRST_SETTLED = MessageStatus.REFUSED
"""Statuses from here on need no further report."""

UNBILLED = frozenset({MessageStatus.REJECTED, MessageStatus.NOT_SENT, MessageStatus.NO_CREDIT})
"""Ends that the gateway does not bill: the credits of the message come back."""
