"""What may be said of a failure: errors quote rows, cells and replies, and logs, events and Flower show errors."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

from celery.exceptions import TaskPredicate
from sqlalchemy.exc import DBAPIError

from campaigns.database import DatabaseAway, NotMigratedError
from campaigns.settings import SettingsError
from worker.resources import UnknownAccountError

log = logging.getLogger(__name__)

P = ParamSpec("P")


class StageFailedError(RuntimeError):
    """A stage failed; the message names the kind of fault alone, since the original may quote rows and parameters."""


def discreet(function: Callable[P, str]) -> Callable[P, str]:
    """Keep what errors quote (rows, cells, replies: numbers and texts) out of logs, events and tracebacks.

    That an account is another worker's is no failure of this one: it is said, and there is nothing to trace.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            return function(*args, **kwargs)
        except UnknownAccountError as unknown:
            log.warning("%s", unknown)
            return str(unknown)
        except TaskPredicate:  # Celery's own: come again later, or be rejected
            raise
        except Exception as error:  # noqa: BLE001  it is raised again, by its kind
            raise StageFailedError(kind_of(error)).with_traceback(error.__traceback__) from None

    return call


def kind_of(error: Exception) -> str:
    """What may be said of an error to anybody: what kind it is, and all of it if it was made to be read."""
    if isinstance(error, DatabaseAway | NotMigratedError | SettingsError | StageFailedError):
        return str(error)
    if not isinstance(error, DBAPIError):
        return type(error).__name__
    state = getattr(error.orig, "sqlstate", None)
    return f"{type(error.orig).__name__} ({state})" if state else type(error.orig).__name__
