"""The installation that is looked at, as far as it can be had: what may hang is asked beside all else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TypeVar

from sqlalchemy import Connection

from campaigns.database import Database, default
from campaigns.settings import SettingsError, read
from worker.checks.asked import Asked
from worker.checks.crew import Crew, crew
from worker.checks.told import ASKED_SECONDS, Told, ask
from worker.settings import Settings, Sound, settings

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
    def refused(self) -> SettingsError | None:
        """What is wrong with the settings, if anything is."""
        try:
            settings()
        except SettingsError as error:
            return error
        return None

    @property
    def wrong(self) -> frozenset[str]:
        """The names of the settings that are, in capitals."""
        return self.refused.settings if self.refused else frozenset()

    @cached_property
    def settings(self) -> Settings:
        """What a worker would read from this environment; a setting that is wrong is as if nobody had set it."""
        return read(Sound) if self.refused else settings()

    @cached_property
    def database(self) -> Database:
        """The one that DATABASE_URL names."""
        return Database(self.settings.database_url) if self.refused else default()

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
        """By account, what its gateway told; none of them if it is not to be asked."""
        return {name: _had(each, ASKED_SECONDS) for name, each in self._gateways.items()}

    @property
    def told(self) -> Mapping[str, Told]:
        """Only of those that had an answer."""
        return {name: its for name, its in self.gateways.items() if isinstance(its, Told)}

    @cached_property
    def _crew(self) -> Asked[Crew]:
        return Asked(partial(crew, self.settings))

    @property
    def crew(self) -> Crew:
        """The workers that answer, and what waits for them. Raises whatever the broker's client does, TimeoutError."""
        return self._crew.answer(within=CREW_SECONDS)

    def begin(self) -> int:
        """Ask what may hang: it is answered while other things are looked at. Returns how many questions those are."""
        return len([self._crew, *self._gateways.values()])


def _had(asked: Asked[Told], seconds: float) -> Told | Exception:
    try:
        return asked.answer(within=seconds)
    except Exception as error:  # noqa: BLE001  it is what the checks are to tell
        return error
