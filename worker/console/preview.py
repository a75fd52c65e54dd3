"""`campaigns preview`: what a campaign would cost, whom it would leave out, and how its texts look."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from worker.console.asking import audience_arguments, campaign_options, refused_in_words_of_the_command, source, spec

EPILOG = """\b
Examples:
  campaigns preview clients.csv --template 'Bonjour {{ nom }}, à bientôt.'
  campaigns preview clients.csv --template-file soldes.txt --transliterate --texts 10
  campaigns preview clients.xlsx --template 'Bonjour {{ nom }}' --account shop --json

It takes the options of `campaigns submit`: in a command that is right, `preview` becomes `submit`.
"""

MOST_CHARACTERS = 12
"""How many characters are named of those that cost money."""


@click.command(epilog=EPILOG)
@audience_arguments
@click.option("--name", default="preview", metavar="NAME", help="Not needed: it is taken so that `submit` is near.")
@campaign_options
@click.option("--texts", type=click.IntRange(0, 1_000), default=3, show_default=True, metavar="N",
              help="How many of the first texts are shown.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; numbers in it are masked, too.")
def preview(audience: str | None, audience_id: int | None, *, texts: int, as_json: bool, **asked: Any) -> None:
    """Say what a campaign would be, and send and store nothing.

    AUDIENCE is read to its end, a million rows in some seconds. Its numbers are shown masked, its first texts whole.
    The balance is what the database knows of it: the gateway is not asked.
    """
    import campaigns

    said = spec(**asked)
    with refused_in_words_of_the_command(), source(audience, audience_id) as opened:
        found = campaigns.preview(said, opened, texts=texts)
    if as_json:
        _print_json(found)
    else:
        _show(found)


def _print_json(found: Any) -> None:
    from campaigns.phone import masked
    from worker.console import screen

    figures = asdict(found) | {"total_segments": found.total_segments, "shortfall": found.shortfall}
    for its in (*figures["excluded"].values(), *figures["texts"]):
        its["number"] = masked(str(its["number"]))
    screen.print_json(figures)


def _show(found: Any) -> None:
    from worker.console import screen

    table = screen.columns("", ("", "right"), "")
    table.show_header = False
    for name, figure, more in _figures(found):
        table.add_row(name, figure, screen.plain(more))
    screen.out().print(table)
    for its in found.texts:
        _show_text(its)


def _figures(found: Any) -> Iterator[tuple[str, str, str]]:
    from campaigns.phone import masked
    from worker.console.screen import counted

    yield "rows read", f"{found.rows:,}", ""
    for reason, its in found.excluded.items():
        first = f"{masked(its.number)}" if its.number.strip() else "no number at all"
        why = f": {its.why}" if its.why else ""
        yield f"excluded: {reason.replace('_', ' ')}", f"{its.count:,}", f"the first is row {its.row}, {first}{why}"
    yield "messages", f"{found.messages:,}", ""
    for size, count in found.segments.items():
        yield f"  of {counted(size, 'segment')}", f"{count:,}", ""
    yield "segments", f"{found.total_segments:,}", ""
    yield from _alphabet(found)
    yield from _credits(found)


def _alphabet(found: Any) -> Iterator[tuple[str, str, str]]:
    from worker.console.screen import amount, counted

    costly = found.alphabets.get("ucs2", 0)
    if not costly:
        yield "in UCS-2", "0", "every text fits the cheap alphabet (GSM-7)" if found.messages else ""
        return
    yield "in UCS-2", f"{costly:,}", "texts with a character that GSM-7 has not: 70 fit a segment, and not 160"
    for character, count in list(found.forcing.items())[:MOST_CHARACTERS]:
        yield f"  because of {_named(character)}", f"{count:,}", ""
    if len(found.forcing) > MOST_CHARACTERS:
        yield "  and others", "", counted(len(found.forcing) - MOST_CHARACTERS, "more character")
    if found.saving is None:
        return
    if found.saving.segments > 0:
        brings = f"{counted(found.saving.texts, 'text')} would be shorter: {amount(found.saving.credits)} credits less"
        yield "--transliterate saves", f"{found.saving.segments:,}", f"segments; {brings}"
    else:
        yield "--transliterate saves", "0", "segments"


def _named(character: str) -> str:
    shown = character if character.isprintable() and not unicodedata.combining(character) else ""
    return f"{shown} U+{ord(character):04X}".strip()


def _credits(found: Any) -> Iterator[tuple[str, str, str]]:
    from worker.console.screen import amount, moment

    yield "credits", amount(found.credits), "estimated, by CREDIT_PRICES"
    if found.lookup_credits:
        yield "for lookups", amount(found.lookup_credits), "by LOOKUP_PRICE"
    if found.balance is None:
        yield "balance", "?", f"not known of the account {found.account!r}: `campaigns balance` asks the gateway"
        return
    yield "balance", amount(found.balance), f"asked at {moment(found.balance_asked_at)}"
    yield "free", amount(found.free), "not promised to other campaigns"
    if found.shortfall:
        yield "missing", amount(found.shortfall), "top the account up, or it will wait for that"


def _show_text(its: Any) -> None:
    from campaigns.phone import masked
    from worker.console import screen

    alphabet = "UCS-2" if its.alphabet == "ucs2" else "GSM-7"
    click.echo(f"\nrow {its.row}, {masked(str(its.number))}, {screen.counted(its.segments, 'segment')} ({alphabet}):")
    for line in its.text.split("\n"):
        screen.out().print(screen.plain(f"  {line}"))
