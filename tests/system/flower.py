"""Flower as an operator has it, and all that its pages and its API show, to be searched for what must not be there."""

import json
import socket
from base64 import b64encode
from http.client import HTTPConnection, HTTPException

LOGIN = "operator:let-me-look"
KNOWN = {"FLOWER_BASIC_AUTH": LOGIN}
"""Its environment, so that a test can log in."""

PAGES = ("/", "/workers", "/worker/worker@here", "/tasks", "/broker", "/metrics")
ANSWERS = ("/api/workers?refresh=1", "/api/task/types", "/api/queues/length")
LATEST = "/api/tasks?limit=300&sort_by=-received"
TASK_PAGES = 20


def words(port: int) -> list[str]:
    """Celery's command as the Procfile gives it, but for the port."""
    return ["flower", f"--port={port}"]


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether it is there."""
    try:
        return get(port, "/healthcheck")[0] == 200
    except (OSError, HTTPException):
        return False


def get(port: int, path: str, login: str | None = LOGIN) -> tuple[int, str]:
    """Its answer: status and body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {} if login is None else {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def everything(port: int) -> dict[str, tuple[int, str]]:
    """Path → status and body: each page, each answer of the API, the latest tasks, and the pages of some of them."""
    shown = {path: get(port, path) for path in (*PAGES, *ANSWERS, LATEST)}
    tasks = list(json.loads(shown[LATEST][1]))[:TASK_PAGES]
    return shown | {path: get(port, path) for path in (f"/task/{task}" for task in tasks)}
