"""`campaigns doubts`: the requests of which nobody knows whether the gateway took them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from worker.console.ids import ID
from worker.language import N_, _, figure, ngettext

MOST = 50

WIDE = 110
"""Columns from which on a table has room for what becomes of a doubt."""

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

VERDICTS = {"taken": N_("paid for: taken"), "not_taken": N_("not paid for: not taken")}
ACTS = {"resend": N_("sent again at {moment}"), "write_off": N_("written off at {moment}")}


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
    from campaigns import open_doubts, progress
    from worker.console import screen
    from worker.console.known import require_account

    found = open_doubts(account=account, campaign_id=campaign_id, after=after or 0, most=most)
    if not found:
        require_account(account)
        if campaign_id is not None:
            progress(campaign_id)  # which raises if there is none
    if as_json:
        screen.print_json([_as_json(doubt) for doubt in found])
    elif not found:
        click.echo(_("nothing is in doubt"))
    else:
        _show(found)
    if len(found) == most:
        asked = {"account": account, "campaign": campaign_id}
        which = "".join(f" --{name} {value}" for name, value in asked.items() if value is not None)
        more = f"campaigns doubts{which} --after {found[-1].attempt_id}"
        click.echo(_("perhaps there are more: {command}").format(command=more), err=True)


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

    if screen.out().width < WIDE:
        for doubt in found:
            screen.out().print(screen.plain(_told(doubt)))
    else:
        screen.out().print(_table(found))
    click.echo(
        _("credits: at stake; before, after: the account's balance; to decide: campaigns resolve ATTEMPT --help")
    )


def _told(doubt: Any) -> str:
    """The same without a table: in a narrow one figures would break in the middle."""
    from worker.console import screen

    before, after = _balances(doubt)
    return _(
        "attempt {attempt}: campaign {campaign}, batch {batch}: {numbers}, {credits}, {age} old, "
        "before {before}, after {after}: {hints}"
    ).format(
        attempt=doubt.attempt_id,
        campaign=doubt.campaign_id,
        batch=doubt.batch,
        numbers=screen.counted(doubt.numbers, "number"),
        credits=screen.credit(doubt.credits),
        age=screen.lasting(doubt.age),
        before=before,
        after=after,
        hints="; ".join(_hints(doubt)),
    )


def _table(found: Sequence[Any]) -> Any:
    from worker.console import screen

    figures = (_("attempt"), _("campaign"), _("batch"), _("numbers"), _("age"), _("credits"), _("before"), _("after"))
    table = screen.columns(*[(name, "right") for name in figures], _("what becomes of it"))
    for doubt in found:
        table.add_row(
            str(doubt.attempt_id),
            str(doubt.campaign_id),
            str(doubt.batch),
            figure(doubt.numbers),
            screen.lasting(doubt.age),
            screen.amount(doubt.credits),
            *_balances(doubt),
            screen.plain("; ".join(_hints(doubt))),
        )
    return table


def _balances(doubt: Any) -> list[str]:
    from worker.console import screen

    told = doubt.witness
    return ["–" if reading is None else screen.amount(reading.credits) for reading in (told.before, told.after)]


def _hints(doubt: Any) -> list[str]:
    from worker.console import screen

    hints = []
    if doubt.witness.verdict is not None:
        hints.append(_(VERDICTS[doubt.witness.verdict]))
    if doubt.msgfid is not None:
        hints.append(_("its broken reply had the gateway's id: most probably taken"))
    if doubt.of_a_backup:
        hints.append(_("of the time since a backup that was restored: held for a person"))
    elif doubt.acts_at is not None:
        hints.append(_(ACTS[doubt.policy]).format(moment=screen.moment(doubt.acts_at)))
    elif doubt.policy == "resend":
        held = _("held for a person, though its policy is resend: {reason}")
        hints.append(held.format(reason=_why_held(doubt)))
    else:
        hints.append(_("held for a person"))
    return hints


def _why_held(doubt: Any) -> str:
    from campaigns.policies import PAID_FOR, RESENDS_BY_POLICY
    from campaigns.reasons import retold

    if doubt.msgfid is not None or doubt.witness.verdict == "taken":
        return _("it was most probably taken")
    if (doubt.detail or "").endswith(PAID_FOR):
        return retold(PAID_FOR)
    if doubt.resent >= RESENDS_BY_POLICY:
        return ngettext("sent again {count} times already", "sent again {count} times already", doubt.resent).format(
            count=doubt.resent
        )
    return _("its campaign is paused")
