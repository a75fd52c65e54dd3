"""The sandbox's own endpoint, `/_sandbox/…`, under any base path, for clients on this machine only.

    GET  summary, accounts, faults                JSON
    GET  ledger?msgfid=…&since=SEQ                JSON lines
    POST credits   {"login", "amount"}            more credits
    POST faults    {"name", "operation", "count", "share", "seconds", "code"}
    DELETE faults                                 disarms all
    POST settings  {"login", …}                   any of options.CHANGEABLE or CHANGEABLE_OF_ACCOUNT

A POST must be `application/json`, which a page in somebody's browser cannot send here unasked.
"""

import ipaddress
import json
from typing import Any

from aiohttp import web

from worker.sandbox.control import Control
from worker.sandbox.faults import ALL

MARK = "/_sandbox/"


class Admin:
    """Serves one control."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one request: 400 with `error` for what cannot be, 403 for anybody from elsewhere."""
        if request.remote is None or not ipaddress.ip_address(request.remote).is_loopback:
            raise web.HTTPForbidden
        what = request.path.partition(MARK)[2].strip("/")
        try:
            if request.method == "GET":
                return await self._show(request, what)
            if request.method == "POST":
                return web.json_response(self._do(what, await _document(request)))
            if request.method == "DELETE" and what == "faults":
                return web.json_response(self._do(what, {"name": ALL, "count": 0}))
        except (ValueError, TypeError, LookupError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        raise web.HTTPMethodNotAllowed(request.method, ["GET", "POST", "DELETE"])

    async def _show(self, request: web.Request, what: str) -> web.StreamResponse:
        if what == "summary":
            return web.json_response(self._control.summary())
        if what == "accounts":
            return web.json_response(self._control.accounts())
        if what == "faults":
            return web.json_response(self._control.faults())
        if what == "ledger":
            return await self._stream(request)
        raise web.HTTPNotFound

    def _do(self, what: str, document: dict[str, Any]) -> dict[str, Any]:
        if what == "credits":
            return {"credits": self._control.top_up(document["login"], int(document["amount"]))}
        if what == "faults":
            self._control.fault(**document)
        elif what == "settings":
            self._control.settings(**document)
        else:
            raise web.HTTPNotFound
        return {}

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        msgfid, since = request.query.get("msgfid", ""), int(request.query.get("since") or 0)
        response = web.StreamResponse()
        response.content_type = "application/x-ndjson"
        await response.prepare(request)
        for lines in self._control.ledger(msgfid=msgfid, since=since):
            await response.write("".join(lines).encode("ascii"))
        await response.write_eof()
        return response


async def _document(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    document = json.loads(await request.read())
    if not isinstance(document, dict):
        raise ValueError("a JSON object is expected")  # noqa: TRY004 - answered with 400 like any other wrong value
    return document
