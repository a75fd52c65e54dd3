"""What the beat asks for every few seconds, whether there is anything to do or not: traces and logs are spared it."""

from __future__ import annotations

TASKS = frozenset(
    {
        "campaigns.sweep",
        "campaigns.give_up_on_the_silent",
        "campaigns.ask_for_reports",
        "campaigns.ask_for_balances",
    }
)

NOTHING = "nothing to do"
"""What such a task returns that found nothing."""
