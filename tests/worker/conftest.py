"""What the command's tests begin with: an environment that says where a database is, and a file of clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.command_line import ROWS
from tests.worker.terminal import forget
from worker import sending


@pytest.fixture(autouse=True)
def _no_turn_ends_for_want_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many batches a lane sends in its turn would say how fast the machine is."""
    monkeypatch.setattr(sending, "SLICE_SECONDS", 60.0)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Iterator[None]:
    """A folder and an environment that say nothing but where a database is."""
    monkeypatch.chdir(tmp_path)  # away from any .env
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.delenv("ACCOUNTS", raising=False)
    forget()
    yield
    forget()


@pytest.fixture
def clients(tmp_path: Path) -> str:
    """A file with three rows: two people, one of them twice."""
    path = tmp_path / "clients.csv"
    path.write_text(ROWS, encoding="utf-8")
    return str(path)
