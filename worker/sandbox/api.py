"""The vendor's URLs over HTTP: finds the form and the operation by the tail of a path, and lets faults strike.

Any base path will do, any case, with or without the last slash; so `/client/CODE/fr/api/xml/sendsms/` is served, and
the old `/XML/XMLdatas.php`. What is asked is the gateway's affair, how it is written the form's.
"""

import asyncio
import re
from types import ModuleType

from aiohttp import web

from worker.sandbox import xml
from worker.sandbox.codes import Refused
from worker.sandbox.control import Control
from worker.sandbox.faults import Faults
from worker.sandbox.gateway import Gateway

FORMS: dict[str, ModuleType] = {"xml": xml}
OPERATIONS = {
    "sendsms": "send",
    "getdlrs": "reports",
    "getbalance": "balance",
    "getsenders": "senders",
    "sendhlr": "lookup",
    "sendhrl": "lookup",
}

_TAIL = re.compile(r"(?:.*/)?api/(?P<form>\w+)/(?P<command>\w+)/?", re.IGNORECASE)
_OLD_TAIL = re.compile(r"(?:.*/)?xml/xmldatas\.php/?", re.IGNORECASE)


class Api:
    """Serves one gateway."""

    def __init__(self, gateway: Gateway, faults: Faults, control: Control) -> None:
        self._gateway = gateway
        self._faults = faults
        self._control = control

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one request; HTTP status 200 whatever the vendor's own `statut` says."""
        form, operation = _route(request.path)
        if request.method != "POST":
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        body = await request.read()
        carried_out, reply = self._answer(form, operation, body)
        if carried_out:
            spoilt = await self._spoil(request, operation)
            if spoilt is not None:
                return spoilt
        return web.Response(body=reply, content_type=form.CONTENT_TYPE, charset="utf-8")

    def _answer(self, form: ModuleType, operation: str, body: bytes) -> tuple[bool, bytes]:
        self._control.requests[operation] += 1
        try:
            credentials, call = form.read(operation, body)
            return True, form.write(self._gateway.answer(credentials, call))
        except Refused as refused:
            self._control.refusals[str(refused.code)] += 1
            return False, form.write_refusal(operation, refused)

    async def _spoil(self, request: web.Request, operation: str) -> web.StreamResponse | None:
        """What a carried-out request gets in place of its reply, if anything."""
        late = self._faults.strike("latency", operation) or 0.0
        if operation == "send":
            late += self._gateway.options.latency
        if late:
            await asyncio.sleep(late)
        if self._faults.strike("drop_reply", operation) is not None:
            return _dropped(request)
        if self._faults.strike("http_500", operation) is not None:
            return web.Response(status=500, text="Internal Server Error")
        return None


def _route(path: str) -> tuple[ModuleType, str]:
    """The form and the operation of a path. An unknown command is an operation of its own, for the form to refuse."""
    if _OLD_TAIL.fullmatch(path):
        return xml, "send"
    found = _TAIL.fullmatch(path)
    form = FORMS.get(found["form"].lower()) if found else None
    if found is None or form is None:
        raise web.HTTPNotFound
    return form, OPERATIONS.get(found["command"].lower(), "unknown")


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return web.Response()
