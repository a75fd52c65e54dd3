"""A campaign's failed messages once more, as a campaign of their own that is linked to the first.

Its batches are put together from the payloads of the first one's, so each text is the same to the letter: nothing is
rendered anew, and the audience need not be there any more. Who is in a retry already is in no second one of the same
campaign: a retry that was asked for twice is made once, and what fails again is retried by retrying the retry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import product

from sqlalchemy import Connection, and_, select, update

from campaigns import aside, bells, keys, unwanted
from campaigns.accounting import groups, heads, of_batches, payloads_of
from campaigns.bells import Ring
from campaigns.called import called
from campaigns.clocks import Hours
from campaigns.database import Database, Record, default, forbid_scans, forbid_sorting
from campaigns.expansion import store
from campaigns.filling import Kind
from campaigns.language import N_, _
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import attempts, batches, campaigns, messages
from campaigns.named import by_key
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.settings import domain_settings
from campaigns.sorting import Sorted
from campaigns.spec import KeyConflict, Spec
from campaigns.states import AttemptKind, AttemptState, CampaignState, Exclusion
from campaigns.steering import StateError
from campaigns.submission import Submitted
from campaigns.text import Alphabet


class NotRetriableError(ValueError):
    """Messages of such a status are not sent again; the message says why, and which are."""


RETRIABLE = ("undelivered", "network_error", "rejected", "not_sent", "no_credit", "refused", "voided", "capped")
"""Statuses of messages that certainly did not arrive; and who was left out for the day's cap of messages."""

_LONGEST_NAME = 200
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


_Kin = tuple[Kind, str | None]
"""What messages share that may travel together: their kind, and by whose clocks they leave."""


@dataclass(frozen=True)
class _Priced:
    """By what the batches of a retry are priced; its numbers were looked up before, if they ever were to be."""

    prices: Prices
    hours: Hours | None
    to_check: bool = False


@dataclass(frozen=True)
class _Choice:
    """Who is to be texted again: whose status is wanted, and who is in none of these retries, of which `met` has some.

    Nor is anybody chosen who may have got the text by another request, of which nobody knows: these are `uncertain`.
    """

    campaign: Record
    wanted: frozenset[str]
    retries: tuple[int, ...]
    uncertain: set[int]
    met: set[int] = field(default_factory=set)


def retry(
    campaign_id: int, *, only: Collection[str], ring: Ring | None = None, database: Database | None = None
) -> Submitted:
    """Text those again whom a campaign did not reach: a new campaign with the same texts, sent at once.

    Args:
        campaign_id: the first one's.
        only: statuses, of RETRIABLE; nobody is chosen who may have got the message.
        ring: wakes a worker after the commit, as for `submit`.
        database: where; the one that DATABASE_URL names by default.

    Returns:
        The new campaign, or the one that has all of these people already (`created` is False). Its key is made of the
        first one's id, and it is `retry_of` it. Who has opted out is not in it.

    Raises:
        UnknownCampaignError; StateError: nobody can be chosen. NotRetriableError: not of such a status.
        KeyConflict: somebody else has a campaign with its key. AnswerLost: the same is right to be asked again.
    """
    wanted = _checked(only)
    database = database or default()
    with database.transaction() as connection:
        campaign = _lock(connection, campaign_id)
        _require_texts(campaign)
        retries, uncertain = _retries(connection, campaign_id), _uncertain(connection, campaign_id)
        made = _make(connection, _Choice(campaign, wanted, retries, uncertain))
    if made.created:
        bells.wake(database, bells.fund(campaign.account), ring)
    return made


def _checked(only: Collection[str]) -> frozenset[str]:
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


def _lock(connection: Connection, campaign_id: int) -> Record:
    # Two retries of one campaign, one after the other: or each would find that nobody is in the other.
    mine = select(campaigns).where(campaigns.c.id == campaign_id).with_for_update(key_share=True)
    campaign = connection.execute(mine).first()
    if campaign is None:
        raise UnknownCampaignError(_("no campaign has the id {id}: `campaigns list` names them").format(id=campaign_id))
    forbid_scans(connection)
    forbid_sorting(connection)
    return campaign


def _require_texts(campaign: Record) -> None:
    if campaign.purged:
        raise StateError(
            _(
                "campaign {id} cannot be sent again: its texts were purged (KEEP_TEXT_DAYS); `campaigns export` says"
                " whom it did not reach, as long as it has their numbers"
            ).format(id=campaign.id)
        )


def _retries(connection: Connection, campaign_id: int) -> tuple[int, ...]:
    c = campaigns.c
    return tuple(connection.execute(select(c.id).where(c.retry_of == campaign_id).order_by(c.id)).scalars())


def _uncertain(connection: Connection, campaign_id: int) -> set[int]:
    """Numbers in requests that were in doubt, and were not proven to be their batch's only one."""
    a, b = attempts.c, batches.c
    doubtful = and_(a.campaign_id == campaign_id, a.kind == AttemptKind.SEND, a.state.in_(_MAY_HAVE_BEEN_TAKEN))
    found = connection.execute(select(b.payload).where(doubtful, b.id == a.batch_id)).scalars()
    return {number for payload in found for number in Payload.unpack(payload).numbers}


