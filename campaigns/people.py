"""What a person was sent: every message to a number, with its text, and every row that left it out.

Messages have no index by number alone, for it would cost each campaign more than it is worth: the number is probed in
one campaign after the other, the newest first. Rows that were left out are kept as they came, so they are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from campaigns.accounting import Entry, of_batches, payloads_of
from campaigns.database import Database, Record, among, default
from campaigns.filling import FINISHED_TEXT, as_merged
from campaigns.models import batches, campaigns, exclusions, messages
from campaigns.named import by_key
from campaigns.optouts import NoNumberError
from campaigns.phone import normalizer
from campaigns.settings import domain_settings

CAMPAIGNS_AT_ONCE = 500

_TAIL = 8
"""Digits that every way to write a number ends with."""


@dataclass(frozen=True, repr=False)
class Contact:
    """A person in a campaign.

    Attributes:
        campaign_id: which campaign.
        campaign: its name.
        account: that it was sent by.
        entry: what became of the person in it: status, times, credits, ids.
        text: of the message, as it was made for this person; none where a row was left out.
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
    newest = select(c.id, c.name, c.account, c.wire_text).order_by(c.id.desc()).limit(CAMPAIGNS_AT_ONCE)
    return connection.execute(newest if before is None else newest.where(c.id < before)).all()


def _in(connection: Connection, some: Sequence[Record], msisdn: int) -> list[Contact]:
    """What the person was sent by these campaigns, in their order."""
    by_id = {campaign.id: campaign for campaign in some}
    ids = sorted(by_id)
    found = [*_texted(connection, by_id, ids, msisdn), *_left_out(connection, by_id, ids, msisdn)]
    return sorted(found, key=lambda contact: (-contact.campaign_id, contact.entry.row))


def _texted(connection: Connection, by_id: dict[int, Record], ids: Sequence[int], msisdn: int) -> list[Contact]:
    _, is_named = by_key(connection, ids, [msisdn] * len(ids))
    batch_ids = connection.execute(select(messages.c.batch_id).where(is_named)).scalars().all()
    if not batch_ids:
        return []
    b = batches.c
    columns = select(b.id, b.campaign_id, b.number, b.state, b.attempt_id, b.merged)
    heads = connection.execute(columns.where(among(connection, b.id, batch_ids))).all()
    payloads = payloads_of(connection, batch_ids)
    its_own = (entry for entry in of_batches(connection, heads) if entry.number == str(msisdn))
    found = []
    for head, entry in zip(heads, its_own, strict=True):  # a batch has each number once
        campaign, payload = by_id[head.campaign_id], payloads[head.id]
        values = payload.values[payload.numbers.index(msisdn)]
        text = as_merged(campaign.wire_text if head.merged else FINISHED_TEXT, values)
        found.append(Contact(campaign.id, campaign.name, campaign.account, entry, text))
    return found


def _left_out(connection: Connection, by_id: dict[int, Record], ids: Sequence[int], msisdn: int) -> list[Contact]:
    e, normalize = exclusions.c, normalizer(domain_settings().default_region)
    # However a number is written, these digits are in it in this order; what else the cell is, is looked at here.
    alike = f"%{'%'.join(str(msisdn)[-_TAIL:])}%"
    columns = select(e.campaign_id, e.row, e.number, e.reason)
    left_out = connection.execute(columns.where(among(connection, e.campaign_id, ids), e.number.like(alike)))
    return [
        Contact(campaign.id, campaign.name, campaign.account, Entry(row.row, row.number, row.reason), None)
        for row in left_out
        if normalize(row.number) == msisdn and (campaign := by_id[row.campaign_id])
    ]
