"""Traces are off unless the environment asks for them, and cost nothing then."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from worker import tracing


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "sms"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, False),
    ],
)
def test_the_environment_says_whether_there_are_traces(environment: dict[str, str], wanted: bool) -> None:
    assert tracing.is_wanted(environment) == wanted


def run(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_where_they_are_off_nothing_is_loaded_and_a_span_is_nothing() -> None:
    code = (
        "import sys; from worker import tracing; tracing.begin(); print(any('opentelemetry' in m for m in sys.modules))"
    )
    assert run(code).stdout == "False\n"
    assert tracing.span("anything", campaign=7) is tracing.span("other")
    assert isinstance(tracing.span("anything"), nullcontext)
    assert tracing.carried() == {}


def test_without_the_extra_a_sentence_says_what_to_install() -> None:
    code = "import sys; sys.modules['opentelemetry.sdk.trace'] = None; from worker import tracing; tracing.begin()"
    said = run(code, OTEL_TRACES_EXPORTER="otlp").stderr
    assert said == "OTEL_… asks for traces, and there are none: install the extra, `sms-campaigns[otel]`\n"


def test_another_exporter_is_refused_in_a_sentence() -> None:
    said = run("from worker import tracing; tracing.begin()", OTEL_TRACES_EXPORTER="zipkin").stderr
    assert "it may be otlp (by HTTP), console or none" in said


def test_what_an_exception_says_is_in_no_span() -> None:
    code = (
        "from worker import tracing; tracing.begin()\n"
        "try:\n    with tracing.span('request', campaign=7): raise ValueError('2250701020304')\n"
        "except ValueError: pass\n"
        "tracing.end()"
    )
    told = run(code, OTEL_TRACES_EXPORTER="console").stdout
    span = json.loads(told)
    assert span["attributes"] == {"campaigns.campaign": 7}
    assert span["status"] == {"status_code": "ERROR", "description": "ValueError"}
    assert "2250701020304" not in told
