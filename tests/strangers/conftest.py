"""A sandbox that has the accounts and the senders of the vendor's samples."""

from collections.abc import Iterator

import pytest

from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import RunningSandbox, running


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Everything is delivered at once, and every number looked up is reachable."""
    options = SandboxOptions(
        accounts={"toto@toto.fr": "123456", "particulier@smseco.com": "123456"},
        senders=("TOTO", "TEST"),
        credits=1_000,
        mix={"delivered": 1},
        delays=(0, 0),
        lookup_dead=0,
    )
    with running(options) as sandbox:
        yield sandbox
