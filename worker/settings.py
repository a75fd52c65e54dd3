"""What a worker reads from the environment and `.env`, once: checked, and refused loudly with every fault named.

What producers need as well is in `campaigns.settings`
and `worker.broker`. Secrets show in no repr, no log and no error.
"""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from campaigns.clocks import zone
from campaigns.prices import Prices
from campaigns.reasons import retold
from campaigns.settings import read
from worker.broker import BrokerSettings
from worker.language import _
from worker.smseco.client import Gateway
from worker.smseco.values import Credentials


def _holds_certificates(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(_("{path} is no file").format(path=path))
    try:
        ssl.create_default_context(cafile=path)
    except OSError:  # else each request would fail by itself, as if the gateway were away
        raise ValueError(_("{path} holds no certificates (PEM), or may not be read").format(path=path)) from None
    return path.resolve()


def _is_a_zone(name: str) -> str:
    zone(name)
    return name


class Account(BaseModel):
    """An account at the gateway: where it is, how to log in, and who sends by default."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = "https://www.smseco.com"
    login: SecretStr
    password: SecretStr
    sender: str | None = None
    ca_bundle: Annotated[Path, AfterValidator(_holds_certificates)] | None = Field(
        default=None, description="a file of certificates to trust instead of the usual ones"
    )
    exclusive: bool = Field(default=False, description="nobody else sends through it: one report may settle a doubt")
    daily_cap: int | None = Field(
        default=None, ge=1, le=1_000, description="messages that a number may get from it in a day, by all campaigns"
    )
    daily_cap_timezone: Annotated[str, AfterValidator(_is_a_zone)] = Field(
        default="UTC", description="whose days those are"
    )


def _exists(folder: Path) -> Path:
    if not folder.is_dir():
        raise ValueError(_("{folder} is no folder").format(folder=folder))
    return folder.resolve()


def _lower(accounts: dict[str, Account]) -> dict[str, Account]:
    # Environment variables are written in capitals; names of accounts are not.
    return {name.lower(): account for name, account in accounts.items()}


class Settings(BrokerSettings):
    """Settings of the machine room. Times are in seconds."""

    allow_plain_http: bool = Field(default=False, description="let passwords travel by http beyond this machine")
    accounts: Annotated[dict[str, Account], AfterValidator(_lower)] = Field(
        default={}, validate_default=True, repr=False, description="accounts at the gateway, by name"
    )
    lanes: int = Field(default=4, ge=1, le=64, description="requests that one account may have in the air")
    connect_timeout: float = Field(default=5, gt=0, le=60, description="to connect to the gateway")
    post_timeout: float = Field(default=30, gt=0, le=300, description="from a request's first byte to its reply's last")
    reports_timeout: float = Field(
        default=300, gt=0, le=450, description="the same for delivery reports: what has not come by then is lost"
    )
    poll_interval: float = Field(default=5, ge=0.2, description="between two readings of the delivery reports")
    poll_min_age: float = Field(
        default=0, ge=0, description="if not 0: ask for a sending by its id, once it is so old, and never for all"
    )
    silent_after: float = Field(default=900, gt=0, description="after which a silent sending is asked for by its id")
    report_deadline: float = Field(default=259_200, gt=0, description="after which a silent message is `unreported`")
    lookup_deadline: float = Field(
        default=600, gt=0, validate_default=True, description="after which an unanswered lookup is unknown"
    )
    balance_interval: float = Field(default=60, gt=0, description="between two looks at each account's balance")
    audience_dir: Annotated[Path, AfterValidator(_exists)] | None = Field(
        default=None, description="where audiences of campaigns submitted by task may be files"
    )
    audience_hosts: frozenset[str] = Field(
        default=frozenset(), description="hosts that audiences of campaigns submitted by task may be fetched from"
    )

    spool_dir: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        default=Path("var/spool"),
        validate_default=True,
        description="where delivery reports wait that the database does not take",
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="`json`: an object a line, for programs; `console`: for people"
    )

    @field_validator("lookup_deadline")
    @classmethod
    def _leaves_time_to_ask(cls, deadline: float, others: ValidationInfo) -> float:
        if deadline <= others.data.get("poll_min_age", 0):
            raise ValueError(_("it must be above POLL_MIN_AGE: lookups are not asked for before that, and all expire"))
        return deadline

    @field_validator("accounts")
    @classmethod
    def _can_be_used(cls, accounts: dict[str, Account], others: ValidationInfo) -> dict[str, Account]:
        # Of one field, and not of the whole: or its faults would show only once those of all others are mended.
        plain = bool(others.data.get("allow_plain_http"))
        faults = [
            _("the account {name!r}: {fault}").format(name=name, fault=fault)
            for name in accounts
            for fault in _faults(accounts[name], plain)
        ]
        if not accounts:
            faults = [_("there is none: set ACCOUNTS__DEFAULT__LOGIN and ACCOUNTS__DEFAULT__PASSWORD")]
        if faults:
            raise ValueError("; ".join(faults))
        return accounts

    @property
    def prices(self) -> Prices:
        """What segments and lookups cost."""
        return Prices(self.credit_prices, self.lookup_price)

    def gateway(self, account: str, *, form: str = "xml") -> Gateway:
        """A client for the account; to be made after a fork, and used by one thread. Raises KeyError, ValueError."""
        its = self.accounts[account]
        return Gateway(
            its.base_url,
            Credentials(its.login.get_secret_value(), its.password.get_secret_value()),
            form=form,
            connect_timeout=self.connect_timeout,
            read_timeout=self.post_timeout,
            reports_timeout=self.reports_timeout,
            allow_plain_http=self.allow_plain_http,
            ca_bundle=None if its.ca_bundle is None else str(its.ca_bundle),
        )


class Sound(Settings):
    """The same where some are wrong, for whoever looks at all else: those are as if nobody had set them."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _by_default(cls, value: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return check(value)
        except ValueError:
            return cls.model_fields[str(info.field_name)].default


def _faults(account: Account, allow_plain_http: bool) -> list[str]:
    login, password = account.login.get_secret_value(), account.password.get_secret_value()
    faults = [
        its for its, value in ((_("its login is empty"), login), (_("its password is empty"), password)) if not value
    ]
    try:
        Credentials(login, password)
    except ValueError as error:
        faults.append(_("its {error}").format(error=retold(str(error))))
    try:
        Gateway(account.base_url, Credentials("", ""), allow_plain_http=allow_plain_http).close()
    except ValueError as error:
        faults.append(retold(str(error)))
    return faults


@cache
def settings() -> Settings:
    """This process's settings, read once. Raises SettingsError."""
    return read(Settings)
