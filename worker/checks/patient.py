"""The installation that is looked at, as far as it can be had."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from sqlalchemy import Connection

from campaigns.database import Database, default
from worker.settings import Settings, settings

LATELY = 86_400.0
"""Seconds: what happened within them is news."""

T = TypeVar("T")


class Patient:
    """The installation that is looked at; each part of it is had at first need, and may be had not at all."""

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
