"""The command `campaigns sandbox`: options from the command line to a running gateway. It needs no setting and no
database."""

import errno
import re
from pathlib import Path
from typing import Any

import click

from worker.language import N_, _
from worker.sandbox.appending import Unwritten
from worker.sandbox.faults import KINDS, Fault
from worker.sandbox.options import DEFAULT_MIX, SandboxOptions
from worker.sandbox.server import run

EPILOG = """\b
A first try, in another terminal:
  curl --data-urlencode 'XML=<SMS><compte><login>demo</login><password>demo</password></compte></SMS>' \\
       http://127.0.0.1:8800/api/xml/getbalance/
  curl http://127.0.0.1:8800/_sandbox/summary
And to look at, in a browser: http://127.0.0.1:8800/_sandbox/

\b
Seven last digits decide what becomes of a number:
  9999956 delivered      9999960 network error   9999949 out of credits
  9999959 undelivered    9999962 rejected        9999900 silent
  9999954 not sent       9999944 left out of a lookup's reply
  9999901 unreadable: a send that holds it is refused with -1

\b
While it runs, from this machine only (JSON, Content-Type: application/json):
  GET  /_sandbox/summary, accounts, faults, ledger, ledger?format=json
  POST /_sandbox/credits   {"login": "demo", "amount": 1000}
  POST /_sandbox/faults    {"name": "drop_reply", "operation": "send", "count": 1}
  POST /_sandbox/settings  {"steps": true, "delays": [0, 5]}
  DELETE /_sandbox/faults  disarms all

\b
Faults, each for an operation (send, lookup, reports, balance, senders; * for
all), so many requests or a share of them, as in --fault drop_reply=3,
--fault slow_body:*=5%,seconds=2 or --fault refuse:lookup=1,code=-6.
A request that is refused by itself uses no fault of the reply up, and a
reading that finds no report is refused (-15): such a fault on reports waits
until somebody is given some, and strikes then, be it another program.
"""

FAULTS = "".join(
    f"\n\b\n{strikes[0].upper()}{strikes[1:]}\n"
    + "".join(f"  {name:20} {kind.does}\n" for name, kind in KINDS.items() if kind.strikes == strikes)
    for strikes in dict.fromkeys(kind.strikes for kind in KINDS.values())
)

_OF_THE_SYSTEM = (
    N_("address already in use"),
    N_("cannot assign requested address"),
    N_("permission denied"),
)
"""Why an address cannot be listened on, as asyncio tells it."""

_FAULT = re.compile(
    r"(?P<name>\w+)(:(?P<operation>[\w*]+))?=((?P<count>\d+)|(?P<share>\d+(\.\d+)?)%)"
    r"(,seconds=(?P<seconds>\d+(\.\d+)?))?(,code=(?P<code>-\d+))?",
    re.ASCII,
)


