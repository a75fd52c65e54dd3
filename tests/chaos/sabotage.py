"""The app of sabotaged workers (`celery -A tests.chaos.sabotage worker`): the product's, with a failpoint at each step.

Functions of the product are wrapped where others call them, so that the product itself has no switch for it. Where the
points are is in `points`, what happens there in `failpoints`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import worker.celery
import worker.ringing
from tests.chaos.failpoints import of_this_process
from tests.chaos.points import AFTER, BEFORE, POINTS, Point, is_a_send
from worker.smseco import watched

app = worker.celery.app


def _wrapped(name: str, point: Point, reach: Callable[[str], None]) -> None:
    owner, attribute, side, counts = point
    original = getattr(owner, attribute)

    @functools.wraps(original)
    def call(*args: Any, **options: Any) -> Any:
        if side == BEFORE and counts(args, options, None):
            reach(name)
        result = original(*args, **options)
        if side == AFTER and counts(args, options, result):
            reach(name)
        return result

    setattr(owner, attribute, call)


def _halved(reach: Callable[[str], None]) -> None:
    """Have the body of a send leave in two halves, with the point `mid_body` between them."""
    send = watched._Watched.send

    def in_halves(self: Any, data: Any) -> None:
        if not is_a_send(self) or bytes(data[:5]) == b"POST ":
            send(self, data)
            return
        half = len(data) // 2
        send(self, data[:half])
        reach("mid_body")
        send(self, data[half:])

    watched._Watched.send = in_halves  # type: ignore[method-assign]


def _url_noted() -> None:
    """Have a connection know which request it makes: balances and reports travel on it as well."""
    put = watched._Watched.putrequest

    def noting(self: Any, method: str, url: str, *args: Any, **options: Any) -> None:
        self.watch.sabotaged_url = url
        put(self, method, url, *args, **options)

    watched._Watched.putrequest = noting  # type: ignore[method-assign]


def _doubled(doubles: Callable[[], bool]) -> None:
    """Have each task sent twice while that is asked for."""
    ring = worker.ringing.ring

    @functools.wraps(ring)
    def ring_twice(*args: Any, **options: Any) -> None:
        ring(*args, **options)
        if doubles():
            ring(*args, **options)

    worker.ringing.ring = ring_twice


def sabotage() -> None:
    """Put every failpoint in its place, if the environment asks for them."""
    failpoints = of_this_process()
    if failpoints is None:
        return
    _url_noted()
    _halved(failpoints.reach)
    _doubled(failpoints.doubles)
    for name, point in POINTS.items():
        if name != "mid_body":
            _wrapped(name, point, failpoints.reach)


sabotage()
