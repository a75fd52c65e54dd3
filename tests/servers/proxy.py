"""A proxy for tests: between a client and a server it drops, refuses, cuts, delays, swallows, and loses answers.

    with proxy(("127.0.0.1", port)) as between:          # or the path of a Unix socket
        between.all(Delay(0.2))                          # open connections too, from now on
        between.new(Drop())                              # every connection from now on; open ones go on as they are
        between.next(Cut(100, toward=CLIENT, reset=True))  # the next connection alone
        lost = LoseAnswer(to=COMMIT); between.all(lost)  # PostgreSQL commits, and nobody hears of it
        between.refuse(); between.listen()               # nobody listens; listens again, on the same port
        between.sever(reset=True)                        # cut what is open, now

What can be done to a connection is in `tests.servers.ways`. It runs on a thread of the test's own process.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from tests.servers.ways import CLIENT, SERVER, Line, Pass, Toward, Way

T = TypeVar("T")

Address = tuple[str, int] | Path
PIECE = 1 << 16


class Proxy:
    """Made by `proxy`. `address` is where it listens; counts are of all connections that it has had."""

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.address: tuple[str, int] = ("127.0.0.1", 0)
        self.connections = 0
        self.carried = {SERVER: 0, CLIENT: 0}
        self._way: Way = Pass()
        self._next: deque[Way] = deque()
        self._lines: dict[Line, tuple[asyncio.StreamWriter, ...]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1, the same for as long as it lives."""
        return self.address[1]

    @property
    def open(self) -> int:
        """How many connections there are now."""
        return len(self._lines)

    def all(self, way: Way) -> None:
        """Do this to every connection, those that are open too."""
        self._do(self._all(way))

    def new(self, way: Way) -> None:
        """Do this to every connection from now on."""
        self._way = way

    def next(self, *ways: Way) -> None:
        """Do this to the next connection, and so on, before what is done to all new ones."""
        self._next.extend(ways)

    def heal(self) -> None:
        """Let all pass again; what was swallowed is not brought back."""
        self._next.clear()
        self.all(Pass())
        self.listen()

    def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._do(self._listen())

    def refuse(self, *, sever: bool = True) -> None:
        """Listen no more; `sever` cuts what is open as well."""
        self._do(self._refuse())
        if sever:
            self.sever()

    def sever(self, *, reset: bool = False) -> None:
        """Cut every open connection now."""
        self._do(self._sever(reset))

    def close(self) -> None:
        """End all of it."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _all(self, way: Way) -> None:
        self._way = way
        for line in self._lines:
            line.turn(way)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._met, *self.address)
            self.address = self._server.sockets[0].getsockname()

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _sever(self, reset: bool) -> None:
        for line in list(self._lines):
            self._cut(line, reset)

    async def _end(self) -> None:
        await self._refuse()
        for writer in chain.from_iterable(self._lines.values()):
            writer.transport.abort()  # to close waits until the other end has read what is left
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        line = Line(self._next.popleft() if self._next else self._way)
        self._lines[line] = (writer,)
        try:
            if line.way.refuses:
                return
            theirs, ours = await self._connect()
            self._lines[line] = (writer, ours)
            await self._carry_both(line, (reader, ours), (theirs, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._cut(line, line.way.refuses and line.way.reset)
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.upstream, Path):
            return await asyncio.open_unix_connection(str(self.upstream))
        return await asyncio.open_connection(*self.upstream)

    async def _carry_both(self, line: Line, up: Any, down: Any) -> None:
        pumps = [
            asyncio.ensure_future(self._carry(line, SERVER, *up)),
            asyncio.ensure_future(self._carry(line, CLIENT, *down)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _carry(
        self, line: Line, toward: Toward, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Until one end says no more: then both are closed, since nobody here half-closes."""
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if line.way.seconds:
                    await asyncio.sleep(line.way.seconds)
                verdict = line.way.of(line, toward, piece)
                line.carried[toward] += len(verdict.piece)
                self.carried[toward] += len(verdict.piece)
                writer.write(verdict.piece)
                await writer.drain()
                if verdict.shut:
                    await self._refuse()
                if verdict.cut:
                    self._cut(line, verdict.reset)
                    return

    def _cut(self, line: Line, reset: bool) -> None:
        for writer in self._lines.pop(line, ()):
            connection = writer.get_extra_info("socket")
            if reset and connection is not None and connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


@contextmanager
def proxy(upstream: Address) -> Iterator[Proxy]:
    """A proxy that listens on a free port of 127.0.0.1, and lets all pass."""
    made = Proxy(upstream)
    try:
        made.listen()
        yield made
    finally:
        made.close()
