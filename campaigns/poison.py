"""What fails each time it is tried, and is put aside after MOST_TRIES with its reason, so that all else goes on.

The tries are counted in the rows of `bells`, where work that kills its process counts as well: a try is written down
before it is made. What is to be refused of a batch is the affair of `bisection`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, cast, delete, func, select

from campaigns import bells, lifecycle
from campaigns.database import Database, among, is_over, now, upsert
from campaigns.language import N_
from campaigns.models import bells as table
from campaigns.models import campaigns
from campaigns.outages import insisting
from campaigns.tries import DIED, MOST_TRIES, is_in_trouble

FORGOTTEN_SECONDS = 3_600.0
"""After which a batch that could not be seen to counts no more: nobody notes what went well since."""

_EXPANSIONS = "expand:"


def begin(database: Database, job: str) -> int:
    """A job is about to be tried that has no bell; returns the how-manieth try it is since its last end."""
    return note(database, job, DIED)


@insisting
def end(database: Database, job: str) -> None:
    """It came to an end, good or bad: its process lived to tell."""
    with database.transaction() as connection:
        connection.execute(delete(table).where(table.c.key == job))


def note(database: Database, job: str, trouble: str) -> int:
    """One more try of a job failed; returns how many have. `trouble` is the kind of what broke: it is shown."""
    said = {"until": now(), "trouble": trouble}
    with database.transaction() as connection:
        noted = upsert(connection, table).values(key=job, serial=1, tries=1, **said)
        noted = noted.on_conflict_do_update(index_elements=["key"], set_={"tries": table.c.tries + 1, **said})
        tries: int = connection.execute(noted.returning(table.c.tries)).scalar_one()
    return tries


def sends_of(campaign_id: int) -> str:
    """The job of sending a campaign's batches, whichever lane does it."""
    return f"sends:{campaign_id}"


def not_sent_from(database: Database, campaign_id: int, trouble: str) -> str | None:
    """A batch of the campaign could not be seen to for a fault of ours; returns why it is paused, if it is by that.

    Nobody is texted twice: what may have left is in doubt when its lease ends.
    """
    with database.transaction() as connection:
        long_ago = is_over(table.c.until, FORGOTTEN_SECONDS)
        connection.execute(delete(table).where(table.c.key == sends_of(campaign_id), long_ago))
    tries = note(database, sends_of(campaign_id), trouble)
    if tries < MOST_TRIES:
        return None
    reason = N_("its batches could not be seen to, {times}: {trouble}; resume tries again").format(
        times=_times(tries), trouble=trouble
    )
    with database.transaction() as connection:
        lifecycle.halt(connection, campaign_id, reason)
    return reason


def forgive(connection: Connection, campaign_id: int) -> None:
    """A person wants the campaign tried again, whatever failed of it before."""
    bells.forgive(connection, bells.expand(campaign_id))
    connection.execute(delete(table).where(table.c.key == sends_of(campaign_id)))


def halt_expansions(database: Database) -> int:
    """Pause the campaigns whose audience could not be expanded, MOST_TRIES times; returns how many."""
    with database.reading() as connection:
        stuck = select(cast(func.substr(table.c.key, len(_EXPANSIONS) + 1), BigInteger))
        ids = connection.execute(stuck.where(_is_stuck())).scalars().all()
        if not ids:
            return 0
        c = campaigns.c
        not_paused = select(c.id).where(among(connection, c.id, ids), c.paused_at.is_(None), lifecycle.is_due())
        to_halt = connection.execute(not_paused).scalars().all()
    return sum(_halt_expansion(database, campaign_id) for campaign_id in to_halt)


def _is_stuck() -> ColumnElement[bool]:
    return and_(table.c.key.startswith(_EXPANSIONS), is_in_trouble())


def _halt_expansion(database: Database, campaign_id: int) -> bool:
    """The campaign before its bell, as whoever resumes it does; and its bell once more, for it may just be resumed."""
    c = campaigns.c
    with database.transaction() as connection:
        connection.execute(select(c.id).where(c.id == campaign_id).with_for_update()).first()
        its_own = table.c.key == bells.expand(campaign_id).key
        bell = connection.execute(select(table.c.tries, table.c.trouble).where(its_own, _is_stuck())).first()
        if bell is None:
            return False
        why = N_("its audience could not be expanded, {times}: {trouble}; resume tries again").format(
            times=_times(MOST_TRIES), trouble=bell.trouble
        )
        lifecycle.halt(connection, campaign_id, why)
    return True


def _times(tries: int) -> str:
    return N_("three times") if tries == MOST_TRIES else N_("{count} times").format(count=tries)
