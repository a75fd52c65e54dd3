"""`campaigns find`: everything that a person was sent, for whoever is asked about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import click

from worker.console.ids import ID
from worker.language import _

MOST = 50

EPILOG = """\b
Examples:
  campaigns find '+225 07 08 09 10 11'
  campaigns find 0708091011 --json
"""


@click.command(epilog=EPILOG)
@click.argument("number", metavar="NUMBER")
@click.option("--before", type=ID, metavar="ID", help="Only campaigns with an id below this one: the next page.")
@click.option(
    "-n", "--number", "most", default=MOST, show_default=True, type=click.IntRange(1, 10_000), help="How many."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")
def find(number: str, before: int | None, most: int, *, as_json: bool) -> None:
    """Show what a person was sent: each campaign with the status, when it was sent, when that changed, and the text.

    Campaigns that left the person out are in it, too, with the reason. NUMBER is written as people write it. Rows of a
    campaign that is not expanded yet are not looked at: `campaigns show` says how many these are. What was purged is
    not shown: texts after KEEP_TEXT_DAYS, and people after KEEP_NUMBERS_DAYS, unless NUMBERS_KEY still finds them.
    """
    import campaigns
    from campaigns.people import nameless
    from worker.console import screen

    found = campaigns.find_person(number, most=most, before=before)
    if as_json:
        screen.print_json([_as_json(contact) for contact in found])
    elif not found:
        nothing = _("no campaign below {id} has this number") if before else _("no campaign has this number")
        click.echo(nothing.format(id=before))
    else:
        _show(found)
    if not before and nameless():
        click.echo(_("not in it: campaigns whose numbers were purged, or hashed with another NUMBERS_KEY"), err=True)
    if len(found) >= most:
        options = (f"-n {most} " if most != MOST else "") + f"--before {found[-1].campaign_id}"
        click.echo(_("perhaps there are more: the same with {options}").format(options=options), err=True)


def _as_json(contact: Any) -> dict[str, Any]:
    its = {field.name: getattr(contact.entry, field.name) for field in fields(contact.entry)}
    return {
        "campaign_id": contact.campaign_id,
        "campaign": contact.campaign,
        "account": contact.account,
        **its,
        "text": contact.text,
    }


def _show(found: Sequence[Any]) -> None:
    from campaigns.called import called
    from worker.console import screen

    heads = (_("campaign"), "right"), _("name"), _("status"), _("sent"), _("changed"), _("text")
    table = screen.columns(*heads)
    for contact in found:
        entry = contact.entry
        table.add_row(
            str(contact.campaign_id),
            screen.plain(contact.campaign),
            called(entry.status) if entry.batch is not None else _("excluded: {why}").format(why=called(entry.status)),
            screen.moment(entry.sent_at) if entry.sent_at else "",
            screen.moment(entry.changed_at) if entry.changed_at else "",
            screen.plain(_text(contact)),
        )
    screen.out().print(table)


def _text(contact: Any) -> str:
    if contact.text is None and contact.entry.batch is not None:
        return _("(purged)")
    return str(contact.text or "")
