"""A gateway of a few lines for the client's tests: it plays bytes back, misbehaves on demand, and notes what came.

It knows nothing of the API, so that it cannot share a mistake with the client.
"""

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import pytest

from tests.transcripts import reading
from worker.smseco import Credentials, Gateway

Act = Callable[[socket.socket], None]


class Received:
    """One request as it came."""

    def __init__(self, head: str, body: bytes, connection: int) -> None:
        self.line, *lines = head.split("\r\n")
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.body = body
        self.connection = connection

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    @property
    def document(self) -> str:
        return parse_qs(self.body.decode("ascii"), strict_parsing=True)["XML"][0]


class Stub:
    """Plays `script`, one act a request, the last one for ever. An act gets the socket after the request was read."""

    def __init__(self) -> None:
        self.script: list[Act] = []
        self.received: list[Received] = []
        self.reads_requests = True
        self.wrap: Callable[[socket.socket], socket.socket] = lambda sock: sock
        self.closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/client/42/fr"
        self._connections = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def plays(self, *script: bytes | Act) -> None:
        self.script = [self.http(act) if isinstance(act, bytes) else act for act in script]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            thread = threading.Thread(target=self._serve, args=(sock, self._connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, connection: int) -> None:
        try:
            with sock, self.wrap(sock) as wrapped:
                while self._serve_one(wrapped, connection):
                    pass
        except OSError:
            return

    def _serve_one(self, sock: socket.socket, connection: int) -> bool:
        if self.reads_requests:
            request = self._read(sock)
            if request is None:
                return False
            self.received.append(Received(*request, connection))
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        act(sock)
        return sock.fileno() != -1

    def _read(self, sock: socket.socket) -> tuple[str, bytes] | None:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (piece := self._piece(sock)):
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = sum(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            if not (piece := self._piece(sock)):
                return None
            body += piece
        return head.decode("latin-1"), body

    def _piece(self, sock: socket.socket) -> bytes:
        while not self.closing.is_set():
            if getattr(sock, "pending", lambda: 0)() or select.select([sock], [], [], 0.05)[0]:
                return sock.recv(65536)
        return b""

    @staticmethod
    def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> Act:
        """Answer with a status and a body; `length` may lie."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        reply = "\r\n".join([*lines, "", ""]).encode() + body
        return lambda sock: sock.sendall(reply)

    @staticmethod
    def raw(reply: bytes) -> Act:
        """Answer with these bytes and hang up."""

        def act(sock: socket.socket) -> None:
            sock.sendall(reply)
            sock.close()

        return act

    @staticmethod
    def cut(body: bytes, *, at: int) -> Act:
        """Announce the whole body, send so many bytes of it, and hang up."""
        return Stub.raw(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:at])

    @staticmethod
    def reset(sock: socket.socket) -> None:
        """Hang up with a reset, as a crashing server does."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def silence(self, sock: socket.socket) -> None:
        """Never answer."""
        self.closing.wait(10)
        sock.close()

    def dribble(self, reply: bytes) -> Act:
        """Answer a byte at a time, each well within a time-out for one read, for ever."""

        def act(sock: socket.socket) -> None:
            for byte in reply:
                sock.sendall(bytes((byte,)))
                if self.closing.wait(0.03):
                    break
            sock.close()

        return act

    def await_hang_up(self) -> None:
        """Until every connection so far is over on this side."""
        for thread in self._threads[1:]:
            thread.join(timeout=60)

    def close(self) -> None:
        if self.closing.is_set():
            return
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=60)


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.close()


@pytest.fixture
def credentials() -> Credentials:
    return Credentials("toto@toto.fr", "123456")


@pytest.fixture
def gateway(stub: Stub, credentials: Credentials) -> Iterator[Gateway]:
    with Gateway(stub.url, credentials, connect_timeout=30, read_timeout=30) as client:
        yield client


@pytest.fixture
def impatient(stub: Stub, credentials: Credentials) -> Iterator[Gateway]:
    with Gateway(
        stub.url, credentials, connect_timeout=30, read_timeout=1.5, reports_timeout=1.5, max_reply_bytes=5000
    ) as client:
        yield client


@pytest.fixture
def transcript() -> Callable[[str], bytes]:
    return reading.transcript
