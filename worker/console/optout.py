"""`campaigns optout`: the people who want no texts. What is kept of them, the domain says (`campaigns.unwanted`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import click

from worker.language import N_, _, figure

EPILOG = """\b
Examples:
  campaigns optout add '+225 07 08 09 10 11' 0505060708 --source 'hotline, 12 March'
  campaigns optout add 0505060708 --account shop
  campaigns optout import stops.csv
  campaigns optout list 0505060708
  campaigns optout remove 0505060708

Who has opted out is excluded from each campaign, as opted_out, be it submitted already: only a batch that was claimed
before may still leave.
"""

MOST = 50
HASHED = N_("hashed")
ALL_ACCOUNTS = N_("all accounts")
DONE = {
    "rows": N_("{count} rows"),
    "added": N_("{count} added"),
    "removed": N_("{count} removed"),
    "known": N_("{count} known"),
    "invalid": N_("{count} invalid"),
}

_NUMBERS = click.argument("numbers", metavar="NUMBER…", nargs=-1, required=True)
_ACCOUNT = click.option("--account", metavar="NAME", help="Only for this account.  [default: for all of them]")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object of counts.")


@click.group(epilog=EPILOG)
def optout() -> None:
    """Keep the lists of people who want no texts: one for all accounts, and one for each.

    Numbers are written as in an audience. With OPT_OUT_KEY only hashes of them are kept: then a list can be asked about
    a number, and shows none.
    """


@optout.command(epilog="\b\nExample:\n  campaigns optout add '+225 07 08 09 10 11' --source 'hotline, 12 March'")
@_NUMBERS
@_ACCOUNT
@click.option("--source", default="command line", show_default=True, help="Where it is known from.")
@_JSON
def add(numbers: tuple[str, ...], account: str | None, source: str, *, as_json: bool) -> None:
    """Put people on the list; who is on it stays there. If one of the numbers is none, nothing is done."""
    import campaigns

    _tell({"added": campaigns.opt_out(*numbers, account=_known(account), source=source)}, as_json=as_json)


@optout.command(epilog="\b\nExample:\n  campaigns optout remove '+225 07 08 09 10 11'")
@_NUMBERS
@click.option("--account", metavar="NAME", help="Only from this account's list.  [default: from all lists]")
@_JSON
def remove(numbers: tuple[str, ...], account: str | None, *, as_json: bool) -> None:
    """Take people off the lists: they may be texted again, by campaigns that are not expanded yet."""
    import campaigns

    counts = {"removed": campaigns.opt_in(*numbers, account=account)}
    _tell(counts, as_json=as_json)
    if still := len(campaigns.opted_out(*numbers)):
        told = _("still on other lists: {count}; to see them: campaigns optout list NUMBER")
        click.echo(told.format(count=figure(still)), err=True)


@optout.command(name="import", epilog="\b\nExamples:\n  campaigns optout import stops.xlsx --account shop\n"
                "  campaigns optout list --all --numbers | cut -f1 | campaigns optout import -")  # fmt: skip
@click.argument("audience", metavar="FILE")
@_ACCOUNT
@click.option("--source", help="Where it is known from.  [default: the file's name]")
@click.option("--number-column", metavar="NAME", help="The column with the numbers, where it cannot be told.")
@_JSON
def import_(
    audience: str, account: str | None, source: str | None, number_column: str | None, *, as_json: bool
) -> None:
    """Put everybody in a file on the list: CSV, TSV, XLSX, XLS or ODS, or - for standard input.

    Rows without a mobile number are counted and passed over, and the exit status is 1 then. The same file may be
    imported again, if it was interrupted for example: who is on the list stays there.
    """
    from dataclasses import asdict
    from pathlib import Path

    import campaigns
    from worker.console import intake

    known = _known(account)
    named = source if source is not None else Path(audience).name if audience != intake.STDIN else "standard input"
    try:
        with intake.audience(audience) as opened:
            done = campaigns.import_opt_outs(opened, account=known, source=named, number_column=number_column)
    except campaigns.AudienceError as refused:
        raise click.ClickException(str(refused).replace("number_column", "--number-column")) from None
    _tell({name: count for name, count in asdict(done).items() if name != "first_invalid"}, as_json=as_json)
    if done.invalid:
        rows = ", ".join(map(str, done.first_invalid)) + (", …" if done.invalid > len(done.first_invalid) else "")
        raise click.ClickException(
            _("without a mobile number: row {rows}; all others are on the list").format(rows=rows)
        )


@optout.command(name="list", epilog="\b\nExamples:\n  campaigns optout list\n  campaigns optout list 0505060708\n"
                "  campaigns optout list --account shop --all --numbers > shop.tsv")  # fmt: skip
@click.argument("numbers", metavar="[NUMBER]…", nargs=-1)
@click.option("--account", metavar="NAME", help="Only this account's list.  [default: all lists]")
@click.option("--numbers", "whole", is_flag=True, help="Show whole numbers, where they are kept.")
@click.option("-n", "--number", "most", default=MOST, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--all", "everybody", is_flag=True, help="All there are.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")
def list_(
    numbers: tuple[str, ...], account: str | None, *, whole: bool, most: int, everybody: bool, as_json: bool
) -> None:
    """List who has opted out: the number, masked, the account, when, and where it is known from; tabs between them.

    With NUMBERs, only what is kept of these people.
    """
    import campaigns
    from campaigns.optouts import listing
    from worker.console import screen

    if numbers:
        found = iter([entry for entry in campaigns.opted_out(*numbers) if account in (None, entry.account)])
    else:
        found = listing(account)
    some = found if everybody else islice(found, most)
    if as_json:
        screen.print_json([_as_json(entry, whole=whole) for entry in some])
    else:
        _show(some, whole=whole)
    if next(found, None) is not None:
        click.echo(_("there are more: --all lists them"), err=True)


def _show(entries: Iterator[Any], *, whole: bool) -> None:
    from worker.console import screen

    first = next(entries, None)
    if first is None:
        click.echo(_("nobody: no entry was found"), err=True)
        return
    for entry in chain([first], entries):
        click.echo("\t".join(screen.plain(word).plain for word in _words(entry, whole=whole)))


def _as_json(entry: Any, *, whole: bool) -> dict[str, Any]:
    number, account = _number(entry, whole=whole) or HASHED, entry.account or ALL_ACCOUNTS
    return {"number": number, "account": account, "at": entry.at, "source": entry.source}


def _words(entry: Any, *, whole: bool) -> tuple[str, str, str, str]:
    from campaigns.reasons import retold
    from worker.console import screen

    number, account = _number(entry, whole=whole) or _(HASHED), entry.account or _(ALL_ACCOUNTS)
    return number, account, screen.moment(entry.at), retold(entry.source)


def _number(entry: Any, *, whole: bool) -> str | None:
    """As it is shown; None of one of which only a hash is kept."""
    from campaigns.phone import masked

    if entry.number is None:
        return None
    return f"+{entry.number}" if whole else masked(str(entry.number))


def _known(account: str | None) -> str | None:
    """The account, if there is one of this name; raises ClickException: a typing error would leave somebody texted."""
    from contextlib import suppress

    from campaigns.settings import SettingsError
    from worker.console.known import require_account
    from worker.settings import settings

    if account is None:
        return None
    with suppress(SettingsError):  # a producer's host has none
        if account in settings().accounts:
            return account
    require_account(account)
    return account


def _tell(counts: dict[str, int], *, as_json: bool) -> None:
    from worker.console import screen

    if as_json:
        screen.print_json(counts)
    else:
        click.echo(", ".join(_(DONE[name]).format(count=figure(count)) for name, count in counts.items()))
