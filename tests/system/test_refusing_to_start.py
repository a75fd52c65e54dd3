"""Celery's own commands on an installation that is not right: one clear word, a status that says so, no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.waiting import PATIENCE
from tests.system.installation import FAST

pytestmark = pytest.mark.system

ACCOUNT = {"base_url": "https://gateway.invalid", "login": "login-7c1e", "password": "password-93af"}


def celery(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one of Celery's commands where nothing but these settings is set."""
    ours = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-m", "celery", "-A", "worker", *words]
    return subprocess.run(
        command, cwd=folder, env={**ours, **FAST, **settings}, capture_output=True, text=True, timeout=PATIENCE
    )


def test_a_worker_refuses_a_database_that_is_not_migrated(
    tmp_path: Path, empty_sqlite_url: str, broker_url: str
) -> None:
    done = celery(
        tmp_path,
        "worker",
        ACCOUNTS=json.dumps({"default": ACCOUNT}),
        DATABASE_URL=empty_sqlite_url,
        BROKER_URL=broker_url,
    )
    assert done.returncode == 1
    assert "run `campaigns migrate`" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_worker_refuses_a_database_that_is_away(tmp_path: Path, broker_url: str) -> None:
    away = "postgresql://campaigns:canary-4f1b@127.0.0.1:1/campaigns"
    done = celery(
        tmp_path, "worker", ACCOUNTS=json.dumps({"default": ACCOUNT}), DATABASE_URL=away, BROKER_URL=broker_url
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("the worker does not start: the database postgresql://127.0.0.1:1/")
    assert "Traceback" not in done.stderr
    assert "canary-4f1b" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_wrong_settings_are_all_named_at_once(tmp_path: Path, command: str) -> None:
    wrong = {**ACCOUNT, "base_url": "http://gateway.invalid", "password": ""}
    done = celery(
        tmp_path,
        command,
        ACCOUNTS=json.dumps({"default": wrong}),
        DATABASE_URL="mysql://localhost/campaigns",
        LANES="many",
        AUDIENCE_DIR="/nowhere",
    )
    assert done.returncode == 1
    for fault in ("DATABASE_URL: mysql is not supported", "LANES: ", "AUDIENCE_DIR: /nowhere is no folder"):
        assert fault in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_settings_are_named(tmp_path: Path) -> None:
    done = celery(tmp_path, "worker")
    assert done.returncode == 1
    assert "ACCOUNTS: " in done.stderr
    assert "Traceback" not in done.stderr
