"""A gateway whose clock the test moves, and a sandbox that listens, asked over plain HTTP."""

import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

import pytest

from tests.transcripts import reading
from worker.sandbox.calls import Credentials, SendCall
from worker.sandbox.clock import Clock
from worker.sandbox.gateway import Gateway
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import RunningSandbox, running

COMPTE = "<compte><login>toto@toto.fr</login><password>123456</password></compte>"


class Hands:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def open_gateway(hands: Hands) -> Callable[..., Gateway]:
    """Makes a gateway with the account toto@toto.fr, 100 credits, sender TOTO, and delivered reports at once."""

    def opened(**options: object) -> Gateway:
        defaults = {
            "accounts": {"toto@toto.fr": "123456"},
            "credits": 100,
            "senders": ("TOTO",),
            "mix": {"delivered": 1},
            "delays": (0, 0),
        }
        return Gateway(SandboxOptions(**(defaults | options)), clock=Clock(hands))

    return opened


@pytest.fixture
def transcript() -> Callable[[str], bytes]:
    return reading.transcript


@pytest.fixture
def toto() -> Credentials:
    return Credentials("toto@toto.fr", "123456")


@pytest.fixture
def a_send() -> Callable[..., SendCall]:
    """Makes a send of one text to numbers, or to (number, values) pairs."""

    def made(*recipients: str | tuple[str, list[tuple[str, str]]], **fields: object) -> SendCall:
        defaults = {"msgid": "15", "sender": "TOTO", "text": "Juste un test", "unicode": False, "datesend": ""}
        pairs = [recipient if isinstance(recipient, tuple) else (recipient, []) for recipient in recipients]
        return SendCall(**(defaults | fields), recipients=pairs)

    return made


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Message
    text: str

    @property
    def type(self) -> str:
        return str(self.headers.get("Content-Type", ""))


@dataclass(frozen=True)
class Served:
    """A sandbox that listens; `post` sends bytes as they are and reads the whole reply."""

    sandbox: RunningSandbox

    def post(self, path: str, body: str | bytes, *, content_type: str | None = None, method: str = "POST") -> Reply:
        connection = http.client.HTTPConnection(urlsplit(self.sandbox.url).netloc, timeout=60)
        try:
            headers = {"Content-Type": content_type} if content_type else {}
            connection.request(method, path, body.encode() if isinstance(body, str) else body, headers)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def ask(self, command: str, content: str = "") -> str:
        """One XML request by toto@toto.fr, raw as PHP programs send it; the reply's text."""
        document = f"XML=<SMS>{COMPTE}{content}</SMS>"
        return self.post(f"/api/xml/{command}/", document, content_type="text/xml").text

    def send(self, *numbers: str, text: str = "Juste un test", msgid: str = "15") -> str:
        destinations = "".join(f"<numero>{number}</numero>" for number in numbers)
        message = f"<message><msgid>{msgid}</msgid><expediteur>TOTO</expediteur><msg>{text}</msg></message>"
        return self.ask("sendsms", f"{message}<destinataires>{destinations}</destinataires>")


@pytest.fixture(scope="session")
def shared() -> Iterator[Served]:
    """One sandbox for tests that leave no trace that another could stumble over."""
    with running(_options()) as sandbox:
        yield Served(sandbox)


@pytest.fixture
def served() -> Iterator[Served]:
    """A sandbox of the test's own."""
    with running(_options()) as sandbox:
        yield Served(sandbox)


def _options() -> SandboxOptions:
    return SandboxOptions(
        accounts={"toto@toto.fr": "123456"}, senders=("TOTO",), mix={"delivered": 1}, delays=(0, 0), max_body=1_000_000
    )
