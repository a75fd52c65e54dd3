"""Who may wake whom.

A bell is a key that has at most one task at a time. `ring` sends a task only if the key is silent; the task must
`answer` with the serial that it carries, or it is a double and goes away; it works for a short slice, then rings
`again` or falls `quiet`. A lost task is no loss: its bell counts as rung for a few seconds only, and the sweep rings
anew. Work that fails each time it is tried, or takes its process with it, is left alone (`tries`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from threading import Event, Thread
from typing import Any

from sqlalchemy import Connection, Float, and_, bindparam, delete, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.dml import ReturningUpdate

from campaigns import tries
from campaigns.database import AnswerLost, Database, later, upsert_for
from campaigns.models import bells
from campaigns.outages import insist

log = logging.getLogger(__name__)

RUNG_SECONDS = 10.0
"""How long a task may be on its way before it is given up for lost."""

LONGEST_SECONDS = 75.0
"""For how long a bell may count as rung at most; work that lasts longer keeps it (`kept`).

Whatever is rung until later than that was rung before the database's clock was set back (`setbacks`).
"""

FORGOTTEN_SECONDS = 86_400.0


@dataclass(frozen=True)
class Bell:
    """One piece of work that one task at a time may do.

    Attributes:
        task: the task's name.
        args: its arguments: names and ids only, for they are visible in Flower and in the broker.
    """

    task: str
    args: tuple[str | int, ...]

    @property
    def key(self) -> str:
        """What it is known by in the database."""
        return ":".join([self.task.removeprefix("campaigns."), *map(str, self.args)])


Ring = Callable[[Bell, int, float], None]
"""Sends the task of a bell, with its serial, after so many seconds."""


def expand(campaign_id: int) -> Bell:
    """Turn a campaign's audience into batches."""
    return Bell("campaigns.expand", (campaign_id,))


def fund(account: str) -> Bell:
    """Check senders and set credits aside for the account's campaigns that wait for it."""
    return Bell("campaigns.fund", (account,))


def send(account: str, lane: int) -> Bell:
    """Send batches, one after the other; an account has as many lanes as it may have requests in the air."""
    return Bell("campaigns.send", (account, lane))


def poll(account: str) -> Bell:
    """Read the account's delivery reports."""
    return Bell("campaigns.poll", (account,))


def occur(schedule_id: int) -> Bell:
    """Make the campaigns of a schedule's occurrences that are due."""
    return Bell("campaigns.occur", (schedule_id,))


def purge() -> Bell:
    """Purge what was kept for long enough."""
    return Bell("campaigns.purge", ())


def ring(
    database: Database,
    bell: Bell,
    send_task: Ring | None,
    *,
    after: float = 0.0,
    rested: float = 0.0,
    by_hand: bool = False,
) -> bool:
    """Wake whoever does this work, unless it is awake already.

    Args:
        bell: what is to be done.
        send_task: sends the task; None rings nobody (the sweep will).
        after: seconds to wait first.
        rested: only if the bell has been silent for so many seconds.
        by_hand: a person does it himself, even where it has failed too often.

    Returns:
        Whether a task was sent.
    """
    if send_task is None:
        return False
    asked = {"its_key": bell.key, "seconds": min(after + RUNG_SECONDS, LONGEST_SECONDS), "rested": rested}
    with database.transaction() as connection:
        ringing = _rung(connection.dialect.name, tries.kind_of(bell.key), by_hand)
        serial = connection.execute(ringing, asked).scalar()
    if serial is None:
        return False
    send_task(bell, serial, after)
    return True


@cache  # asked at each submit and by each lane, and dearer to put together than to answer
def _rung(dialect: str, kind: str, by_hand: bool) -> Any:
    b, until = bells.c, later(bindparam("seconds", type_=Float))
    silent = b.until < later(-bindparam("rested", type_=Float))
    rung = upsert_for(dialect, bells).values(key=bindparam("its_key"), serial=1, until=until)
    rung = rung.on_conflict_do_update(
        index_elements=[b.key],
        # The same serial: where the task is not lost but late, it is still answered, and whichever comes second
        # goes away. A queue that is longer than the bell would otherwise have only stale ones.
        set_={"until": until},
        where=silent if by_hand else and_(silent, tries.may_be_tried(kind)),
    )
    return rung.returning(b.serial)


def wake(database: Database, bell: Bell, send_task: Ring | None) -> None:
    """Ring for somebody whose own work is done and committed: whatever goes wrong here, the sweep will ring instead.

    An error would have a producer submit again what is there, or resume what goes on already.
    """
    try:
        ring(database, bell, send_task)
    except Exception as error:  # noqa: BLE001  the ring is the producer's own, and may fail in any way
        log.warning("%s waits for the sweep: nobody could be woken (%s)", bell.key, type(error).__name__)


