"""Flower as anybody starts it, in any folder: safe, and what keeps it from starting is said in one sentence."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.system import flower


def test_a_port_that_is_taken_is_said_in_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = refused(tmp_path, port)
    assert done.returncode == 1
    assert done.stderr == (
        f"Flower cannot listen on 127.0.0.1, port {port} (Address already in use): "
        "end what listens there, or set FLOWER_PORT or FLOWER_ADDRESS\n"
    )


def test_it_does_not_listen_for_everybody_without_a_login_in_whatever_folder_it_is_started(tmp_path: Path) -> None:
    done = refused(tmp_path, flower.free_port(), FLOWER_ADDRESS="0.0.0.0")
    assert done.returncode == 1
    assert done.stderr.startswith("Flower would be open to all who reach 0.0.0.0: set FLOWER_BASIC_AUTH")


def refused(folder: Path, port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """Flower started in the folder, where it is expected to end by itself."""
    command = [sys.executable, "-m", "celery", "-A", "worker", *flower.words(port)]
    known = {name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")}
    known |= {"ACCOUNTS__DEFAULT__LOGIN": "toto", "ACCOUNTS__DEFAULT__PASSWORD": "s3cret", **environment}
    return subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, timeout=60, check=False)
