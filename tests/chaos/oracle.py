"""The oracle: what must hold after a round, whatever was done to it (U C D B; L and H are told by who watched).

It compares two accounts of the same events, that share no line of code: the gateway's files (what it accepted, which
reports it handed out) and our database. `judge` is pure, so that a test can show it each violation.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.chaos.field import Field, lines

FINAL = {56: 40, 59: 30, 60: 31, 62: 32, 54: 33, 49: 34}
"""The vendor's final codes and what they are to us: written once more, so that a slip of the product's would show."""

UNBILLED = {62, 54, 49}
FIRST_FINAL = 30
REFUSED, IN_DOUBT = 20, 1

NEVER_SENT = {"unchecked", "checking", "pending", "refused", "voided"}
MAYBE_SENT = {"sending", "in_doubt", "written_off"}

Report = tuple[str, int]
"""smsfid and statut."""


@dataclass(frozen=True)
class Message:
    """One of our messages: its own status and its batch's state."""

    campaign_id: int
    status: int
    batch: str


@dataclass(frozen=True)
class Attempt:
    """One of our requests."""

    state: str
    credits: Decimal | None


@dataclass(frozen=True)
class Facts:
    """Both accounts of one round.

    wanted: the numbers that the producers handed over and that can be texted. messages: ours, by number. unreachable:
    numbers that we left out because a lookup found them dead. accepted: the lines of the gateway's ledger. attempts:
    ours, by msgid. readings: the lines of what the gateway handed out. journal: the reports in our journal. gaps:
    readings of which we say ourselves that they may be lost. refunded: by our books. excess: by how many credits our
    promises exceeded, at worst, what the account ever had.
    """

    wanted: frozenset[int]
    messages: Mapping[int, Message]
    unreachable: frozenset[int]
    accepted: Sequence[Mapping[str, Any]]
    attempts: Mapping[str, Attempt]
    readings: Sequence[Mapping[str, Any]]
    journal: frozenset[Report]
    gaps: int
    refunded: Decimal
    adds_up: bool = True
    excess: Decimal = Decimal(0)


@dataclass
class Verdict:
    """What was found: counts for the table, and a sentence for each thing that must not be."""

    recipients: int = 0
    duplicates: int = 0
    skipped: int = 0
    lost: int = 0
    gaps: int = 0
    overspent: int = 0
    violations: list[str] = field(default_factory=list)

    def object_if(self, wrong: object, sentence: str) -> None:
        """Note a violation where there is one."""
        if wrong:
            self.violations.append(sentence)


def judge(facts: Facts) -> Verdict:
    """Hold both accounts against each other."""
    verdict = Verdict(recipients=len(facts.wanted), gaps=facts.gaps)
    sends = [line for line in facts.accepted if line["kind"] == "send"]
    _nobody_twice(verdict, sends)
    _nobody_skipped(verdict, facts, {int(line["destination"]) for line in sends})
    _no_report_lost(verdict, facts)
    _statuses_agree(verdict, facts, sends)
    _credits_agree(verdict, facts)
    return verdict


def _nobody_twice(verdict: Verdict, sends: Iterable[Mapping[str, Any]]) -> None:
    counts = Counter(line["destination"] for line in sends)
    verdict.duplicates = sum(count - 1 for count in counts.values())
    verdict.object_if(verdict.duplicates, f"U: {verdict.duplicates} messages too many were accepted")


def _nobody_skipped(verdict: Verdict, facts: Facts, accepted: set[int]) -> None:
    verdict.object_if(not facts.adds_up, "C: an account does not add up")
    nowhere = facts.wanted - facts.messages.keys() - facts.unreachable
    never = [number for number, message in facts.messages.items() if _is_said(message) and number not in accepted]
    verdict.skipped = len(nowhere) + len(never)
    verdict.object_if(nowhere, f"C: {len(nowhere)} recipients are neither messages nor excluded")
    verdict.object_if(never, f"C: {len(never)} messages are said to be accepted, and the gateway never saw them")
    untold = [number for number, message in facts.messages.items() if _is_denied(message) and number in accepted]
    verdict.object_if(
        untold, f"C: {len(untold)} messages are said not to have been sent, and the gateway accepted them"
    )
    strangers = accepted - facts.messages.keys()
    verdict.object_if(strangers, f"C: {len(strangers)} numbers were accepted that are no message of ours")


def _is_said(message: Message) -> bool:
    """Whether we say that the gateway accepted it."""
    return message.batch == "accepted" and message.status not in (REFUSED, IN_DOUBT)


def _is_denied(message: Message) -> bool:
    """Whether we say that it never left, or was not taken."""
    return message.batch in NEVER_SENT or message.status == REFUSED


def _no_report_lost(verdict: Verdict, facts: Facts) -> None:
    """A reading of which a report is missing must be one that we count as a gap ourselves, reading by reading."""
    missing = [
        len(lost)
        for reading in facts.readings
        if reading["whole"] and (lost := {(smsfid, code) for _, smsfid, code in reading["reports"]} - facts.journal)
    ]
    beyond = sorted(missing)[: max(0, len(missing) - facts.gaps)]
    verdict.lost = sum(beyond)
    verdict.object_if(beyond, f"D: {verdict.lost} reports were handed out whole, and are neither stored nor a gap")


