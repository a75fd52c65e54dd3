"""A campaign's failed messages once more, as a campaign of their own that is linked to the first.

Its batches are put together from the payloads of the first one's, so each text is the same to the letter: nothing is
rendered anew, and the audience need not be there any more. Who is in a retry already is in no second one of the same
campaign: a retry that was asked for twice is made once, and what fails again is retried by retrying the retry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import islice

from sqlalchemy import Connection, select, update

from campaigns import bells, keys
from campaigns.bells import Ring
from campaigns.called import called
from campaigns.clocks import Hours
from campaigns.database import Database, Record, default, forbid_scans, forbid_sorting
from campaigns.expansion import store
from campaigns.filling import Kind
from campaigns.language import _
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import campaigns
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.retriable import Choice, Kin, checked, choice_of, chosen
from campaigns.settings import domain_settings
from campaigns.sorting import Sorted
from campaigns.spec import KeyConflict, Spec
from campaigns.states import CampaignState, Purged
from campaigns.steering import StateError
from campaigns.submission import Submitted

BATCHES_AT_ONCE = 10
"""So many are written together: the first campaign's row is held until all are, and its lanes may wait for it."""

_LONGEST_NAME = 200


@dataclass(frozen=True)
class _Priced:
    """By what the batches of a retry are priced; its numbers were looked up before, if they ever were to be."""

    prices: Prices
    hours: Hours | None
    to_check: bool = False


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
    wanted = checked(only)
    database = database or default()
    with database.transaction() as connection:
        campaign = _lock(connection, campaign_id)
        _require_texts(campaign)
        made = _make(connection, choice_of(connection, campaign, wanted))
        if made.created:  # looked at last: what is purged of them meanwhile began before it was read
            _require_numbers(connection, campaign_id)
    if made.created:
        bells.wake(database, bells.fund(campaign.account), ring)
    return made


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


def _require_numbers(connection: Connection, campaign_id: int) -> None:
    """Of its retries, which may have ended before it: whoever cannot be found in one any more would be texted twice."""
    c = campaigns.c
    nameless = select(c.id).where(c.retry_of == campaign_id, c.purged == Purged.NUMBERS).order_by(c.id).limit(1)
    purged = connection.execute(nameless).scalar()
    if purged is not None:
        raise StateError(
            _(
                "campaign {id} cannot be sent again: the numbers of its retry {retry} were purged (KEEP_NUMBERS_DAYS),"
                " so nobody can tell who has got the text since"
            ).format(id=campaign_id, retry=purged)
        )


def _make(connection: Connection, choice: Choice) -> Submitted:
    spec = _spec(choice)
    settings, numbers = domain_settings(), hashlib.sha256()
    priced = _Priced(Prices(settings.credit_prices, settings.lookup_price), spec.hours)
    made, size, count = None, 0, 0
    packed = _packed(chosen(connection, choice), spec.messages_a_batch)
    while some := list(islice(packed, BATCHES_AT_ONCE)):
        if made is None:
            made = _begin(connection, choice.campaign, spec)
        store(connection, made, priced, Sorted(some, []), after=count)
        for _kind, payload in some:
            numbers.update(repr(payload.numbers).encode())
        size, count = size + sum(len(payload) for _kind, payload in some), count + len(some)
    if made is None:
        return _made_before(connection, choice)
    its = {"recipients": size, "expanded": size, "batches": count, "digest": keys.digest(spec, numbers.hexdigest())}
    connection.execute(update(campaigns).where(campaigns.c.id == made).values(**its))
    return Submitted(made, CampaignState.FUNDING, created=True)


def _spec(choice: Choice) -> Spec:
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


def _made_before(connection: Connection, choice: Choice) -> Submitted:
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


def _packed(parts: Iterator[tuple[Kin, Payload]], size: int) -> Iterator[tuple[Kind, Payload]]:
    """Batches of so many messages that may travel together."""
    waiting: dict[Kin, Payload] = {}
    for kin, part in parts:
        whole = waiting.pop(kin).followed_by(part) if kin in waiting else part
        while len(whole) >= size:
            yield kin[0], whole.part(0, size)
            whole = whole.part(size, len(whole))
        if len(whole):
            waiting[kin] = whole
    yield from ((kind, whole) for (kind, _), whole in waiting.items())
