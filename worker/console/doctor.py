"""`campaigns doctor`: what is wrong, and what to do."""

from __future__ import annotations

import click

EPILOG = """\b
Examples:
  campaigns doctor
  campaigns doctor --json
  campaigns doctor || mail -s "campaigns: trouble" you@example.org < /dev/null

\b
ok        nothing to do
warning   it may pass by itself, or can wait until morning
trouble   something stands still, or is about to: the exit status is 1
"""


@click.command(epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the worst verdict, and every check.")
def doctor(*, as_json: bool) -> None:
    """Look over the whole installation: settings, database, broker, the sweep, and what waits for a person.

    It reads, and changes nothing. Run it where a worker runs, with the worker's environment. Nothing private is shown,
    so that its output may be sent to anybody.
    """
    from worker.checks import Patient
    from worker.console import screen
    from worker.doctor import examine
    from worker.findings import Verdict, worst
    from worker.language import ENGLISH, _, speak

    if as_json:
        speak(ENGLISH)
    found = dict(examine(Patient()))
    verdict = worst(list(found.values()))
    if as_json:
        checks = [
            {"check": name, "verdict": each.verdict, "what": each.what, "do": each.remedy or None}
            for name, each in found.items()
        ]
        screen.print_json({"verdict": verdict, "checks": checks})
    else:
        style = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.TROUBLE: "bold red"}
        table = screen.columns(_("check"), _("verdict"), _("what was found"), _("what to do"))
        for name, each in found.items():
            shown = screen.plain(_(each.verdict), style[each.verdict])
            table.add_row(_(name), shown, screen.plain(each.what), screen.plain(each.remedy))
        screen.out().print(table)
    if verdict == Verdict.TROUBLE:
        raise SystemExit(1)
