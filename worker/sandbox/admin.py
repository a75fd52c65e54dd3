"""The sandbox's own endpoint, `/_sandbox/…`, under any base path, for clients on this machine only.

    GET                                           a page to look at: see page.py
    GET  summary, accounts, faults                JSON
    GET  ledger?msgfid=…&since=SEQ&format=json    JSON lines, or one JSON array
    POST credits   {"login", "amount"}            more credits
    POST faults    {"name", "operation", "count", "share", "seconds", "code"}
    DELETE faults                                 disarms all
    POST settings  {"login", …}                   any of options.CHANGEABLE or CHANGEABLE_OF_ACCOUNT

A POST must be `application/json`, which a page in somebody's browser cannot send here unasked. Nor can such a page read
anything: a name of its own that it has made to mean this machine is no name under which this is served.
"""

import json
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from worker.sandbox.control import Control
from worker.sandbox.faults import ALL
from worker.sandbox.page import ASSETS, FILES, page

MARK = "/_sandbox/"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""What goes with everything that is shown: nothing of the page comes from elsewhere, and nothing of it goes there."""


class Admin:
    """Serves one control."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._tell: dict[str, Callable[[], Any]] = {
            "summary": control.summary,
            "accounts": control.accounts,
            "faults": control.faults,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one request: 400 with `error` for what cannot be, 403 for anybody from elsewhere."""
        if not _is_here(request.remote or ""):
            raise web.HTTPForbidden
        if not _is_own_name(request.headers.get("Host", "")):
            raise web.HTTPForbidden(text="This is served to localhost and to loopback addresses only")
        if MARK not in request.path:
            raise web.HTTPFound(MARK.lstrip("/"))  # without its last slash; relative, so that it leads nowhere else
        what = request.path.partition(MARK)[2].strip("/")
        try:
            if request.method == "GET":
                return await self._show(request, what)
            if request.method == "POST":
                return web.json_response(self._do(what, await _document(request)), headers=HEADERS)
            if request.method == "DELETE" and what == "faults":
                return web.json_response(self._do(what, {"name": ALL, "count": 0}), headers=HEADERS)
        except (ValueError, TypeError, LookupError, RecursionError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400, headers=HEADERS)
        raise web.HTTPMethodNotAllowed(request.method, ["GET", "POST", "DELETE"])

    async def _show(self, request: web.Request, what: str) -> web.StreamResponse:
        if not what:
            html = page(self._control, request.query)
            return web.Response(body=html, headers=HEADERS, content_type="text/html", charset="utf-8")
        if what in ASSETS:
            return web.Response(body=(FILES / what).read_bytes(), headers=HEADERS, content_type=ASSETS[what])
        if what == "ledger":
            return await self._stream(request)
        if what in self._tell:
            return web.json_response(self._tell[what](), headers=HEADERS)
        raise web.HTTPNotFound

    def _do(self, what: str, document: dict[str, Any]) -> dict[str, Any]:
        if what == "credits":
            return {"credits": self._control.top_up(document["login"], document["amount"])}
        if what == "faults":
            self._control.fault(**document)
        elif what == "settings":
            self._control.settings(**document)
        else:
            raise web.HTTPNotFound
        return {}

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        msgfid, since = request.query.get("msgfid", ""), int(request.query.get("since") or 0)
        pages = filter(None, self._control.ledger(msgfid=msgfid, since=since))
        as_array = request.query.get("format") == "json"
        response = web.StreamResponse(headers=HEADERS)
        response.content_type = "application/json" if as_array else "application/x-ndjson"
        await response.prepare(request)
        for text in _array(pages) if as_array else map("".join, pages):
            await response.write(text.encode("ascii"))
        await response.write_eof()
        return response


def _array(pages: Iterator[list[str]]) -> Iterator[str]:
    """JSON objects, pages of them, as one JSON array."""
    lead = "["
    for page_of_lines in pages:
        yield lead + ",".join(page_of_lines)
        lead = ","
    yield "[]" if lead == "[" else "]"


def _is_own_name(host: str) -> bool:
    """Whether a Host header names this machine. The unspecified address does, and no stranger can be reached by it."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or _is_here(name) or ip_address(name).is_unspecified
    except ValueError:
        return False


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


async def _document(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    document = json.loads(await request.read())
    if not isinstance(document, dict):
        raise ValueError("a JSON object is expected")  # noqa: TRY004 - answered with 400 like any other wrong value
    return document
