"""The gateway's client: five operations, each one request, each with one outcome.

It asks once and never again by itself: when to send again is for whoever reads the error (`errors.py`). It knows
nothing of campaigns, queues or databases, and can be used alone:

    gateway = Gateway("https://sms.example/client/42/fr", Credentials("login", "password"))
    receipt = gateway.send(Sending("order-1", "SHOP", "Votre colis est là", [2250700000000]))
"""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import SplitResult, urlsplit

from worker.smseco.codes import check_status
from worker.smseco.connection import CONNECT_PATIENCE, Connection
from worker.smseco.errors import BadReply, CannotBeWritten, ReadFailed, Refused
from worker.smseco.forms import form_named
from worker.smseco.outcome import body_of, classify
from worker.smseco.reports import parse_reports
from worker.smseco.request import Request
from worker.smseco.values import Balance, Credentials, Receipt, ReportBatch, Sending

MEBIBYTE = 1024 * 1024
# A receipt grows with its batch, and one that is not read to its end is a doubt; the vendor's rows take about 120.
BYTES_A_RECIPIENT = 1024


class Gateway:
    """One account at one gateway, for one thread at a time.

    `base_url` may carry a path, with or without a last slash. Plain http to anything but this machine shows the
    password to the network, and is refused (ValueError) unless `allow_plain_http`. Times are in seconds:
    `connect_timeout` for each step of connecting, `read_timeout` from the first byte of a request to the last of its
    reply. A reply to a report request gets `reports_timeout` and `max_reports_bytes` instead, which are generous: what
    is not read of it is lost. `max_reply_bytes` comes on top of a share for each recipient. `ca_bundle` is a file of
    certificates to trust instead of the usual ones.

    `form` is how requests and replies are written: "xml" (what the worker uses), "json", "get" or "soap"; values and
    errors are the same in all of them. A form refuses (ValueError) what it cannot carry, before anything leaves.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        form: str = "xml",
        connect_timeout: float = 5,
        read_timeout: float = 30,
        reports_timeout: float = 300,
        max_reply_bytes: int = MEBIBYTE,
        max_reports_bytes: int = 256 * MEBIBYTE,
        allow_plain_http: bool = False,
        ca_bundle: str | None = None,
    ) -> None:
        _check_url(base_url, allow_plain_http=allow_plain_http)
        self._form = form_named(form)
        self._credentials = credentials
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._reports_timeout = reports_timeout
        self._max_reply_bytes = max_reply_bytes
        self._max_reports_bytes = max_reports_bytes
        self._connection = Connection(base_url, connect_timeout=connect_timeout, ca_bundle=ca_bundle)

    @property
    def longest_beginning(self) -> float:
        """Seconds after which no request begins any more: its first byte has left by then, or never will."""
        return CONNECT_PATIENCE * self._connect_timeout

    @property
    def longest_send(self) -> float:
        """Seconds after which a send or lookup has certainly left the wire: a lease must outlive it."""
        return self.longest_beginning + self._read_timeout

    @property
    def clock(self) -> datetime | None:
        """The gateway's own time, UTC, to the second, when it wrote the last reply; None if that did not say."""
        with suppress(TypeError, ValueError):
            return parsedate_to_datetime(self._connection.date or "").astimezone(UTC)
        return None

    def check(self, request: Request) -> None:
        """Raises ValueError for a form's request that is too long for this gateway, and asks nothing.

        Every operation checks by itself: this is for whoever must know before a person is asked to agree.
        """
        self._connection.check(request)

    def send(self, sending: Sending, *, begin_by: float | None = None) -> Receipt:
        """Send one text to many (I). Costs credits. Raises NotSent, Refused or InDoubt; ValueError for a mail merge.

        Nothing leaves after `begin_by` (a moment of `time.monotonic`): for whoever may do it until then only.
        """
        if sending.fields:
            raise ValueError("a sending with fields is a mail merge: use merge()")
        return self._send(sending, begin_by)

    def merge(self, sending: Sending, *, begin_by: float | None = None) -> Receipt:
        """Send each number its own text (II). Costs credits. Like `send`; ValueError for one without fields."""
        if not sending.fields:
            raise ValueError("a mail merge needs fields: use send()")
        return self._send(sending, begin_by)

    def _send(self, sending: Sending, begin_by: float | None) -> Receipt:
        with _writing():
            request = self._form.send_request(self._credentials, sending)
            self.check(request)
        return self._attempt(request, msgid=sending.msgid, asked=len(sending.numbers), begin_by=begin_by)

    def lookup(self, msgid: str, numbers: Sequence[int | str], *, begin_by: float | None = None) -> Receipt:
        """Ask whether numbers are reachable (V); the answers come as reports. Costs credits. Like `send`."""
        with _writing():
            request = self._form.lookup_request(self._credentials, msgid, numbers)
            self.check(request)
        return self._attempt(request, msgid=msgid, asked=len(numbers), begin_by=begin_by)

    def _attempt(self, request: Request, *, msgid: str, asked: int, begin_by: float | None) -> Receipt:
        exchange = self._connection.ask(
            request,
            begin_by=begin_by,
            answer_within=self._read_timeout,
            max_bytes=self._max_reply_bytes + asked * BYTES_A_RECIPIENT,
        )
        return classify(exchange, self._form, msgid=msgid, asked=asked)

    def reports(
        self, msgfid: str | None = None, smsfid: str | None = None, *, keep: Callable[[bytes], object] | None = None
    ) -> ReportBatch:
        """New delivery reports (III), of one sending or one SMS if named. Each is handed out once.

        `keep` is given what came, whole or not, before it is read: whoever must not lose a report in a crash stores it
        there. Reports in a reply that did not arrive whole are returned, as `truncated`. Raises Refused, Unreachable or
        BadReply where there is none to be read.
        """
        failure = None
        try:
            body = self.fetch_reports(msgfid, smsfid)
        except ReadFailed as failed:
            body, failure = failed.partial, failed
        if keep is not None and body:
            keep(body)
        return parse_reports(body) if failure is None else _left(failure)

    def fetch_reports(self, msgfid: str | None = None, smsfid: str | None = None) -> bytes:
        """The raw reply to a report request (III), to be journaled before it is parsed: reports are handed out once.

        What came with an HTTP status of success is returned unread, a refusal and a page of HTML too: `parse_reports`
        tells. Raises Unreachable or BadReply, whose `partial` is what arrived and has to be journaled too, or Refused
        for a refusal with an HTTP status of 4xx.
        """
        request = self._form.reports_request(self._credentials, msgfid, smsfid)
        exchange = self._connection.ask(request, answer_within=self._reports_timeout, max_bytes=self._max_reports_bytes)
        try:
            return body_of(exchange, self._form)
        except Refused:
            parse_reports(exchange.body)  # raises it again, unless the refusal contradicts itself and holds reports
            raise BadReply(f"HTTP {exchange.status}", partial=exchange.body) from None

    def balance(self) -> Balance:
        """The account's credits (IV-1). Raises Refused, Unreachable or BadReply."""
        return self._form.read_balance(self._ask(self._form.balance_request(self._credentials)))

    def senders(self) -> tuple[str, ...]:
        """The sender names registered for the account (IV-2). Raises Refused, Unreachable or BadReply."""
        return self._form.read_senders(self._ask(self._form.senders_request(self._credentials)))

    def _ask(self, request: Request) -> bytes:
        exchange = self._connection.ask(request, answer_within=self._read_timeout, max_bytes=self._max_reply_bytes)
        body = body_of(exchange, self._form)
        check_status(self._form.read_answer(body).status, body)
        return body

    def close(self) -> None:
        """Close the kept connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _writing() -> Iterator[None]:
    """Whatever breaks here has broken before anything left."""
    try:
        yield
    except Exception as error:
        said = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise CannotBeWritten(said) from error


def _left(failed: ReadFailed) -> ReportBatch:
    """The reports that arrived all the same; raises the failure if there is none."""
    with suppress(Refused, BadReply):
        batch = parse_reports(failed.partial)
        if len(batch):
            return replace(batch, truncated=True)
    raise failed


def _check_url(base_url: str, *, allow_plain_http: bool) -> None:
    """Raises ValueError, which repeats nothing of the URL: it might hold a password."""
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not url.hostname or not _has_good_port(url):
        raise ValueError("the base URL must begin with https:// and name a host, and perhaps a port")
    # A last "?" or "#" is an empty query or fragment: what a request hangs under it would be its query, or cut off.
    if url.username is not None or "?" in base_url or "#" in base_url:
        raise ValueError("the base URL may hold a path, but no login, query or fragment")
    if url.scheme == "http" and not allow_plain_http and not _is_this_machine(url.hostname):
        raise ValueError("plain http would show the password to the network: use https, or set allow_plain_http")


def _has_good_port(url: SplitResult) -> bool:
    try:
        return url.port != 0
    except ValueError:
        return False


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
