"""A sandbox gateway that listens: as a process of its own (`run`), or on a thread beside a test (`running`)."""

import asyncio
import gc
import json
import os
import signal
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from worker.language import _
from worker.sandbox.admin import MARK, Admin
from worker.sandbox.api import Api
from worker.sandbox.appending import Unwritten
from worker.sandbox.control import Control
from worker.sandbox.faults import Faults
from worker.sandbox.memory import remembering
from worker.sandbox.options import SandboxOptions
from worker.sandbox.readings import ReadingsFile

T = TypeVar("T")

SHUTDOWN_SECONDS = 1.0
ANSWER_SECONDS = 30.0  # a thread that has died would be waited for without end


class RunningSandbox:
    """A sandbox on a thread of this process. Its methods may be called from any other thread."""

    def __init__(self, url: str, control: Control, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self._control = control
        self._loop = loop

    def summary(self) -> dict[str, Any]:
        """Figures since the start: see `Control.summary`."""
        return self._ask(self._control.summary)

    def accounts(self) -> list[dict[str, Any]]:
        """Each account without its password."""
        return self._ask(self._control.accounts)

    def ledger(self, *, msgfid: str = "", since: int = 0) -> list[dict[str, Any]]:
        """The ledger's records, of one sending or after running number `since`: see ledger.py."""
        pages = self._ask(lambda: list(self._control.ledger(msgfid=msgfid, since=since)))
        return [json.loads(line) for page in pages for line in page]

    def top_up(self, login: str, amount: int) -> int:
        """Grants credits. Returns what the account has then."""
        return self._ask(lambda: self._control.top_up(login, amount))

    def fault(self, name: str, **how: Any) -> None:
        """Arms a fault: operation, count, share, seconds, code, as faults.py has them. A count of 0 disarms it."""
        self._ask(lambda: self._control.fault(name, **how))

    def settings(self, *, login: str = "", **changes: Any) -> None:
        """Changes settings by their names in `SandboxOptions`; the account's own for `login`, or for all."""
        self._ask(lambda: self._control.settings(login=login, **changes))

    def _ask(self, question: Callable[[], T]) -> T:
        async def answer() -> T:
            return question()

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(ANSWER_SECONDS)


@contextmanager
def running(options: SandboxOptions | None = None) -> Iterator[RunningSandbox]:
    """Serves from a thread while the block lasts; `.url` is the base URL. Raises OSError where the port is taken."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    try:
        serving = _serving(options or SandboxOptions())
        url, control = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(ANSWER_SECONDS)
        try:
            yield RunningSandbox(url, control, loop)
        finally:
            asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(ANSWER_SECONDS)
            asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result(ANSWER_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def run(options: SandboxOptions, *, announce: Callable[[str], object] | None = None) -> None:
    """Serves until SIGINT or SIGTERM, and says once where.

    Raises OSError where the port is taken, and Unwritten as soon as a file can no longer be written to.
    """
    # The records of a million SMS live until the end: walking over them again and again would be all the collector did.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    asyncio.run(_run(options, announce or _say))


async def _run(options: SandboxOptions, announce: Callable[[str], object]) -> None:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()

    def end(reason: Unwritten | None = None) -> None:
        if stop.done():
            return
        if reason:
            stop.set_exception(reason)
        else:
            stop.set_result(None)

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, end)
    async with _serving(options, unwritten=end) as (url, _control):
        said = _("The sandbox gateway listens on {url}, under any base path; what it does is shown at {page}")
        announce(said.format(url=url, page=f"{url}{MARK}"))
        await stop


@asynccontextmanager
async def _serving(
    options: SandboxOptions, *, unwritten: Callable[[Unwritten], object] | None = None
) -> AsyncIterator[tuple[str, Control]]:
    """Listens while the block lasts. Gives the base URL and the control; `unwritten` is called when it should end."""
    tls = _tls(options)
    gateway, faults = remembering(options), Faults(options.faults, seed=options.seed)
    control = Control(gateway, faults)
    readings = ReadingsFile(options.readings) if options.readings else None
    api, admin = Api(gateway, faults, control, readings), Admin(control)

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await (admin if MARK in f"{request.path}/" else api).handle(request)
        except Unwritten as reason:
            if unwritten:
                unwritten(reason)
            raise web.HTTPInternalServerError from None

    app = web.Application(client_max_size=options.max_body)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port, ssl_context=tls)
        await site.start()
        if options.port_file:
            _write_whole(options.port_file, f"{site.port}\n")
        scheme = "https" if options.tls_certificate else "http"
        yield f"{scheme}://{_in_url(options.host)}:{site.port}", control
    finally:
        await runner.cleanup()
        gateway.close()
        if readings:
            readings.close()


def _tls(options: SandboxOptions) -> ssl.SSLContext | None:
    """Raises ValueError for files that are no certificate and key, and OSError."""
    if options.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # A key that needs a password would otherwise have it asked for, by a process that perhaps nobody sees.
        context.load_cert_chain(options.tls_certificate, options.tls_key, password="")
    except ssl.SSLError:
        files = _(" and ").join(str(file) for file in (options.tls_certificate, options.tls_key) if file)
        wrong = _("{files}: a certificate and its own key are needed, in PEM, without a password")
        raise ValueError(wrong.format(files=files)) from None
    return context


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _write_whole(path: Path, content: str) -> None:
    """Whoever waits for the file finds it whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(content)
        draft.replace(path)
    except OSError as wrong:
        raise OSError(wrong.errno, wrong.strerror, str(path)) from None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
