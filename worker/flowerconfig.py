"""Flower's settings, which it reads as a file: on loopback unless told otherwise, and nowhere without a login.

`celery -A worker flower` finds it (`worker.celery`), wherever that is started. `FLOWER_ADDRESS`, `FLOWER_PORT`,
`FLOWER_BASIC_AUTH` and the like come from the environment, as Flower documents them.
"""

import os
import secrets
import sys
from pathlib import Path
from typing import Any

from tornado.netutil import bind_sockets
from tornado.options import options

LOGIN = Path("var/flower-login")


def _made_login() -> str:
    """The login of whoever may read the file here; made at the first start."""
    try:
        return LOGIN.read_text(encoding="utf-8").strip() or _new_login()
    except FileNotFoundError:
        return _new_login()


def _new_login() -> str:
    made = f"operator:{secrets.token_urlsafe(12)}"
    LOGIN.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(LOGIN, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(made + "\n")
    return made


def format_task(task: Any) -> Any:
    """A task as people read it: what it is about and what it did are sentences, and not Python's spelling of them."""
    task.args = "" if task.args == "()" else task.args
    task.kwargs = "" if task.kwargs == "{}" else task.kwargs
    if isinstance(task.result, str):
        task.result = task.result.removeprefix("'").removesuffix("'")
    return task


address = options.address or "127.0.0.1"
tasks_columns = "name,args,result,state,received,runtime,worker"
max_tasks = 2_000

if not options.basic_auth and not options.auth:
    try:
        basic_auth = [_made_login()]
    except OSError as error:
        raise SystemExit(
            f"Flower needs a login, and cannot keep one in {LOGIN} ({error.strerror}): "
            "set FLOWER_BASIC_AUTH=name:password"
        ) from None
    print(f"Flower's login is in {LOGIN.absolute()}; FLOWER_BASIC_AUTH=name:password sets another", file=sys.stderr)  # noqa: T201

if not options.unix_socket:
    try:
        for socket in bind_sockets(options.port, address=address):
            socket.close()
    except OSError as error:  # Flower itself would show where in its code that was
        raise SystemExit(
            f"Flower cannot listen on {address}, port {options.port} ({error.strerror}): "
            "end what listens there, or set FLOWER_PORT or FLOWER_ADDRESS"
        ) from None
