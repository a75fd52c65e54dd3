"""What is told of work: once it is committed, with the fields of the table, and about what it belongs to."""

import ast
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from campaigns import events
from campaigns.ahead import Ahead
from campaigns.database import Database

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO, "campaigns.events"):
        yield


def test_an_event_is_told_once_its_transaction_is_kept(
    any_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with any_database.transaction():
        events.tell(events.MOVED, campaign=7, state="sending")
        assert caplog.records == []
    (record,) = caplog.records
    assert (record.getMessage(), record.campaign, record.state) == ("campaign moved", 7, "sending")  # type: ignore[attr-defined]


def test_what_was_not_kept_is_not_told_and_the_next_transaction_tells_its_own_alone(
    any_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ZeroDivisionError):
        _tell_and_fail(any_database)
    with any_database.transaction():
        events.tell(events.RESUMED, campaign=8)
    assert [record.campaign for record in caplog.records] == [8]  # type: ignore[attr-defined]


def _tell_and_fail(database: Database) -> None:
    with database.transaction():
        events.tell(events.MOVED, campaign=7, state="sending")
        raise ZeroDivisionError


def test_amounts_are_plain_numbers_and_what_is_unknown_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    events.tell(events.SENT, credits=Decimal("1300.0000"), seconds=0.123456, code=None, size=1)
    events.tell(events.SENT, credits=Decimal("1.5"))
    first, second = (record.__dict__ for record in caplog.records)
    assert (first["credits"], first["seconds"], second["credits"]) == (1300, 0.123, 1.5)
    assert isinstance(first["credits"], int)
    assert "code" not in first


def test_ids_are_bound_for_as_long_as_the_work_takes_and_in_what_is_done_beside_it() -> None:
    with events.about(campaign=7), Ahead[dict[str, object]](10) as ahead:
        with events.about(batch=3):
            ahead.begin(lambda: dict(events.bound()))
            assert ahead.take() == {"campaign": 7, "batch": 3}
        assert events.bound() == {"campaign": 7}
    assert events.bound() == {}


def told() -> Iterator[tuple[str, set[str]]]:
    """Each call of `events.tell` in the code: the event, and its fields."""
    for path in [*(ROOT / "campaigns").glob("*.py"), *(ROOT / "worker").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "events.tell":
                fields = {str(keyword.arg) for keyword in node.keywords} - {"level"}
                for name in ast.walk(node.args[0]):
                    if isinstance(name, ast.Attribute) and name.attr.isupper() and hasattr(events, name.attr):
                        yield getattr(events, name.attr), fields


def test_the_table_of_events_is_what_the_code_tells() -> None:
    found: dict[str, set[str]] = {}
    for event, fields in told():
        found.setdefault(event, set()).update(fields)
    assert found == {event: set(fields) for event, fields in events.EVENTS.items()}
