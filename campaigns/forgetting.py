"""A person is forgotten: whatever names him is taken out of all that is kept, whatever the retention; counts stay.

First out of audiences, so that no expansion brings him back, and out of the batches that are still to be sent; then out
of what was sent, campaign by campaign, each in one transaction; then out of raw reports. What is in the air, in doubt
or without its report cannot be forgotten yet: the report, or the proof, could not be told to be his. It is named, and
whoever asks again later finds it still.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, and_, delete, or_, select, update

from campaigns import decided, erasing, leaving, optouts, pseudonyms, purging, retention, rubbing
from campaigns.database import Database, Record, among, default, later
from campaigns.language import N_
from campaigns.lifecycle import advance
from campaigns.models import attempts, batches, campaigns, daily_counts, exclusions, lookups, messages, refunds
from campaigns.named import by_key
from campaigns.optouts import NoNumberError
from campaigns.payload import Payload
from campaigns.people import CAMPAIGNS_AT_ONCE, left_out_as, may_be_left_out_as, nameless, stand_for
from campaigns.phone import normalizer
from campaigns.settings import domain_settings
from campaigns.states import FIRST_SETTLED, AttemptKind, AttemptState, BatchState, CampaignState, Exclusion, Purged

SOURCE = N_("asked to be forgotten")
"""Where it is known from that somebody who was forgotten wants no texts."""


_PAGE = 50
"""Batches that were put aside, looked through at a time."""


class NotYet(StrEnum):
    """Why a campaign still has the person."""

    IN_THE_AIR = "in_the_air"  # a request with him is being made
    IN_DOUBT = "in_doubt"  # of a request with him nobody knows, or it was decided of late
    UNREPORTED = "unreported"  # the report of his message is awaited
    EXPANDING = "expanding"  # its rows are on their way, and his may have been read just before


@dataclass(frozen=True)
class Open:
    """A campaign that has the person still, and why."""

    campaign_id: int
    why: NotYet


@dataclass
class Forgotten:
    """What was done.

    Attributes:
        campaigns: of which he was taken out.
        messages: of his that nobody can tell to be his any more.
        left_out: rows of his that had got no message, or get none now.
        withdrawn: messages that were still to be sent, and are not: these are among the rows that were left out.
        rows: of his in audiences.
        bodies: of raw reports that named him.
        opted_out: whether he is on the list of those who want no texts from any account.
        open: what cannot be forgotten yet.
        bodies_waiting: raw reports with him that are to be applied first.
        unreadable: whether there are campaigns whose numbers were hashed with another NUMBERS_KEY than the settings
            have: whether he is in one of them, nobody can tell without it.
    """

    campaigns: int = 0
    messages: int = 0
    left_out: int = 0
    withdrawn: int = 0
    rows: int = 0
    bodies: int = 0
    opted_out: bool = False
    open: list[Open] = field(default_factory=list)
    bodies_waiting: int = 0
    unreadable: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing of him is left, but what the lists of opt-outs keep."""
        return not self.open and not self.bodies_waiting and not self.unreadable


def forget(number: str, *, opt_out: bool | None = None, database: Database | None = None) -> Forgotten:
    """Take everything of a person out of all campaigns, audiences and raw reports, for good; harmless if done twice.

    Args:
        number: as people write it.
        opt_out: put him on the list of those who want no texts from any account, or take him off all lists (False). By
            default he is put on it if that keeps a hash alone (OPT_OUT_KEY); without one he stays as he is, for an
            entry would be his number.
        database: where; the one that DATABASE_URL names by default.

    Raises:
        NoNumberError; OptOutKeyError: OPT_OUT_KEY is not what it was.
    """
    msisdn = normalizer(domain_settings().default_region)(number)
    if msisdn is None:
        raise NoNumberError(1, 1)
    database = database or default()
    done = Forgotten(opted_out=_list(database, number, opt_out))
    done.unreadable = nameless(hashed=True, database=database)
    done.rows, at_it = rubbing.out_of_audiences(database, msisdn)
    done.open += [Open(campaign_id, NotYet.EXPANDING) for campaign_id in at_it]
    for campaign_id in _with(database, msisdn):
        _out_of_campaign(database, campaign_id, msisdn, done)
    with database.transaction() as connection:
        connection.execute(delete(daily_counts).where(daily_counts.c.msisdn == msisdn))
    done.bodies, done.bodies_waiting = rubbing.out_of_bodies(database, msisdn)
    return done


