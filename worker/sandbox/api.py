"""The vendor's API over HTTP: each request is carried out and answered, and faults strike where they are armed.

By which way a request came stands in ways.py, what is asked is the gateway's affair, how it is written the form's.
"""

import asyncio
from contextlib import suppress

from aiohttp import web

from worker.sandbox import spoiling
from worker.sandbox.asked import call_for
from worker.sandbox.calls import Accepted, Answer, ReportsAnswer, ReportsCall
from worker.sandbox.codes import Refused
from worker.sandbox.control import Control
from worker.sandbox.faults import BODIES, Faults
from worker.sandbox.gateway import Gateway
from worker.sandbox.misreports import Misreports
from worker.sandbox.readings import ReadingsFile
from worker.sandbox.ways import Way, description, way_of


class Api:
    """Serves one gateway."""

    def __init__(
        self, gateway: Gateway, faults: Faults, control: Control, readings: ReadingsFile | None = None
    ) -> None:
        self._gateway = gateway
        self._readings = readings
        self._faults = faults
        self._control = control
        self._misreports = Misreports(gateway, faults)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one request; HTTP status 200 whatever the vendor's own `statut` says, 500 for a fault of SOAP."""
        described = description(request)
        if described is not None:
            return described
        try:
            way = way_of(request, await request.read())
        except ConnectionError:  # whoever asked has gone before all of it was here: nothing was asked
            return spoiling.hung_up(request)
        self._control.requests[way.operation] += 1
        if slow := self._faults.strike("slow", way.operation):
            await asyncio.sleep(slow.seconds)
        if self._faults.strike("hang_up", way.operation):
            return spoiling.hung_up(request)
        try:
            login, answer = self._carried_out(way)
        except Refused as refused:
            self._control.note_refusal(refused)
            return _reply(way, way.writer.write_refusal(way.operation, refused))
        reply = _reply(way, way.writer.write(answer))
        await self._keep_waiting(way.operation, answer)
        fault = self._faults.strike_first(BODIES, way.operation)
        leaving = await spoiling.spoilt(request, reply, fault) if fault else reply
        if self._readings and isinstance(answer, ReportsAnswer) and answer.groups:
            whole = await _left(request, leaving) and fault is None
            self._readings.write(answer, at=self._gateway.clock.now(), login=login, whole=whole)
        return leaving

    def _carried_out(self, way: Way) -> tuple[str, Answer]:
        """The answer to it, with the login that asked. Raises Refused."""
        if refuse := self._faults.strike("refuse", way.operation):
            raise Refused(refuse.code)
        credentials, call = call_for(way.operation, way.read())
        if isinstance(call, ReportsCall):
            return credentials.login, self._misreports.answer(credentials, call)
        return credentials.login, self._gateway.answer(credentials, call)

    async def _keep_waiting(self, operation: str, answer: Answer) -> None:
        """Holds the reply to a carried-out request up."""
        if isinstance(answer, Accepted) and (early := self._faults.strike("report_before_reply", operation)):
            await self._misreports.until_read(answer.sending.msgfid, seconds=early.seconds)
        late = self._faults.strike("latency", operation)
        seconds = late.seconds if late else 0.0
        if operation == "send":
            seconds += self._gateway.options.latency
        if seconds:
            await asyncio.sleep(seconds)


def _reply(way: Way, written: bytes) -> web.Response:
    return web.Response(status=way.status, body=written, content_type=way.writer.CONTENT_TYPE, charset="utf-8")


async def _left(request: web.Request, reply: web.StreamResponse) -> bool:
    """Has a reply leave now; returns whether the connection was still open after it."""
    with suppress(ConnectionError):
        await reply.prepare(request)
        await reply.write_eof()
    return request.transport is not None and not request.transport.is_closing()
