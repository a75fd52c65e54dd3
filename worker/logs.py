"""How the lines of a worker's log look: for people (`LOG_FORMAT=console`), or each an object of JSON (`json`).

All that is logged goes this way, Celery's lines, SQLAlchemy's and urllib3's as well: with the ids that it is about
(`campaigns.events`), and with numbers and secrets masked (`masking`). Celery makes the handlers, by its own options
(--loglevel, --logfile, --no-color); here they are given another formatter, and nothing else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from campaigns import events
from worker import rounds
from worker.masking import Mask
from worker.settings import Settings

FIELDS = frozenset(events.BOUND).union(*events.EVENTS.values())
"""What is taken over of a record's extras: nobody else's are, for they may hold anything."""

_OURS_ALONE = frozenset({"timestamp", "level", "logger", "task_id", "task", "account"})
"""Texts that hold nothing private: they are written as they are."""


def formatter(settings: Settings, *, colours: bool) -> logging.Formatter:
    """What turns records into lines, each a single write however many lines its traceback has."""
    mask = Mask(_secrets(settings))

    def masked(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: value if name in _OURS_ALONE else mask(value) for name, value in event.items()}

    lines = _json() if settings.log_format == "json" else _console(colours=colours)
    return _Formatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _its_fields,
            structlog.processors.format_exc_info,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, masked, *lines],
    )


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Makes a line of whatever is logged: of what it cannot, Python itself would write all that was to be masked."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            line = super().format(record)
        except Exception as error:  # noqa: BLE001  whatever it is, the work goes on
            told = f"a line of {record.filename}:{record.lineno} cannot be written ({type(error).__name__})"
            plain = {"name": record.name, "levelno": record.levelno, "levelname": record.levelname, "msg": told}
            line = super().format(logging.makeLogRecord(plain))
        return line.encode(errors="backslashreplace").decode()  # names of files may be no UTF-8, and a stream refuse it


def _its_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The ids that are bound, what Celery says of a task, and the fields of the event: the last one knows best."""
    record: logging.LogRecord = event["_record"]
    event.update(events.bound())
    its = record.__dict__
    task = its.get("data")
    if isinstance(task, dict) and "id" in task and "name" in task:
        event["task"], event["task_id"] = task["name"], task["id"]
    event.update((name, value) for name, value in its.items() if name in FIELDS)
    event["pid"] = record.process
    return event


def _json() -> list[Processor]:
    def dumps(event: MutableMapping[str, Any], **_: Any) -> str:
        try:
            return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except orjson.JSONEncodeError:  # no UTF-8, or a number of more than 64 bits
            return json.dumps(event, default=str)

    return [structlog.processors.JSONRenderer(serializer=dumps)]


def _console(*, colours: bool) -> list[Processor]:
    """As people read it: the moment, how bad, what, and then what it is about."""
    return [_shortened, structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0, sort_keys=False)]


def _shortened(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Without what the eye stumbles over: ids of tasks, microseconds, and what tells events, and in which task."""
    event["timestamp"] = f"{event['timestamp'][:10]} {event['timestamp'][11:23]}"
    event.pop("task_id", None)
    event.pop("trace", None)
    tells = event.get("logger") == events.log.name
    if tells or f"{event.get('task')}[" in event["event"]:
        event.pop("task", None)
    if tells:
        event.pop("logger")
    return event


def _secrets(settings: Settings) -> Iterator[str]:
    for account in settings.accounts.values():
        yield account.login.get_secret_value()
        yield account.password.get_secret_value()


def _not_idle(record: logging.LogRecord) -> bool:
    """Whether a line of Celery's is to be seen: of a round of the beat that found nothing, only from DEBUG on.

    So is that one was taken up, for what it found is said at its end; that it failed is no INFO.
    """
    its = record.__dict__.get("data")
    if record.levelno != logging.INFO or not isinstance(its, dict) or its.get("name") not in rounds.TASKS:
        return True
    if its.get("return_value", _FOUND_NOTHING) != _FOUND_NOTHING:
        return True
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


_FOUND_NOTHING = repr(rounds.NOTHING)
"""As Celery shows it."""


def hush_rounds() -> None:
    """Have them say nothing where they did nothing: they go round every few seconds."""
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).addFilter(_not_idle)


def dress(logger: logging.Logger, settings: Settings, *, colours: bool) -> None:
    """Have the logger's handlers write such lines."""
    made = formatter(settings, colours=colours)
    for handler in logger.handlers:
        handler.setFormatter(made)


def capture_warnings(settings: Settings) -> None:
    """Have Python's warnings be lines too, from now on; Celery replaces this handler by its own."""
    early = logging.StreamHandler()
    early.setFormatter(formatter(settings, colours=False))
    logging.getLogger().addHandler(early)
    logging.captureWarnings(True)
