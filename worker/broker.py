"""Where the broker is, for workers and producers alike: what `REDIS_URL` and `BROKER_URL` say, and no more.

A host that only produces campaigns knows these and the database, and no account's password.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from campaigns.settings import DomainSettings, read
from worker.language import _

VISIBILITY_SECONDS = 600
"""After which the broker takes a worker for dead that has not come back, and hands its task to another one."""


def _as_celery_spells_it(url: str) -> str:
    kind = url.partition("://")[0].partition("+")[0]
    if "://" not in url or not kind.isalnum():  # it is not repeated: a password may be in it
        raise ValueError(_("it is no URL, such as redis://127.0.0.1:6379/0"))
    # Valkey speaks Redis's protocol, and Celery knows it by that name alone.
    spelled = "redis" + url.removeprefix("valkey") if url.startswith("valkey") else url
    if spelled == url and kind.lower() not in _known():  # a worker would end with Celery's own stack
        raise ValueError(_("Celery knows no broker called {kind!r}: write redis://… or amqp://…").format(kind=kind))
    return spelled


def _known() -> set[str]:
    from kombu.transport import TRANSPORT_ALIASES  # late: most commands need no broker, and this takes a moment

    return set(TRANSPORT_ALIASES)


class BrokerSettings(DomainSettings):
    """Settings of whoever rings."""

    redis_url: Annotated[str, AfterValidator(_as_celery_spells_it)] = Field(
        default="redis://127.0.0.1:6379/0", repr=False, description="the broker"
    )
    broker_url: Annotated[str, AfterValidator(_as_celery_spells_it)] | None = Field(
        default=None, repr=False, description="another broker, such as amqp://…; it wins"
    )

    @property
    def broker(self) -> str:
        """The broker's URL."""
        return self.broker_url or self.redis_url

    @property
    def transport_options(self) -> dict[str, Any]:
        """What only Redis and its like have to be told."""
        if not self.broker.startswith("redis"):
            return {}
        return {
            # A killed worker's bells come back within seconds; the sweep would ring them anew in any case.
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 5,
            # A producer whose broker is away waits for a moment and not for six seconds: the sweep finds its campaign.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
        }


@cache
def broker_settings() -> BrokerSettings:
    """This process's, read once. Raises SettingsError."""
    return read(BrokerSettings)
