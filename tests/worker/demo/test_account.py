"""The demo's verdict."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from campaigns import Progress
from worker.demo.account import Account
from worker.language import speak

MOMENT = datetime(2026, 1, 5, 9, tzinfo=UTC)
PROGRESS = Progress(
    id=1,
    name="demo",
    account="demo",
    key=None,
    state="completed",
    paused_at=None,
    reason=None,
    created_at=MOMENT,
    scheduled_at=None,
    completed_at=MOMENT,
    recipients=105,
    expanded=105,
    excluded={"invalid": 3, "duplicate": 2},
    messages=100,
    by_status={"delivered": 90, "undelivered": 4, "network_error": 1, "rejected": 2, "unreported": 1, "refused": 2},
    batches={"accepted": 1},
    segments=100,
    credits_estimated=Decimal(100),
    credits_held=Decimal(0),
    credits_posted=Decimal(98),
    credits_refunded=Decimal(2),
    in_doubt_attempts=0,
    duplicates=0,
    retry_of=None,
    retries=(),
    window=None,
    window_zone=None,
    window_opens_at=None,
    waits_for=None,
    adds_up=True,
)
LEDGER = {"recipients": 98, "credits": 98, "refunded": 2, "duplicates": 0}
ACCOUNT = Account(progress=PROGRESS, ledger=LEDGER, seconds=8.004, seconds_to_last_report=4.0)


def test_an_account_that_agrees_with_the_gateway_s_adds_up() -> None:
    assert all(ACCOUNT.checks().values())
    assert ACCOUNT.adds_up


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"recipients": 106}, "every row read is a message or is excluded"),
        ({"adds_up": False}, "every message is in one final state"),
        ({"completed_at": None}, "every message is in one final state"),
        ({"by_status": {**PROGRESS.by_status, "unreported": 0, "in_flight": 1}}, "every message is in one final state"),
        ({"by_status": {**PROGRESS.by_status, "refused": 1}}, "the gateway took as many as we say"),
        ({"credits_refunded": Decimal(1)}, "the gateway charged as much as we say"),
    ],
    ids=[
        "a row lost",
        "a message lost",
        "not ended",
        "one in flight",
        "one too many at the gateway",
        "a refund missed",
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, object], sentence: str) -> None:
    account = replace(ACCOUNT, progress=replace(PROGRESS, **changes))
    assert [said for said, holds in account.checks().items() if not holds] == [sentence]
    assert not account.adds_up


def test_a_duplicate_in_the_ledger_is_named() -> None:
    account = replace(ACCOUNT, ledger={**LEDGER, "duplicates": 1})
    assert [said for said, holds in account.checks().items() if not holds] == ["nobody was texted twice"]


def test_the_json_has_every_figure_and_its_statuses_sum_up() -> None:
    said = ACCOUNT.as_json()
    assert {name: said[name] for name in list(said)[:13]} == {
        "recipients": 105,
        "excluded": 5,
        "messages": 100,
        "delivered": 90,
        "undelivered": 7,
        "unreported": 1,
        "in_doubt": 0,
        "refused": 2,
        "credits": 96,
        "duplicates": 0,
        "adds_up": True,
        "seconds": 8.0,
        "messages_per_second": 25.0,
    }


def test_the_table_shows_each_reason_status_and_check() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(replace(ACCOUNT, ledger={**LEDGER, "duplicates": 1}).drawn())
    text = console.file.getvalue()
    for line in ("excluded: duplicate", "network error", "credits spent", "duplicates at the gateway"):
        assert line in text
    assert text.count("yes") == 5  # with the account's own "adds up"
    assert text.count("NO") == 1


def test_it_is_drawn_in_the_language_spoken_and_its_json_is_not() -> None:
    before = ACCOUNT.as_json()
    speak("fr")
    try:
        console = Console(file=io.StringIO(), width=100)
        console.print(ACCOUNT.drawn())
        text = console.file.getvalue()
        assert re.search(r"personne n’a reçu le SMS deux fois +oui", text)
        assert re.search(r"secondes, attente des messages muets comprise +8,0", text)
        assert ACCOUNT.as_json() == before
    finally:
        speak("en")
