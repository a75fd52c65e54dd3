"""The arrows of ARCHITECTURE.md: who may import whom."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns import language

ROOT = Path(__file__).parent.parent
DOOR = ROOT / "campaigns" / "language.py"
STAGES = ("sending", "funding", "cleaning", "polling", "tracking", "sweeping", "resources")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offences(paths: Iterator[Path] | list[Path], *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if any(name == room or name.startswith(f"{room}.") for room in forbidden)
    ]


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("campaigns", ("worker", "celery", "kombu", "redis", "requests")),
        ("worker/smseco", ("campaigns", "celery", "kombu", "sqlalchemy", "worker.sandbox")),
        ("worker/language", ("campaigns", "worker", "click", "sqlalchemy", "babel")),
        ("worker/sandbox", ("campaigns", "celery", "kombu", "sqlalchemy", "requests", "worker.smseco")),
    ],
)
def test_a_room_imports_nothing_from_above_or_beside(room: str, forbidden: tuple[str, ...]) -> None:
    paths = [path for path in (ROOT / room).rglob("*.py") if path != DOOR]
    assert paths
    assert offences(paths, *forbidden) == []


def test_the_domain_has_one_door_to_the_language_which_knows_nothing_and_to_nothing_else_of_the_worker() -> None:
    assert set(imports(DOOR)) <= {"worker.language"} | {f"worker.language.{name}" for name in language.__all__}


def test_stages_know_nothing_of_celery_and_nothing_of_tasks() -> None:
    paths = [ROOT / "worker" / f"{stage}.py" for stage in STAGES]
    assert offences(paths, "celery", "kombu", "worker.tasks", "worker.celery", "worker.sandbox") == []


def test_production_code_never_imports_the_sandbox_but_to_start_it() -> None:
    paths = [path for path in (ROOT / "worker").rglob("*.py") if not path.is_relative_to(ROOT / "worker" / "sandbox")]
    assert offences(paths, "worker.sandbox") == []


def test_the_worker_package_is_empty_so_that_its_rooms_can_be_used_alone() -> None:
    assert (ROOT / "worker" / "__init__.py").read_text(encoding="utf-8").strip() == ""


def test_the_client_alone_needs_neither_celery_nor_a_database() -> None:
    code = "import json, sys, worker.smseco; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    imported = set(json.loads(done.stdout))
    assert {"requests", "lxml"} <= imported
    assert not imported & {
        "campaigns",
        "celery",
        "kombu",
        "redis",
        "sqlalchemy",
        "alembic",
        "psycopg",
        "pydantic",
        "click",
    }


def test_nobody_else_moves_a_batch() -> None:
    paths = [path for room in ("campaigns", "worker") for path in (ROOT / room).rglob("*.py")]
    moving = re.compile(r"update\(batches(_table)?\)")
    movers = {path.stem for path in paths if moving.search(path.read_text(encoding="utf-8"))}
    assert movers == {"claims", "batches"}


def test_every_room_of_the_map_is_there_and_every_module_of_the_domain_is_on_it() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    modules = {path.stem for path in (ROOT / "campaigns").glob("*.py")} - {"__init__"}
    unmapped = {name for name in modules if f"`{name}`" not in page}
    assert unmapped == set()
