"""Each account at its gateway: may we log in, are the senders registered that are to be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from campaigns import demands
from campaigns.demands import Sender
from campaigns.reasons import retold
from worker.checks.patient import Patient
from worker.checks.told import ASKED_SECONDS, Told
from worker.console.screen import lasting
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import N_, _, figure, ngettext
from worker.smseco.errors import BadReply, ReadFailed, Refused

_LOGIN = N_("correct ACCOUNTS__{name}__LOGIN and ACCOUNTS__{name}__PASSWORD where workers run, and start these anew")
_URL = N_("is ACCOUNTS__{name}__BASE_URL right, its path included?")

REFUSED: Mapping[str, tuple[str, str]] = {
    "login_missing": (N_("the login is refused"), _LOGIN),
    "password_missing": (N_("the login is refused"), _LOGIN),
    "authentication_failed": (N_("the login is refused"), _LOGIN),
    "account_not_active": (N_("the account is not active"), N_("ask the gateway's operator to activate it")),
    "sending_not_allowed": (N_("the account may not send"), N_("ask the gateway's operator to allow it")),
}
"""What is wrong and what to do, by our names of the refusals (`worker.smseco.codes`)."""

_OTHERWISE = (N_("the gateway refuses to answer"), N_("ask the gateway's operator what its code means"))

UNREACHABLE: Mapping[str, str] = {
    "name not found": N_("is the host right in ACCOUNTS__{name}__BASE_URL, and does this host resolve names (DNS)?"),
    "TLS failed": N_(
        "is its certificate one that this host trusts (ACCOUNTS__{name}__CA_BUNDLE), and is the clock right?"
    ),
    "connection refused": N_("is the gateway up, and is the port right in ACCOUNTS__{name}__BASE_URL?"),
}
"""What to do where the network failed, by the words that the client has for it (`worker.smseco.connection`)."""

_NETWORK = N_("is the gateway up, and does a firewall or a proxy stand between? it is tried again by itself")

NOT_ASKED = N_("not asked: --offline")


def gateway(patient: Patient) -> Finding:
    """Whether each account may log in, where its gateway can be reached."""
    told = patient.gateways
    if patient.offline:
        return ok(_(NOT_ASKED))
    wrong = {name: _failure(its) for name, its in told.items() if isinstance(its, Exception)}
    if not wrong:
        return ok(_("logged in: {names}").format(names=", ".join(told)))
    what = named([_(": ").join([name, said]) for name, (said, _remedy) in wrong.items()])
    remedies = [remedy.format(name=name.upper()) for name, (_said, remedy) in wrong.items()]
    return trouble(what, "; ".join(dict.fromkeys(remedies)))


def _failure(error: Exception) -> tuple[str, str]:
    """What is wrong, and what to do; the account's name in capitals is missing in it."""
    if isinstance(error, Refused):
        what, remedy = REFUSED.get(error.name, _OTHERWISE)
        return f"{_(what)} ({error.code})", _(remedy)
    if isinstance(error, BadReply):
        return _("something answers that is not the gateway ({why})").format(why=retold(error.reason)), _(_URL)
    if isinstance(error, ReadFailed):
        said = _("it cannot be reached ({why})").format(why=retold(error.reason))
        return said, _(UNREACHABLE.get(error.reason, _NETWORK))
    if isinstance(error, TimeoutError):
        return _("it has not answered within {time}").format(time=lasting(ASKED_SECONDS)), _(_NETWORK)
    raise error


def senders(patient: Patient) -> Finding:
    """Whether the senders are registered that accounts have by default, and that live campaigns name."""
    if patient.offline:
        return ok(_(NOT_ASKED))
    used = patient.asked(demands.senders)
    told = patient.told
    unknown = [said for name, its in told.items() for said in _unregistered(patient, name, its, used)]
    if unknown:
        remedy = _(
            "have it registered at the gateway, or correct ACCOUNTS__…__SENDER; `campaigns gateway senders` lists"
            " those that are, and `campaigns resume ID` has a paused campaign go on"
        )
        return trouble(named(unknown), remedy)
    silent = [name for name in patient.gateways if name not in told]
    if silent:
        return warning(_("cannot be told of: {names}").format(names=", ".join(silent)), _("see `gateway` above"))
    return ok(_("all that are used are registered"))


def _unregistered(patient: Patient, account: str, told: Told, used: list[Sender]) -> Iterable[str]:
    own = patient.settings.accounts[account].sender
    if own is not None and own not in told.senders:
        yield _("{account}: its own sender {sender!r} is not registered").format(account=account, sender=own)
    for its in used:
        if its.account != account or (its.sender or own) in told.senders:
            continue
        if its.sender is None and own is None:
            form = ngettext(
                "{account}: {count} campaign (the first is {id}) names no sender, and the account has none",
                "{account}: {count} campaigns (the first is {id}) name no sender, and the account has none",
                its.count,
            )
        elif its.sender is None:
            continue
        else:
            form = ngettext(
                "{account}: the sender {sender!r} is not registered, and {count} campaign names it (the first is {id})",
                "{account}: the sender {sender!r} is not registered, and {count} campaigns name it (the first is {id})",
                its.count,
            )
        yield form.format(account=account, sender=its.sender, count=figure(its.count), id=its.first)
