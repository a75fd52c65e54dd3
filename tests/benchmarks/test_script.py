"""What the product is measured against still speaks to the gateway as the client's methods ask for."""

from queue import SimpleQueue
from unittest.mock import MagicMock

import pytest

from tests.benchmarks import script
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import running


def test_the_straight_script_sends_each_batch_as_a_mail_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script.psycopg, "connect", MagicMock())
    batches = list(script.batches(20))
    waiting: SimpleQueue[tuple[int, script.Batch] | None] = SimpleQueue()
    for item in (*enumerate(batches), None):
        waiting.put(item)
    with running(SandboxOptions(accounts={script.LOGIN: script.LOGIN}, senders=(script.SENDER,))) as sandbox:
        script.send("", sandbox.url, waiting)
        sent = sandbox.ledger()
    numbers = [str(number) for numbers, _ in batches for number in numbers]
    assert [line["destination"] for line in sent] == numbers
    assert all("{" not in line["text"] for line in sent)
