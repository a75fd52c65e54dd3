"""How a reply is spoilt on its way out, over aiohttp. Which is spoilt, and when, is decided by faults.py."""

import asyncio
import socket
import struct
from contextlib import suppress
from math import ceil

from aiohttp import web

from worker.sandbox.faults import Fault

# Shorter than anybody's patience between two bytes, so that only a limit on the whole reply ends it.
DRIBBLE_SECONDS = 0.25
# SO_LINGER with a time of 0: closing sends RST, and what waits to leave is thrown away.
_RESET = struct.pack("ii", 1, 0)

PAGE = """<!DOCTYPE html>
<html lang="fr"><head><title>Maintenance</title></head>
<body><h1>Site en maintenance</h1><p>Veuillez réessayer plus tard.</p></body></html>
"""


async def spoilt(request: web.Request, reply: web.Response, fault: Fault) -> web.StreamResponse:
    """What leaves in place of `reply`, which must be unsent and hold bytes: one of `faults.BODIES`."""
    body = reply.body
    assert isinstance(body, bytes)  # noqa: S101 - the sandbox's own writers make nothing else
    match fault.name:
        case "drop_reply":
            return hung_up(request)
        case "reset":
            return await _reset(request, reply, body)
        case "cut_short":
            reply.body = body[: len(body) // 2]
            return reply
        case "http_500":
            return web.Response(status=500, text="Internal Server Error")
        case "html_page":
            return web.Response(text=PAGE, content_type="text/html")
    return await _dribbling(request, reply, body, seconds=fault.seconds)


def hung_up(request: web.Request) -> web.StreamResponse:
    """Closes the connection without a word. What it returns goes nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _begun(request: web.Request, reply: web.Response, body: bytes) -> web.StreamResponse:
    """The head of the reply, with its whole length promised."""
    begun = web.StreamResponse(headers={"Content-Type": reply.headers["Content-Type"]})
    begun.content_length = len(body)
    await begun.prepare(request)
    return begun


async def _reset(request: web.Request, reply: web.Response, body: bytes) -> web.StreamResponse:
    begun = await _begun(request, reply, body)
    with suppress(ConnectionError):
        await begun.write(body[: len(body) // 2])
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    return begun


async def _dribbling(request: web.Request, reply: web.Response, body: bytes, *, seconds: float) -> web.StreamResponse:
    begun = await _begun(request, reply, body)
    size = ceil(len(body) / max(2, ceil(seconds / DRIBBLE_SECONDS) + 1))
    starts = range(0, len(body), size)
    with suppress(ConnectionError):  # whoever has lost patience is gone
        for start in starts:
            if start:
                await asyncio.sleep(seconds / (len(starts) - 1))
            await begun.write(body[start : start + size])
    return begun
