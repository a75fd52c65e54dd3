"""Traces, as a collector gets them: the spans of a campaign by the ids that they are about, and nothing private."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.system.canaries import CANARY, private
from tests.system.conftest import Build
from tests.system.installation import TIMEOUT_STOP, people

pytestmark = pytest.mark.system


class Collector(ThreadingHTTPServer):
    """Takes traces by OTLP over HTTP, and keeps them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: list[ExportTraceServiceRequest] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[Any]:
        return [
            span
            for taken in list(self.taken)
            for its in taken.resource_spans
            for s in its.scope_spans
            for span in s.spans
        ]


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/traces"
        self.server.taken.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def about(span: Any) -> dict[str, Any]:
    """A span's attributes, as plain values."""
    return {
        one.key.removeprefix("campaigns."): getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes
    }


def test_a_collector_gets_the_spans_of_a_campaign_each_with_its_ids(build: Build) -> None:
    with collector() as there:
        site = build(settings={"OTEL_EXPORTER_OTLP_ENDPOINT": there.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"})
        site.start_worker()
        site.start_beat()
        audience = [{**one, "nom": CANARY} for one in people(1_200)]
        made = site.submit("main", audience, batch_size=100)
        site.ended(made)
        assert site.terminate("worker", within=TIMEOUT_STOP) == 0, "and what is left is sent when it ends"
        spans = there.spans()
        (service,) = {about(its.resource)["service.name"] for taken in there.taken for its in taken.resource_spans}
    assert service == "sms-campaigns"
    named: dict[str, list[Any]] = {}
    for span in spans:
        named.setdefault(span.name, []).append(span)
    sent = [about(span) for span in named["send batch"]]
    assert sorted(its["batch"] for its in sent) == list(range(1, 13))
    assert {(its["campaign"], its["account"], its["outcome"], its["accepted"]) for its in sent} == {
        (made, "main", "accepted", 100)
    }
    assert {event.name for span in named["send batch"] for event in span.events} >= {"batch settled"}
    by_id = {span.span_id: span for span in spans}
    for request in named["request"]:
        batch = by_id[request.parent_span_id]
        assert (batch.name, about(batch)["attempt"]) == ("send batch", about(request)["attempt"])
    assert {about(span)["campaign"] for span in named["campaigns.expand"]} == {made}
    assert named["read reports"]
    assert named["apply reports"]
    linked = {by_id[link.span_id].name for span in named["campaigns.send"] for link in span.links}
    assert "campaigns.send" in linked, "a lane's turn is linked to the one that rang it"
    assert not any(span.parent_span_id for span in named["campaigns.send"])
    assert "campaigns.sweep" not in named
    everything = "\n".join(map(str, there.taken))
    assert not private(everything, audience)
    assert CANARY not in everything
