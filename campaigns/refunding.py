"""What comes back of the credits that were posted: the gateway bills some ends, and some it does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal

from sqlalchemy import BigInteger, Connection, and_, bindparam, delete, exists, literal, or_, select

from campaigns import corrections, receipts
from campaigns.database import among, rows_of, upsert
from campaigns.models import attempts, refunds
from campaigns.named import Target
from campaigns.payload import Payload, ReceiptLines
from campaigns.states import POSTED, AttemptKind, AttemptState


def give_back(connection: Connection, ended: Mapping[Target, int]) -> None:
    """Post a refund for each message, or lookup, that ended unbilled in its attempt; once, however often it is told."""
    if not ended:
        return
    numbers: dict[int, list[Target]] = {}
    for target, attempt_id in ended.items():
        numbers.setdefault(attempt_id, []).append(target)
    rows = []
    for attempt_id, payload, lines in receipts.of(connection, numbers):
        price = _prices(payload, lines, [number for _, number in numbers[attempt_id]])
        rows += [
            {"attempt_id": attempt_id, "msisdn": number, "campaign_id": campaign_id, "credits": price[number]}
            for campaign_id, number in numbers[attempt_id]
            if number in price
        ]
    if rows:
        connection.execute(upsert(connection, refunds).on_conflict_do_nothing(), rows)


def _prices(payload: Payload, lines: ReceiptLines, numbers: Iterable[int]) -> Mapping[int, Decimal]:
    """What the gateway took for each number; the mean where a batch has lost numbers since, and so their places."""
    if len(payload) == len(lines.credits):
        return dict(zip(payload.numbers, lines.credits, strict=True))
    billed = [price for price in lines.credits if price]
    mean = sum(billed, Decimal(0)) / (len(billed) or 1)
    return dict.fromkeys(numbers, mean.quantize(receipts.EXACT, ROUND_DOWN))


def of_several(connection: Connection, otherwise: Mapping[Target, int]) -> dict[Target, int]:
    """Of messages that have ended otherwise than these attempts: those whose batch was taken more than once. The end is
    the other one's then, and this one's credits come back all the same."""
    if not otherwise:
        return {}
    a, others = attempts.c, attempts.alias("others").c
    another = and_(others.batch_id == a.batch_id, others.id != a.id, others.kind == AttemptKind.SEND)
    taken = exists(literal(1)).where(another, others.state.in_(POSTED)).correlate(attempts)
    late = a.state == AttemptState.ACCEPTED_LATE
    found = select(a.id).where(among(connection, a.id, set(otherwise.values())), or_(late, taken))
    several = set(connection.execute(found).scalars())
    return {target: attempt_id for target, attempt_id in otherwise.items() if attempt_id in several}


def take_back(connection: Connection, campaign_ids: set[int], delivered: Iterable[tuple[int, int]]) -> None:
    """A message that was delivered after all is billed, and its refund was none (attempt and MSISDN of each)."""
    r = refunds.c
    any_refund = select(r.msisdn).where(among(connection, r.campaign_id, campaign_ids)).limit(1)
    if not campaign_ids or not connection.execute(any_refund).first():
        return
    keys = list(delivered)
    named = rows_of(
        connection,
        "named",
        attempt_id=(BigInteger, [attempt_id for attempt_id, _ in keys]),
        msisdn=(BigInteger, [msisdn for _, msisdn in keys]),
    )
    # Looked for first: a deletion by so many names is a scan for each of them where refunds are few.
    both = and_(r.attempt_id == named.c.attempt_id, r.msisdn == named.c.msisdn)
    columns = select(r.attempt_id, r.msisdn, r.credits, attempts.c.account, r.refunded_at.label("entered_at"))
    wrong = connection.execute(columns.where(both, attempts.c.id == r.attempt_id)).all()
    for row in wrong:
        corrections.restate(connection, row, refunded=-row.credits)
    if wrong:
        gone = delete(refunds).where(r.attempt_id == bindparam("its_attempt"), r.msisdn == bindparam("its_number"))
        connection.execute(gone, [{"its_attempt": row.attempt_id, "its_number": row.msisdn} for row in wrong])
