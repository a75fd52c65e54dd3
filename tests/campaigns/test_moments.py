"""Instants: one clock, the database's, and no time without its zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, insert, literal, select, text

from campaigns.database import Database, later, now
from campaigns.moments import Moment

kept = Table("kept", MetaData(), Column("id", Integer, primary_key=True), Column("moment", Moment()))


@pytest.fixture
def database(any_database: Database) -> Iterator[Database]:
    kept.metadata.create_all(any_database.engine)
    yield any_database
    kept.metadata.drop_all(any_database.engine)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    moment=st.datetimes(
        min_value=datetime(1971, 1, 1),  # noqa: DTZ001  the strategy adds the zone
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.timezones(no_cache=True),
    )
)
def test_a_moment_comes_back_as_the_same_one_in_utc(database: Database, moment: datetime) -> None:
    with database.transaction() as connection:
        key = connection.execute(insert(kept).values(moment=moment).returning(kept.c.id)).scalar_one()
        back = connection.execute(select(kept.c.moment).where(kept.c.id == key)).scalar_one()
    assert back == moment.astimezone(UTC)
    assert back.tzinfo is UTC


def test_no_moment_comes_back_as_none(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(insert(kept).values(moment=None))
        assert connection.execute(select(kept.c.moment)).scalar_one() is None


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with database.transaction() as connection, pytest.raises(Exception, match="without a time zone"):
        connection.execute(insert(kept).values(moment=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_the_clock_is_the_servers_whatever_its_session_zone(database: Database) -> None:
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL timezone = 'Asia/Tokyo'"))
        clock = connection.execute(select(now())).scalar_one()
    assert clock.tzinfo is UTC
    assert abs(clock - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize("seconds", [0, 0.25, -0.25, 90_000.5, -90_000, 1e-3], ids=str)
def test_later_adds_seconds_to_the_clock(database: Database, seconds: float) -> None:
    with database.reading() as connection:
        then, clock = connection.execute(select(later(seconds), now())).one()
    assert (then - clock).total_seconds() == pytest.approx(seconds, abs=0.002)


def test_later_takes_an_expression_of_columns(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(insert(kept).values(id=30, moment=None))
        then, clock = connection.execute(select(later(kept.c.id * literal(2)), now()).select_from(kept)).one()
    assert (then - clock).total_seconds() == pytest.approx(60, abs=0.002)


def test_a_moment_is_compared_with_the_clock_as_an_instant(database: Database) -> None:
    clock = database.clock()
    early = clock.astimezone(timezone(timedelta(hours=9))) - timedelta(seconds=1)
    with database.transaction() as connection:
        connection.execute(insert(kept), [{"moment": early}, {"moment": clock + timedelta(seconds=60)}])
        found = connection.execute(select(kept.c.moment).where(kept.c.moment <= now())).scalars().all()
    assert found == [early]


def test_a_moment_of_the_clock_is_neither_before_nor_after_itself(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(insert(kept), [{"moment": database.clock()}])
        connection.execute(insert(kept).values(moment=now()))
        connection.execute(insert(kept).values(moment=later(60)))
        for moment in connection.execute(select(kept.c.moment)).scalars().all():
            same = kept.c.moment.between(moment, moment) & (kept.c.moment == moment)
            assert set(connection.execute(select(kept.c.moment).where(same)).scalars()) == {moment}


def test_the_clock_moves_within_a_transaction(database: Database) -> None:
    with database.transaction() as connection:
        first = connection.execute(select(now())).scalar_one()
        readings = (connection.execute(select(now())).scalar_one() for _ in range(10_000))
        assert any(reading > first for reading in readings)
