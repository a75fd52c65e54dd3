"""What the domain reads from the environment: where the database is, and how numbers and prices are read.

Producers and workers share these, so that an audience expanded inside a submit comes out as a worker would expand it.
What only workers need is in `worker.settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache, partial
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from campaigns.language import _
from campaigns.reasons import retold

SHORTEST_SECRET = 16
"""Characters; numbers are few enough to be guessed from a hash whose secret can be guessed as well."""


LONGEST_DAYS = 36_500


class SettingsError(ValueError):
    """The environment is wrong; `faults` names everything that is, so that one reading mends it all.

    Attributes:
        faults: a sentence each.
        settings: the names of those that are wrong, in capitals.
    """

    def __init__(self, faults: list[str], settings: Iterable[str] = ()) -> None:
        super().__init__(_("the settings are refused:") + "\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults
        self.settings = frozenset(settings)


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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read all, and refuse none of them yet: one that is no JSON would hide the faults of all others."""
        for source in (env_settings, dotenv_settings):
            source.decode_complex_value = partial(_decoded, source.decode_complex_value)  # type: ignore[method-assign]
        return init_settings, env_settings, dotenv_settings, file_secret_settings

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


def _decoded(decode: Callable[[str, FieldInfo, Any], Any], name: str, field: FieldInfo, value: Any) -> Any:
    try:
        return decode(name, field, value)
    except ValueError:
        return value


S = TypeVar("S", bound="DomainSettings")


def read(kind: type[S]) -> S:
    """The environment and `.env` as `kind`; raises SettingsError with every fault named, and no value shown."""
    try:
        return kind()
    except ValidationError as error:
        faults = error.errors()
        wrong = [str(place).upper() for fault in faults for place in fault["loc"][:1]]
        raise SettingsError(list(map(_sentence, faults)), wrong) from None


_IS_NO_JSON = ("dict_type", "frozen_set_type")
"""What pydantic calls a text in the place of these."""


def _sentence(fault: ErrorDetails) -> str:
    name = "__".join(str(part).upper() for part in fault["loc"]) or "settings"
    if len(fault["loc"]) == 1 and fault["type"] in _IS_NO_JSON and isinstance(fault["input"], str):
        return _("{name}: is no JSON").format(name=name)
    return f"{name}: {retold(fault['msg'].removeprefix('Value error, '))}"


@cache
def domain_settings() -> DomainSettings:
    """This process's domain settings, read once."""
    return read(DomainSettings)
