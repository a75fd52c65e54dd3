"""Messages that are named are found by their keys, in a campaign that the planner's statistics know nothing of, too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, SmallInteger, delete, insert, select, text, update

from campaigns.database import Database, copy_in
from campaigns.models import campaigns, messages
from campaigns.named import among_keys, by_key
from tests.campaigns.plans import plans_of

FIRST = 22507_00000000
ROWS = 3_000

COLUMNS = ("campaign_id", "msisdn", "batch_id")


def marked(connection: Connection, campaign_ids: list[int], numbers: list[int]) -> None:
    told, is_named = by_key(connection, campaign_ids, numbers, status=(SmallInteger, [7] * len(numbers)))
    connection.execute(update(messages).where(is_named).values(status=told.c.status))


def dropped(connection: Connection, campaign_ids: list[int], numbers: list[int]) -> None:
    connection.execute(delete(messages).where(among_keys(connection, campaign_ids, numbers)))


@contextmanager
def newer_than_statistics(database: Database) -> Iterator[tuple[Connection, int]]:
    """A transaction, and a campaign with messages that came after the last ANALYZE of a great many others."""
    with database.transaction() as connection:
        others = [(campaign_id, FIRST + number, 1) for campaign_id in range(100, 110) for number in range(ROWS)]
        copy_in(connection, "messages", COLUMNS, others)
    with database.reading() as connection:
        connection.execute(text("ANALYZE"))
    with database.transaction() as connection:
        row = {"account": "a", "name": "n", "spec": {}, "wire_text": "", "state": "sending"}
        made = connection.execute(insert(campaigns).returning(campaigns.c.id), row).scalar_one()
        copy_in(connection, "messages", COLUMNS, [(made, FIRST + number, 1) for number in range(ROWS)])
        yield connection, made


@pytest.mark.parametrize("write", [marked, dropped])
def test_each_is_found_by_its_whole_key(
    any_database: Database, write: Callable[[Connection, list[int], list[int]], None]
) -> None:
    with newer_than_statistics(any_database) as (connection, made), plans_of(any_database, "messages") as plans:
        write(connection, [made] * 500, [FIRST + number for number in range(500)])

    (plan,) = (plan for plan in plans if "messages" in plan)
    both = "campaign_id=? AND msisdn=?" if any_database.is_sqlite else ".campaign_id) AND (msisdn = "
    assert both in plan
    assert not any(word in plan for word in ("Hash Join", "Merge Join", "Seq Scan", "SCAN messages"))


def test_only_those_of_the_named_campaign_are_meant(any_database: Database) -> None:
    with newer_than_statistics(any_database) as (connection, made):
        marked(connection, [made, made], [FIRST, FIRST + 1])

        found = select(messages.c.campaign_id, messages.c.msisdn).where(messages.c.status == 7)
        assert sorted(map(tuple, connection.execute(found))) == [(made, FIRST), (made, FIRST + 1)]
