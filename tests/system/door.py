"""A door in front of a gateway: shut, it refuses connections; open, it lets requests through, or spoils the answers.

The gateway behind it goes on living, with its ledger and its reports, while it seems to be away.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HTML = b"<!DOCTYPE html><html><body><h1>Maintenance</h1></body></html>"
WRONG_PASSWORD = b"<REPONSE><statut>-4</statut><texte>Authentification echouee</texte></REPONSE>"


class Door:
    """Made shut. `says` is an answer to give without asking the gateway; `cuts`: halve so many answers to sends."""

    def __init__(self, behind: str) -> None:
        self._behind = urlsplit(behind)
        self._server: _Server | None = None
        self._port = 0
        self.says: bytes | None = None
        self.cuts = 0
        self._counting = threading.Lock()
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Listen, on the same port as before."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self._port), _Passage)
            self._server.door = self
            self._port = self._server.server_port
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections; what came in before is still answered."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()  # waits for the answers under way
            self._server = None

    def pass_on(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """What to answer to a request."""
        if self.says is not None:
            return 200, self.says
        connection = HTTPConnection(self._behind.hostname or "", self._behind.port, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            reply = connection.getresponse()
            status, answer = reply.status, reply.read()
        finally:
            connection.close()
        return status, answer[: len(answer) // 2] if self._cuts_this(path) else answer

    def _cuts_this(self, path: str) -> bool:
        with self._counting:
            cut = self.cuts > 0 and "sendsms" in path
            self.cuts -= cut
        return cut


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    door: Door


class _Passage(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10  # seconds: a client that says nothing must not keep a door from being shut

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kept = {name: self.headers[name] for name in ("Content-Type",)}
        status, answer = self.server.door.pass_on(self.path, kept, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Nothing: a test's output is for what the test says."""


@contextmanager
def door(behind: str) -> Iterator[Door]:
    """An open door before the gateway at this URL."""
    made = Door(behind)
    try:
        yield made
    finally:
        made.shut()
