"""Settings are read once from the environment, and refused with every fault named and no secret shown."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import certifi
import pytest

from campaigns.settings import SettingsError, read
from worker.settings import Settings

SECRET = "canary-4f1b"
LOGIN = "canary-2e7a"
ACCOUNT = {"base_url": "https://gateway.example/client/42/fr", "login": LOGIN, "password": SECRET}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine, and no `.env`, counts here."""
    monkeypatch.chdir(tmp_path)
    for name in (*Settings.model_fields, "accounts__default__login", "accounts__default__password"):
        monkeypatch.delenv(name.upper(), raising=False)


def given(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Settings:
    for name, value in ({"ACCOUNTS": json.dumps({"default": ACCOUNT})} | settings).items():
        monkeypatch.setenv(name, value)
    return read(Settings)


def refused(monkeypatch: pytest.MonkeyPatch, **settings: str) -> str:
    with pytest.raises(SettingsError) as error:
        given(monkeypatch, **settings)
    return str(error.value)


def test_an_account_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch)
    assert settings.broker == "redis://127.0.0.1:6379/0"
    assert settings.accounts["default"].login.get_secret_value() == LOGIN
    settings.gateway("default").close()


def test_an_account_may_be_spelled_out_in_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNTS__SHOP__LOGIN", LOGIN)
    monkeypatch.setenv("ACCOUNTS__SHOP__PASSWORD", SECRET)
    assert list(read(Settings).accounts) == ["shop"]


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@localhost//",
        "amqps://one.example;amqps://two.example",
        "redis://localhost/3",
        "rediss://localhost/0",
        "sentinel://one.example:26379;sentinel://two.example:26379",
        "SQS://key:secret@",
        "sqla+postgresql://localhost/tasks",
        "memory://",
    ],
)
def test_any_broker_of_celery_may_be_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert given(monkeypatch, BROKER_URL=url).broker == url


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("valkey://localhost/3", "redis://localhost/3"),
        ("valkeys://localhost/0", "rediss://localhost/0"),
        ("valkey+socket:///run/valkey.sock", "redis+socket:///run/valkey.sock"),
    ],
)
@pytest.mark.parametrize("setting", ["REDIS_URL", "BROKER_URL"])
def test_valkey_is_spelled_as_celery_knows_it(
    monkeypatch: pytest.MonkeyPatch, setting: str, url: str, spelled: str
) -> None:
    settings = given(monkeypatch, **{setting: url})
    assert settings.broker == spelled
    assert "visibility_timeout" in settings.transport_options


