"""Installations to be asked for by name; what they are made of is in `tests.system.installation`."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.servers.databases import Databases
from tests.system.installation import Installation, installation, quick
from worker import lifeline
from worker.embedded import valkey
from worker.sandbox.options import SandboxOptions

GATEWAYS = {
    "main": quick(),
    "small": quick(delays=(0.0, 0.1)),
    "lookups": quick(lookup_dead=0.0, delays=(0.0, 0.2)),
    "no_lookups": quick(enterprise=False),
    "doubts": quick(),
    "decisions": quick(),
    "exclusive": quick(),
    "away": quick(),
    "unreadable": quick(mix={"delivered": 1}),
}
"""One for each scenario that would disturb another."""

LOOKUP_DEADLINE = 600
"""Seconds; a scenario that is about it has them pass."""


@pytest.fixture(scope="session")
def shared(databases: Databases, valkey_server: str) -> Iterator[Installation]:
    """A running installation on PostgreSQL that scenarios share, each with the account of its own."""
    with ExitStack() as stack:
        folder = stack.enter_context(lifeline.folder("shared-"))
        url = stack.enter_context(databases.fresh())
        broker = stack.enter_context(valkey(stack.enter_context(lifeline.folder("valkey-"))))
        audiences = folder / "audiences"
        audiences.mkdir()
        settings = {"AUDIENCE_DIR": str(audiences), "LOOKUP_DEADLINE": str(LOOKUP_DEADLINE)}
        made = stack.enter_context(
            installation(
                folder,
                database_url=url,
                broker_url=broker,
                gateways=GATEWAYS,
                exclusive="exclusive",
                doors=["away"],
                settings=settings,
            )
        )
        made.start_worker()
        made.start_beat()
        yield made


Build = Callable[..., Installation]


@contextmanager
def building(databases: Databases) -> Iterator[Build]:
    """Makes installations; no worker runs in them yet.

    Arguments: the options of the one gateway (account `main`), or `gateways`; `doors`, by whom they are of; `settings`;
    `database_url` for another database than a fresh PostgreSQL.
    """
    with ExitStack() as stack:

        def make(
            *,
            gateways: dict[str, SandboxOptions] | None = None,
            settings: dict[str, str] | None = None,
            database_url: str | None = None,
            doors: Collection[str] = (),
            **options: Any,
        ) -> Installation:
            folder = stack.enter_context(lifeline.folder("own-"))
            url = database_url or stack.enter_context(databases.fresh())
            broker = stack.enter_context(valkey(stack.enter_context(lifeline.folder("valkey-"))))
            gateways = gateways or {"main": quick(**options)}
            return stack.enter_context(
                installation(
                    folder, database_url=url, broker_url=broker, gateways=gateways, doors=doors, settings=settings
                )
            )

        yield make


@pytest.fixture
def build(databases: Databases) -> Iterator[Build]:
    """Makes an installation of the test's own, to be killed at will."""
    with building(databases) as make:
        yield make


@pytest.fixture(scope="module")
def build_for_module(databases: Databases) -> Iterator[Build]:
    """Makes an installation that the tests of a module share."""
    with building(databases) as make:
        yield make