def _list(database: Database, number: str, opt_out: bool | None) -> bool:
    """See to the lists of opt-outs first: nobody may text him while he is being forgotten."""
    if opt_out is False:
        optouts.opt_in(number, database=database)
        return False
    hashed = domain_settings().opt_out_key is not None
    known = optouts.opted_out(number, database=database)
    accounts = {entry.account for entry in known} if hashed else set[str | None]()  # what was kept plainly is hashed
    if opt_out or hashed:
        accounts.add(None)
    for account in accounts:
        optouts.opt_out(number, account=account, source=SOURCE, database=database)
    return bool(accounts) or any(entry.account is None for entry in known)


def _with(database: Database, msisdn: int) -> Iterator[int]:
    """Campaigns that have the person, the newest first."""
    c, before = campaigns.c, None
    while True:
        newest = select(c.id).order_by(c.id.desc()).limit(CAMPAIGNS_AT_ONCE)
        with database.snapshot() as connection:
            page = connection.execute(newest if before is None else newest.where(c.id < before)).scalars().all()
            found = _among(connection, page, msisdn) if page else []
        yield from found
        if not page:
            return
        before = page[-1]


def _among(connection: Connection, ids: Sequence[int], msisdn: int) -> list[int]:
    e, m = exclusions.c, messages.c
    is_his = left_out_as(msisdn)
    rows = select(e.campaign_id, e.number).where(among(connection, e.campaign_id, ids), may_be_left_out_as(ids, msisdn))
    left_out = {row.campaign_id for row in connection.execute(rows) if is_his(row)}
    named = sorted((its, number) for its in ids for number in stand_for(its, msisdn))
    _, is_named = by_key(connection, [its for its, _ in named], [number for _, number in named])
    texted = set(connection.execute(select(m.campaign_id).where(is_named)).scalars())
    return sorted(left_out | texted, reverse=True)


# --- One campaign ---------------------------------------------------------------------------------------------------


def _out_of_campaign(database: Database, campaign_id: int, msisdn: int, done: Forgotten) -> None:
    known_as = frozenset(stand_for(campaign_id, msisdn))
    withdrawn = _withdraw(database, campaign_id, known_as)
    done.withdrawn += withdrawn
    c = campaigns.c
    with database.transaction() as connection:
        # The campaign before its batches, as whoever claims, retries and purges does.
        mine = select(campaigns).where(c.id == campaign_id).with_for_update(key_share=True)
        campaign = connection.execute(mine).one()
        texted = _messages(connection, campaign_id, known_as)
        concerned = _batches(connection, campaign_id, known_as, texted)
        why = _why_not(connection, campaign, texted, concerned)
        if why is not None:
            if Open(campaign_id, why) not in done.open:
                done.open.append(Open(campaign_id, why))
            return
        named = [(campaign_id, row.msisdn) for row in texted]
        purging.keep_prefixes(connection, [target for target in named if target[1] > 0])
        stranger = pseudonyms.nobody()
        erasing.people(connection, concerned, lambda _, number: stranger if number in known_as else number)
        erasing.rename(connection, dict.fromkeys(named, stranger))  # if his payload could not be read, it is not yet
        _answers(connection, campaign_id, known_as, stranger)
        done.left_out += _blank(connection, campaign_id, msisdn)
        _close(connection, campaign)
        if withdrawn:
            advance(connection, [campaign_id])
    done.campaigns += 1
    done.messages += len(texted)


def _withdraw(database: Database, campaign_id: int, known_as: frozenset[int]) -> int:
    """Take him out of what is still to be sent; returns how many messages that was."""
    with database.snapshot() as connection:
        unsent = [
            row.batch_id
            for row in _messages(connection, campaign_id, known_as)
            if row.state in (BatchState.PENDING, BatchState.UNCHECKED)
        ]
    gone: list[int] = []

    def who(_connection: Connection, _account: str, payload: Payload) -> set[int]:
        his = set(known_as.intersection(payload.numbers))
        gone.extend(his)
        return his

    for batch_id in unsent:
        leaving.leave_out(database, batch_id, who, Exclusion.FORGOTTEN)
    return len(gone)


def _messages(connection: Connection, campaign_id: int, known_as: frozenset[int]) -> Sequence[Record]:
    """His messages, and the state of the batch of each: one, or two where a pseudonym happens to be his."""
    m, b = messages.c, batches.c
    _, is_named = by_key(connection, [campaign_id] * len(known_as), sorted(known_as))
    columns = select(m.msisdn, m.status, m.batch_id, b.state).where(is_named, b.id == m.batch_id)
    return connection.execute(columns).all()