def test_a_broker_url_wins_over_the_redis_url(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, BROKER_URL="amqp://localhost", REDIS_URL="redis://elsewhere").broker == "amqp://localhost"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"ACCOUNTS": "{}"}, "there is none: set ACCOUNTS__DEFAULT__LOGIN"),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "password": ""}})}, "the account 'a': its password is empty"),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "login": ""}})}, "the account 'a': its login is empty"),
        (
            {"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "password": SECRET + "\1"}})},
            "the account 'a': its password holds",
        ),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "login": LOGIN + "\0"}})}, "the account 'a': its login holds"),
        ({"ACCOUNTS": json.dumps({"a": {"login": LOGIN}})}, "ACCOUNTS__A__PASSWORD: Field required"),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "pasword": SECRET}})}, "ACCOUNTS__A__PASWORD: Extra inputs"),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "base_url": "http://gateway.example"}})}, "plain http"),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "base_url": f"https://x:{SECRET}@gateway.example"}})}, "no login"),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "ca_bundle": "/nowhere.pem"}})}, "/nowhere.pem is no file"),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "ca_bundle": __file__}})}, "holds no certificates"),
        ({"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "daily_cap": 0}})}, "ACCOUNTS__A__DAILY_CAP: "),
        (
            {"ACCOUNTS": json.dumps({"a": {**ACCOUNT, "daily_cap_timezone": "Abidjan"}})},
            "ACCOUNTS__A__DAILY_CAP_TIMEZONE: no time zone is named 'Abidjan'",
        ),
        ({"ACCOUNTS": "not JSON " + SECRET}, "ACCOUNTS"),
        ({"REPORTS_TIMEOUT": "0"}, "REPORTS_TIMEOUT: "),
        ({"DATABASE_URL": f"mysql://me:{SECRET}@localhost/x"}, "DATABASE_URL: mysql is not supported"),
        ({"DATABASE_URL": SECRET}, "DATABASE_URL: is no database URL"),
        ({"DEFAULT_REGION": "Abidjan"}, "DEFAULT_REGION: 'Abidjan' is no country code"),
        ({"CREDIT_PRICES": '{"225": -1}'}, "CREDIT_PRICES: the price of '225' is negative"),
        ({"REDIS_URL": SECRET}, "REDIS_URL: it is no URL"),
        ({"REDIS_URL": f"me:{SECRET}@redis://localhost"}, "REDIS_URL: it is no URL"),
        ({"REDIS_URL": f"reddis://:{SECRET}@localhost/0"}, "REDIS_URL: Celery knows no broker called 'reddis'"),
        ({"BROKER_URL": f"sms+redis://:{SECRET}@localhost"}, "BROKER_URL: Celery knows no broker called 'sms'"),
        ({"LANES": "0"}, "LANES: "),
        ({"POST_TIMEOUT": "soon"}, "POST_TIMEOUT: "),
        ({"POLL_INTERVAL": "0"}, "POLL_INTERVAL: "),
        ({"AUDIENCE_DIR": "/nowhere"}, "AUDIENCE_DIR: /nowhere is no folder"),
        ({"POLL_MIN_AGE": "600"}, "LOOKUP_DEADLINE: it must be above POLL_MIN_AGE"),
        ({"POLL_MIN_AGE": "20", "LOOKUP_DEADLINE": "10"}, "LOOKUP_DEADLINE: it must be above POLL_MIN_AGE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_is_named_and_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], fault: str
) -> None:
    said = refused(monkeypatch, **settings)
    assert fault in said
    assert SECRET not in said
    assert LOGIN not in said


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, LANES="0", DATABASE_URL="mysql://x", AUDIENCE_DIR="/nowhere", DEFAULT_REGION="Abidjan")
    for name in ("LANES", "DATABASE_URL", "AUDIENCE_DIR", "DEFAULT_REGION"):
        assert f"  - {name}: " in said


def test_faults_of_accounts_are_named_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, LANES="0", ACCOUNTS=json.dumps({"a": {**ACCOUNT, "password": ""}}))
    assert "LANES: " in said
    assert "the account 'a': its password is empty" in said


def test_one_that_is_no_json_hides_no_other_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"CREDIT_PRICES=225={SECRET}\n")
    with pytest.raises(SettingsError) as error:
        given(monkeypatch, LANES="0", ACCOUNTS="{not JSON " + SECRET, AUDIENCE_HOSTS="files.example")
    said = str(error.value)
    for fault in ("ACCOUNTS: is no JSON", "AUDIENCE_HOSTS: is no JSON", "CREDIT_PRICES: is no JSON", "LANES: "):
        assert f"  - {fault}" in said
    assert error.value.settings == {"ACCOUNTS", "AUDIENCE_HOSTS", "CREDIT_PRICES", "LANES"}
    assert SECRET not in said


@pytest.mark.parametrize("host", ["127.0.0.1:8800", "localhost:8800", "[::1]:8800"])
def test_plain_http_to_this_machine_is_taken(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    given(monkeypatch, ACCOUNTS=json.dumps({"a": {**ACCOUNT, "base_url": f"http://{host}"}}))


def test_plain_http_to_elsewhere_has_to_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = json.dumps({"a": {**ACCOUNT, "base_url": "http://gateway.example"}})
    given(monkeypatch, ACCOUNTS=accounts, ALLOW_PLAIN_HTTP="true")


def test_secrets_are_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(
        monkeypatch,
        DATABASE_URL=f"postgresql://me:{SECRET}@localhost/x",
        BROKER_URL=f"amqp://me:{SECRET}@localhost",
        REDIS_URL=f"redis://:{SECRET}@localhost",
    )
    shown = f"{settings!r} {settings} {settings.accounts!r} {settings.gateway('default')!r}"
    assert SECRET not in shown
    assert LOGIN not in shown


def test_the_client_trusts_the_account_s_certificates_and_waits_for_reports_as_long_as_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(Path(certifi.where()).read_bytes())
    accounts = json.dumps({"a": {**ACCOUNT, "ca_bundle": bundle.name}})
    made: dict[str, Any] = {}
    monkeypatch.setattr("worker.settings.Gateway", lambda *_, **options: made.update(options) or Mock())

    given(monkeypatch, ACCOUNTS=accounts, REPORTS_TIMEOUT="120").gateway("a")

    assert (made["ca_bundle"], made["reports_timeout"]) == (str(bundle.resolve()), 120)
