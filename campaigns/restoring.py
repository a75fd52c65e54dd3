"""A backup was restored: what may have been sent since is put in doubt, and nothing of it is sent by itself.

The backup has batches as pending that have left since, and knows neither what came of them nor what was submitted after
it. So each batch that had not left gets a request in doubt, which nobody here has made: its delivery reports may prove
it (`doubts`), or a person decides (`resolving`); no policy does. What is not in batches yet is paused. Occurrences of
schedules that have come are skipped, and the time in between is a gap in the journal of reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, literal, or_, select, true, update

from campaigns import batches, lifecycle, lineage, occurrences
from campaigns.database import Database, is_ahead, now
from campaigns.doubts import RESTORED
from campaigns.language import N_
from campaigns.lineage import Lineage
from campaigns.models import accounts, attempts, campaigns, report_polls, schedules
from campaigns.models import batches as batches_table
from campaigns.models import lineage as table
from campaigns.moments import Moment
from campaigns.states import UNSENT, AttemptState, CampaignState, PollState

MAY_HAVE_BEEN_SENT = N_("a backup was restored, in which it had not left: it may have been sent since")
WAS_IN_THE_AIR = N_("a backup was restored, that was taken while this request was made")
MAY_HAVE_GONE_ON = N_(
    "a backup was restored, in which it had not begun: it may have been sent since; to resume it sends all of it"
)

_NOT_IN_BATCHES = [CampaignState.SUBMITTED, CampaignState.EXPANDING]


@dataclass(frozen=True)
class Uncertain:
    """A campaign of which something may have been sent since; `requests` is 0 where it is not in batches yet."""

    campaign_id: int
    name: str
    account: str
    requests: int
    numbers: int
    credits: Decimal


@dataclass(frozen=True)
class Restored:
    """What a restored backup leaves uncertain.

    Attributes:
        lineage: the database's.
        known_until: until when the backup knows what was done, at least; None if it knows of nothing.
        to_decide: campaigns whose batches are put in doubt.
        to_pause: campaigns that are paused, for they are not in batches yet.
        in_the_air: requests that were being made when the backup was taken.
        schedules: that have come due since.
        later: campaigns that wait for a time to come: they are left alone.
        since: campaigns that were submitted after the set-back was noticed: they are left alone.
    """

    lineage: Lineage
    known_until: datetime | None
    to_decide: Sequence[Uncertain]
    to_pause: Sequence[Uncertain]
    in_the_air: int
    schedules: int
    later: int
    since: int

    @property
    def nothing(self) -> bool:
        """Whether nothing is uncertain."""
        return not (self.to_decide or self.to_pause or self.in_the_air or self.schedules)


def look(database: Database, known_until: datetime | None = None) -> Restored:
    """What would be done, and nothing is.

    Args:
        database: where a backup was restored.
        known_until: when the backup was taken, if a person says so; by default what the database itself shows.
    """
    its = lineage.read(database)
    c, s = campaigns.c, schedules.c
    at_work = c.completed_at.is_(None)
    later = select(func.count()).where(at_work, c.state.in_(_NOT_IN_BATCHES), c.scheduled_at > now())
    come = select(func.count()).select_from(schedules).where(or_(s.asked_at.is_not(None), s.next_at <= now()))
    air = select(func.count()).where(attempts.c.state == AttemptState.OPEN)
    since = select(func.count()).where(at_work, c.state != CampaignState.RECEIVING, ~_is_of_the_backup(its))
    with database.snapshot() as connection:
        known = known_until or (its.known_until if its.set_back_at else None) or lineage.known_until(connection)
        return Restored(
            lineage=its,
            known_until=known,
            to_decide=[Uncertain(*row) for row in connection.execute(_to_decide(its))],
            to_pause=[Uncertain(*row, 0, 0, Decimal(0)) for row in connection.execute(_to_pause(its))],
            in_the_air=connection.execute(air).scalar_one(),
            schedules=connection.execute(come).scalar_one(),
            later=connection.execute(later).scalar_one(),
            since=connection.execute(since).scalar_one(),
        )


def _is_of_the_backup(its: Lineage) -> ColumnElement[bool]:
    """Of a campaign: it may be; one that was submitted after somebody had noticed is not."""
    noticed = its.set_back_at
    if noticed is None:
        return true()
    return or_(campaigns.c.created_at < literal(noticed, Moment()), is_ahead(campaigns.c.created_at))


def _to_decide(its: Lineage) -> Select[int, str, str, int, int, Decimal]:
    c, b = campaigns.c, batches_table.c
    sums = (func.count(b.id), func.sum(b.size), func.sum(b.credits))
    unsent = and_(b.campaign_id == c.id, b.state.in_(UNSENT), c.state.not_in(_NOT_IN_BATCHES))
    found = select(c.id, c.name, c.account, *sums).where(c.completed_at.is_(None), unsent, _is_of_the_backup(its))
    return found.group_by(c.id, c.name, c.account).order_by(c.id)


def _to_pause(its: Lineage) -> Select[int, str, str]:
    c = campaigns.c
    begun = or_(c.scheduled_at.is_(None), c.scheduled_at <= now())
    which = and_(c.completed_at.is_(None), c.state.in_(_NOT_IN_BATCHES), begun, _is_of_the_backup(its))
    # One that was paused may have been resumed, and is paused for another reason now.
    unsaid = or_(c.paused_at.is_(None), c.pause_reason != MAY_HAVE_GONE_ON)
    return select(c.id, c.name, c.account).where(which, unsaid).order_by(c.id)


def carry_out(database: Database, known_until: datetime | None = None) -> Restored:
    """Put in doubt, pause and skip what `look` finds; nothing is claimed meanwhile, and then what is certain goes on.

    Each campaign is a transaction of its own. What dies in the middle is carried out again.
    """
    found = look(database, known_until)
    newest, _ = lineage.newest_attempt(database)
    lineage.declare_set_back(database, BY_A_PERSON, newest_attempt=newest)
    generation = lineage.next_generation(database, found.lineage)
    for campaign_id in _with_requests(database, found):
        with database.transaction() as connection:
            _doubt(connection, campaign_id, found, generation)
    with database.transaction() as connection:
        for campaign in found.to_pause:
            lifecycle.halt_anew(connection, campaign.campaign_id, MAY_HAVE_GONE_ON)
        occurrences.skip(connection)
        if found.known_until is not None:
            _note_gaps(connection, found.known_until)
            _park_again(connection, found.known_until)
        _begin_anew(connection, found, generation)
    return found


BY_A_PERSON = N_("a person said so")
"""How it was noticed, where no host did."""


def _with_requests(database: Database, found: Restored) -> list[int]:
    """The campaigns of which something is to be put in doubt."""
    opened = select(attempts.c.campaign_id).where(attempts.c.state == AttemptState.OPEN)
    with database.reading() as connection:
        return sorted({*connection.execute(opened).scalars(), *(campaign.campaign_id for campaign in found.to_decide)})


def _doubt(connection: Connection, campaign_id: int, found: Restored, generation: int) -> None:
    """Each batch that has not left gets a request in doubt, and each request that is being made is in doubt.

    The campaign is locked: nobody claims from it, nor gives a batch back. Whoever is at a request settles it all the
    same, unless that would have the batch sent again.
    """
    locked = select(_is_of_the_backup(found.lineage)).where(campaigns.c.id == campaign_id).with_for_update()
    of_the_backup = connection.execute(locked).scalar_one()
    msgid = f"{RESTORED}{generation}-"
    if of_the_backup:
        batches.doubt_unsent(connection, campaign_id, began=found.known_until, msgid=msgid, detail=MAY_HAVE_BEEN_SENT)
    batches.doubt_open(connection, campaign_id, WAS_IN_THE_AIR)
    lifecycle.advance(connection, [campaign_id])


def _note_gaps(connection: Connection, known_until: datetime) -> None:
    """Of each account: what was read of its reports since the backup is lost, if it was."""
    p = report_polls.c
    lost = select(accounts.c.name, literal(PollState.LOST.value), literal(known_until, Moment()))
    connection.execute(insert(report_polls).from_select([p.account, p.state, p.asked_at], lost))


def _park_again(connection: Connection, known_until: datetime) -> None:
    """Reports that came since, and seemed to be nobody's: they may be of what is in doubt only now."""
    p = report_polls.c
    closed = update(report_polls).where(p.state == PollState.APPLIED, p.unknown.is_not(None), p.body.is_not(None))
    connection.execute(closed.where(p.stored_at >= known_until).values(state=PollState.PARKED))


def _begin_anew(connection: Connection, found: Restored, generation: int) -> None:
    seen_to = {
        "generation": generation,
        "set_back_at": None,
        "set_back": None,
        "known_until": found.known_until,
        "restored_at": now(),
    }
    connection.execute(update(table).values(seen_to))
