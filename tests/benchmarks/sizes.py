"""How large each part of the benchmark is: what the goals are about, or small enough to try it all in two minutes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """The sizes of one run.

    Attributes:
        recipients: of a campaign; a large one has ten times as many.
        smaller: the parts of it that smaller ones have, for the pictures.
        naive: of the naive way, whose rate does not depend on it.
        turns: of what is measured several times, for its median.
        singles: campaigns of one recipient that are submitted one after the other.
        urgent_every: seconds from one urgent campaign to the next.
        paced: seconds for which a rate is watched.
    """

    recipients: int
    smaller: tuple[int, ...]
    naive: int
    turns: int
    singles: int
    urgent_every: float
    paced: int

    @property
    def large(self) -> int:
        return 10 * self.recipients


FULL = Size(recipients=100_000, smaller=(100, 10), naive=2_000, turns=3, singles=1_000, urgent_every=0.4, paced=30)
QUICK = Size(recipients=5_000, smaller=(), naive=200, turns=1, singles=100, urgent_every=0.1, paced=7)
