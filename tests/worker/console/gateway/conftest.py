"""A sandbox, and a terminal that knows how to reach it: by an account of the settings, in each form in turn."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.terminal import forget
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import RunningSandbox, running
from worker.smseco.forms import FORMS

LOGIN, PASSWORD = "toto@example.com", "s3cret"


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
