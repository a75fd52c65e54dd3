"""Everything that is kept, as one text, and all that is counted of a campaign: for tests of what goes, and stays."""

import zlib
from dataclasses import replace
from typing import Any

from sqlalchemy import LargeBinary, select

import campaigns
from campaigns.database import Database
from campaigns.models import metadata


def everything(database: Database) -> str:
    """Each value in the whole database, with what is compressed opened."""
    found = []
    with database.reading() as connection:
        for table in metadata.tables.values():
            for row in connection.execute(select(table)):
                for column, value in zip(table.c, row, strict=True):
                    if isinstance(column.type, LargeBinary) and value is not None:
                        found.append(zlib.decompress(value).decode())
                    else:
                        found.append(str(value))
    return "\n".join(found)


def figures(database: Database, campaign_id: int) -> Any:
    """What is counted of a campaign, as a whole and row by row."""
    report = campaigns.report(campaign_id, database=database)
    entries = campaigns.entries(campaign_id, database=database)
    rows = [(one.row, one.status, one.changed_at, one.credits, one.refunded) for one in entries]
    assert report.account.adds_up
    account = replace(report.account, purged=None)
    return account, report.deliveries, report.waits, report.prefixes, report.lengths, report.refusals, rows
