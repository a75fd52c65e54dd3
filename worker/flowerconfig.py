"""Flower's settings, which it reads as a file: on loopback unless told otherwise, elsewhere only behind a login.

`celery -A worker flower` finds it (`worker.celery`), wherever that is started. `FLOWER_ADDRESS`, `FLOWER_PORT`,
`FLOWER_BASIC_AUTH` and the like come from the environment, as Flower documents them.
"""

import ipaddress

from tornado.netutil import bind_sockets
from tornado.options import options


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


address = options.address or "127.0.0.1"
tasks_columns = "name,result,state,received,runtime,worker"
max_tasks = 2_000

if not _is_loopback(address) and not (options.basic_auth or options.auth):
    raise SystemExit(
        f"Flower would be open to all who reach {address}: set FLOWER_BASIC_AUTH=name:password, or keep it on loopback"
    )

if not options.unix_socket:
    try:
        for socket in bind_sockets(options.port, address=address):
            socket.close()
    except OSError as error:  # Flower itself would show where in its code that was
        raise SystemExit(
            f"Flower cannot listen on {address}, port {options.port} ({error.strerror}): "
            "end what listens there, or set FLOWER_PORT or FLOWER_ADDRESS"
        ) from None
