"""Flower as anybody starts it, in any folder: safe, and what keeps it from starting is said in one sentence."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system import flower
from worker.processes import Processes


def test_a_port_that_is_taken_is_said_in_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = refused(tmp_path, port, **flower.KNOWN)
    assert done.returncode == 1
    assert done.stderr == (
        f"Flower cannot listen on 127.0.0.1, port {port} (Address already in use): "
        "end what listens there, or set FLOWER_PORT or FLOWER_ADDRESS\n"
    )


def test_it_is_behind_a_login_of_its_own_making_that_only_its_user_may_read(tmp_path: Path) -> None:
    with started(tmp_path) as port:
        login = tmp_path / "var" / "flower-login"
        made = login.read_text().strip()
        assert stat.S_IMODE(login.stat().st_mode) == 0o600
        for path in ("/", "/tasks", "/api/tasks"):
            statuses = [flower.get(port, path, login=its)[0] for its in (None, "operator:guessed", made)]
            assert statuses == [401, 401, 200], path
    with started(tmp_path) as port:
        assert flower.get(port, "/", login=made)[0] == 200


def test_a_login_that_is_set_is_the_only_one(tmp_path: Path) -> None:
    with started(tmp_path, **flower.KNOWN) as port:
        assert flower.get(port, "/")[0] == 200
        assert flower.get(port, "/", login="operator:guessed")[0] == 401
    assert not (tmp_path / "var").exists()


def test_where_no_login_can_be_kept_one_must_be_set(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    done = refused(tmp_path, flower.free_port())
    assert done.returncode == 1
    assert done.stderr == (
        "Flower needs a login, and cannot keep one in var/flower-login (Not a directory): "
        "set FLOWER_BASIC_AUTH=name:password\n"
    )


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[int]:
    """Flower in the folder; gives its port."""
    port = flower.free_port()
    with Processes(folder) as processes:
        processes.start("flower", command(port), environment=known(**environment), cwd=folder)
        processes.until(lambda: flower.answers(port), within=120, what="Flower answers")
        yield port


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "worker", *flower.words(port)]


def known(**environment: str) -> dict[str, str]:
    """An environment with an account, and of Flower's what is said."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")}
    return {**others, "ACCOUNTS__DEFAULT__LOGIN": "toto", "ACCOUNTS__DEFAULT__PASSWORD": "s3cret", **environment}


def refused(folder: Path, port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """Flower started in the folder, where it is expected to end by itself."""
    return subprocess.run(
        command(port), cwd=folder, env=known(**environment), capture_output=True, text=True, timeout=120, check=False
    )
