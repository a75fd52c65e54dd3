"""The sweep wakes whoever has something to do, whatever else is broken."""

import pytest

from campaigns import bells
from campaigns.database import Database
from tests.campaigns.making import fund, numbers, submitted
from tests.worker.workshop import ScriptedGateway, Workshop
from worker import sending, sweeping


def test_a_look_that_breaks_keeps_no_other_from_being_made(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_resources: object) -> int:
        raise RuntimeError("one bad batch")

    monkeypatch.setitem(sweeping.LOOKS, "batches cleaned", broken)
    submitted(any_database, numbers(3))
    workshop = Workshop(any_database, ScriptedGateway())
    with pytest.raises(RuntimeError, match="one bad batch"):
        sweeping.sweep(workshop)
    assert [bell.key for bell in workshop.rung] == ["fund:default"]


def test_a_lane_that_is_taken_is_passed_over(any_database: Database) -> None:
    submitted(any_database, numbers(3))
    fund(any_database)
    bells.ring(any_database, bells.send("default", 1), lambda *_: None)
    workshop = Workshop(any_database, ScriptedGateway())
    sending.wake_lanes(workshop, "default")
    assert [bell.key for bell in workshop.rung] == ["send:default:2"]
