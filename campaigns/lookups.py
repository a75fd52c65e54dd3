"""Dead numbers out: the answers to number lookups rewrite a batch before it can be claimed for sending.

An answer that comes after its batch went on changes nothing. What stays unknown goes by the campaign's choice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import BigInteger, Connection, and_, case, func, or_, select, update

from campaigns import accounts, batches, events, refunding, statuses
from campaigns.database import Database, Record, among, is_ahead, later, rows_of, upsert
from campaigns.dropping import drop
from campaigns.models import attempts, campaigns, lookups
from campaigns.models import batches as batches_table
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.states import (
    UNBILLED,
    AttemptState,
    BatchState,
    CampaignState,
    Exclusion,
    MessageStatus,
    Purged,
)

BATCHES_AT_ONCE = 100

REACHABLE: Mapping[MessageStatus, bool] = {
    MessageStatus.DELIVERED: True,
    MessageStatus.NOT_SENT: False,
    MessageStatus.UNDELIVERED: False,
    MessageStatus.REJECTED: False,
}
"""What the report of a lookup says of its number; any other leaves it unknown (assumed: the source is silent)."""


_Key = tuple[int, int]
"""Batch and MSISDN."""


def answer(connection: Connection, reports: statuses.Columns, asked: Mapping[str, Record]) -> set[int]:
    """Keep what reports say of looked-up numbers; the first answer to a number counts.

    Args:
        connection: a transaction.
        reports: in the order in which they came; the last one in a body wins.
        asked: msgfid → its lookup (id, campaign_id, batch_id, purged).

    Returns:
        The batches that were answered for.
    """
    places = [place for place, msgfid in enumerate(reports.msgfids) if msgfid in asked]
    if not places:
        return set()
    told = _told(connection, reports, places, asked)
    answers = {key: REACHABLE[status] for key, (_, status) in told.items() if status in REACHABLE}
    new = _keep(connection, answers) if answers else set()
    unbilled = {key: attempt for key, (attempt, status) in told.items() if status in UNBILLED}
    # One that had ended otherwise before was billed, and stays so.
    first = new | _unanswered(connection, unbilled.keys() - answers.keys())
    refunding.give_back(
        connection, {(attempt.campaign_id, key[1]): attempt.id for key, attempt in unbilled.items() if key in first}
    )
    done = [(attempt, number) for (_, number), (attempt, status) in told.items() if status == MessageStatus.DELIVERED]
    campaign_ids = {attempt.campaign_id for attempt, _ in done}
    refunding.take_back(connection, campaign_ids, [(attempt.id, number) for attempt, number in done])
    return {asked[reports.msgfids[place]].batch_id for place in places}


def _told(
    connection: Connection, reports: statuses.Columns, places: Sequence[int], asked: Mapping[str, Record]
) -> dict[_Key, tuple[Record, MessageStatus]]:
    """Each number's lookup, and the last thing said of it, if that ends it; an answer is not undone by a mere end."""
    numbers = {place: number for place, (_, number) in statuses.by_smsfid(connection, reports, places, asked)}
    told: dict[_Key, tuple[Record, MessageStatus]] = {}
    for place in places:
        status, attempt = reports.statuses[place], asked[reports.msgfids[place]]
        msisdn = numbers.get(place) or _number(attempt, reports.numbers[place])
        if msisdn is None or not (status in REACHABLE or status in UNBILLED):
            continue
        key = attempt.batch_id, msisdn
        if status in REACHABLE or key not in told:
            told[key] = attempt, status
    return told


def _number(attempt: Record, reported: str) -> int | None:
    """Under which a number is kept; none where it must not be, for it was purged, and nobody knows as what."""
    if attempt.purged == Purged.NUMBERS:
        return statuses.hidden_as(attempt.campaign_id, reported)
    return statuses.msisdn(reported)


def _keep(connection: Connection, answers: Mapping[_Key, bool]) -> set[_Key]:
    """Write answers down; returns those that are the first to their number."""
    rows = [
        {"batch_id": batch_id, "msisdn": number, "reachable": reachable}
        for (batch_id, number), reachable in sorted(answers.items())
    ]
    kept = upsert(connection, lookups).on_conflict_do_nothing().returning(lookups.c.batch_id, lookups.c.msisdn)
    return {(row[0], row[1]) for row in connection.execute(kept, rows)}


def _unanswered(connection: Connection, keys: Collection[_Key]) -> set[_Key]:
    """Those that no answer has come for."""
    if not keys:
        return set()
    ordered = sorted(keys)
    asked = rows_of(
        connection,
        "asked",
        batch_id=(BigInteger, [batch_id for batch_id, _ in ordered]),
        msisdn=(BigInteger, [number for _, number in ordered]),
    )
    known = lookups.c
    both = and_(known.batch_id == asked.c.batch_id, known.msisdn == asked.c.msisdn)
    found = connection.execute(select(known.batch_id, known.msisdn).where(both))
    return set(ordered) - {(row[0], row[1]) for row in found}


