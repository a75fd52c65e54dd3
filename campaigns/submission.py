"""A producer's hand-over: a spec is checked, its audience taken in, and the campaign exists; whole, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, delete, select, update

from campaigns import bells, chunks, events, keys, lifecycle, unwanted
from campaigns.audience import Audience, Source, open_audience
from campaigns.bells import Ring
from campaigns.chunks import Shape
from campaigns.database import AnswerLost, Database, default
from campaigns.expansion import nobody, store
from campaigns.language import N_, _
from campaigns.models import audiences, campaigns
from campaigns.outages import PASSING, insist
from campaigns.settings import domain_settings
from campaigns.sorting import Sorter
from campaigns.spec import Spec, SpecError, check
from campaigns.states import CampaignState
from campaigns.template import BoundTemplate, Template, TemplateError


@dataclass(frozen=True)
class Submitted:
    """What a submit led to.

    Attributes:
        id: the campaign's.
        state: in which it is.
        created: False where the same key had the same content before: then it is the first campaign.
    """

    id: int
    state: str
    created: bool


@dataclass(frozen=True)
class StoredAudience:
    """An audience that was stored before, by its id (see `store_audience`)."""

    id: int


def submit(
    asked: Spec | Mapping[str, Any],
    audience: Source | StoredAudience,
    *,
    ring: Ring | None = None,
    database: Database | None = None,
) -> Submitted:
    """Make a campaign; workers do the rest.

    Args:
        asked: a Spec, or a mapping of its fields.
        audience: a path, an open file, an iterable of rows, or a stored audience. It is read to its end, streamed, and
            not needed any more afterwards.
        ring: wakes a worker after the commit (`worker.ringing.ring`); without it the sweep finds the campaign.
        database: where; the one that DATABASE_URL names by default.

    Raises:
        SpecError: with every fault named. KeyConflict: the key has other content. KeyBusy: it cannot be told yet.
        AudienceError: the audience cannot be read.
        DatabaseAway, NotMigratedError: the database is not what it should be; nothing was submitted.
        AnswerLost: a DatabaseAway that came at the very end, and lasted: it may be submitted. With a key, the same
            submission is right to come again; without one, look for the campaign first.
    """
    database = database or default()
    spec = check(asked, now=earliest(database, asked))
    if isinstance(audience, StoredAudience):
        submitted = _submit_stored(database, spec, audience.id)
    else:
        with open_audience(audience, number_column=spec.number_column) as rows:
            submitted = _submit_rows(database, spec, rows)
    _wake(database, submitted, spec.account, ring)
    return submitted


def store_audience(
    source: Source, *, number_column: str | None = None, database: Database | None = None
) -> StoredAudience:
    """Keep an audience in the database, for campaigns to name; raises AudienceError."""
    database = database or default()
    with open_audience(source, number_column=number_column) as rows:
        digest = hashlib.sha256()
        with database.transaction() as connection:
            chunks.drop_abandoned(connection, seconds=lifecycle.RECEIVING_SECONDS)
            audience_id = chunks.begin(connection, shape_of(rows), kept=True)
        try:
            chunks.take_in(database, audience_id, rows, digest)
            with database.transaction() as connection:
                chunks.complete(connection, audience_id, digest.hexdigest())
        except BaseException:  # Ctrl-C too: half an audience is none
            with database.transaction() as connection:
                connection.execute(delete(audiences).where(audiences.c.id == audience_id, ~audiences.c.ready))
            raise
    return StoredAudience(audience_id)


def earliest(database: Database, asked: Spec | Mapping[str, Any]) -> datetime | None:
    """The time before which nothing can be scheduled; none where that was seen to by the first submit with its key."""
    fields = asked.model_dump() if isinstance(asked, Spec) else asked
    if fields.get("scheduled_at") is None:
        return None
    account, key = fields.get("account", "default"), fields.get("key")
    if isinstance(account, str) and isinstance(key, str) and keys.is_held(database, account, key):
        return None
    return database.clock()


def _submit_rows(database: Database, spec: Spec, rows: Audience) -> Submitted:
    shape = shape_of(rows)
    wire_text = bind(spec, shape).wire_text
    stream = iter(rows)
    head = list(islice(stream, spec.batch_size + 1))
    if len(head) <= spec.batch_size:
        return _submit_small(database, spec, wire_text, shape, head)
    return _submit_large(database, spec, wire_text, shape, chain(head, stream))


def _submit_small(database: Database, spec: Spec, wire_text: str, shape: Shape, rows: list[chunks.Row]) -> Submitted:
    # One-recipient campaigns are what many applications send: one transaction, no chunk, no task for their expansion.
    sorter = Sorter(spec, shape, domain_settings())
    row_digest = hashlib.sha256()
    chunks.hash_rows(rows, row_digest)
    digest = keys.digest(spec, row_digest.hexdigest())
    state = CampaignState.SUBMITTED if spec.scheduled_at else CampaignState.FUNDING
    looked, made = sorter.look(rows), None
    whole: dict[str, Any] = {"recipients": len(rows), "expanded": len(rows)}
    try:
        with database.transaction() as connection:
            whole["opt_outs_seen"] = unwanted.seen(connection, spec.account)
            opted_out = partial(unwanted.among, connection, spec.account) if whole["opt_outs_seen"] else None
            found = sorter.sort(looked, nobody, opted_out)
            whole["batches"] = len(found.payloads)
            made = keys.make(connection, spec, state=state, wire_text=wire_text, digest=digest, **whole)
            if made is not None:
                store(connection, made, sorter, found)
                if not found.payloads:
                    state = lifecycle.expanded(connection, made)
    except AnswerLost as lost:
        if made is None or not keys.is_there(database, made, digest):
            raise
        events.make_up(lost.untold)
    if made is None:
        return _first(database, spec, digest)
    return Submitted(made, state, created=True)


def _submit_large(
    database: Database, spec: Spec, wire_text: str, shape: Shape, rows: Iterable[chunks.Row]
) -> Submitted:
    row_digest = hashlib.sha256()
    with database.transaction() as connection:
        audience_id = chunks.begin(connection, shape, kept=False)
        made = keys.make(connection, spec, wire_text=wire_text, state=CampaignState.RECEIVING, audience_id=audience_id)
        if made is None:
            connection.execute(delete(audiences).where(audiences.c.id == audience_id))
    if made is None:
        chunks.hash_rows(rows, row_digest)
        return _first(database, spec, keys.digest(spec, row_digest.hexdigest()))
    try:
        size = chunks.take_in(database, audience_id, rows, row_digest)
        _complete(database, spec, made, audience_id, size=size, row_digest=row_digest.hexdigest())
    except chunks.GivenUpError:
        raise SpecError([_(_GIVEN_UP)]) from None
    except AnswerLost as lost:
        if not _stands_after_all(database, made, audience_id):
            raise
        events.make_up(lost.untold)
    except BaseException:  # Ctrl-C too: half an audience is no campaign
        _unmake(database, made, audience_id)
        raise
    return Submitted(made, CampaignState.SUBMITTED, created=True)


def _complete(
    database: Database, spec: Spec, campaign_id: int, audience_id: int, *, size: int, row_digest: str
) -> None:
    with database.transaction() as connection:
        # The campaign before its audience, as whoever cancels it does: the two cannot block each other for ever.
        complete = (
            update(campaigns)
            .where(campaigns.c.id == campaign_id, campaigns.c.state == CampaignState.RECEIVING)
            .values(state=CampaignState.SUBMITTED, recipients=size, digest=keys.digest(spec, row_digest))
        )
        if connection.execute(complete).rowcount == 0:
            raise chunks.GivenUpError
        chunks.complete(connection, audience_id, row_digest)
        events.tell(events.MOVED, campaign=campaign_id, state=CampaignState.SUBMITTED.value)


def _submit_stored(database: Database, spec: Spec, audience_id: int) -> Submitted:
    made, digest = None, ""
    try:
        with database.transaction() as connection:
            shape, size, digest = stored(connection, spec, audience_id, hold=True)
            made = keys.make(
                connection,
                spec,
                wire_text=bind(spec, shape).wire_text,
                digest=digest,
                state=CampaignState.SUBMITTED,
                audience_id=audience_id,
                recipients=size,
            )
    except AnswerLost as lost:
        if made is None or not keys.is_there(database, made, digest):
            raise
        events.make_up(lost.untold)
    if made is None:
        return _first(database, spec, digest)
    return Submitted(made, CampaignState.SUBMITTED, created=True)


def stored(connection: Connection, spec: Spec, audience_id: int, *, hold: bool = False) -> tuple[Shape, int, str]:
    """Shape and size of a stored audience, and the digest of a campaign for it; raises SpecError.

    With `hold`, as for `chunks.shape`.
    """
    try:
        shape, size, row_digest = chunks.shape(connection, audience_id, hold=hold)
    except chunks.UnknownAudienceError as error:
        raise SpecError([f"audience: {error}"]) from None
    column = shape.columns[shape.number_column]
    if spec.number_column not in (None, column):
        raise SpecError(
            [
                _("number_column: the numbers of the stored audience {id} are in {column!r}").format(
                    id=audience_id, column=column
                )
            ]
        )
    return shape, size, keys.digest(spec, row_digest)


def _first(database: Database, spec: Spec, digest: str) -> Submitted:
    return Submitted(*keys.first(database, spec, digest), created=False)


_GIVEN_UP = N_("the campaign was cancelled, or given up for lost, while its audience was on its way")


def _unmake(database: Database, campaign_id: int, audience_id: int) -> str | None:
    """Take back what is only half handed over; gives the state of a campaign that is there all the same."""
    c = campaigns.c
    with database.transaction() as connection:
        # One that somebody has cancelled meanwhile is theirs, and has dropped its audience.
        unmade = delete(campaigns).where(c.id == campaign_id, c.state == CampaignState.RECEIVING)
        if connection.execute(unmade).rowcount:
            connection.execute(delete(audiences).where(audiences.c.id == audience_id))
            return None
        return connection.execute(select(c.state).where(c.id == campaign_id)).scalar()


def _stands_after_all(database: Database, campaign_id: int, audience_id: int) -> bool:
    """Whether a campaign was handed over whole though that was not answered; what is not is taken back."""
    try:
        state = insist(lambda: _unmake(database, campaign_id, audience_id), seconds=keys.LOOKED_FOR_SECONDS)
    except PASSING:
        return False
    return state not in (None, CampaignState.CANCELLED, CampaignState.FAILED)


def _wake(database: Database, submitted: Submitted, account: str, ring: Ring | None) -> None:
    if submitted.state not in (CampaignState.FUNDING, CampaignState.SUBMITTED):
        return
    expanded = submitted.state == CampaignState.FUNDING
    bells.wake(database, bells.fund(account) if expanded else bells.expand(submitted.id), ring)


def bind(spec: Spec, shape: Shape) -> BoundTemplate:
    """The template, tied to the columns; raises SpecError."""
    try:
        template = Template.parse(spec.template)
        return template.bind(shape.columns, transliterate=spec.transliterate, named=spec.columns)
    except TemplateError as error:
        raise SpecError([f"template: {error}"]) from None


def shape_of(rows: Audience) -> Shape:
    """What its cells are."""
    return Shape(tuple(rows.columns), rows.number_column)
