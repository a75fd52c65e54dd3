"""The vendor's URLs over HTTP: finds the form and the operation by the tail of a path, and lets faults strike.

A way in is a reader and a writer: a POST is answered in the form it came in, a GET in the one that its path names. Any
base path will do, any case, with or without the last slash; so `/client/CODE/fr/api/xml/sendsms/` is served, and
the old `/XML/XMLdatas.php`. What is asked is the gateway's affair, how it is written the form's.
"""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from aiohttp import web

from worker.sandbox import bodies, query, xml
from worker.sandbox.asked import Asked, call_for
from worker.sandbox.calls import Answer
from worker.sandbox.codes import Refused
from worker.sandbox.control import Control
from worker.sandbox.faults import Faults
from worker.sandbox.gateway import Gateway


class Writer(Protocol):
    """A form that answers can be written in."""

    CONTENT_TYPE: str

    def write(self, answer: Answer) -> bytes:
        """The reply to an accepted request."""

    def write_refusal(self, operation: str, refused: Refused) -> bytes:
        """The reply to a refused request."""


class Way(NamedTuple):
    """How a request is read and answered."""

    operation: str
    read: Callable[[], Asked]
    writer: Writer


class Reader(NamedTuple):
    """A form that is posted: the field that its document travels in, and what finds the texts in it."""

    field: bytes
    read: Callable[[bytes], Asked]


READERS = {"xml": Reader(b"XML", xml.read)}
WRITERS: dict[str, Writer] = {"xml": xml}
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
        operation, form = _asked_for(request)
        way = _way(request, operation, form, await request.read())
        carried_out, reply = self._answer(way)
        if carried_out:
            spoilt = await self._spoil(request, way.operation)
            if spoilt is not None:
                return spoilt
        return web.Response(body=reply, content_type=way.writer.CONTENT_TYPE, charset="utf-8")

    def _answer(self, way: Way) -> tuple[bool, bytes]:
        self._control.requests[way.operation] += 1
        try:
            credentials, call = call_for(way.operation, way.read())
            return True, way.writer.write(self._gateway.answer(credentials, call))
        except Refused as refused:
            self._control.note_refusal(refused)
            return False, way.writer.write_refusal(way.operation, refused)

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


def _asked_for(request: web.Request) -> tuple[str, str]:
    """Operation and form, by method and path. An unknown command is an operation of its own, to be refused in the form
    it was asked in."""
    found = _TAIL.fullmatch(request.path)
    if _OLD_TAIL.fullmatch(request.path):
        operation, form = "send", "xml"
    elif found and found["form"].lower() in WRITERS:
        operation, form = OPERATIONS.get(found["command"].lower(), "unknown"), found["form"].lower()
    else:
        raise web.HTTPNotFound
    methods = ["GET", "POST"] if form in READERS else ["GET"]
    if request.method not in methods:
        raise web.HTTPMethodNotAllowed(request.method, methods)
    return operation, form


def _way(request: web.Request, operation: str, form: str, body: bytes) -> Way:
    if request.method == "GET":
        return Way(operation, partial(query.read, request.raw_path.partition("?")[2].encode()), WRITERS[form])
    name, read = READERS[form]
    return Way(operation, lambda: read(bodies.document(body, name, request.content_type)), WRITERS[form])


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return web.Response()
