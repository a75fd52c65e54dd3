"""A sandbox, and a terminal that knows how to reach it: by an account of the settings, in each form in turn."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from campaigns import journal
from campaigns.database import Database
from campaigns.models import report_polls
from tests.worker.terminal import forget, run
from worker.console import consent
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import RunningSandbox, running
from worker.smseco.forms import FORMS

LOGIN, PASSWORD = "toto@example.com", "s3cret"

NUMBER, OTHER, DEAD = "2250709999956", "2250709999960", "2250709999944"
SEND = ("gateway", "send", "--text", "Bonjour", NUMBER)
ROWS = f"nom;tel\nAwa;{NUMBER}\nKoffi;+225 07 09 99 99 60\n"
MERGE = ("gateway", "merge", "-", "--text", "Bonjour {nom}")
LOOKUP = ("gateway", "lookup", NUMBER)
READ = ("gateway", "reports")
NUMBERS = [2250709999956, 2250719999959]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningSandbox]:
    """A gateway whose reports are ready at once; nothing in the environment tells of it."""
    monkeypatch.chdir(tmp_path)  # away from any .env
    for name in ("ACCOUNTS", "SMSECO_PASSWORD", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    forget()
    with running(SandboxOptions(accounts={LOGIN: PASSWORD}, senders=("CLINIQUE",), delays=(0, 0))) as made:
        yield made
    forget()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox) -> RunningSandbox:
    """The sandbox, as an account of the settings: `default`."""
    told = {"base_url": sandbox.url, "login": LOGIN, "password": PASSWORD, "sender": "CLINIQUE"}
    monkeypatch.setenv("ACCOUNTS", json.dumps({"default": told}))
    return sandbox


@pytest.fixture(params=sorted(FORMS))
def form(request: pytest.FixtureRequest) -> str:
    """Each form that the client knows."""
    name: str = request.param
    return name


@pytest.fixture
def by_file(sqlite: Database, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    """The same, with settings that name a database: a file of SQLite."""
    monkeypatch.setenv("DATABASE_URL", sqlite.url.render_as_string())
    forget()
    return account


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person sits at the terminal."""
    monkeypatch.setattr(consent, "somebody_is_there", lambda: True)


def sent() -> str:
    """Texts to both numbers; returns the gateway's id of the sending."""
    result = run("gateway", "send", "--text", "Bonjour", "--yes", "--json", *map(str, NUMBERS))
    assert result.exit_code == 0, result.stderr
    msgfid: str = json.loads(result.stdout)["msgfid"]
    return msgfid


def asked(sandbox: RunningSandbox) -> int:
    return int(sandbox.summary()["requests"].get("reports", 0))


def polls(database: Database) -> list[tuple[str, bytes]]:
    with database.reading() as connection:
        found = connection.execute(select(report_polls.c.id, report_polls.c.state).order_by(report_polls.c.id)).all()
    return [(poll.state, b"" if poll.state == "asked" else journal.body(database, poll.id)) for poll in found]