def _batches(
    connection: Connection, campaign_id: int, known_as: frozenset[int], texted: Sequence[Record]
) -> list[Record]:
    """Those that his messages are in, and those that were put aside with him in them."""
    b, its_own = batches.c, {row.batch_id for row in texted}
    aside = _aside(connection, campaign_id, known_as)
    columns = select(b.id, b.campaign_id, b.payload).where(among(connection, b.id, its_own | aside))
    return list(connection.execute(columns.order_by(b.id).with_for_update()).all())


def _aside(connection: Connection, campaign_id: int, known_as: frozenset[int]) -> set[int]:
    """Batches of nobody that have him; a cap lays one aside for each batch that lost somebody, so they come in pages.

    None is locked: whoever writes one has the row of its campaign, which is held.
    """
    b, found, last = batches.c, set[int](), -(2**31)  # parts of others have numbers below 1
    columns = select(b.id, b.number, b.payload).where(b.campaign_id == campaign_id, b.size == 0).order_by(b.number)
    while page := connection.execute(columns.where(b.number > last).limit(_PAGE)).all():
        found |= {batch.id for batch in page if not known_as.isdisjoint(erasing.unpacked(batch.payload).numbers)}
        last = page[-1].number
    return found


def _why_not(
    connection: Connection, campaign: Record, texted: Sequence[Record], concerned: Sequence[Record]
) -> NotYet | None:
    """Why he must stay for now; None if he need not."""
    if campaign.state == CampaignState.EXPANDING and campaign.recipients == 1:
        return NotYet.EXPANDING  # his text goes with him, and whoever expands the campaign still reads it
    states = {row.state for row in texted}
    if not states.isdisjoint({BatchState.PENDING, BatchState.UNCHECKED, BatchState.CHECKING, BatchState.SENDING}):
        return NotYet.IN_THE_AIR
    if BatchState.IN_DOUBT in states or _unsettled(connection, [batch.id for batch in concerned]):
        return NotYet.IN_DOUBT
    awaited = any(row.state == BatchState.ACCEPTED and row.status < FIRST_SETTLED for row in texted)
    return NotYet.UNREPORTED if awaited and campaign.completed_at is None else None


def _unsettled(connection: Connection, batch_ids: Sequence[int]) -> bool:
    """Whether reports may still prove what became of a request for one of these batches."""
    a = attempts.c
    lately = or_(a.kind == AttemptKind.SEND, a.settled_at.is_(None), a.settled_at > later(-decided.EVIDENCE_SECONDS))
    doubtful = and_(a.state.in_([AttemptState.OPEN, AttemptState.IN_DOUBT]), lately)
    of_these = select(a.id).where(among(connection, a.batch_id, batch_ids), or_(doubtful, decided.may_have_sent()))
    return connection.execute(of_these.limit(1)).first() is not None


def _answers(connection: Connection, campaign_id: int, known_as: frozenset[int], stranger: int) -> None:
    """What is known of him by lookups, and came back for them, is nobody's: their batches may have lost him since."""
    b, k, r = batches.c, lookups.c, refunds.c
    its_batches = select(b.id).where(b.campaign_id == campaign_id)
    for table, mine in ((lookups, k.batch_id.in_(its_batches)), (refunds, r.campaign_id == campaign_id)):
        connection.execute(update(table).where(mine, table.c.msisdn.in_(known_as)).values(msisdn=stranger))


def _blank(connection: Connection, campaign_id: int, msisdn: int) -> int:
    """Rows of his that were left out say no more who it was."""
    e, is_his = exclusions.c, left_out_as(msisdn)
    columns = select(e.campaign_id, e.row, e.number).where(e.campaign_id == campaign_id)
    rows = connection.execute(columns.where(may_be_left_out_as([campaign_id], msisdn))).all()
    his = [row.row for row in rows if is_his(row)]
    if his:
        mine = update(exclusions).where(e.campaign_id == campaign_id, among(connection, e.row, his))
        connection.execute(mine.values(number=""))
    return len(his)


def _close(connection: Connection, campaign: Record) -> None:
    """A text that was his alone goes with him; and what his number could be guessed by."""
    c = campaigns.c
    if campaign.recipients == campaign.expanded == 1 and campaign.purged == Purged.NOTHING:
        retention.close(connection, [campaign], Purged.TEXT)
    if campaign.digest is not None:  # another audience, so to say: the same is not the same any more
        mine = update(campaigns).where(c.id == campaign.id)
        connection.execute(mine.values(digest=secrets.token_hex(32)))