def answer(database: Database, bell: Bell, serial: int, *, seconds: float) -> int | None:
    """Take the work up; the bell counts as rung for so many seconds from now.

    It is a try, and counts as one that failed until its end is told: nobody may live to tell it.

    Returns:
        The serial to go on with, or None if another task has taken it up, and this one must go away.
    """
    try:
        return _turn(database, bell, serial, seconds, _TAKEN_UP)
    except AnswerLost:
        # Whoever has it now, we or a double of ours, one ringing more does no harm, and one less would cost the time
        # until it lapses.
        with suppress(SQLAlchemyError):
            let_off(database, bell, serial + 1)
        raise


def keep(database: Database, bell: Bell, serial: int, *, seconds: float) -> None:
    """The work lasts: the bell counts as rung for so many seconds from now, unless another has taken it up."""
    b = bells.c
    mine = update(bells).where(b.key == bell.key, b.serial == serial)
    with database.transaction() as connection:
        connection.execute(mine.values(until=later(min(seconds, LONGEST_SECONDS))))


@contextmanager
def kept(database: Database, bell: Bell, serial: int, *, seconds: float) -> Iterator[None]:
    """Meanwhile the bell does not lapse, however long it takes: only if this process dies is there to be another task.

    A reading of reports may hang for minutes. Were another task rung meanwhile, and another after that one, a single
    account would take every process of the pool.
    """
    done = Event()

    def go_on() -> None:
        while not done.wait(min(seconds, LONGEST_SECONDS) / 4):
            with suppress(SQLAlchemyError):
                keep(database, bell, serial, seconds=seconds)

    keeper = Thread(target=go_on, name=bell.key, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def again(database: Database, bell: Bell, serial: int, send_task: Ring, *, after: float = 0.0) -> None:
    """Hand the work on to a task of one's own, so that others get a turn in between."""
    turned = _turn(database, bell, serial, after + RUNG_SECONDS, _WELL_ENDED)
    if turned is not None:
        send_task(bell, turned, after)


def quiet(database: Database, bell: Bell, serial: int) -> None:
    """Nothing is left to do. Look once more after this, and ring if there is: work may have come just before."""
    _fall_silent(database, bell, serial, _WELL_ENDED)


def fail(database: Database, bell: Bell, serial: int, trouble: str) -> None:
    """It broke: silent, so that it can be tried anew at once, unless it was the last of `tries.MOST_TRIES`.

    `trouble` says what broke, by its kind alone: it is shown.
    """
    _fall_silent(database, bell, serial, _FAILED, trouble_now=trouble)


def let_off(database: Database, bell: Bell, serial: int) -> None:
    """It was broken off by something that is no fault of the work's: silent, and this was no try."""
    _fall_silent(database, bell, serial, _BROKEN_OFF)


def forgive(connection: Connection, bell: Bell) -> None:
    """Whatever failed before is forgotten: it may be tried again as often."""
    connection.execute(update(bells).where(bells.c.key == bell.key).values(tries.NO_TROUBLE))


def _fall_silent(database: Database, bell: Bell, serial: int, turned: ReturningUpdate[int], **known: str) -> None:
    """Where the database is away for a moment, it waits: else the bell would count as rung until it lapses."""
    insist(lambda: _turn(database, bell, serial, -0.001, turned, **known), seconds=RUNG_SECONDS)


def forget_old(database: Database) -> int:
    """Drop the bells that nobody has rung for a day, such as those of ended campaigns; returns how many."""
    with database.transaction() as connection:
        old = and_(bells.c.until < later(-FORGOTTEN_SECONDS), ~tries.waits_for_a_person())
        return connection.execute(delete(bells).where(old)).rowcount


def _turn(
    database: Database, bell: Bell, serial: int, seconds: float, turned: ReturningUpdate[int], **known: str
) -> int | None:
    asked = {"its_key": bell.key, "its_serial": serial, "seconds": min(seconds, LONGEST_SECONDS), **known}
    with database.transaction() as connection:
        return connection.execute(turned, asked).scalar()


def _turned(**known: Any) -> ReturningUpdate[int]:
    """The update of a bell that has a serial still: the next serial, until when it counts as rung, and its tries."""
    b = bells.c
    mine = update(bells).where(b.key == bindparam("its_key"), b.serial == bindparam("its_serial"))
    until = later(bindparam("seconds", type_=Float))
    return mine.values(serial=b.serial + 1, until=until, **known).returning(b.serial)


_TAKEN_UP = _turned(tries=tries.one_more(), trouble=tries.DIED)
_WELL_ENDED = _turned(**tries.NO_TROUBLE)
_FAILED = _turned(trouble=bindparam("trouble_now"))
_BROKEN_OFF = _turned(tries=tries.one_less(), trouble=None)
