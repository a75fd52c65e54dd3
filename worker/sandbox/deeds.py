"""What changes a gateway, told to whoever keeps it: see memory.py. Without a state file nobody does."""

from collections.abc import Mapping
from typing import Any

from worker.sandbox.calls import Call
from worker.sandbox.clock import Moment


class Forgetful:
    """Is told of each deed when it is done, and keeps nothing."""

    def note_call(self, moment: Moment, login: str, call: Call) -> None:
        """A call was carried out."""

    def note_top_up(self, moment: Moment, login: str, amount: int) -> None:
        """Credits were granted."""

    def note_settings(self, moment: Moment, login: str, changes: Mapping[str, Any]) -> None:
        """Settings were changed, of one account or of all."""

    def close(self) -> None:
        """Nothing more will be done."""
