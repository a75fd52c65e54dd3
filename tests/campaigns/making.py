"""Campaigns for the domain's tests, made the way a producer and a worker make them, and quickly.

A message costs a credit; balances are as the gateway would have said them just now.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

import campaigns
from campaigns import accounts, claims, expansion, journal, lifecycle, reports, settling, tries
from campaigns import credits as ledger
from campaigns.balances import Balance
from campaigns.caps import Cap
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import accounts as accounts_table
from campaigns.models import attempts, metadata
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.models import messages as messages_table
from campaigns.moments import SQLITE_FORMAT, Moment
from campaigns.payload import ReceiptLines
from campaigns.reports import Reports
from campaigns.settings import domain_settings
from campaigns.settling import Acceptance
from campaigns.states import MessageStatus

ACCOUNT = "default"
SENDER = "CLINIQUE"
LEASE = 60.0
FIRST = 2250700000000
"""The first of the numbers; the others count up from it."""


def noon() -> ZoneInfo:
    """A zone where it is about noon: no day turns there while a test runs."""
    ahead = 12 - datetime.now(UTC).hour
    return ZoneInfo(f"Etc/GMT{-ahead:+d}")  # whose signs are the other way round


def numbers(count: int, *, first: int = FIRST) -> list[int]:
    """So many MSISDNs, one after the other."""
    return list(range(first, first + count))


def submitted(database: Database, msisdns: Iterable[int], **options: Any) -> int:
    """A campaign that waits for its credits: its audience is in batches."""
    spec = {"name": "Rappel", "template": "Bonjour {{ nom }}", "sender": SENDER, **options}
    rows = [{"numero": f"+{msisdn}", "nom": f"N{msisdn % 1000}"} for msisdn in msisdns]
    made = campaigns.submit(spec, rows, database=database)
    while expansion.expand_slice(database, made.id, domain_settings()):
        pass
    return made.id


def balance(database: Database, amount: int | str | Decimal = 1_000_000) -> Balance:
    """What the gateway says now."""
    return Balance(credits=Decimal(amount), consumed=None, expires_at=None, asked_at=database.clock())


def fund(
    database: Database,
    amount: int | str | Decimal = 1_000_000,
    *,
    account: str = ACCOUNT,
    senders: Sequence[str] = (SENDER,),
    default_sender: str | None = None,
) -> int:
    """Fund whatever waits; returns how many campaigns go on."""
    return ledger.fund(
        database,
        account,
        balance(database, amount),
        senders=senders,
        default_sender=default_sender,
    )


def funded(database: Database, msisdns: Iterable[int], **options: Any) -> int:
    """A campaign whose batches may be claimed."""
    made = submitted(database, msisdns, **options)
    fund(database, account=options.get("account", ACCOUNT))
    return made


def claimed(database: Database, campaign_id: int, *, lease_seconds: float = LEASE, cap: Cap | None = None) -> Claim:
    """Its next batch, which must be there."""
    claim = claims.claim(database, campaign_id, lease_seconds=lease_seconds, cap=cap)
    assert claim is not None
    return claim


def acceptance(claim: Claim, msgfid: str = "", *, left_out: Sequence[int] = (), **options: Any) -> Acceptance:
    """The gateway's yes, at a credit a message; the message at place N is `<msgfid>-N` there."""
    msgfid = msgfid or f"f{claim.attempt_id}"
    taken = [number not in left_out for number in claim.payload.numbers]
    lines = ReceiptLines(
        [f"{msgfid}-{place}" if took else None for place, took in enumerate(taken)],
        [Decimal(1) if took else Decimal(0) for took in taken],
    )
    return Acceptance(msgfid, Decimal(sum(taken)), lines, left_out, **options)


def accepted(database: Database, campaign_id: int, msgfid: str = "") -> Claim:
    """Its next batch, sent and taken."""
    claim = claimed(database, campaign_id)
    settling.accept(database, claim, acceptance(claim, msgfid))
    return claim


def all_accepted(database: Database, campaign_id: int) -> list[Claim]:
    """All its batches, sent and taken."""
    made = []
    while (claim := claims.claim(database, campaign_id, lease_seconds=LEASE)) is not None:
        settling.accept(database, claim, acceptance(claim))
        made.append(claim)
    return made


def report(claim: Claim, *found: tuple[int, MessageStatus], msgfid: str = "") -> Reports:
    """What the gateway reports of the messages of a batch: (place in the batch, status)."""
    msgfid = msgfid or f"f{claim.attempt_id}"
    return Reports(
        [msgfid] * len(found),
        [f"{msgfid}-{place}" for place, _ in found],
        [str(claim.payload.numbers[place]) for place, _ in found],
        [status for _, status in found],
    )


