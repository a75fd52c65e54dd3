"""The wire: makes one request, once, and notes what happened, above all whether a byte may have left.

The exceptions of requests and urllib3 do not tell whether the request had begun, so our connections do: they note the
moment before the first byte is written. Nothing here is retried, redirected or taken from a cache, no cookie is kept,
and no proxy or password is read from the environment: all of that is done by requests' sessions, and there is none
here, only the adapter beneath. A batch goes where the settings say, or not at all. What the noted facts mean is decided
in `outcome.py`.

A GET's query holds the password, and requests and urllib3 put URLs into their logs and errors, and rewrite them. So
they never get it: the connection itself adds it to the request line.
"""

import os
from collections.abc import Iterator
from functools import lru_cache
from http.client import BadStatusLine, HTTPException, IncompleteRead, RemoteDisconnected
from time import monotonic

import requests
from urllib3.exceptions import DecodeError, HTTPError, NameResolutionError, SSLError

from worker.smseco.outcome import Exchange
from worker.smseco.request import Request
from worker.smseco.watched import Watch, WatchedAdapter

# Name, a dead address and a slow handshake may each take a connect time-out; nothing leaves later than that.
CONNECT_PATIENCE = 3
# RFC 9110, section 4.1: the length of URI that everybody should take, and many servers' limit is little more.
LONGEST_URL = 8000
_PIECE = 65536

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


class Connection:
    """One kept connection to one gateway, for one thread at a time; a forked child opens its own.

    `connect_timeout` (seconds) is for each step of connecting, and nothing leaves later than three times that.
    `ca_bundle` is a file of certificates to trust instead of the usual ones.
    """

    def __init__(self, base_url: str, *, connect_timeout: float, ca_bundle: str | None = None) -> None:
        self._base_url = base_url.rstrip("/") + "/"
        self._connect_timeout = connect_timeout
        self._ca_bundle = ca_bundle
        self.date: str | None = None
        """The Date header of the last reply, as it came."""
        self._open()

    def _open(self) -> None:
        self._process = os.getpid()
        self._watch = Watch()
        self._adapter = WatchedAdapter(self._watch)

    def check(self, request: Request) -> str:
        """The URL of a request; raises ValueError for a query that makes it longer than every server takes."""
        url = self._base_url + request.path
        _check_length(url, request.query)
        return url

    def ask(self, request: Request, *, answer_within: float, max_bytes: int, begin_by: float | None = None) -> Exchange:
        """Ask once, and begin by that moment (monotonic) or not at all. What the network does is noted, not raised.

        `answer_within` (seconds) bounds everything from the first byte of the request to the last of the reply; a body
        of more than `max_bytes` is left where it got too long, and is a failure. Raises ValueError like `check`, before
        anything leaves.
        """
        url = self.check(request)
        if self._process != os.getpid():
            self._open()
        latest = monotonic() + CONNECT_PATIENCE * self._connect_timeout
        latest = latest if begin_by is None else min(begin_by, latest)
        self._watch.start(query=request.query, begin_by=latest, answer_within=answer_within)
        status = self.date = None
        body = bytearray()
        try:
            with self._adapter.send(
                _prepared(request, url),
                stream=True,
                timeout=(self._connect_timeout, answer_within),
                verify=self._ca_bundle or True,
            ) as response:
                status, self.date = response.status_code, response.headers.get("Date")
                complete = _read(response, body, max_bytes)
        except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
            return Exchange(self._watch.begun, _reason(error), status, bytes(body))
        return Exchange(True, None if complete else "reply too long", status, bytes(body))

    def close(self) -> None:
        """Close the kept connection; the next post opens another."""
        self._adapter.close()


def _check_length(url: str, query: str) -> None:
    length = len(f"{url}?{query}")
    if query and length > LONGEST_URL:
        raise ValueError(f"the URL would be {length} octets long, and at most {LONGEST_URL} are safe: choose xml")


def _prepared(request: Request, url: str) -> requests.PreparedRequest:
    """The request as the adapter takes it: what all of its kind share is prepared once, because it takes a while."""
    prepared = _blank(request.method, url, request.content_type, request.action).copy()
    prepared.prepare_body(request.body or None, None)
    return prepared


@lru_cache(maxsize=64)  # an operation and an account each
def _blank(method: str, url: str, content_type: str, action: str) -> requests.PreparedRequest:
    headers = {"User-Agent": "sms-campaigns", "Accept": "*/*", "Accept-Encoding": "identity"}
    if method != "GET":
        headers["Content-Type"] = content_type
    if action:
        headers["SOAPAction"] = f'"{action}"'
    return requests.Request(method, url, headers=headers).prepare()


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
