"""The page on the client alone, held to its word: its examples run, and it names all that there is and no more."""

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

import worker.smseco
from campaigns import text
from tests.servers.waiting import eventually
from worker.smseco import (
    REFUSALS,
    REPORT_CODES,
    Credentials,
    Gateway,
    GatewayError,
    ReadFailed,
    Refused,
    Sending,
    parse_reports,
)
from worker.smseco.forms import FORMS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
SANDBOX, BY_HAND = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PROGRAM = "".join(BLOCKS)
*FIRST, REPORTS = BLOCKS
PORT = "8800"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where `campaigns` is a command, and nothing is set."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "campaigns"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from worker.cli import main; main()" "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ACCOUNTS", "SMSECO"))}
    return {**kept, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def port(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's own sandbox, on a free port."""
    told = tmp_path_factory.mktemp("sandbox") / "port"
    command = f"exec {SANDBOX.strip().replace(PORT, '0')} --port-file {told}"
    with subprocess.Popen(["/bin/sh", "-c", command], env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            assert eventually(told.exists, within=120)
            yield told.read_text().strip()
        finally:
            process.terminate()


def first_column(title: str) -> list[str]:
    section = PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


@pytest.fixture
def gateway(port: str) -> Iterator[Gateway]:
    """The sandbox that the page's programs meet, without a report that nobody has read."""
    with Gateway(f"http://127.0.0.1:{port}/client/42/fr", Credentials("demo", "secret")) as client:
        client.reports()
        yield client


@pytest.fixture
def run(port: str, environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def program(text: str, *how: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", *how],
            input=text.replace(PORT, port),
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return program


def printed(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def kept_in(folder: Path) -> bytes:
    (kept,) = folder.glob("reports-*")
    return kept.read_bytes()


def test_the_program_runs_as_it_is_printed(gateway: Gateway, run, tmp_path: Path) -> None:
    had = int(gateway.balance().credits)
    sent, money, looked_up, refused, left, *reported, count = printed(run(PROGRAM))
    assert sent.endswith(" 1 ['2250709999956']")
    assert money == f"{had - 3} ('SHOP',)"
    assert looked_up == "['2250709999956', '2250719999959'] are looked up"
    assert refused == "-8 sender_not_registered"
    assert left == f"{had - 5} left"
    assert sorted(reported) == [
        "lookup: 2250709999956 reachable",
        "lookup: 2250719999959 unreachable",
        "message: 2250709999956 delivered (final)",
        "message: 2250709999956 delivered (final)",
        "message: 2250719999959 undelivered (final)",
    ]
    assert count == "5 reports"
    assert len(parse_reports(kept_in(tmp_path))) == 5


def test_its_blocks_can_be_pasted_at_the_prompt_one_after_the_other(gateway: Gateway, run) -> None:
    done = run(PROGRAM, "-i")
    assert "Error" not in done.stderr
    assert done.stdout.endswith("5 reports\n")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("http_500", r"no report can be read: not the gateway's answer: HTTP 500"),
        ("html_page", r"no report can be read: not the gateway's answer: .+"),
        ("drop_reply", r"no report can be read: no answer: .+"),
        ("cut_short", r"damaged, and there may have been more: look into reports-.+"),
    ],
)
def test_its_reports_are_read_on_a_bad_day_too(gateway: Gateway, run, port, tmp_path: Path, fault, says) -> None:
    armed = {"name": fault, "operation": "reports", "count": 1}
    requests.post(f"http://127.0.0.1:{port}/_sandbox/faults", json=armed, timeout=60).raise_for_status()
    trouble, *reported, count = printed(run(PROGRAM))[5:]
    assert re.fullmatch(says, trouble)
    assert count == f"{len(reported)} reports"
    assert len(reported) < 5
    assert [bool(path.read_bytes()) for path in tmp_path.glob("reports-*")] == [True] * (fault != "drop_reply")


@pytest.mark.parametrize(
    ("before", "says"),
    [
        pytest.param("gateway.reports()", ["0 reports"], id="nothing new"),
        pytest.param(
            'gateway = Gateway("http://127.0.0.1:8800", Credentials("demo", "wrong"))',
            ["no report can be read: refused: -4 Echec de l'Authentification", "0 reports"],
            id="wrong password",
        ),
    ],
)
def test_where_it_gets_no_report_the_answer_is_kept_all_the_same(gateway, run, tmp_path, before, says) -> None:
    assert printed(run("\n".join([*FIRST, before, REPORTS])))[5:] == says
    assert b"<statut>-" in kept_in(tmp_path)


def test_the_command_runs_as_it_is_printed(port: str, environment: dict[str, str], tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", BY_HAND.replace(PORT, port)]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["account_id"]


def test_every_form_and_no_other_is_on_the_page() -> None:
    *forms, no_form = first_column("Forms")
    assert no_form == "html"
    assert set(forms) == set(FORMS)


def test_every_option_is_on_the_page_with_its_place() -> None:
    parameters = inspect.signature(worker.smseco.Gateway).parameters.values()
    assert first_column("Options, times and limits") == [
        each.name for each in parameters if each.kind.name == "KEYWORD_ONLY"
    ]


def test_every_error_that_is_raised_is_on_the_page() -> None:
    kinds = [kind for kind in vars(worker.smseco).values() if isinstance(kind, type) and issubclass(kind, GatewayError)]
    assert set(first_column("Errors")) == {kind.__name__ for kind in kinds} - {"GatewayError", "Refused", "ReadFailed"}
    assert {known.error for known in REFUSALS.values()} == set(Refused.__subclasses__())
    assert {kind.__name__ for kind in ReadFailed.__subclasses__()} <= set(first_column("Errors"))


def test_every_name_on_the_page_exists() -> None:
    named = set(re.findall(r"`([A-Z][A-Za-z_]+)`", PAGE)) - {"ValueError", "False"}
    assert named <= set(worker.smseco.__all__)
    assert set(first_column("Values")) <= named


def test_every_option_of_a_sending_is_on_the_page() -> None:
    (row,) = re.findall(r"^\| `Sending` \|(.*)$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", row)) == set(Sending.__dataclass_fields__)


def test_the_letters_on_the_page_are_those_that_need_no_unicode() -> None:
    (beyond_ascii,) = re.findall(r"`(£[^`]+)`", PAGE)
    assert {*map(chr, range(0x20, 0x7F)), *beyond_ascii} - {"`"} == set(text.BASIC + text.EXTENSION) - {*"\n\r\f"}
    assert "`fits_gsm7(text)` of `campaigns.text`" in PAGE
    assert text.fits_gsm7("é")
    assert not text.fits_gsm7("ê")


def test_the_codes_that_are_final_are_on_the_page() -> None:
    (final,) = re.findall(r"^Final are (.*?),? though", PAGE, re.MULTILINE)
    assert {int(code) for code in re.findall(r"\d+", final)} == {
        code for code, known in REPORT_CODES.items() if known.final
    }
