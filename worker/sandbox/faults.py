"""Bad days on demand: what goes wrong with the next replies, after the gateway has done its work.

Each fault is armed for a number of requests of one operation and wears off by itself.

    latency      the reply comes `seconds` late; the request was carried out before, and its reports may be ready first
    drop_reply   carried out, then the connection is closed without a word
    http_500     carried out, then HTTP status 500
"""

from dataclasses import dataclass

NAMES = ("latency", "drop_reply", "http_500")
OPERATIONS = ("send", "lookup", "reports", "balance", "senders")


@dataclass(slots=True)
class _Armed:
    count: int
    seconds: float


class Faults:
    """The faults that are armed now."""

    def __init__(self) -> None:
        self._armed: dict[tuple[str, str], _Armed] = {}

    def arm(self, name: str, *, operation: str = "send", count: int = 1, seconds: float = 0.0) -> None:
        """Arms a fault for the next `count` carried-out requests; 0 disarms it. Raises ValueError for a wrong one."""
        if name not in NAMES:
            raise ValueError(f"there is no fault {name!r}: {', '.join(NAMES)}")
        if operation not in OPERATIONS:
            raise ValueError(f"there is no operation {operation!r}: {', '.join(OPERATIONS)}")
        if count < 0 or seconds < 0:
            raise ValueError("count and seconds cannot be negative")
        self._armed[operation, name] = _Armed(count, seconds)

    def strike(self, name: str, operation: str) -> float | None:
        """Uses the fault up by one. Returns its seconds, or None where it is not armed."""
        armed = self._armed.get((operation, name))
        if armed is None or armed.count == 0:
            return None
        armed.count -= 1
        return armed.seconds
