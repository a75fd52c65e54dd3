"""A campaign's account on a page and in JSON."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console

from campaigns import Progress
from campaigns.progress import AS_ITS_BATCH
from campaigns.states import CampaignState, MessageStatus
from worker.console.account import IN_ORDER, as_json, drawn
from worker.console.listing import STATES

MOMENT = datetime(2026, 1, 5, 9, tzinfo=UTC)
DONE = Progress(
    id=12,
    name="Rappel",
    account="default",
    key="k",
    state="completed",
    paused_at=None,
    reason=None,
    created_at=MOMENT,
    scheduled_at=None,
    completed_at=MOMENT,
    recipients=1_105,
    expanded=1_105,
    excluded={"invalid": 5},
    messages=1_100,
    by_status={"unreported": 1, "delivered": 1_090, "network_error": 9},
    batches={"accepted": 2, "refused": 1},
    segments=1_100,
    credits_estimated=Decimal(1100),
    credits_held=Decimal(0),
    credits_posted=Decimal("1100.5"),
    credits_refunded=Decimal("1.5"),
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
SENDING = replace(
    DONE,
    state="sending",
    completed_at=None,
    expanded=1_005,
    by_status={"pending": 90, "sending": 10, "in_flight": 1_000},
)
PAUSED = replace(SENDING, paused_at=MOMENT, waits_for="a person to resume it: [red]login refused")


def page(progress: Progress) -> str:
    console = Console(file=io.StringIO(), width=200, markup=False)
    console.print(drawn(progress))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_the_page_is_aligned_and_adds_up() -> None:
    assert (
        page(DONE)
        == """\
Campaign 12  Rappel
completed at 2026-01-05 09:00:00 UTC
account default, key k, submitted at 2026-01-05 09:00:00 UTC

rows read            1,105
  excluded: invalid      5
messages             1,100
  delivered          1,090   99.1%
  network error          9    0.8%
  unreported             1    0.1%
batches                  3  2 accepted, 1 refused
credits spent        1,099  1,100.5 posted, 1.5 refunded
credits estimated    1,100  for 1,100 segments
adds up                yes"""
    )


def test_a_page_that_does_not_add_up_says_so() -> None:
    assert page(replace(DONE, adds_up=False)).splitlines()[-1].split() == ["adds", "up", "NO"]


def test_a_paused_campaign_says_what_it_waits_for() -> None:
    assert "sending, paused\nwaits for a person to resume it: [red]login refused\n" in page(PAUSED)


def test_rows_that_are_not_expanded_yet_are_a_line_of_their_own() -> None:
    assert "  not expanded yet     100\n" in page(SENDING)


def test_json_has_what_follows_from_the_figures() -> None:
    figures = as_json(DONE)
    assert (figures["credits_spent"], figures["open"], figures["finished"]) == (Decimal(1099), 0, True)


def test_every_status_and_state_has_its_place() -> None:
    words = set(AS_ITS_BATCH.values()) | {status.name.lower() for status in MessageStatus if status.rank > 1}
    assert words == set(IN_ORDER)
    assert list(STATES) == list(CampaignState)


def test_a_window_is_shown_with_whose_clocks_it_goes_by_and_when_it_opens() -> None:
    open_ = replace(SENDING, window="mon-fri 08:00-20:00", window_zone="Africa/Abidjan")
    closed = replace(open_, window_zone="recipient", window_opens_at=MOMENT)

    assert "\nsent within mon-fri 08:00-20:00, by the clocks of Africa/Abidjan\n" in page(open_)
    assert "by the clocks of each number's country; opens next at 2026-01-05 09:00:00 UTC\n" in page(closed)
    assert "sent within" not in page(SENDING)
