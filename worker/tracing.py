"""Traces by OpenTelemetry, of workers that have the extra `otel` and are told where to send them (OTEL_…).

A task is a span, and within it each batch that is sent, each request, each reading of reports and each body that is
applied. A bell is no job, so its task has no parent: it is linked to the task that rang, and every span says which
campaign, batch and attempt it is about. What `campaigns.events` tells is an event of the span. Nothing else is: no
argument, no result, no text of an exception.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from campaigns import events
from worker import rounds

log = logging.getLogger(__name__)

SERVICE = "sms-campaigns"
"""The name of the service, unless OTEL_SERVICE_NAME has another."""

LEAVING_SECONDS = 5.0
"""How long the end of a process waits for a collector to take what is left."""

UNTOLD = frozenset({"reason"})
"""Fields of events that are sentences, and stay in the log."""


_NOTHING: AbstractContextManager[None] = nullcontext()

_provider: Any = None
_tracer: Any = None
_task: Any = None  # the span of the task that runs here, and how it is taken back


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment names a collector, or another place for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporter:
        return exporter != "none"
    return any(environment.get(f"OTEL_EXPORTER_OTLP_{kind}ENDPOINT") for kind in ("", "TRACES_"))


def begin() -> None:
    """Trace this process from now on, if that is wanted; to be called after the fork."""
    global _provider, _tracer
    if not is_wanted():
        return
    try:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = _exporter()
    except ImportError:
        log.warning("OTEL_… asks for traces, and there are none: install the extra, `sms-campaigns[otel]`")
        return
    if exporter is None:
        return
    _provider = TracerProvider(resource=Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", SERVICE)}))
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = _provider.get_tracer("worker")
    events.log.addHandler(_Events(logging.INFO))


def _exporter() -> Any:
    named = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if named == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    if named == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    log.warning("OTEL_TRACES_EXPORTER is %s, and there are no traces: it may be otlp (by HTTP), console or none", named)
    return None


def end() -> None:
    """Send what is left; a collector that is away holds nobody up for long."""
    if _provider is not None:
        last = threading.Thread(target=_provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(LEAVING_SECONDS)


def span(name: str, **about: Any) -> AbstractContextManager[None]:
    """What is done meanwhile, as a span; costs nothing where nobody traces. `about` are ids, counts and names."""
    return _NOTHING if _tracer is None else _spanning(name, about)


@contextmanager
def _spanning(name: str, about: Mapping[str, Any]) -> Iterator[None]:
    from opentelemetry.trace import SpanKind

    # What an exception says may be a number or a text.
    with _tracer.start_as_current_span(
        name,
        kind=SpanKind.INTERNAL,
        attributes=_attributes(about),
        record_exception=False,
        set_status_on_exception=False,
    ) as its:
        try:
            yield
        except Exception as error:
            _fail(its, type(error).__name__)
            raise


def begin_task(name: str, task_id: str, headers: Mapping[str, Any] | None, about: Mapping[str, Any]) -> None:
    """A task begins in this process, one at a time."""
    global _task
    if _tracer is None or name in rounds.TASKS:  # no trace is to be full of these
        return
    from opentelemetry import context, trace
    from opentelemetry.propagate import extract

    rung_by = trace.get_current_span(extract(dict(headers or {}), context=context.Context())).get_span_context()
    its = _tracer.start_span(
        name,
        context=context.Context(),
        kind=trace.SpanKind.CONSUMER,
        links=[trace.Link(rung_by)] if rung_by.is_valid else [],
        attributes=_attributes({"task_id": task_id, **about}),
    )
    _task = its, context.attach(trace.set_span_in_context(its))
    events.bind(trace=f"{its.get_span_context().trace_id:032x}")


def end_task(state: str | None) -> None:
    """It has ended."""
    global _task
    if _task is None:
        return
    from opentelemetry import context

    (its, token), _task = _task, None
    context.detach(token)
    if state == "FAILURE":
        _fail(its, "failed")
    its.end()


def carried() -> dict[str, str]:
    """Headers of a task that is sent now, by which its span is linked to this one."""
    headers: dict[str, str] = {}
    if _tracer is not None:
        from opentelemetry.propagate import inject

        inject(headers)
    return {name: value for name, value in headers.items() if name in ("traceparent", "tracestate")}


def _attributes(about: Mapping[str, Any]) -> dict[str, Any]:
    return {f"campaigns.{name}": value for name, value in about.items() if value is not None}


def _fail(its: Any, why: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    its.set_status(Status(StatusCode.ERROR, why))


class _Events(logging.Handler):
    """Makes what is told an event of the span that it is told in, and a batch's outcome an attribute."""

    def emit(self, record: logging.LogRecord) -> None:
        from opentelemetry.trace import get_current_span

        its, event = get_current_span(), record.getMessage()
        fields = {
            name: record.__dict__[name]
            for name in events.EVENTS.get(event, ())
            if name in record.__dict__ and name not in UNTOLD
        }
        its.add_event(event, _attributes(fields))
        if event in (events.SENT, events.LOOKED_UP):
            outcome = fields.get("outcome")
            its.set_attributes(_attributes({name: fields.get(name) for name in ("outcome", "accepted", "credits")}))
            if outcome == "in_doubt":
                _fail(its, outcome)
