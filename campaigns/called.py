"""What states are called where a person reads them: one word each, be it a campaign's, a batch's or a message's.

Commands, JSON, files and the database have the states' own names (`campaigns.states`, where each is explained).
"""

from __future__ import annotations

from campaigns.language import N_, _

NAMES = {
    # of campaigns
    "receiving": N_("receiving"),
    "submitted": N_("submitted"),
    "expanding": N_("expanding"),
    "funding": N_("funding"),
    "awaiting_credits": N_("awaiting credits"),
    "cleaning": N_("cleaning"),
    "tracking": N_("tracking"),
    "stalled": N_("stalled"),
    "completed": N_("completed"),
    "cancelled": N_("cancelled"),
    "failed": N_("failed"),
    # of batches and messages
    "unchecked": N_("unchecked"),
    "checking": N_("checking"),
    "pending": N_("pending"),
    "sending": N_("sending"),  # a campaign may be so, too
    "accepted": N_("accepted"),
    "refused": N_("refused"),
    "halved": N_("halved"),
    "in_doubt": N_("in doubt"),
    "written_off": N_("written off"),
    "voided": N_("voided"),
    "in_flight": N_("in flight"),
    "delivered": N_("delivered"),
    "undelivered": N_("undelivered"),
    "network_error": N_("network error"),
    "rejected": N_("rejected"),
    "not_sent": N_("not sent"),
    "no_credit": N_("no credit"),
    "unreported": N_("unreported"),
    "not_expanded": N_("not expanded"),
    # of requests, beside those of batches
    "open": N_("open"),
    "resent": N_("resent"),
    "accepted_late": N_("accepted late"),
    # what is decided of them
    "resend": N_("resend"),
    "write_off": N_("write off"),
    # why a row gets no message
    "invalid": N_("invalid"),
    "duplicate": N_("duplicate"),
    "opted_out": N_("opted out"),
    "unrenderable": N_("unrenderable"),
    "unreachable": N_("unreachable"),
    "capped": N_("capped"),
    "forgotten": N_("forgotten"),
    # of readings of reports
    "asked": N_("asked"),
    "stored": N_("stored"),
    "parked": N_("parked"),
    "applied": N_("applied"),
    "broken": N_("broken"),
    "lost": N_("lost"),
}


def called(name: str) -> str:
    """The state of this name for a person: `in_doubt` → `in doubt`, in French `en doute`."""
    return _(NAMES.get(name) or name.replace("_", " "))
