"""The environment is refused loudly: every fault named, no value of a secret shown."""

import traceback
from decimal import Decimal
from pathlib import Path

import pytest

from campaigns.settings import DomainSettings, SettingsError, domain_settings, read

NAMES = ("DATABASE_URL", "DEFAULT_REGION", "CREDIT_PRICES", "LOOKUP_PRICE")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_has_to_be_set() -> None:
    settings = read(DomainSettings)
    assert settings.database_url == "sqlite:///var/campaigns.db"
    assert (settings.default_region, settings.credit_prices, settings.lookup_price) == ("CI", {"": 1}, 1)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('DEFAULT_REGION=bf\nLOOKUP_PRICE=0.5\nCREDIT_PRICES={"225": "1.5", "": 2}\n')
    monkeypatch.setenv("LOOKUP_PRICE", "0.25")
    settings = read(DomainSettings)
    assert (settings.default_region, settings.lookup_price) == ("BF", Decimal("0.25"))
    assert settings.credit_prices == {"225": Decimal("1.5"), "": Decimal(2)}


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("DATABASE_URL", "mysql://host/db", "DATABASE_URL: mysql is not supported"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL: is no database URL"),
        ("DATABASE_URL", "", "DATABASE_URL: is no database URL"),
        ("DATABASE_URL", "sqlite://", "DATABASE_URL: a SQLite database in memory"),
        ("DATABASE_URL", "sqlite:///:memory:", "DATABASE_URL: a SQLite database in memory"),
        ("DEFAULT_REGION", "Ivory Coast", "DEFAULT_REGION: 'Ivory Coast' is no country code"),
        ("LOOKUP_PRICE", "-1", "LOOKUP_PRICE: "),
        ("LOOKUP_PRICE", "NaN", "LOOKUP_PRICE: "),
        ("CREDIT_PRICES", '{"225": -1}', "CREDIT_PRICES: the price of '225' is negative"),
        ("CREDIT_PRICES", '{"+225": 1}', "CREDIT_PRICES: '+225' is no prefix"),
        ("CREDIT_PRICES", '{"²": 1}', "CREDIT_PRICES: '²' is no prefix"),
        ("CREDIT_PRICES", '{"225": "dear"}', "CREDIT_PRICES__225: "),
        ("CREDIT_PRICES", "225=1", "CREDIT_PRICES: is no JSON"),
        ("CREDIT_PRICES", "[1]", "CREDIT_PRICES: "),
    ],
    ids=lambda value: str(value)[:24] or "empty",
)
def test_a_fault_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, fault: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read(DomainSettings)
    assert caught.value.faults[0].startswith(fault)
    assert f"  - {fault}" in str(caught.value)


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://host/db")
    monkeypatch.setenv("DEFAULT_REGION", "XX")
    monkeypatch.setenv("LOOKUP_PRICE", "-1")
    with pytest.raises(SettingsError) as caught:
        read(DomainSettings)
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "DATABASE_URL",
        "DEFAULT_REGION",
        "LOOKUP_PRICE",
    ]


@pytest.mark.parametrize(
    "url",
    ["mysql://me:hunter2@host/db", "postgresql://me:hunter2@host:port/db", "hunter2"],
    ids=["another kind", "a port that is none", "a password alone"],
)
def test_a_fault_shows_no_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SettingsError) as caught:
        read(DomainSettings)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def test_a_repr_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@host/db")
    assert "hunter2" not in repr(read(DomainSettings))


def test_a_process_reads_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    domain_settings.cache_clear()
    first = domain_settings()
    monkeypatch.setenv("DEFAULT_REGION", "BF")
    assert domain_settings() is first
    domain_settings.cache_clear()
