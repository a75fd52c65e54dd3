"""The wire: makes one request, once, and notes what happened, above all whether a byte may have left.

The exceptions of requests and urllib3 do not tell whether the request had begun, so our connections do: they note the
moment before the first byte is written. Nothing here is retried, redirected or taken from a cache, and no proxy or
password is read from the environment (`trust_env` off): a batch goes where the settings say, or not at all. What the
noted facts mean is decided in `outcome.py`.

A GET's query holds the password, and requests and urllib3 put URLs into their logs and errors, and rewrite them. So
they never get it: the connection itself adds it to the request line.
"""

import io
import os
import socket
import time
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, HTTPError, NameResolutionError, SSLError

from worker.smseco.outcome import Exchange
from worker.smseco.request import Request

IDLE_SECONDS = 2.0
# Name, a dead address and a slow handshake may each take a connect time-out; nothing leaves later than that.
CONNECT_PATIENCE = 3
# RFC 9110, section 4.1: the length of URI that everybody should take, and many servers' limit is little more.
LONGEST_URL = 8000
_PIECE = 65536
_TLS_RECORD = 16384

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (NameResolutionError, "name not found"),
    (TimeoutError, "timed out"),
    (SSLError, "TLS failed"),
    (ConnectionRefusedError, "connection refused"),
    (RemoteDisconnected, "closed without a reply"),
    (ConnectionResetError, "connection reset"),
    (BrokenPipeError, "connection reset"),
    (IncompleteRead, "cut short"),
    (BadStatusLine, "no HTTP"),
    (DecodeError, "wrongly encoded"),
)


class Watch:
    """The request in the air: by when it must begin, whether it has, by when its reply must be whole, and its query."""

    def __init__(self) -> None:
        self.begun = False
        self.query = ""
        self._latest_start = self._deadline = 0.0
        self._answer_within = 0.0

    def start(self, *, query: str, begin_within: float, answer_within: float) -> None:
        """Before a request: seconds until its first byte at the latest, and from then until the last of the reply."""
        self.begun = False
        self.query = query
        self._latest_start = time.monotonic() + begin_within
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


class _Adapter(HTTPAdapter):
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


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: even with redirects off, requests would read a redirect's body, without any limit, to find the next."""


class Connection:
    """One kept connection to one gateway, for one thread at a time; a forked child opens its own.

    `connect_timeout` (seconds) is for each step of connecting, and nothing leaves later than three times that.
    `ca_bundle` is a file of certificates to trust instead of the usual ones.
    """

    def __init__(self, base_url: str, *, connect_timeout: float, ca_bundle: str | None = None) -> None:
        self._base_url = base_url.rstrip("/") + "/"
        self._connect_timeout = connect_timeout
        self._ca_bundle = ca_bundle
        self._open()

    def _open(self) -> None:
        self._process = os.getpid()
        self._watch = Watch()
        self._session = _Session()
        self._session.trust_env = False
        self._session.verify = self._ca_bundle or True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers = {"User-Agent": "sms-campaigns", "Accept": "*/*", "Accept-Encoding": "identity"}
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(self._watch))

    def check(self, request: Request) -> str:
        """The URL of a request; raises ValueError for a query that makes it longer than every server takes."""
        url = self._base_url + request.path
        _check_length(url, request.query)
        return url

    def ask(self, request: Request, *, answer_within: float, max_bytes: int) -> Exchange:
        """Ask once. Whatever the network does is noted in the exchange, not raised.

        `answer_within` (seconds) bounds everything from the first byte of the request to the last of the reply; a body
        of more than `max_bytes` is left where it got too long, and is a failure. Raises ValueError like `check`, before
        anything leaves.
        """
        url = self.check(request)
        if self._process != os.getpid():
            self._open()
        begin_within = CONNECT_PATIENCE * self._connect_timeout
        self._watch.start(query=request.query, begin_within=begin_within, answer_within=answer_within)
        status: int | None = None
        body = bytearray()
        try:
            with self._session.request(
                request.method,
                url,
                data=request.body or None,
                headers=_headers(request),
                timeout=(self._connect_timeout, answer_within),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                complete = _read(response, body, max_bytes)
        except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
            return Exchange(self._watch.begun, _reason(error), status, bytes(body))
        return Exchange(True, None if complete else "reply too long", status, bytes(body))

    def close(self) -> None:
        """Close the kept connection; the next post opens another."""
        self._session.close()


def _check_length(url: str, query: str) -> None:
    length = len(f"{url}?{query}")
    if query and length > LONGEST_URL:
        raise ValueError(f"the URL would be {length} octets long, and at most {LONGEST_URL} are safe: choose xml")


def _headers(request: Request) -> dict[str, str]:
    if request.method == "GET":
        return {}
    action = {"SOAPAction": f'"{request.action}"'} if request.action else {}
    return {"Content-Type": request.content_type} | action


def _read(response: requests.Response, body: bytearray, max_bytes: int) -> bool:
    """Add to `body` what comes, when it comes, so that no later failure loses any of it; False if it is too long."""
    while piece := response.raw.read1(_PIECE, decode_content=True):
        body += piece[: max_bytes - len(body) + 1]
        if len(body) > max_bytes:
            del body[max_bytes:]
            return False
    return True


def _reason(error: BaseException) -> str:
    """What happened, in our words: those of the libraries name hosts, paths and whatever else they were given."""
    for cause in _causes(error):
        for kind, reason in _REASONS:
            if isinstance(cause, kind):
                return reason
    return "network failure"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """From the first cause to the last effect: the first is the most telling."""
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return reversed(chain)
