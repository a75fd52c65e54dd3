"""Who of a campaign may be texted again: whose message certainly did not arrive, and who is in no retry of it yet.

They come batch by batch with the payloads that the campaign's were sent from. What is made of them is `retrying`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from sqlalchemy import Connection, and_, select

from campaigns import aside, unwanted
from campaigns.accounting import groups, heads, payloads_of
from campaigns.database import Record
from campaigns.filling import Kind
from campaigns.language import N_, _
from campaigns.models import attempts, batches, campaigns, messages
from campaigns.named import by_key
from campaigns.payload import Payload
from campaigns.progress import word
from campaigns.states import AttemptKind, AttemptState, BatchState, Exclusion, MessageStatus
from campaigns.text import Alphabet


class NotRetriableError(ValueError):
    """Messages of such a status are not sent again; the message says why, and which are."""


RETRIABLE = ("undelivered", "network_error", "rejected", "not_sent", "no_credit", "refused", "voided", "capped")
"""Statuses of messages that certainly did not arrive; and who was left out for the day's cap of messages."""

_MAY_HAVE_BEEN_TAKEN = (
    AttemptState.IN_DOUBT,
    AttemptState.RESENT,
    AttemptState.WRITTEN_OFF,
    AttemptState.ACCEPTED_LATE,
)
_MAY_HAVE_ARRIVED = {
    "unreported": N_("no report says that it did not arrive"),
    "written_off": N_("nobody knows whether it was sent"),
    "in_doubt": N_("nobody knows yet whether it was sent: see `campaigns doubts`"),
    "in_flight": N_("it may still arrive"),
    "sending": N_("it may still arrive"),
    "pending": N_("it is still to be sent"),
    "delivered": N_("it has arrived"),
}


Kin = tuple[Kind, str | None]
"""What messages share that may travel together: their kind, and by whose clocks they leave."""


@dataclass(frozen=True)
class Choice:
    """Who is to be texted again: whose status is wanted, and who is in none of these retries, of which `met` has some.

    Nor is anybody chosen who may have got the text by another request, of which nobody knows: these are `uncertain`.
    """

    campaign: Record
    wanted: frozenset[str]
    retries: tuple[int, ...]
    uncertain: set[int]
    met: set[int] = field(default_factory=set)


def choice_of(connection: Connection, campaign: Record, wanted: frozenset[str]) -> Choice:
    """What decides who of this campaign is chosen; its row is held, or two retries would choose the same people."""
    return Choice(campaign, wanted, _retries(connection, campaign.id), _uncertain(connection, campaign.id))


def checked(only: Collection[str]) -> frozenset[str]:
    """These statuses, if all of them are RETRIABLE; raises NotRetriableError."""
    for status in only:
        if status not in RETRIABLE:
            why = _MAY_HAVE_ARRIVED.get(status)
            because = _("there is no status {status!r}").format(status=status)
            if why is not None:
                because = _("a message that is {status} is not sent again, {why}").format(status=status, why=_(why))
            raise NotRetriableError(
                _("{because}; choose of {statuses}").format(because=because, statuses=", ".join(RETRIABLE))
            )
    if not only:
        raise NotRetriableError(_("say which messages: choose of {statuses}").format(statuses=", ".join(RETRIABLE)))
    return frozenset(only)


def _retries(connection: Connection, campaign_id: int) -> tuple[int, ...]:
    c = campaigns.c
    return tuple(connection.execute(select(c.id).where(c.retry_of == campaign_id).order_by(c.id)).scalars())


def _uncertain(connection: Connection, campaign_id: int) -> set[int]:
    """Numbers in requests that were in doubt, and were not proven to be their batch's only one."""
    a, b = attempts.c, batches.c
    doubtful = and_(a.campaign_id == campaign_id, a.kind == AttemptKind.SEND, a.state.in_(_MAY_HAVE_BEEN_TAKEN))
    found = connection.execute(select(b.payload).where(doubtful, b.id == a.batch_id)).scalars()
    return {number for payload in found for number in Payload.unpack(payload).numbers}


def chosen(connection: Connection, choice: Choice) -> Iterator[tuple[Kin, Payload]]:
    """What is to be sent again, batch by batch of the first campaign, in the order of its batches."""
    for some in groups(heads(connection, choice.campaign.id)):
        payloads = payloads_of(connection, [head.id for head in some])
        yield from _again(connection, choice, some, payloads, _so_ended(connection, choice, some, payloads))
    if Exclusion.CAPPED in choice.wanted:
        for head in aside.heads_of_nobody(connection, choice.campaign.id):
            row_of = aside.capped_in(connection, choice.campaign.id, head.id)
            yield from _again(connection, choice, [head], payloads_of(connection, [head.id]), row_of)


def _so_ended(
    connection: Connection, choice: Choice, some: Sequence[Record], payloads: Mapping[int, Payload]
) -> dict[int, int]:
    """Number → row of those messages of some batches whose status is wanted; nothing else of them is read."""
    words = {head.id: {its: word(its, BatchState(head.state)) for its in MessageStatus} for head in some}
    wanted = {head_id: {its for its, named in words[head_id].items() if named in choice.wanted} for head_id in words}
    statuses = set[int]().union(*wanted.values())
    if not statuses:
        return {}
    # Below nought is what stands for somebody who was forgotten.
    numbers = [number for head in some for number in payloads[head.id].numbers if number > 0]
    _, is_named = by_key(connection, [choice.campaign.id] * len(numbers), numbers)
    m = messages.c
    so_ended = select(m.msisdn, m.status).where(is_named, m.status.in_(statuses))
    status_of: dict[int, int] = dict(connection.execute(so_ended).all())
    return {
        number: row
        for head in some
        for row, number in zip(payloads[head.id].rows, payloads[head.id].numbers, strict=True)
        if status_of.get(number) in wanted[head.id]
    }


def _again(
    connection: Connection,
    choice: Choice,
    some: Sequence[Record],
    payloads: Mapping[int, Payload],
    row_of: Mapping[int, int],
) -> Iterator[tuple[Kin, Payload]]:
    """Those of some batches whose rows, by their numbers, are these, if they may be texted again."""
    if not row_of:
        return
    found = set(row_of) - choice.uncertain - _retried(connection, choice, row_of)
    found -= unwanted.among(connection, choice.campaign.account, sorted(found))
    for head in some:
        payload = payloads[head.id]
        left = payload.without(set(payload.numbers) - found)
        if len(left):
            yield ((Alphabet(head.alphabet), head.merged), head.zone), left


def _retried(connection: Connection, choice: Choice, row_of: Mapping[int, int]) -> set[int]:
    """Those of the numbers that a retry has, or has left out for the cap: whoever retries that one texts them."""
    if not choice.retries:
        return set()
    named = list(product(choice.retries, sorted(row_of)))
    _, is_named = by_key(connection, [its for its, _ in named], [number for _, number in named])
    m = messages.c
    found = connection.execute(select(m.campaign_id, m.msisdn).where(is_named)).all()
    capped = aside.capped(connection, choice.retries, row_of.values())
    choice.met.update({row.campaign_id for row in found} | {campaign_id for campaign_id, _ in capped})
    rows = {row for _, row in capped}
    return {row.msisdn for row in found} | {number for number, row in row_of.items() if row in rows}
