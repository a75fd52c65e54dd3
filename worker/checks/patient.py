"""The installation that is looked at, as far as it can be had: what may hang is asked beside all else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from typing import TypeVar

from sqlalchemy import Connection

from campaigns.database import Database, default
from campaigns.settings import SettingsError
from worker.checks.asked import Asked
from worker.checks.crew import Crew, crew
from worker.checks.told import ASKED_SECONDS, Told, ask
from worker.settings import Settings, settings

CREW_SECONDS = 8.0
"""After which workers, or the broker between them and us, will not answer any more."""

T = TypeVar("T")


class Patient:
    """Each part of it is had at first need, and may be had not at all.

    Args:
        offline: no gateway is asked.
    """

    def __init__(self, *, offline: bool = False) -> None:
        self.offline = offline

    @cached_property
    def settings(self) -> Settings:
        """What a worker would read from this environment. Raises SettingsError."""
        return settings()

    @cached_property
    def database(self) -> Database:
        """The one that DATABASE_URL names. Raises SettingsError."""
        return default()

    def asked(self, question: Callable[[Connection], T]) -> T:
        """What the database says."""
        with self.database.reading() as connection:
            return question(connection)

    @cached_property
    def _gateways(self) -> Mapping[str, Asked[Told]]:
        names = [] if self.offline else self.settings.accounts
        return {name: Asked(partial(ask, self.settings, name)) for name in names}

    @cached_property
    def gateways(self) -> Mapping[str, Told | Exception]:
        """By account, what its gateway told; none of them if it is not to be asked. Raises SettingsError."""
        return {name: _had(each, ASKED_SECONDS) for name, each in self._gateways.items()}

    @property
    def told(self) -> Mapping[str, Told]:
        """Only of those that had an answer; of none where the settings cannot be read."""
        with suppress(SettingsError):
            return {name: its for name, its in self.gateways.items() if isinstance(its, Told)}
        return {}

    @cached_property
    def _crew(self) -> Asked[Crew]:
        return Asked(crew)

    @property
    def crew(self) -> Crew:
        """The workers that answer, and what waits for them. Raises whatever the broker's client does, TimeoutError."""
        return self._crew.answer(within=CREW_SECONDS)

    def begin(self) -> int:
        """Ask what may hang: it is answered while other things are looked at. Returns how many questions those are."""
        with suppress(SettingsError):  # a check of its own says so
            return len([self._crew, *self._gateways.values()])
        return 1


def _had(asked: Asked[Told], seconds: float) -> Told | Exception:
    try:
        return asked.answer(within=seconds)
    except Exception as error:  # noqa: BLE001  it is what the checks are to tell
        return error
