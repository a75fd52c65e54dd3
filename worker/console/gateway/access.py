"""Who asks which gateway, in which form: an account of the settings, or a URL and a login without any settings."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from worker.console.consent import somebody_is_there
from worker.language import N_, _

if TYPE_CHECKING:  # late: `--help` need not wait for them
    from worker.smseco import Credentials, Gateway
    from worker.smseco.forms import Form
    from worker.smseco.request import Request

PASSWORD = "SMSECO_PASSWORD"  # noqa: S105  the variable's name

DEFAULT = "default"
DEFAULT_FORM = "xml"


PLACES = (N_("number"), N_("value"))
_PLACE = re.compile(r"\b(number|value)s\[(\d+)\]")


@contextmanager
def written_wrongly() -> Iterator[None]:
    """Around what checks values and sends nothing: its ValueError, which shows no number and no text, as UsageError.

    Places are told as a person counts: `numbers[0]` is `number 1`.
    """
    from campaigns.reasons import retold  # late: `--help` need not wait for it

    try:
        yield
    except ValueError as wrong:
        said = _PLACE.sub(lambda found: f"{_(found[1])} {int(found[2]) + 1}", retold(str(wrong)))
        raise click.UsageError(said) from None


@dataclass(frozen=True)
class Open:
    """A gateway that can be asked.

    Attributes:
        account: the account's name in the settings; None for one that is given by --url.
        host: where it is, for a person.
        sender: who sends, if nobody is named.
    """

    gateway: Gateway
    credentials: Credentials
    form: str
    host: str
    account: str | None = None
    sender: str | None = None

    @property
    def name(self) -> str:
        """The account, for a person."""
        return _("of --login") if self.account is None else self.account

    def check(self, request: Callable[[Form, Credentials], Request]) -> None:
        """Raises UsageError for what the form cannot carry: said before anybody is asked to agree, or waits for it."""
        from worker.smseco.forms import form_named

        with written_wrongly():
            self.gateway.check(request(form_named(self.form), self.credentials))


@dataclass(frozen=True)
class Access:
    """What the command line says of the gateway; `again` says it once more, for the next command."""

    account: str | None
    url: str | None
    login: str | None = field(repr=False)
    form: str
    ca_bundle: str | None = None
    allow_plain_http: bool = False

    def __post_init__(self) -> None:
        if self.url is not None and self.account is not None:
            raise click.UsageError(_("say which gateway: --account, or --url and --login"))
        if (self.url is None) != (self.login is None):
            raise click.UsageError(_("--url and --login go together"))
        if self.url is None and (self.ca_bundle is not None or self.allow_plain_http):
            raise click.UsageError(
                _("--ca-bundle and --allow-plain-http are for --url: an account's are in its settings")
            )

    @property
    def again(self) -> str:
        """The options of another command that is to ask the same gateway, for a shell, with a blank before each.

        The login is among them, so this is for whoever has typed it: never for a log.
        """
        words: list[str] = []
        if self.account not in (None, DEFAULT):
            words += ["--account", str(self.account)]
        if self.url is not None:
            words += ["--url", self.url, "--login", str(self.login)]
        if self.ca_bundle is not None:
            words += ["--ca-bundle", self.ca_bundle]
        if self.allow_plain_http:
            words.append("--allow-plain-http")
        if self.form != DEFAULT_FORM:
            words += ["--form", self.form]
        return "".join(f" {shlex.quote(word)}" for word in words)

    @contextmanager
    def opened(self) -> Iterator[Open]:
        """The gateway, while the block lasts. Raises BadParameter, SettingsError; ClickException without a password."""
        found = self._of_the_settings() if self.url is None else self._of_the_options(self.url)
        with found.gateway:
            yield found

    def _of_the_settings(self) -> Open:
        from worker.settings import settings
        from worker.smseco import Credentials

        name = self.account or DEFAULT
        if name not in settings().accounts:
            known = ", ".join(settings().accounts)
            wrong = _("the settings have no account {name!r}; there are: {known}").format(name=name, known=known)
            raise click.BadParameter(wrong, param_hint="--account")
        its = settings().accounts[name]
        credentials = Credentials(its.login.get_secret_value(), its.password.get_secret_value())
        gateway = settings().gateway(name, form=self.form)
        return Open(gateway, credentials, self.form, _host(its.base_url), name, its.sender)

    def _of_the_options(self, url: str) -> Open:
        from campaigns.reasons import retold
        from worker.smseco import Credentials, Gateway

        try:
            credentials = Credentials(str(self.login), _password())
            gateway = Gateway(
                url,
                credentials,
                form=self.form,
                ca_bundle=self.ca_bundle,
                allow_plain_http=self.allow_plain_http,
            )
        except ValueError as wrong:
            said = retold(str(wrong)).replace(_("set allow_plain_http"), _("add --allow-plain-http"))
            raise click.UsageError(said) from None
        return Open(gateway, credentials, self.form, _host(url))


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _password() -> str:
    password = os.environ.get(PASSWORD, "")
    if password:
        return password
    if not somebody_is_there():
        raise click.ClickException(_("there is no password: set {variable}").format(variable=PASSWORD))
    asked: str = click.prompt(_("password"), hide_input=True, err=True)
    return asked


def _known_form(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    from worker.smseco.forms import form_named

    try:
        form_named(name)
    except ValueError as wrong:
        from campaigns.reasons import retold  # late: `--help` need not wait for it

        raise click.BadParameter(retold(str(wrong))) from None
    return name


# fmt: off
OPTIONS = (
    click.option("--account", metavar="NAME", help="Which account of the settings.  [default: default]"),
    click.option("--url", metavar="URL", help="The gateway's base URL, instead of an account of the settings."),
    click.option("--login", metavar="LOGIN", help="For --url; the password is SMSECO_PASSWORD, or is asked for."),
    click.option("--ca-bundle", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
                 help="For --url: certificates (PEM) to trust instead of the usual ones."),
    click.option("--allow-plain-http", is_flag=True, help="For --url: show the password to the network."),
    click.option("--form", default=DEFAULT_FORM, show_default=True, metavar="[xml|json|get|soap]", callback=_known_form,
                 help="How request and reply are written."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON value."),
)
# fmt: on
"""What every command of the gateway understands."""


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """A command that gets `access` in place of the options which say who asks whom.

    What helps against a refusal names the same gateway.
    """

    @wraps(command)
    def call(
        *, account: str | None, url: str | None, login: str | None, form: str, ca_bundle: str | None,
        allow_plain_http: bool, **others: Any,
    ) -> None:  # fmt: skip
        from worker.console.advice import refusal  # late: `--help` need not wait for them
        from worker.smseco import Refused

        access = Access(account, url, login, form, ca_bundle, allow_plain_http)
        try:
            command(access, **others)
        except Refused as refused:
            raise click.ClickException(refusal(refused, again=access.again)) from None

    found = call
    for option in reversed(OPTIONS):
        found = option(found)
    return found
