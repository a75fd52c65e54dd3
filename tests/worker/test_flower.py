"""Flower as the Procfile starts it: what keeps it from starting is said in one sentence."""

import os
import socket
import subprocess
import sys

from tests.system.flower import words


def test_a_port_that_is_taken_is_said_in_one_sentence_and_no_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "celery", "-A", "worker", *words(port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")}
        environment |= {"ACCOUNTS__DEFAULT__LOGIN": "toto", "ACCOUNTS__DEFAULT__PASSWORD": "s3cret"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"Flower cannot listen on 127.0.0.1, port {port} (Address already in use): "
        "end what listens there, or set FLOWER_PORT or FLOWER_ADDRESS\n"
    )
