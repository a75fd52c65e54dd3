"""What a person was sent: every message to a number, with its text, and every row that left it out.

Messages have no index by number alone, for it would cost each campaign more than it is worth: the number is probed in
one campaign after the other, the newest first. Rows that were left out are kept as they came, so they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, or_, select

from campaigns import pseudonyms
from campaigns.accounting import Entry, by_batch, payloads_of
from campaigns.database import Database, Record, among, default
from campaigns.filling import FINISHED_TEXT, as_merged
from campaigns.models import batches, campaigns, exclusions, messages
from campaigns.named import by_key
from campaigns.optouts import NoNumberError
from campaigns.phone import TAIL, normalizer
from campaigns.settings import domain_settings
from campaigns.states import Purged

CAMPAIGNS_AT_ONCE = 500


@dataclass(frozen=True, repr=False)
class Contact:
    """A person in a campaign.

    Attributes:
        campaign_id: which campaign.
        campaign: its name.
        account: that it was sent by.
        entry: what became of the person in it: status, times, credits, ids.
        text: of the message, as it was made for this person; none where a row was left out, or where it was purged.
    """

    campaign_id: int
    campaign: str
    account: str
    entry: Entry
    text: str | None


def find_person(
    number: str, *, most: int = 50, before: int | None = None, database: Database | None = None
) -> list[Contact]:
    """What somebody was sent, or why not, the newest campaign first. Rows that are not expanded yet are not looked at.

    Where numbers were purged, people are found by NUMBERS_KEY, if it is what they were hashed with (see `nameless`).

    Args:
        number: as people write it.
        most: how many are enough; of a campaign, all are told.
        before: only campaigns with an id below this one: the last one's of the page before.
        database: where; the one that DATABASE_URL names by default.

    Raises NoNumberError.
    """
    msisdn = normalizer(domain_settings().default_region)(number)
    if msisdn is None:
        raise NoNumberError(1, 1)
    found: list[Contact] = []
    with (database or default()).snapshot() as connection:
        while len(found) < most and (some := _page(connection, before)):
            found += _in(connection, some, msisdn)
            before = some[-1].id
    enough = found[most - 1].campaign_id if len(found) > most else 0
    return [contact for contact in found if contact.campaign_id >= enough]


def _page(connection: Connection, before: int | None) -> Sequence[Record]:
    c = campaigns.c
    newest = select(c.id, c.name, c.account, c.wire_text, c.purged).order_by(c.id.desc()).limit(CAMPAIGNS_AT_ONCE)
    return connection.execute(newest if before is None else newest.where(c.id < before)).all()


def _in(connection: Connection, some: Sequence[Record], msisdn: int) -> list[Contact]:
    """What the person was sent by these campaigns, in their order."""
    by_id = {campaign.id: campaign for campaign in some}
    ids = sorted(by_id)
    found = [*_texted(connection, by_id, ids, msisdn), *_left_out(connection, by_id, ids, msisdn)]
    return sorted(found, key=lambda contact: (-contact.campaign_id, contact.entry.row))


def _texted(connection: Connection, by_id: dict[int, Record], ids: Sequence[int], msisdn: int) -> list[Contact]:
    named = [(its, number) for its in ids for number in stand_for(its, msisdn)]
    _, is_named = by_key(connection, [its for its, _ in named], [number for _, number in named])
    batch_ids = connection.execute(select(messages.c.batch_id).where(is_named)).scalars().all()
    if not batch_ids:
        return []
    b = batches.c
    columns = select(b.id, b.campaign_id, b.number, b.state, b.attempt_id, b.merged)
    heads = connection.execute(columns.where(among(connection, b.id, batch_ids))).all()
    payloads = payloads_of(connection, batch_ids)
    found = []
    for head, entries in by_batch(connection, heads):
        campaign, payload = by_id[head.campaign_id], payloads[head.id]
        its_own = set(payload.numbers) & set(stand_for(campaign.id, msisdn))  # a batch has each number once
        if not its_own:
            continue  # its payload could not be read, and was purged
        place = payload.numbers.index(*its_own)
        entry = next(entry for entry in entries if entry.row == payload.rows[place])
        text = None
        if campaign.purged == Purged.NOTHING:  # else the values that a finished text is made of are gone
            text = as_merged(campaign.wire_text if head.merged else FINISHED_TEXT, payload.values[place])
        its = replace(entry, number=str(msisdn))
        found.append(Contact(campaign.id, campaign.name, campaign.account, its, text))
    return found


def stand_for(campaign_id: int, msisdn: int) -> tuple[int, ...]:
    """What a number may be kept as in a campaign: itself, and what stands for it once it is purged."""
    hidden = pseudonyms.known(campaign_id, msisdn)
    return (msisdn,) if hidden is None else (msisdn, hidden)


def nameless(*, hashed: bool = False, database: Database | None = None) -> bool:
    """Whether there are campaigns of which nobody can tell whom they texted: not with the NUMBERS_KEY that is set.

    With `hashed`, only those count that another one could tell of.
    """
    c, key = campaigns.c, pseudonyms.fingerprint()
    another = c.numbers_key.is_not(None) if key is None else c.numbers_key != key
    mine = another if hashed else or_(c.numbers_key.is_(None), another)
    lost = select(c.id).where(c.purged == Purged.NUMBERS, c.completed_at.is_not(None), mine)
    with (database or default()).reading() as connection:
        return connection.execute(lost.limit(1)).first() is not None


def _left_out(connection: Connection, by_id: dict[int, Record], ids: Sequence[int], msisdn: int) -> list[Contact]:
    e = exclusions.c
    columns = select(e.campaign_id, e.row, e.number, e.reason).where(among(connection, e.campaign_id, ids))
    is_his = left_out_as(msisdn)
    return [
        Contact(campaign.id, campaign.name, campaign.account, Entry(row.row, row.number, row.reason), None)
        for row in connection.execute(columns.where(may_be_left_out_as(ids, msisdn)))
        if is_his(row) and (campaign := by_id[row.campaign_id])
    ]


def may_be_left_out_as(ids: Sequence[int], msisdn: int) -> ColumnElement[bool]:
    """Of exclusions of these campaigns: each of the person's, and few others (`left_out_as` tells which)."""
    number = exclusions.c.number
    # However a number is written, these digits are in it in this order; what else the cell is, is looked at here.
    alike = number.like(f"%{'%'.join(str(msisdn)[-TAIL:])}%")
    hidden = [str(key) for its in ids for key in stand_for(its, msisdn)[1:]]
    return or_(alike, number.in_(hidden)) if hidden else alike


def left_out_as(msisdn: int) -> Callable[[Record], bool]:
    """Whether an exclusion (campaign_id, number) is of the person."""
    normalize = normalizer(domain_settings().default_region)
    return lambda row: normalize(row.number) == msisdn or row.number in map(str, stand_for(row.campaign_id, msisdn)[1:])
