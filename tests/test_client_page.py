"""The page on the client alone, held to its word: its examples run, and it names all that there is and no more."""

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import worker.smseco
from tests.servers.waiting import eventually
from worker.smseco import REFUSALS, GatewayError, ReadFailed, Refused, Sending
from worker.smseco.forms import FORMS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
SANDBOX, BY_HAND = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
PROGRAM = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
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
            assert eventually(told.exists, within=30)
            yield told.read_text().strip()
        finally:
            process.terminate()


def first_column(title: str) -> list[str]:
    section = PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_the_program_runs_as_it_is_printed(port: str, environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.replace(PORT, port)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sent, money, looked_up, refused, *reported = done.stdout.splitlines()
    assert sent.endswith(" 1 ['2250709999956']")
    assert money == "999997 ('SHOP',)"
    assert looked_up == "['2250709999956']"
    assert refused == "-8 sender_not_registered"
    assert sorted(reported) == ["2250709999956 delivered"] * 3 + ["2250719999959 undelivered"]
    assert len(list(tmp_path.glob("reports-*"))) == 1


def test_the_command_runs_as_it_is_printed(port: str, environment: dict[str, str], tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", BY_HAND.replace(PORT, port)]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
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
