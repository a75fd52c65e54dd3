"""`campaigns preview`: what a campaign would cost, whom it would leave out, and how its texts look."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from campaigns.called import called
from worker.console.asking import audience_arguments, campaign_options, refused_in_words_of_the_command, source, spec
from worker.language import _, figure, ngettext

EPILOG = """\b
Examples:
  campaigns preview clients.csv --template 'Bonjour {{ nom }}, à bientôt.'
  campaigns preview clients.csv --template-file soldes.txt --transliterate --texts 10
  campaigns preview clients.xlsx --template 'Bonjour {{ nom }}' --account shop --json

It takes the options of `campaigns submit`: in a command that is right, `preview` becomes `submit`.
"""

MOST_PLACES = 12
"""How many countries are named that a window opens in."""

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
    for name, number, more in _figures(found):
        table.add_row(name, number, screen.plain(more))
    screen.out().print(table)
    for its in found.texts:
        _show_text(its)


def _figures(found: Any) -> Iterator[tuple[str, str, str]]:
    from worker.console.screen import counted

    yield _("rows read"), figure(found.rows), ""
    for reason, its in found.excluded.items():
        yield _("excluded: {reason}").format(reason=called(reason)), figure(its.count), _first(its)
    yield _("messages"), figure(found.messages), ""
    for size, count in found.segments.items():
        yield _("  of {segments}").format(segments=counted(size, "segment")), figure(count), ""
    yield _("segments"), figure(found.total_segments), ""
    yield from _alphabet(found)
    yield from _credits(found)
    yield from _begins(found)


def _begins(found: Any) -> Iterator[tuple[str, str, str]]:
    """From when on messages may leave, where there is a window."""
    from campaigns.reasons import retold

    for its in found.begins[:MOST_PLACES]:
        if its.opens_at is None:
            when = _("never: at no time is the window open in all time zones of {country}").format(country=its.place)
        else:
            when = _("from {when}").format(when=retold(its.when)) if its.when else _("at once: the window is open")
        yield _("may leave, by the clocks of {place}").format(place=its.place), figure(its.messages), when
    if others := sum(its.messages for its in found.begins[MOST_PLACES:]):
        yield _("  and others"), figure(others), ""


def _first(its: Any) -> str:
    """The first of those who are left out for one reason, and what is wrong there."""
    from campaigns.phone import masked
    from campaigns.reasons import retold

    number = masked(its.number) if its.number.strip() else _("no number at all")
    if its.why:
        return _("the first is row {row}, {number}: {why}").format(row=its.row, number=number, why=retold(its.why))
    return _("the first is row {row}, {number}").format(row=its.row, number=number)


def _alphabet(found: Any) -> Iterator[tuple[str, str, str]]:
    from worker.console.screen import counted

    costly = found.alphabets.get("ucs2", 0)
    if not costly:
        yield _("in UCS-2"), "0", _("every text fits the cheap alphabet (GSM-7)") if found.messages else ""
        return
    yield _("in UCS-2"), figure(costly), _("texts with a character that GSM-7 has not: 70 fit a segment, and not 160")
    for character, count in list(found.forcing.items())[:MOST_CHARACTERS]:
        yield _("  because of {character}").format(character=_named(character)), figure(count), ""
    if (others := len(found.forcing) - MOST_CHARACTERS) > 0:
        yield _("  and others"), "", counted(others, "more character")
    if found.saving is not None:
        yield _("--transliterate saves"), figure(max(found.saving.segments, 0)), _saving(found.saving)


def _saving(its: Any) -> str:
    from worker.console.screen import amount

    if its.segments <= 0:
        return _("segments")
    said = ngettext(
        "segments; {count} text would be shorter: {credits} credits less",
        "segments; {count} texts would be shorter: {credits} credits less",
        its.texts,
    )
    return said.format(count=figure(its.texts), credits=amount(its.credits))


def _named(character: str) -> str:
    shown = character if character.isprintable() and not unicodedata.combining(character) else ""
    return f"{shown} U+{ord(character):04X}".strip()


def _credits(found: Any) -> Iterator[tuple[str, str, str]]:
    from worker.console.screen import amount, moment

    yield _("credits"), amount(found.credits), _("estimated, by CREDIT_PRICES")
    if found.lookup_credits:
        yield _("for lookups"), amount(found.lookup_credits), _("by LOOKUP_PRICE")
    if found.balance is None:
        unknown = _("not known of the account {account!r}: `campaigns balance` asks the gateway")
        yield _("balance"), "?", unknown.format(account=found.account)
        return
    yield _("balance"), amount(found.balance), _("asked at {moment}").format(moment=moment(found.balance_asked_at))
    yield _("free"), amount(found.free), _("not promised to other campaigns")
    if found.shortfall:
        yield _("missing"), amount(found.shortfall), _("top the account up, or it will wait for that")


def _show_text(its: Any) -> None:
    from campaigns.phone import masked
    from worker.console import screen

    heading = _("row {row}, {number}, {segments} ({alphabet}):").format(
        row=its.row,
        number=masked(str(its.number)),
        segments=screen.counted(its.segments, "segment"),
        alphabet="UCS-2" if its.alphabet == "ucs2" else "GSM-7",
    )
    click.echo(f"\n{heading}")
    for line in its.text.split("\n"):
        screen.out().print(screen.plain(f"  {line}"))