def _accounts(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    accounts = {}
    for value in values:
        login, colon, password = value.partition(":")
        if not (login and colon and password):
            raise click.BadParameter(_("write it LOGIN:PASSWORD"))
        accounts[login] = password
    return accounts


def _mix(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    mix = {}
    for value in values:
        name, _equals, weight = value.partition("=")
        try:
            mix[name] = float(weight)
        except ValueError:
            raise click.BadParameter(_("write it NAME=WEIGHT, as in delivered=0.9")) from None
    return mix or DEFAULT_MIX


def _faults(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[Fault, ...]:
    return tuple(_fault(value) for value in values)


def _fault(value: str) -> Fault:
    """What `refuse:lookup=1,code=-6` and `drop_reply=5%` say."""
    found = _FAULT.fullmatch(value)
    if not found:
        raise click.BadParameter(_("write it NAME=COUNT or NAME:OPERATION=SHARE%, then ,seconds=S or ,code=C"))
    told: dict[str, Any] = {}
    if found["count"]:
        told["count"] = int(found["count"])
    if found["share"]:
        told["share"] = float(found["share"]) / 100
    if found["seconds"]:
        told["seconds"] = float(found["seconds"])
    if found["code"]:
        told["code"] = int(found["code"])
    try:
        return Fault(found["name"], found["operation"] or "", **told)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


def _reason(wrong: OSError, address: str) -> str:
    """Why a file, or the address to listen on, cannot be had, and what to do."""
    if wrong.filename:
        return _(": ").join([str(wrong.filename), _(wrong.strerror or "")])
    said = (wrong.strerror or str(wrong)).rpartition(": ")[2]  # asyncio tells the address too, as Python writes it
    taken = wrong.errno == errno.EADDRINUSE
    sentence = (
        _("cannot listen on {address}, {reason}: end what listens there, or choose another --port")
        if taken
        else _("cannot listen on {address}, {reason}: choose another --host or --port")
    )
    return sentence.format(address=address, reason=_(said))


@click.command(epilog=EPILOG + FAULTS)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8800, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@click.option(
    "--port-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the port there once it listens."
)
@click.option("--account", "accounts", multiple=True, default=["demo:demo"], callback=_accounts,
              metavar="LOGIN:PASSWORD", help="Who may use it; repeatable.  [default: demo:demo]")  # fmt: skip
@click.option("--credits", default=1_000_000, show_default=True, help="What each account starts with.")
@click.option("--sender", "senders", multiple=True, default=["DEMO"], metavar="NAME",
              help="A sender name that each account has registered; repeatable.  [default: DEMO]")  # fmt: skip
@click.option("--country", default="225", show_default=True, help="The accounts' country: its dialling code.")
@click.option("--mix", multiple=True, callback=_mix, metavar="NAME=WEIGHT",
              help="How messages end; repeatable: delivered, undelivered, network_error, rejected, not_sent, "
                   "no_credit, silent.")  # fmt: skip
@click.option("--delay-min", default=0.5, show_default=True, help="Seconds from acceptance to a report, at least.")
@click.option("--delay-max", default=2.0, show_default=True, help="Seconds from acceptance to a report, at most.")
@click.option("--steps", is_flag=True, help="Report 50, 65, 55 and 61 on the way too.")
@click.option("--lookup-dead", default=0.1, show_default=True, help="Share of numbers that a lookup finds unreachable.")
@click.option("--lookup-silent", default=0.0, show_default=True, help="Share of numbers a lookup never answers for.")
@click.option("--latency", default=0.0, show_default=True, help="Seconds before the reply to each send.")
@click.option("--fault", "faults", multiple=True, callback=_faults, metavar="NAME[:OPERATION]=COUNT|SHARE%[,...]",
              help="What goes wrong from the start; repeatable: see below.")  # fmt: skip
@click.option("--inactive", "active", flag_value=False, default=True, type=bool, help="Accounts are not active (-12).")
@click.option("--no-lookups", "enterprise", flag_value=False, default=True, type=bool,
              help="Accounts may not look numbers up (-11).")  # fmt: skip
@click.option("--no-refunds", "refunds", flag_value=False, default=True, type=bool,
              help="Keep the credits of messages that ended unbilled.")  # fmt: skip
@click.option("--once-per-sms", is_flag=True, help="An SMS once reported is never reported again.")
@click.option("--msgid-understood", is_flag=True, help="getdlrs takes your own msgid in place of the msgfid.")
@click.option("--json-echo", is_flag=True, help="JSON replies to sends name your own msgid, and no id of ours.")
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Append every acceptance to this file, as JSON lines, before its reply leaves.")  # fmt: skip
@click.option("--ledger-fsync", is_flag=True, help="Force each of them to disk.")
@click.option("--readings", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Append what each reading of reports was given to this file, as JSON lines.")  # fmt: skip
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Remember everything over a restart in this file; other options count anew.")  # fmt: skip
@click.option("--tls-certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Serve https with this certificate (PEM, perhaps with its key).")  # fmt: skip
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="The certificate's key, if it is in another file.")  # fmt: skip
@click.option("--seed", default=1, show_default=True, help="Other numbers end otherwise.")
def sandbox(*, delay_min: float, delay_max: float, **options: Any) -> None:
    """A gateway to try against: it speaks SMSECO's API, sends nothing and costs nothing.

    It serves sends, mail merge, delivery reports (each read once), balance, senders and lookups by XML, JSON, GET and
    SOAP, under any base path, until it is interrupted. It forgets everything when it ends, but for the ledger's file,
    unless it has a --state.
    """
    try:
        run(SandboxOptions(delays=(delay_min, delay_max), **options), announce=click.echo)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    except OSError as wrong:
        raise click.ClickException(_reason(wrong, f"{options['host']}:{options['port']}")) from None
    except Unwritten as wrong:
        raise click.ClickException(
            _("{what}. Nobody was told of an acceptance that is not in it; start again").format(what=wrong)
        ) from None
