"""What a contestant's run came to."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tests.benchmarks.usage import Usage

SERVERS = ("postgres", "valkey", "gateway")


@dataclass(frozen=True)
class Outcome:
    """One contestant's figures.

    Attributes:
        way: its name.
        messages: how many were sent.
        seconds: from just before the submit to the last status in the database.
        usage: by part: the servers (`postgres`, `valkey`, `gateway`), and the contestant's own processes.
        database_bytes: of all its tables and indexes at the end.
        log_bytes: what PostgreSQL wrote to its log (WAL) meanwhile; 0 where nobody looked.
        stages: moments on the way, in seconds since the submit began.
        checks: what must hold, each as a sentence.
    """

    way: str
    messages: int
    seconds: float
    usage: dict[str, Usage]
    database_bytes: int
    log_bytes: int = 0
    stages: dict[str, float] = field(default_factory=dict)
    checks: dict[str, bool] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def ours(self) -> float:
        """CPU microseconds a message in the contestant's own processes, the producer included."""
        return sum(self.micros(part) for part in self.usage if part not in SERVERS)

    @property
    def peak(self) -> int:
        """Bytes that the largest of its own processes took."""
        return max(usage.peak for part, usage in self.usage.items() if part not in SERVERS)

    def micros(self, part: str) -> float:
        """CPU microseconds a message."""
        return self.usage[part].cpu / self.messages * 1e6

    @property
    def bytes_a_message(self) -> float:
        return self.database_bytes / self.messages

    def as_json(self) -> dict[str, Any]:
        """Everything, and what follows from it."""
        micros = {part: round(self.micros(part), 1) for part in self.usage}
        return {
            **asdict(self),
            "messages_per_second": round(self.rate, 1),
            "cpu_microseconds_a_message": micros,
            "bytes_a_message": round(self.bytes_a_message, 1),
            "log_bytes_a_message": round(self.log_bytes / self.messages, 1),
        }
