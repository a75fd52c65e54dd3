"""What became of a request: the one place that tells "not sent" from "refused" from "accepted" from "in doubt".

Pure: it takes what happened (`Exchange`, noted by `connection.py`) and a form's reading of the body, and returns a
value or raises one of `errors.py`. The rule: from its first byte on a request is in doubt, until a whole and
well-formed reply says otherwise. Each case is a row of the test's table.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from worker.smseco.codes import refusal, unproven
from worker.smseco.errors import BadReply, InDoubt, NotSent, ReadFailed, Refused, Unreachable
from worker.smseco.values import Receipt

LONGEST_ID = 255
"""What is longer is no id of the gateway's, whose own have some twenty characters; no index would take it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back.

    `begun` once a byte may have left; `failure` if the network failed, in our words; `body` is all that arrived.
    """

    begun: bool
    failure: str | None = None
    status: int | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a send or lookup as a form read it; None where it says nothing that can be read."""

    status: int
    text: str = field(default="", repr=False)
    msgfid: str | None = None
    msgid: str | None = None
    recipients: int | None = None
    sms: int | None = None
    credits: Decimal | None = None
    balance: Decimal | None = None
    smsfids: list[str] = field(default_factory=list, repr=False)
    destinations: list[str] = field(default_factory=list, repr=False)
    message_credits: list[Decimal | None] = field(default_factory=list, repr=False)


class Form(Protocol):
    """What is needed of a form (the module `xml`, say) to judge a body written in it."""

    def read_answer(self, body: bytes) -> Answer:
        """The reply's fields; raises BadReply if the body is not a whole and well-formed reply."""

    def glimpse_msgfid(self, body: bytes) -> str | None:
        """The sending's id, if it can be made out in a body that is of no other use."""


def classify(exchange: Exchange, form: Form, *, msgid: str, asked: int) -> Receipt:
    """The receipt for a send or lookup of `asked` numbers under our `msgid`; raises NotSent, Refused or InDoubt."""
    if not exchange.begun:
        raise NotSent(exchange.failure or "no connection")
    try:
        answer = _answer(exchange, form)
        refused = _proven_refusal(answer)
        if refused is not None:
            raise refused
        _check_success(exchange)
        return _receipt(answer, msgid=msgid, asked=asked)
    except ReadFailed as error:
        raise InDoubt(error.reason, form.glimpse_msgfid(exchange.body)) from None


def body_of(exchange: Exchange, form: Form) -> bytes:
    """The body of a reply to a question, which costs nothing to ask again; raises Unreachable, BadReply or Refused."""
    if exchange.failure is None and _is_success(exchange):
        return exchange.body
    try:
        refused = _proven_refusal(_answer(exchange, form))
    except BadReply:
        refused = None
    if refused is not None:
        raise refused
    raise BadReply(f"HTTP {exchange.status}", partial=exchange.body)


def _answer(exchange: Exchange, form: Form) -> Answer:
    """What a whole reply says; raises Unreachable or BadReply. A 5xx is not read: its writer may have broken midway."""
    if exchange.failure is not None:
        raise Unreachable(exchange.failure, begun=exchange.begun, partial=exchange.body)
    if not (_is_success(exchange) or _is_client_error(exchange)):
        raise BadReply(f"HTTP {exchange.status}", partial=exchange.body)
    try:
        return form.read_answer(exchange.body)
    except BadReply:
        _check_success(exchange)
        raise


def _is_success(exchange: Exchange) -> bool:
    return exchange.status is not None and 200 <= exchange.status < 300


def _is_client_error(exchange: Exchange) -> bool:
    return exchange.status is not None and 400 <= exchange.status < 500


def _check_success(exchange: Exchange) -> None:
    if not _is_success(exchange):
        raise BadReply(f"HTTP {exchange.status}", partial=exchange.body)


def _proven_refusal(answer: Answer) -> Refused | None:
    """The documented refusal, if it is one; one that lists messages contradicts itself, and proves nothing."""
    return None if answer.smsfids or answer.sms else refusal(answer.status)


def _receipt(answer: Answer, *, msgid: str, asked: int) -> Receipt:
    if answer.status <= 0:
        raise BadReply(unproven(answer.status))
    # Where a reply calls it `msgid`, it may be the echo of ours, under which no report will come.
    msgfid = answer.msgfid or (answer.msgid if answer.msgid != msgid else None)
    if not msgfid or len(msgfid) > LONGEST_ID:
        raise BadReply("no msgfid")
    cost = _cost(answer)
    if cost is None:
        raise BadReply("no credits")
    return Receipt(
        msgfid=msgfid,
        status=answer.status,
        text=answer.text,
        recipients=answer.recipients,
        sms=answer.sms,
        credits=cost,
        balance=answer.balance,
        smsfids=answer.smsfids,
        destinations=answer.destinations,
        message_credits=answer.message_credits,
        consistent=_is_consistent(answer, asked),
    )


def _cost(answer: Answer) -> Decimal | None:
    if answer.credits is not None:
        return answer.credits
    known = [cost for cost in answer.message_credits if cost is not None]
    return sum(known, Decimal()) if known and len(known) == len(answer.message_credits) else None


def _is_consistent(answer: Answer, asked: int) -> bool:
    listed = len(answer.destinations)
    return (
        answer.status == answer.recipients == listed <= asked
        and len(set(answer.destinations)) == listed
        and all(answer.destinations)
        and all(answer.smsfids)
    )
