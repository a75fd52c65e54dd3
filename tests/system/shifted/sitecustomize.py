"""Read by Python itself at its start, where this folder is on its path: the host's clock is SHIFT_SECONDS wrong."""

import datetime
import os
import time

_shift = float(os.environ.get("SHIFT_SECONDS", "0"))
_time, _datetime = time.time, datetime.datetime


class _Shifted(_datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)


if _shift:
    time.time = lambda: _time() + _shift
    datetime.datetime = _Shifted