def answered(database: Database, batch_ids: Iterable[int]) -> list[int]:
    """Of these batches, those that have an answer for each number."""
    b, answers = batches_table.c, func.count(lookups.c.msisdn)
    with database.reading() as connection:
        found = (
            select(b.id)
            .where(among(connection, b.id, batch_ids), b.state == BatchState.CHECKING, lookups.c.batch_id == b.id)
            .group_by(b.id, b.size)
            .having(answers >= b.size)
        )
        return list(connection.execute(found).scalars())


def left_behind(database: Database) -> list[int]:
    """Batches that each answer has come for, and that nobody cleaned: whoever took the answers in has died.

    It looks at some, at random: to count all answers to a large campaign takes long, and the next look comes soon.
    """
    b, c = batches_table.c, campaigns.c
    cleaning = and_(c.state == CampaignState.CLEANING, c.completed_at.is_(None))
    some = select(b.id).where(cleaning, b.campaign_id == c.id, b.state == BatchState.CHECKING)
    with database.reading() as connection:
        checking = connection.execute(some.order_by(func.random()).limit(BATCHES_AT_ONCE)).scalars().all()
    return answered(database, checking)


def hopeless(database: Database, *, deadline: float) -> list[int]:
    """Batches that no further answer will come for: the gateway refused to look, or had its time.

    A batch that was never looked up has all its time before it, however long it waits; and while the gateway is away,
    its answers cannot be read.

    Args:
        database: where.
        deadline: seconds from a lookup's beginning until it counts as unanswered.
    """
    b, c, a = batches_table.c, campaigns.c, attempts.c
    # One that began before the clock was set back has its time from when it was settled, which `setbacks` mends.
    began = case((is_ahead(a.started_at), a.settled_at), else_=a.started_at)
    over = and_(began < later(-deadline), accounts.is_there(c.account))
    found = select(b.id).where(
        c.state == CampaignState.CLEANING,
        c.completed_at.is_(None),
        c.paused_at.is_(None),
        b.campaign_id == c.id,
        b.state == BatchState.CHECKING,
        a.id == b.attempt_id,
        or_(a.state == AttemptState.REFUSED, over),
    )
    with database.reading() as connection:
        return list(connection.execute(found.limit(BATCHES_AT_ONCE)).scalars())


def give_up(database: Database, campaign_id: int, note: str) -> None:
    """The account may not look numbers up: the campaign goes on without, and says so."""
    c = campaigns.c
    with database.transaction() as connection:
        campaign = connection.execute(
            select(c.id).where(c.id == campaign_id, c.state == CampaignState.CLEANING).with_for_update()
        ).first()
        if campaign is None:
            return
        batches.skip_lookups(connection, campaign_id)
        connection.execute(
            update(campaigns).where(c.id == campaign_id).values(state=CampaignState.SENDING, reason=note)
        )
        events.tell(events.MOVED, campaign=campaign_id, state=CampaignState.SENDING.value, reason=note)


def clean(database: Database, batch_id: int, prices: Prices) -> int | None:
    """Drop a batch's dead numbers and let it be sent; what is unknown goes by the campaign's choice.

    Returns:
        Its campaign, if it was still waiting for that.
    """
    with database.transaction() as connection:
        b, c = batches_table.c, campaigns.c
        campaign = connection.execute(
            select(c.id, c.spec, c.state)
            .where(c.id == select(b.campaign_id).where(b.id == batch_id).scalar_subquery())
            .with_for_update(read=True)
        ).one()
        batch = connection.execute(select(batches_table).where(b.id == batch_id).with_for_update()).one()
        if batch.state != BatchState.CHECKING or campaign.state != CampaignState.CLEANING:
            return None
        payload = Payload.unpack(batch.payload)
        dead = _dead(connection, batch_id, payload, unknown=campaign.spec["lookup"]["unknown"])
        left = drop(connection, batch, payload, dead, Exclusion.UNREACHABLE)
        estimate = prices.total(left.numbers, left.segments)
        batches.clean(connection, batch_id, left, min(estimate, batch.credits))  # no more than is held for it
    return int(campaign.id)


def _dead(connection: Connection, batch_id: int, payload: Payload, *, unknown: str) -> set[int]:
    found = connection.execute(select(lookups.c.msisdn, lookups.c.reachable).where(lookups.c.batch_id == batch_id))
    answers = dict(found.all())
    assumed = unknown == "send"
    return {number for number in payload.numbers if not answers.get(number, assumed)}
