"""Connections that are watched: when the first byte of a request leaves, and that its reply comes in time.

These are urllib3's, with what is mixed in here: its exceptions do not tell whether a request had begun, its time-outs
count anew for each read, and its logs show URLs. Which request is made over them is the affair of `connection.py`.
"""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

IDLE_SECONDS = 2.0
_TLS_RECORD = 16384


class Watch:
    """The request in the air: by when it must begin, whether it has, by when its reply must be whole, and its query."""

    def __init__(self) -> None:
        self.begun = False
        self.query = ""
        self._latest_start = self._deadline = 0.0
        self._answer_within = 0.0

    def start(self, *, query: str, begin_by: float, answer_within: float) -> None:
        """Before a request: the latest moment (monotonic) of its first byte; seconds from then to the reply's last."""
        self.begun = False
        self.query = query
        self._latest_start = begin_by
        self._answer_within = answer_within

    def first_byte(self) -> None:
        """Just before a byte is written; raises TimeoutError if it is too late to begin."""
        if self.begun:
            return
        now = time.monotonic()
        if now > self._latest_start:
            raise TimeoutError("too late to begin")
        self.begun = True
        self._deadline = now + self._answer_within

    def left(self) -> float:
        """The seconds that are left; raises TimeoutError if there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return left


class _UntilDeadline(io.RawIOBase):
    """A socket's bytes, each read within what is left for the whole reply: a slow server cannot hold a lane."""

    def __init__(self, sock: socket.socket, watch: Watch) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._watch = watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._watch.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reader:
    """What http.client wants of a socket once a request is written: a file to read the reply from."""

    def __init__(self, sock: socket.socket, watch: Watch) -> None:
        self._file = io.BufferedReader(_UntilDeadline(sock, watch))

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        return self._file


class _Response(HTTPResponse):
    """A reply whose head may hold lines that are no header: urllib3 would log them, whatever they say."""

    def begin(self) -> None:
        super().begin()
        self.msg.set_payload("")
        self.msg.defects.clear()


class _Watched:
    """Mixed into urllib3's connections: notes the first byte, keeps the deadline, and goes stale after two seconds.

    A server that closes a kept connection just when the next batch is written turns that batch into a doubt.
    """

    watch: Watch
    sock: Any
    returned_at = float("-inf")

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self.returned_at < IDLE_SECONDS and bool(super().is_connected)  # type: ignore[misc]

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        query = self.watch.query
        super().putrequest(method, f"{url}?{query}" if query else url, *args, **kwargs)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        self.watch.first_byte()
        # One record at a time: a single write of a TLS socket would otherwise count the time-out anew for each of them.
        view = memoryview(data)
        for start in range(0, len(view), _TLS_RECORD):
            self.sock.settimeout(self.watch.left())
            self.sock.sendall(view[start : start + _TLS_RECORD])

    def response_class(self, sock: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:
        return _Response(_Reader(sock, self.watch), *args, **kwargs)  # type: ignore[arg-type]


class _Pooled:
    """Mixed into urllib3's pools: notes when a connection came back."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.returned_at = time.monotonic()
        super()._put_conn(conn)  # type: ignore[misc]


class WatchedAdapter(HTTPAdapter):
    """Requests' adapter with one connection, which is watched; urllib3's retries are off."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        noted = {"watch": self._watch}
        plain = type("_Plain", (_Watched, HTTPConnection), noted)
        secure = type("_Secure", (_Watched, HTTPSConnection), noted)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_PlainPool", (_Pooled, HTTPConnectionPool), {"ConnectionCls": plain}),
            "https": type("_SecurePool", (_Pooled, HTTPSConnectionPool), {"ConnectionCls": secure}),
        }