def _make(connection: Connection, choice: _Choice) -> Submitted:
    spec = _spec(choice)
    settings, numbers = domain_settings(), hashlib.sha256()
    priced = _Priced(Prices(settings.credit_prices, settings.lookup_price), spec.hours)
    made, size, count = None, 0, 0
    for kind, payload in _packed(_chosen(connection, choice), spec.messages_a_batch):
        if made is None:
            made = _begin(connection, choice.campaign, spec)
        store(connection, made, priced, Sorted([(kind, payload)], []), after=count)
        numbers.update(repr(payload.numbers).encode())
        size, count = size + len(payload), count + 1
    if made is None:
        return _made_before(connection, choice)
    its = {"recipients": size, "expanded": size, "batches": count, "digest": keys.digest(spec, numbers.hexdigest())}
    connection.execute(update(campaigns).where(campaigns.c.id == made).values(**its))
    return Submitted(made, CampaignState.FUNDING, created=True)


def _spec(choice: _Choice) -> Spec:
    """The first one's, but that it has a key of its own, waits for no time, and looks nobody up."""
    campaign = choice.campaign
    suffix = ", retry"
    other = {
        "name": campaign.name[: _LONGEST_NAME - len(suffix)] + suffix,
        "key": f"retry-{campaign.id}-{len(choice.retries) + 1}",
        "scheduled_at": None,
        "lookup": None,
    }
    if not campaign.spec:  # a submission that was refused is kept without
        raise StateError(_("campaign {id} has no messages: it was refused").format(id=campaign.id))
    return Spec.model_validate({**campaign.spec, **other})


def _begin(connection: Connection, campaign: Record, spec: Spec) -> int:
    made = keys.make(connection, spec, wire_text=campaign.wire_text, state=CampaignState.FUNDING, retry_of=campaign.id)
    if made is None:
        raise KeyConflict(
            [_("key: another campaign has the key {key!r}, which is meant for a retry").format(key=spec.key)]
        )
    return made


def _made_before(connection: Connection, choice: _Choice) -> Submitted:
    """The retry that has them; raises StateError if nobody is to be texted again."""
    if not choice.met:
        which = reduce(_or, map(called, sorted(choice.wanted)))
        raise StateError(
            _("campaign {id} has nobody to text again: no message of it is certainly {which}").format(
                id=choice.campaign.id, which=which
            )
        )
    c = campaigns.c
    latest = select(c.id, c.state).where(c.id == max(choice.met))
    return Submitted(*connection.execute(latest).one(), created=False)


def _or(these: str, that: str) -> str:
    return _("{these} or {that}").format(these=these, that=that)


def _chosen(connection: Connection, choice: _Choice) -> Iterator[tuple[_Kin, Payload]]:
    """What is to be sent again, batch by batch of the first campaign, in the order of its batches."""
    for some in groups(heads(connection, choice.campaign.id)):
        named = (entry for entry in of_batches(connection, some) if entry.number)  # who was forgotten is not
        row_of = {int(entry.number): entry.row for entry in named if entry.status in choice.wanted}
        yield from _again(connection, choice, some, row_of)
    if Exclusion.CAPPED in choice.wanted:
        for head in aside.heads_of_nobody(connection, choice.campaign.id):
            row_of = aside.capped_in(connection, choice.campaign.id, head.id)
            yield from _again(connection, choice, [head], row_of)


def _again(
    connection: Connection, choice: _Choice, some: Sequence[Record], row_of: Mapping[int, int]
) -> Iterator[tuple[_Kin, Payload]]:
    """Those of some batches whose rows, by their numbers, are these, if they may be texted again."""
    if not row_of:
        return
    found = set(row_of) - choice.uncertain - _retried(connection, choice, row_of)
    found -= unwanted.among(connection, choice.campaign.account, sorted(found))
    payloads = payloads_of(connection, [head.id for head in some])
    for head in some:
        payload = payloads[head.id]
        left = payload.without(set(payload.numbers) - found)
        if len(left):
            yield ((Alphabet(head.alphabet), head.merged), head.zone), left


def _retried(connection: Connection, choice: _Choice, row_of: Mapping[int, int]) -> set[int]:
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


def _packed(parts: Iterator[tuple[_Kin, Payload]], size: int) -> Iterator[tuple[Kind, Payload]]:
    """Batches of so many messages that may travel together."""
    waiting: dict[_Kin, Payload] = {}
    for kin, part in parts:
        whole = waiting.pop(kin).followed_by(part) if kin in waiting else part
        while len(whole) >= size:
            yield kin[0], whole.part(0, size)
            whole = whole.part(size, len(whole))
        if len(whole):
            waiting[kin] = whole
    yield from ((kind, whole) for (kind, _), whole in waiting.items())