def reported(database: Database, found: Reports, *, account: str = ACCOUNT) -> reports.Applied:
    """One reading of delivery reports, from its note to its effect."""
    return reports.apply(database, stored(database, account=account), found)


def all_delivered(database: Database, *claims: Claim) -> None:
    """Have the gateway report every message of these batches as delivered."""
    for claim in claims:
        reported(database, report(claim, *[(place, MessageStatus.DELIVERED) for place in range(len(claim.payload))]))


def stored(database: Database, *, account: str = ACCOUNT) -> int:
    """A reading whose body is here; returns its id."""
    poll_id = journal.note(database, account)
    journal.store(database, account, poll_id, b"<REPONSE/>")
    return poll_id


def advance(database: Database, *campaign_ids: int) -> None:
    """Move campaigns on that can go on: all of them if none is named, and however lately the sweep looked."""
    with database.transaction() as connection:
        everyone = connection.execute(select(campaigns_table.c.id)).scalars().all()
        lifecycle.advance(connection, campaign_ids or everyone)


def advanced(database: Database, campaign_id: int) -> str:
    """The campaign's state, when all has moved on that can go on."""
    advance(database)
    return state(database, campaign_id)


def account(database: Database, campaign_id: int) -> campaigns.Progress:
    """The campaign's, which adds up whatever happened."""
    found = campaigns.progress(campaign_id, database=database)
    assert found.adds_up
    return found


def state(database: Database, campaign_id: int) -> str:
    """The campaign's."""
    return _one(database, select(campaigns_table.c.state).where(campaigns_table.c.id == campaign_id))


def batch_states(database: Database, campaign_id: int) -> list[str]:
    """Of its batches, in order."""
    b = batches_table.c
    with database.reading() as connection:
        found = select(b.state).where(b.campaign_id == campaign_id).order_by(b.number)
        return list(connection.execute(found).scalars())


def attempt(database: Database, claim: Claim) -> Any:
    """The row of the claim's attempt."""
    with database.reading() as connection:
        return connection.execute(select(attempts).where(attempts.c.id == claim.attempt_id)).one()


def statuses(database: Database, campaign_id: int) -> list[MessageStatus]:
    """Of its messages, by number."""
    m = messages_table.c
    with database.reading() as connection:
        found = select(m.status).where(m.campaign_id == campaign_id).order_by(m.msisdn)
        return [MessageStatus(status) for status in connection.execute(found).scalars()]


def troubles(database: Database) -> list[tuple[str, int, str]]:
    """The work that failed too often, how often it did, and why."""
    with database.reading() as connection:
        return [(row.key, row.tries, row.trouble) for row in tries.in_trouble(connection)]


def change(database: Database, statement: Any) -> None:
    """Let time pass, or whatever else only a test can do."""
    with database.transaction() as connection:
        connection.execute(statement)


def _one(database: Database, statement: Any) -> Any:
    with database.reading() as connection:
        return connection.execute(statement).scalar_one()


def clock_goes_on(database: Database, seconds: float, *columns: Any) -> None:
    """Let so much time pass for these columns; for leases, settled attempts, deadlines and gates if none is given."""
    for column in columns or MOMENTS:
        earlier = _earlier(database, column, seconds)
        change(database, update(column.table).where(column.is_not(None)).values({column: earlier}))


def away(database: Database, account: str, reason: str, *, doubtful: bool = False) -> None:
    """The account's gateway is found to be away, and stays it."""
    accounts.away(database, account, reason, doubtful=doubtful)
    stays_away(database)


def stays_away(database: Database) -> None:
    """Who is away now is so for half a minute more: a busy machine may need all of the first second to look."""
    clock_goes_on(database, -30, accounts_table.c.away_until)


def clock_steps(database: Database, seconds: float) -> None:
    """The database's clock is set forward by so much, or back: whatever was written down lies elsewhere from now on."""
    clock_goes_on(database, seconds, *every_moment())


def every_moment() -> list[Any]:
    """All columns that hold an instant."""
    return [column for table in metadata.tables.values() for column in table.c if isinstance(column.type, Moment)]


MOMENTS = (
    attempts.c.started_at,
    attempts.c.leased_until,
    attempts.c.settled_at,
    attempts.c.asked_at,
    campaigns_table.c.next_send_at,
)


def _earlier(database: Database, column: Any, seconds: float) -> Any:
    if database.is_sqlite:
        return func.strftime(SQLITE_FORMAT, column, f"{-seconds:+.3f} seconds")
    return column - func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in threads that begin together; what they returned, in their order. Their errors are raised."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        barrier.wait(60)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(120) for future in [pool.submit(run, job) for job in jobs]]
