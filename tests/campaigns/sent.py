"""A `Ring` that notes the tasks it is to send, for tests of bells; and time that goes by for these."""

from datetime import timedelta

from sqlalchemy import update

from campaigns.bells import Bell
from campaigns.database import Database
from campaigns.models import bells as table


class Sent(list[tuple[Bell, int, float]]):
    """Tasks that were sent; a `Ring`."""

    def __call__(self, bell: Bell, serial: int, after: float) -> None:
        self.append((bell, serial, after))

    @property
    def last(self) -> int:
        """The serial of the task that was sent last."""
        return self[-1][1]


def wait(database: Database, seconds: float) -> None:
    """As if so many seconds had gone by."""
    with database.transaction() as connection:
        for key, until in connection.execute(table.select().with_only_columns(table.c.key, table.c.until)).all():
            earlier = until - timedelta(seconds=seconds)
            connection.execute(update(table).where(table.c.key == key).values(until=earlier))
