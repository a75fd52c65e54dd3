"""`campaigns doctor`: what is wrong, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from worker.findings import Finding

EPILOG = """\b
Examples:
  campaigns doctor
  campaigns doctor --json
  campaigns doctor --offline
  campaigns doctor || mail -s "campaigns: trouble" you@example.org < /dev/null

\b
ok        nothing to do
warning   it may pass by itself, or can wait until morning
trouble   something stands still, or is about to: the exit status is 1
"""


@click.command(epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the worst verdict, and every check.")
@click.option("--offline", is_flag=True, help="Ask no gateway: nothing leaves but to the database and the broker.")
def doctor(*, as_json: bool, offline: bool) -> None:
    """Look over the whole installation: settings, servers, gateways, workers, and what waits for a person.

    It reads, and changes nothing; each account's balance and senders are asked of its gateway, which costs nothing. Run
    it where a worker runs, with the worker's environment. It ends within a quarter of a minute, whatever hangs. Nothing
    private is shown, so that its output may be sent to anybody.
    """
    from worker.checks import Patient
    from worker.console import screen
    from worker.doctor import examine
    from worker.findings import Verdict, worst
    from worker.language import ENGLISH, _, speak

    if as_json:
        speak(ENGLISH)
    patient = Patient(offline=offline)
    patient.begin()
    with screen.err().status(_("looking")) as status:
        told = _("looking at: {check}")
        found = dict(examine(patient, looking=lambda name: status.update(told.format(check=_(name)))))
    verdict = worst(list(found.values()))
    if as_json:
        checks = [
            {"check": name, "verdict": each.verdict, "what": each.what, "do": each.remedy or None}
            for name, each in found.items()
        ]
        screen.print_json({"verdict": verdict, "checks": checks})
    else:
        screen.out().print(drawn(found))
        click.echo(summed_up(found))
    if verdict == Verdict.TROUBLE:
        raise SystemExit(1)


def drawn(found: Mapping[str, Finding]) -> Table:
    """The findings as a table: a row a check."""
    from worker.console import screen
    from worker.findings import Verdict
    from worker.language import _

    style = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.TROUBLE: "bold red"}
    table = screen.columns(_("check"), _("verdict"), _("what was found"), _("what to do"))
    for name, each in found.items():
        shown = screen.plain(_(each.verdict), style[each.verdict])
        quiet = "dim" if each.verdict == Verdict.OK else ""
        table.add_row(screen.plain(_(name), quiet), shown, screen.plain(each.what, quiet), screen.plain(each.remedy))
    return table


def summed_up(found: Mapping[str, Finding]) -> str:
    """In one line below the table, where a person looks first."""
    from collections import Counter

    from worker.findings import Verdict
    from worker.language import _, figure, ngettext

    counts = Counter(each.verdict for each in found.values())
    troubles, warnings = counts[Verdict.TROUBLE], counts[Verdict.WARNING]
    some = [
        ngettext("{count} trouble", "{count} troubles", troubles).format(count=figure(troubles)) if troubles else "",
        ngettext("{count} warning", "{count} warnings", warnings).format(count=figure(warnings)) if warnings else "",
    ]
    return ", ".join(filter(None, some)) or _("all is well")