def _statuses_agree(verdict: Verdict, facts: Facts, sends: Iterable[Mapping[str, Any]]) -> None:
    """A final status here is one that was handed out; one that is in the journal, of a known request, is here."""
    handed: dict[str, set[int]] = {}
    for reading in facts.readings:
        for _, smsfid, code in reading["reports"]:
            handed.setdefault(smsfid, set()).add(code)
    invented = behind = 0
    for line in sends:
        message, smsfid = facts.messages.get(int(line["destination"])), line["smsfid"]
        if message is None:
            continue
        told = {FINAL[code] for code in handed.get(smsfid, ()) if code in FINAL}
        kept = {FINAL[code] for code in told_of(facts.journal, smsfid) if code in FINAL}
        invented += message.status >= FIRST_FINAL and message.status not in told
        behind += bool(kept) and message.batch == "accepted" and message.status not in kept
    verdict.object_if(invented, f"D: {invented} messages have a final status that was never handed out for them")
    verdict.object_if(behind, f"D: {behind} messages lack the final status that their report in the journal gives them")


def told_of(journal: Iterable[Report], smsfid: str) -> set[int]:
    """The codes that the journal has of an SMS."""
    return {code for code in FINAL if (smsfid, code) in journal}  # type: ignore[operator]


def _credits_agree(verdict: Verdict, facts: Facts) -> None:
    prices = {line["smsfid"]: Decimal(str(line["credits"])) for line in facts.accepted}
    known = {msgid for msgid, attempt in facts.attempts.items() if attempt.credits is not None}
    unwritten = {line["msgid"] for line in facts.accepted} - facts.attempts.keys()
    verdict.object_if(unwritten, f"B: {len(unwritten)} requests were accepted that were never written down")
    ours = sum((attempt.credits or Decimal(0) for attempt in facts.attempts.values()), Decimal(0))
    taken = [line for line in facts.accepted if line["msgid"] in known]
    theirs = sum((prices[line["smsfid"]] for line in taken), Decimal(0))
    verdict.object_if(ours != theirs, f"B: {ours} credits are posted here, and the gateway took {theirs}")
    back = [line for line in taken if told_of(facts.journal, line["smsfid"]) & UNBILLED]
    expected = sum((prices[line["smsfid"]] for line in back), Decimal(0))
    verdict.object_if(
        facts.refunded != expected, f"B: {facts.refunded} credits came back here, and {expected} at the gateway"
    )
    verdict.overspent = int(facts.excess)
    verdict.object_if(facts.excess > 0, f"B: {facts.excess} credits more were promised than the account ever had")


@dataclass(frozen=True)
class Mark:
    """Where a round begins in the files and the journal."""

    ledger: int
    readings: int
    poll: int

    @classmethod
    def now(cls, where: Field, account: str) -> Mark:
        """Here."""
        sizes = [
            path.stat().st_size if path.exists() else 0 for path in (where.ledger(account), where.readings(account))
        ]
        (last,) = where.rows("SELECT coalesce(max(id), 0) AS id FROM report_polls")
        return cls(*sizes, last.id)


def gather(
    where: Field, account: str, campaign_ids: Sequence[int], wanted: Iterable[int], mark: Mark, excess: Decimal
) -> Facts:
    """Both accounts of the round that began at the mark."""
    mine = {"ids": list(campaign_ids)}
    rows = where.rows(
        "SELECT m.msisdn, m.campaign_id, m.status, b.state FROM messages m JOIN batches b ON b.id = m.batch_id"
        " WHERE m.campaign_id = ANY(:ids)",
        **mine,
    )
    made = where.rows("SELECT msgid, state, credits FROM attempts WHERE campaign_id = ANY(:ids)", **mine)
    dead = where.rows("SELECT number FROM exclusions WHERE campaign_id = ANY(:ids) AND reason = 'unreachable'", **mine)
    (back,) = where.rows("SELECT coalesce(sum(credits), 0) AS sum FROM refunds WHERE campaign_id = ANY(:ids)", **mine)
    return Facts(
        wanted=frozenset(wanted),
        messages={row.msisdn: Message(row.campaign_id, row.status, row.state) for row in rows},
        unreachable=frozenset(int(row.number) for row in dead),
        accepted=lines(where.ledger(account), since=mark.ledger),
        attempts={row.msgid: Attempt(row.state, row.credits) for row in made},
        readings=lines(where.readings(account), since=mark.readings),
        journal=_journal(where, account, mark),
        gaps=_gaps(where, account, mark),
        refunded=Decimal(back.sum),
        adds_up=all(where.site.progress(campaign_id).adds_up for campaign_id in campaign_ids),
        excess=excess,
    )


_DLR = re.compile(
    rb"<smsfid>([^<]+)</smsfid>(?:(?!</dlr>).)*?<statut>(-?\d+)</statut>(?:(?!</dlr>).)*</dlr>", re.DOTALL
)
"""A whole report: of one whose end was cut off, nobody need take the rest for what it seems to say."""


def _journal(where: Field, account: str, mark: Mark) -> frozenset[Report]:
    """Every report in the bodies that were stored: read here by a pattern, and not by the product's parser."""
    polls = where.rows(
        "SELECT body FROM report_polls WHERE account = :account AND id > :mark AND body IS NOT NULL",
        account=account,
        mark=mark.poll,
    )
    bodies = [zlib.decompress(poll.body) for poll in polls]
    return frozenset((smsfid.decode(), int(code)) for body in bodies for smsfid, code in _DLR.findall(body))


def _gaps(where: Field, account: str, mark: Mark) -> int:
    """Readings that were noted, and of which no body came, or not all of it: we say so ourselves."""
    (found,) = where.rows(
        "SELECT count(*) AS count FROM report_polls WHERE account = :account AND id > :mark AND (state = 'lost'"
        " OR state = 'asked' AND asked_at < now() - interval '3 seconds' OR detail LIKE 'cut short%')",
        account=account,
        mark=mark.poll,
    )
    return int(found.count)
