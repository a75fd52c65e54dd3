"""Messages that are named are found by their keys, in a campaign that the planner's statistics know nothing of, too."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, SmallInteger, delete, select, update

from campaigns.database import Database
from campaigns.models import messages
from campaigns.named import among_keys, by_key
from tests.campaigns.plans import FIRST, newer_than_statistics, plans_of


def marked(connection: Connection, campaign_ids: list[int], numbers: list[int]) -> None:
    told, is_named = by_key(connection, campaign_ids, numbers, status=(SmallInteger, [7] * len(numbers)))
    connection.execute(update(messages).where(is_named).values(status=told.c.status))


def dropped(connection: Connection, campaign_ids: list[int], numbers: list[int]) -> None:
    connection.execute(delete(messages).where(among_keys(connection, campaign_ids, numbers)))


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
