"""What the domain reads from the environment: where the database is, and how numbers and prices are read.

Producers and workers share these, so that an audience expanded inside a submit comes out as a worker would expand it.
What only workers need is in `worker.settings`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableSetting
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from campaigns.language import _
from campaigns.reasons import retold

SHORTEST_SECRET = 16
"""Characters; numbers are few enough to be guessed from a hash whose secret can be guessed as well."""


LONGEST_DAYS = 36_500


class SettingsError(ValueError):
    """The environment is wrong; `faults` names everything that is, so that one reading mends it all."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(_("the settings are refused:") + "\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


def _is_a_region(code: str) -> str:
    import phonenumbers  # late: `import campaigns` must stay quick, and this one is not

    if code.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(_("{code!r} is no country code of two letters, such as CI or BF").format(code=code))
    return code.upper()


def _is_a_supported_database(url: str) -> str:
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        raise ValueError(_("is no database URL, such as postgresql://user:password@host/name")) from None
    if backend not in ("postgresql", "sqlite"):
        raise ValueError(_("{backend} is not supported: use postgresql://… or sqlite:///…").format(backend=backend))
    if backend == "sqlite" and make_url(url).database in (None, "", ":memory:"):
        raise ValueError(_("a SQLite database in memory is seen by one connection only: name a file, sqlite:///path"))
    return url


def _are_prefixes(prices: dict[str, Decimal]) -> dict[str, Decimal]:
    for prefix, price in prices.items():
        if prefix and not (prefix.isascii() and prefix.isdigit()):
            raise ValueError(
                _("{prefix!r} is no prefix: digits with the country code, or '' for all others").format(prefix=prefix)
            )
        if price < 0:
            raise ValueError(_("the price of {prefix!r} is negative").format(prefix=prefix))
    return prices


class DomainSettings(BaseSettings):
    """Settings that producers and workers share."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", env_nested_delimiter="__", hide_input_in_errors=True, frozen=True
    )

    database_url: Annotated[str, AfterValidator(_is_a_supported_database)] = Field(
        default="sqlite:///var/campaigns.db", description="PostgreSQL in production, SQLite for a first run", repr=False
    )
    default_region: Annotated[str, AfterValidator(_is_a_region)] = Field(
        default="CI", description="country of the numbers that are written without a country code"
    )
    credit_prices: Annotated[dict[str, Decimal], AfterValidator(_are_prefixes)] = Field(
        default={"": Decimal(1)},
        description='credits a segment, by number prefix; the longest wins, `""` is for all others',
    )
    lookup_price: Decimal = Field(default=Decimal(1), ge=0, description="credits a number lookup")
    opt_out_key: str | None = Field(
        default=None,
        min_length=SHORTEST_SECRET,
        description="a secret; with it, opt-outs are kept as hashes of their numbers",
        repr=False,
    )
    keep_text_days: int | None = Field(
        default=None, ge=1, le=LONGEST_DAYS, description="days for which a campaign's texts are kept after its end"
    )
    keep_reports_days: int | None = Field(
        default=None, ge=1, le=LONGEST_DAYS, description="days for which raw delivery reports are kept"
    )
    keep_numbers_days: int | None = Field(
        default=None, ge=1, le=LONGEST_DAYS, description="days for which a campaign's numbers are kept after its end"
    )
    numbers_key: str | None = Field(
        default=None,
        min_length=SHORTEST_SECRET,
        description="a secret; with it, numbers are not purged but hashed, and people can still be found",
        repr=False,
    )

    @field_validator("keep_numbers_days")
    @classmethod
    def _go_last(cls, days: int | None, others: ValidationInfo) -> int | None:
        """Texts and reports hold numbers: these would be kept in them for longer than was asked for."""
        for name, what in (("keep_text_days", _("texts")), ("keep_reports_days", _("raw reports"))):
            if days is not None and name in others.data and not 0 < (others.data[name] or 0) <= days:
                raise ValueError(
                    _("{what} hold numbers, too: set {name}, to {days} or less").format(
                        what=what, name=name.upper(), days=days
                    )
                )
        return days


_QUOTED = re.compile(r'"(\w+)"')

S = TypeVar("S", bound="DomainSettings")


def read(kind: type[S]) -> S:
    """The environment and `.env` as `kind`; raises SettingsError with every fault named, and no value shown."""
    try:
        return kind()
    except ValidationError as error:
        raise SettingsError([_sentence(fault["loc"], fault["msg"]) for fault in error.errors()]) from None
    except UnreadableSetting as error:  # pydantic's own message names the field and its source, and not the value
        field = _QUOTED.search(str(error))
        raise SettingsError([_("{name}: is no JSON").format(name=field[1].upper() if field else "settings")]) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    name = "__".join(str(part).upper() for part in place) or "settings"
    return f"{name}: {retold(message.removeprefix('Value error, '))}"


@cache
def domain_settings() -> DomainSettings:
    """This process's domain settings, read once."""
    return read(DomainSettings)
