"""`campaigns forget`: a person is taken out of all that is kept (see `campaigns.forgetting`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from worker.language import N_, _, figure

if TYPE_CHECKING:
    from campaigns.forgetting import Forgotten

DONE = {
    "campaigns": N_("campaigns that had this person"),
    "messages": N_("messages that are nobody's now"),
    "left_out": N_("rows that got no message, nobody's now"),
    "withdrawn": N_("of these, messages that were still to be sent"),
    "rows": N_("rows of audiences, emptied"),
    "bodies": N_("raw reports that had the number"),
}

NOT_YET = {
    "in_the_air": N_("campaign {id}: a request with this person is being made; ask again in some minutes"),
    "in_doubt": N_(
        "campaign {id}: what became of a request with this person is in doubt, or was until lately; `campaigns doubts`"
        " lists what waits for you, and seven days after a decision no report can tell any more"
    ),
    "unreported": N_(
        "campaign {id}: the report of the message is awaited; ask again when it is there, REPORT_DEADLINE later at last"
    ),
    "expanding": N_("campaign {id}: its rows are being read, this person's perhaps already; ask again when they are"),
}

EPILOG = """\b
Examples:
  campaigns forget '+225 07 08 09 10 11'
  campaigns forget 0708091011 --yes --opt-out --json
"""


@click.command(epilog=EPILOG)
@click.argument("number", metavar="NUMBER")
@click.option("--opt-out/--no-opt-out", "opt_out", default=None, help="Text the person no more, or take them off all "
              "lists of opt-outs.  [default: no more, if OPT_OUT_KEY keeps a hash alone; else nothing changes there]"
              )  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object of what was done.")
def forget(number: str, opt_out: bool | None, *, yes: bool, as_json: bool) -> None:
    """Take a person out of all campaigns, audiences and raw reports, for good; counts and credits stay.

    What is still to be sent to them is not. What is in the air, in doubt or without its report cannot be forgotten yet:
    it is named, the exit status is 1, and the same command finishes it later. NUMBER is written as people write it; it
    may stay in your shell's history.
    """
    import campaigns
    from worker.console import consent, screen

    found = {contact.campaign_id for contact in campaigns.find_person(number, most=1_000)}
    consent.agreed(
        what=_(
            "Campaigns that name this person: {count}. What names them is erased there, in audiences and in raw"
            " reports; nobody can have it again. {list}"
        ).format(count=figure(len(found)), list=_of_the_list(number, opt_out)),
        refused=_("nothing was erased"),
        yes=yes,
    )
    done = campaigns.forget(number, opt_out=opt_out)
    files = _in_files()
    if as_json:
        screen.print_json({**asdict(done), "spooled": files, "whole": done.whole and not files})
    elif done.whole and not files and not any(getattr(done, name) for name in DONE):
        click.echo(_("nobody has this number"))
    else:
        _show(done)
    _tell_the_rest(done, files)
    if not done.whole or files:
        raise SystemExit(1)


def _of_the_list(number: str, opt_out: bool | None) -> str:
    """What becomes of him on the lists of opt-outs."""
    import campaigns
    from campaigns.settings import domain_settings

    if opt_out is False:
        return _("They are taken off all lists of opt-outs, and may be texted again.")
    if domain_settings().opt_out_key is not None:
        return _("A hash of the number stays on the list of opt-outs, so that they are not texted again.")
    if opt_out:
        return _("The number itself goes on the list of opt-outs, for no OPT_OUT_KEY is set to hash it.")
    if campaigns.opted_out(number):
        return _("The number itself stays on a list of opt-outs, for no OPT_OUT_KEY is set to hash it.")
    return _("They are on no list of opt-outs, and may be texted again: --opt-out puts them on one.")


def _show(done: Forgotten) -> None:
    from worker.console import screen

    table = screen.columns("", ("", "right"))
    table.show_header = False
    counts = asdict(done)
    for name, what in DONE.items():
        table.add_row(_(what), figure(counts[name]))
    screen.out().print(table)


def _in_files() -> int:
    """How many raw reports wait in files of this host, where its folder is known; each may name somebody."""
    from campaigns.settings import SettingsError
    from worker import spool
    from worker.settings import settings

    try:
        return len(spool.waiting(settings().spool_dir))
    except SettingsError:
        return 0


def _tell_the_rest(done: Forgotten, files: int) -> None:
    """What could not be forgotten yet, and how to go on."""
    for still in done.open:
        click.echo(_(NOT_YET[still.why]).format(id=still.campaign_id), err=True)
    if done.bodies_waiting:
        waiting = _("raw reports that name this person and are to be applied first: {count}; ask again in some minutes")
        click.echo(waiting.format(count=figure(done.bodies_waiting)), err=True)
    if done.unreadable:
        other = _("campaigns whose numbers are hashes were not looked through: set the NUMBERS_KEY that made them")
        click.echo(other, err=True)
    if files:
        spooled = _(
            "raw reports in files of this host, which the database does not have: {count}, each may name this person;"
            " see `campaigns reports`, and ask again"
        )
        click.echo(spooled.format(count=figure(files)), err=True)
