"""What a producer hands over in the domain's tests, and what is in the tables after it."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from campaigns.database import Database
from campaigns.models import audience_chunks, audiences, batches, exclusions, messages
from campaigns.models import campaigns as table

SPEC: dict[str, Any] = {"name": "Rappel", "template": "Bonjour {{ nom }}", "sender": "CLINIQUE"}
TABLES = (table, audiences, audience_chunks, batches, messages, exclusions)


def people(count: int, *, first: int = 0) -> Iterator[dict[str, str]]:
    """So many rows, each with a number and a name of its own."""
    return ({"tel": f"07{number:08d}", "nom": f"N{number}"} for number in range(first, first + count))


def counts(database: Database) -> dict[str, int]:
    """Rows of each table that has any."""
    with database.reading() as connection:
        found = {one.name: connection.execute(select(func.count()).select_from(one)).scalar_one() for one in TABLES}
    return {name: count for name, count in found.items() if count}


def row(database: Database, campaign_id: int) -> Any:
    """A campaign, as it is in its table."""
    with database.reading() as connection:
        return connection.execute(select(table).where(table.c.id == campaign_id)).one()
