"""The vendor's URLs: the way in that a method and a path name, and how a request that came by it is read and answered.

A way is a reader and a writer: a POST is answered in the form it came in, a GET in the one that its path names. Any
base path will do, any case, with or without the last slash; so `/client/CODE/fr/api/xml/sendsms/` is served, and
the old `/XML/XMLdatas.php`. SOAP has one address for all operations, and its WSDL tells where that was reached.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from aiohttp import web

from worker.sandbox import bodies, html, json, query, soap, wsdl, xml
from worker.sandbox.asked import Asked
from worker.sandbox.calls import Answer
from worker.sandbox.codes import Refused


class Writer(Protocol):
    """A form that answers can be written in."""

    CONTENT_TYPE: str

    def write(self, answer: Answer) -> bytes:
        """The reply to an accepted request."""

    def write_refusal(self, operation: str, refused: Refused) -> bytes:
        """The reply to a refused request."""


class Way(NamedTuple):
    """How a request is read and answered; `status` is that of HTTP."""

    operation: str
    read: Callable[[], Asked]
    writer: Writer
    status: int = 200


class Reader(NamedTuple):
    """A form that is posted: the field that its document travels in, and what finds the texts in it."""

    field: bytes
    read: Callable[[bytes], Asked]


READERS = {"xml": Reader(b"XML", xml.read), "json": Reader(b"JSON", json.read)}
WRITERS: dict[str, Writer] = {"xml": xml, "json": json, "html": html}
OPERATIONS = {
    "sendsms": "send",
    "getdlrs": "reports",
    "getbalance": "balance",
    "getsenders": "senders",
    "sendhlr": "lookup",
    "sendhrl": "lookup",
}

_TAIL = re.compile(r"(?:.*/)?api/(?P<form>\w+)/(?P<command>\w+)/?", re.IGNORECASE)
_SOAP_TAIL = re.compile(r"(?P<base>.*/)api/soap/(?P<door>server|wsdl)/?", re.IGNORECASE)
_OLD_TAIL = re.compile(r"(?:.*/)?xml/xmldatas\.php/?", re.IGNORECASE)


def description(request: web.Request) -> web.Response | None:
    """The WSDL, where it is asked for: at its own address, or at the server's by `?wsdl`."""
    found = _SOAP_TAIL.fullmatch(request.rel_url.raw_path)
    if found is None:
        return None
    if found["door"].lower() == "server" and not (request.method == "GET" and "wsdl" in map(str.lower, request.query)):
        return None
    if request.method != "GET":
        raise web.HTTPMethodNotAllowed(request.method, ["GET"])
    address = f"{request.scheme}://{request.host}{found['base']}api/soap/server/"
    return web.Response(body=wsdl.write(address), content_type=wsdl.CONTENT_TYPE, charset="utf-8")


def way_of(request: web.Request, body: bytes) -> Way:
    """The way that a request came. Raises HTTPNotFound, HTTPMethodNotAllowed."""
    operation, form = _asked_for(request)
    if request.method == "GET":
        return Way(operation, partial(query.read, request.raw_path.partition("?")[2].encode()), WRITERS[form])
    if form == "soap":
        command = soap.opened(body)
        operation = soap.operation(command)
        return Way(operation, partial(soap.read, command), soap, 200 if operation in soap.NAMES else 500)
    # III-3 prints the XML address for reports in JSON, so it serves them too.
    if operation == "reports" and form == "xml" and bodies.field(body, b"JSON", request.content_type) is not None:
        form = "json"
    name, read = READERS[form]
    return Way(operation, lambda: read(bodies.document(body, name, request.content_type)), WRITERS[form])


def _asked_for(request: web.Request) -> tuple[str, str]:
    """Operation and form, by method and path. An unknown command is an operation of its own, to be refused in the form
    it was asked in; SOAP's stands in the body."""
    found = _TAIL.fullmatch(request.path)
    if _OLD_TAIL.fullmatch(request.path):
        operation, form = "send", "xml"
    elif found and (found["form"].lower(), found["command"].lower()) == ("soap", "server"):
        operation, form = "unknown", "soap"
    elif found and found["form"].lower() in WRITERS:
        operation, form = OPERATIONS.get(found["command"].lower(), "unknown"), found["form"].lower()
    else:
        raise web.HTTPNotFound
    methods = ["POST"] if form == "soap" else ["GET", "POST"] if form in READERS else ["GET"]
    if request.method not in methods:
        raise web.HTTPMethodNotAllowed(request.method, methods)
    return operation, form
