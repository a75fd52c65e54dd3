"""A gateway in front of a gateway that hands its delivery reports out in random order.

A real one hands a step out when it happens, at each phone at its own time; the sandbox, asked long afterwards, sending
by sending. So all that the sandbox has is read here first, each step of the way is shuffled over all sendings, and the
bodies that come of it are handed out one at a time. Whatever is no request for reports goes on to the sandbox.
"""

import contextlib
import random
import threading
import urllib.request
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.benchmarks.gateway import LOGIN
from worker.smseco import Credentials, Gateway, parse_reports

A_BODY = 10_000  # reports, as many as the sandbox hands out at once
WAY = ("50", "65", "55", "61", "56")  # the steps in the order in which they happen

NOTHING = b"<REPONSE><statut>-15</statut><texte>Aucun statut</texte><messages></messages></REPONSE>"

Report = tuple[str, str, str, str]
"""The msgfid, the smsfid, the number and the status."""


def everything(url: str) -> list[Report]:
    """All reports that a sandbox has ready; it has none afterwards."""
    found: list[Report] = []
    with contextlib.closing(Gateway(url, Credentials(LOGIN, LOGIN))) as gateway:
        while len(batch := parse_reports(gateway.fetch_reports())):
            columns = batch.msgfids, batch.smsfids, batch.destinations, map(str, batch.codes)
            found += zip(*columns, strict=True)
    return found


def shuffled(reports: Sequence[Report], *, seed: int) -> list[bytes]:
    """Bodies as the sandbox writes them: step after step, each in random order over all sendings."""
    dice = random.Random(seed)
    ordered = sorted(reports, key=lambda report: (WAY.index(report[3]), dice.random()))
    return [_body(ordered[start : start + A_BODY]) for start in range(0, len(ordered), A_BODY)]


def _body(reports: Sequence[Report]) -> bytes:
    """III-1: the reports of a sending stand together."""
    sendings = defaultdict(list)
    for msgfid, smsfid, number, status in reports:
        sendings[msgfid].append(
            f"<dlr><smsfid>{smsfid}</smsfid><destination>{number}</destination><date>2026-01-01 08:00:00</date>"
            f"<statut>{status}</statut><libelle>Etape {status}</libelle><texte>Etape {status}</texte></dlr>"
        )
    messages = "".join(
        f"<message><msgfid>{msgfid}</msgfid><dlrs>{''.join(dlrs)}</dlrs></message>" for msgfid, dlrs in sendings.items()
    )
    done = "<accountid>1</accountid><statut>0</statut><texte>OK</texte>"
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{declaration}<REPONSE>{done}<messages>{messages}</messages></REPONSE>".encode()


@contextlib.contextmanager
def in_front_of(sandbox_url: str) -> Iterator[tuple[str, deque[bytes]]]:
    """The base URL of a gateway before a sandbox, and what waits there: bodies that are put in are handed out."""
    waiting: deque[bytes] = deque()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            if "getdlrs" in self.path:
                body = waiting.popleft() if waiting else NOTHING
            else:
                kind = {"Content-Type": self.headers["Content-Type"]}
                with urllib.request.urlopen(
                    urllib.request.Request(sandbox_url + self.path, asked, kind), timeout=60
                ) as reply:
                    body = reply.read()
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: there is nobody to read it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", waiting
        finally:
            server.shutdown()
