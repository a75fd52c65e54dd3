"""`campaigns doubts`: the requests of which nobody knows whether the gateway took them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from worker.console.ids import ID

MOST = 50

EPILOG = """\b
Examples:
  campaigns doubts
  campaigns doubts --campaign 12
  campaigns doubts --account abidjan --json

\b
What to do with one of them:
  the gateway's operator says that it was taken      campaigns resolve ATTEMPT accepted --reason …
  it was not, or rather twice than never             campaigns resolve ATTEMPT resend --reason …
  it is too late to text anybody                     campaigns resolve ATTEMPT write-off --reason …
"""

VERDICTS = {"taken": "paid for: taken", "not_taken": "not paid for: not taken"}


@click.command(epilog=EPILOG)
@click.option("--account", metavar="NAME", help="Only requests of this account.")
@click.option("--campaign", "campaign_id", type=ID, metavar="ID", help="Only requests of this campaign.")
@click.option("--after", type=ID, metavar="ATTEMPT", help="Only attempts above this one: the next page.")
@click.option(
    "-n", "--number", "most", default=MOST, show_default=True, type=click.IntRange(1, 1_000), help="How many."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")
def doubts(account: str | None, campaign_id: int | None, after: int | None, most: int, *, as_json: bool) -> None:
    """List requests in doubt, the oldest first: they left, and no proper reply came back.

    Most are settled by their delivery reports within minutes. For what is left, each line says how many people it was
    for, what it may have cost, what the gateway said of the account's credits before it and after, and what becomes of
    it: its campaign's policy (in_doubt) acts when its time has come, or a person decides, with `campaigns resolve`.
    """
    from campaigns import open_doubts
    from worker.console import screen

    found = open_doubts(account=account, campaign_id=campaign_id, after=after or 0, most=most)
    if as_json:
        screen.print_json([_as_json(doubt) for doubt in found])
    elif not found:
        click.echo("nothing is in doubt")
    else:
        _show(found)
    if len(found) == most:
        click.echo(f"perhaps there are more: campaigns doubts --after {found[-1].attempt_id}", err=True)


def _as_json(doubt: Any) -> dict[str, Any]:
    told = doubt.witness
    plain = {name: value for name, value in vars(doubt).items() if name not in ("witness", "asked_at")}
    return {
        **plain,
        "age": round(doubt.age, 3),
        "acts_at": doubt.acts_at,
        "balance_before": told.before and told.before.credits,
        "balance_after": told.after and told.after.credits,
        "verdict": told.verdict,
    }


def _show(found: Sequence[Any]) -> None:
    from worker.console import screen

    right = [(name, "right") for name in ("numbers", "age", "credits", "before", "after")]
    table = screen.columns(
        ("attempt", "right"), ("campaign", "right"), ("batch", "right"), *right, "what becomes of it"
    )
    for doubt in found:
        told = doubt.witness
        table.add_row(
            str(doubt.attempt_id),
            str(doubt.campaign_id),
            str(doubt.batch),
            f"{doubt.numbers:,}",
            age(doubt.age),
            screen.amount(doubt.credits),
            *["–" if reading is None else screen.amount(reading.credits) for reading in (told.before, told.after)],
            screen.plain("; ".join(_hints(doubt))),
        )
    screen.out().print(table)
    click.echo("credits: at stake; before, after: the account's balance; to decide: campaigns resolve ATTEMPT --help")


def _hints(doubt: Any) -> list[str]:
    from worker.console import screen

    hints = []
    if doubt.witness.verdict is not None:
        hints.append(VERDICTS[doubt.witness.verdict])
    if doubt.msgfid is not None:
        hints.append("its broken reply had the gateway's id: most probably taken")
    if doubt.acts_at is not None:
        hints.append(f"{doubt.policy.replace('_', ' ')} at {screen.moment(doubt.acts_at)}")
    elif doubt.policy == "resend":
        why = f"sent again {doubt.resent} times already" if doubt.resent else "not while paused, or probably taken"
        hints.append(f"held for a person, though its policy is resend: {why}")
    else:
        hints.append("held for a person")
    return hints


def age(seconds: float) -> str:
    """How long ago, as short as it is useful: `40 s`, `12 min`, `5 h`, `3 d`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
