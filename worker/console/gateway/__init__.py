"""`campaigns gateway`: each operation of the gateway's API by hand, in each of its forms, with or without settings.

What each does is in the module that the table names; who asks whom is `access`, what has to be agreed to `consent`.
"""

from __future__ import annotations

import click

from worker.console.group import Entry, Group

COMMANDS = {
    "send": Entry("worker.console.gateway.sending", "send", "Send one text to some numbers. Costs credits."),
    "merge": Entry("worker.console.gateway.merging", "merge", "Send each row of a file its own text. Costs credits."),
    "lookup": Entry("worker.console.gateway.lookup", "lookup", "Ask whether numbers are reachable. Costs credits."),
    "reports": Entry("worker.console.gateway.reports", "reports", "Read delivery reports, which are handed out once."),
    "balance": Entry("worker.console.gateway.questions", "balance", "Ask for an account's credits."),
    "senders": Entry("worker.console.gateway.questions", "senders", "Ask for an account's sender names."),
}

EPILOG = """\b
A first try, with a gateway that costs nothing in another terminal:
  campaigns sandbox --port 8800 --account demo:secret --sender DEMO

\b
Without any settings:
  export SMSECO_PASSWORD=secret
  campaigns gateway balance --url http://127.0.0.1:8800 --login demo
  campaigns gateway send --url http://127.0.0.1:8800 --login demo --from DEMO --text Bonjour 2250700000000
  campaigns gateway reports --url http://127.0.0.1:8800 --login demo --form json

\b
With an account of the settings:
  campaigns gateway senders --account shop
  campaigns gateway merge --from CLINIQUE --text 'Bonjour {nom}' clients.csv

The exit status is 0 if all went well, 2 if the command was written wrongly, 3 if something was or may
have been sent and no receipt can be shown (do not repeat it blindly), 130 if it was interrupted, and 1 otherwise.
Ctrl-C ends with 3 while the gateway is asked for what costs credits, and with 130 at any other time. With --json, 3
comes with {"in_doubt": true, "reason": …, "msgid": …, "msgfid": …}, or with the receipt, if it contradicts itself.
"""


class Commands(Group):
    """The operations of the gateway."""

    entries = COMMANDS


@click.command(cls=Commands, epilog=EPILOG)
def gateway() -> None:
    """Talk to the gateway by hand: one request, and its answer. For a try, a proof, or a look at what is wrong.

    A campaign is not sent this way: nothing is kept, counted or tracked, but for the delivery reports of an account of
    the settings, which go to the database as if a worker had read them.

    The password of --login comes from SMSECO_PASSWORD, or is asked for: an option would show it to whoever lists this
    machine's processes.
    """
