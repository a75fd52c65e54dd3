"""How a line of the log looks: for programs and for people, with what is bound to it, masked, in one write."""

import io
import json
import logging
import logging.handlers
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from campaigns import events
from tests.worker.workshop import ACCOUNTS
from worker import logs
from worker.settings import Settings

PASSWORD = ACCOUNTS["default"]["password"]
PAGE = Path(__file__).parents[2] / "docs" / "logs.md"


class Written(io.StringIO):
    """A stream that remembers its writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("tests.of-lines")
    made.propagate, made.level = False, logging.INFO
    yield made
    made.handlers.clear()
    events.unbind()


def dressed(logger: logging.Logger, form: str, *, colours: bool = False) -> Written:
    stream = Written()
    logger.handlers = [logging.StreamHandler(stream)]
    read: dict[str, Any] = {"accounts": ACCOUNTS, "log_format": form, "_env_file": None}
    logs.dress(logger, Settings(**read), colours=colours)
    return stream


def test_for_programs_a_line_is_an_object_with_what_is_bound_and_with_its_own_fields(logger: logging.Logger) -> None:
    stream = dressed(logger, "json")
    with events.about(campaign=7, batch=3):
        logger.warning("the %s", "end", extra={"batch": 4, "other": "2250701020304"})
    line = json.loads(stream.writes[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line.pop("pid") > 0
    assert line == {"event": "the end", "level": "warning", "logger": logger.name, "campaign": 7, "batch": 4}


def test_celerys_lines_of_a_task_name_it_and_none_of_its_arguments(logger: logging.Logger) -> None:
    stream = dressed(logger, "json")
    about = {"name": "campaigns.send", "id": "abc", "args": "('canary',)", "return_value": "canary"}
    logger.info("Task done", extra={"data": about})
    assert json.loads(stream.writes[0]).items() >= {"task": "campaigns.send", "task_id": "abc"}.items()
    assert "canary" not in stream.writes[0]


ROUND = {"name": "campaigns.sweep", "id": "abc"}


@pytest.mark.parametrize(
    ("level", "data", "said"),
    [
        pytest.param("INFO", ROUND, False, id="a round is taken up"),
        pytest.param("INFO", ROUND | {"return_value": "'nothing to do'"}, False, id="a round found nothing"),
        pytest.param("INFO", ROUND | {"return_value": "'3 rung'"}, True, id="a round did something"),
        pytest.param("ERROR", ROUND, True, id="a round failed"),
        pytest.param("INFO", ROUND | {"name": "campaigns.send"}, True, id="no round"),
        pytest.param("INFO", None, True, id="no task"),
    ],
)
@pytest.mark.parametrize("name", ["celery.worker.strategy", "celery.app.trace"])
def test_a_round_of_the_beat_that_did_nothing_is_for_a_desk_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, level: str, data: dict[str, str] | None, said: bool
) -> None:
    celerys, handler = logging.getLogger(name), logging.handlers.BufferingHandler(100)
    monkeypatch.setattr(celerys, "handlers", [handler])
    monkeypatch.setattr(celerys, "filters", [])
    logs.hush_rounds()
    for threshold in ("INFO", "DEBUG"):
        celerys.setLevel(threshold)
        celerys.log(logging.getLevelName(level), "Task", extra={"data": data})
    celerys.setLevel(logging.NOTSET)
    seen = [record.levelname for record in handler.buffer]
    assert seen == ([level, level] if said else ["DEBUG"])


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_is_in_the_same_write_and_numbers_and_secrets_in_it_are_masked(
    logger: logging.Logger, form: str
) -> None:
    stream = dressed(logger, form)
    try:
        int("2250701020304 of " + PASSWORD)
    except ValueError:
        logger.exception("no line for %s", "+2250701020304")
    (written,) = stream.writes
    assert "Traceback" in written
    assert "'22507******** of ***'" in written
    assert not re.search(rf"0701020304|{PASSWORD}", written)
    assert form == "console" or written.count("\n") == 1


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_line_that_cannot_be_made_says_where_and_nothing_of_what_it_would_have_said(
    logger: logging.Logger, form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = dressed(logger, form)
    logger.info("%d", "2250701020304")
    assert "a line of test_logs.py:" in stream.writes[0]
    assert "(TypeError)" in stream.writes[0]
    assert "0701020304" not in stream.writes[0] + capfd.readouterr().err


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_is_no_utf_8_is_written_all_the_same(logger: logging.Logger, form: str) -> None:
    stream = dressed(logger, form)
    logger.info("no file %s", "caf\udce9.csv")
    assert r"no file caf\udce9.csv" in stream.writes[0]
    assert stream.writes[0].encode()


def test_for_people_a_line_begins_with_when_and_what(logger: logging.Logger) -> None:
    stream = dressed(logger, "console")
    with events.about(task="campaigns.send", task_id="abc"):
        logger.info("batch settled", extra={"campaign": 7, "outcome": "accepted", "seconds": 0.12})
    plain = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[info +\] batch settled +\[tests\.of-lines\] +"
    assert re.match(plain + r"task=campaigns.send campaign=7 outcome=accepted seconds=0.12 pid=\d+\n", stream.writes[0])


def test_colours_are_there_when_asked_for_alone(logger: logging.Logger) -> None:
    without, coloured = dressed(logger, "console"), None
    logger.info("hello")
    coloured = dressed(logger, "console", colours=True)
    logger.info("hello")
    assert "\x1b[" not in without.writes[0]
    assert "\x1b[" in coloured.writes[0]


def test_a_logfile_gets_the_same_lines_from_the_level_on_that_is_asked_for(tmp_path: Path, sqlite_url: str) -> None:
    code = (
        "import logging; from worker.celery import app;"
        f"app.log.setup('WARNING', {str(tmp_path / 'its.log')!r});"
        "log = logging.getLogger('worker.x'); log.info('quiet'); log.warning('loud')"
    )
    environment = {"ACCOUNTS": json.dumps(ACCOUNTS), "LOG_FORMAT": "json", "DATABASE_URL": sqlite_url}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (line,) = [json.loads(each) for each in (tmp_path / "its.log").read_text().splitlines()]
    assert (line["event"], line["level"]) == ("loud", "warning")


def test_producers_and_the_command_line_load_nothing_of_it() -> None:
    code = "import sys, campaigns, worker.cli, worker.ringing; print('structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "False\n"


@pytest.mark.needs("jq")
def test_what_the_page_has_jq_look_for_is_found_among_lines_that_are_no_objects() -> None:
    page = PAGE.read_text(encoding="utf-8")
    (settled,) = re.findall(r'^\{"event":"batch settled".*', page, re.MULTILINE)
    paused, doubted = '{"event":"campaign paused","campaign":8}', '{"outcome":"in_doubt","campaign":9}'
    asked = re.findall(r"^journalctl [^|]*\| (jq .*)$", page, re.MULTILINE)
    lines = f"the settings are refused:\n{settled}\n{{cut\n{paused}\n{doubted}"
    found = [subprocess.check_output(["sh", "-c", each], input=lines, text=True, timeout=120) for each in asked]
    assert [each.splitlines() for each in found] == [
        [settled],
        [paused, doubted],
        ["2026-11-29T03:32:54.139510Z\tdefault\taccepted\t0.123"],
    ]


def test_the_page_has_each_event_with_its_fields() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z ]+)` \| (`\w+`(?:, `\w+`)*) \|$", page, re.MULTILINE)
    assert {event: tuple(re.findall(r"\w+", fields)) for event, fields in rows} == events.EVENTS
    assert set(events.BOUND) <= set(re.findall(r"`(\w+)`", page))
