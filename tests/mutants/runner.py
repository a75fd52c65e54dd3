"""Runs mutants: tests are collected and run once as they are, then once for each mutant in a fork that has its code."""

from __future__ import annotations

import ast
import contextlib
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.breaks import Mutant

ON_POSTGRESQL = ("test_lost_answers", "test_lost_requests")
"""Tests for all of them, which have nothing but PostgreSQL."""

_PATIENCE = 60.0  # seconds, beyond several times what the tests took before: then a mutant hangs


class Runner:
    """A plugin of pytest, whose loop it takes over."""

    def __init__(self, sample: list[Mutant], into: Path, folder: Path) -> None:
        self.sample = sample
        self.into = into
        self.folder = folder
        self.runs: dict[tuple[str, str], set[pytest.Item]] = defaultdict(set)
        self.took: dict[pytest.Item, float] = {}
        self.told: int | None = None  # in a fork: where to say which test failed
        self.failed: set[str] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):  # a run of many mutants is longer than one of the tests
                thread.cancel()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.told is not None:
            os.write(self.told, report.nodeid.encode())
            os._exit(1)
        if report.failed or report.skipped:
            self.failed.add(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._run_as_it_is(session)
        with self.into.open("a") as into:
            for number, mutant in enumerate(self.sample):
                line = f"{self._outcome(session, mutant, number)} {mutant}\n"
                into.write(line)
                into.flush()
                sys.stderr.write(f"{number + 1}/{len(self.sample)} {line}")
        return True

    def _run_as_it_is(self, session: pytest.Session) -> None:
        modules = {mutant.module for mutant in self.sample}
        session.items[:] = [
            item
            for item in session.items
            if not _on_postgresql(item)
            or item.path.stem.removeprefix("test_") in modules
            or item.path.stem in ON_POSTGRESQL
        ]
        for item, following in zip(session.items, [*session.items[1:], session.items[0]], strict=True):
            _forget()
            began = time.monotonic()
            with self._noting(item):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self.took[item] = time.monotonic() - began
        sys.stderr.write(f"\n{len(session.items)} tests, {sum(self.took.values()):.0f} s, out: {self.failed}\n")

    @contextlib.contextmanager
    def _noting(self, item: pytest.Item) -> Iterator[None]:
        """Whatever function of ours runs, in any thread, is noted as run by the test."""
        runs = self.runs

        def note(frame: Any, event: str, _argument: object) -> None:
            code = frame.f_code
            if event == "call" and "/campaigns/" in code.co_filename and "/tests/" not in code.co_filename:
                runs[Path(code.co_filename).stem, code.co_qualname.partition(".<locals>")[0]].add(item)

        threading.setprofile(note)
        sys.setprofile(note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _tests_of(self, mutant: Mutant) -> list[pytest.Item]:
        if isinstance(mutant.top, ast.Assign):
            found = {item for (module, _), items in self.runs.items() if module == mutant.module for item in items}
        else:
            found = self.runs[mutant.module, mutant.name]

        def order(item: pytest.Item) -> tuple[bool, bool, float]:
            return _on_postgresql(item), item.path.stem != f"test_{mutant.module}", self.took[item]

        return sorted(
            (item for item in found if item.nodeid not in self.failed and not _elsewhere(item, mutant)), key=order
        )

    def _outcome(self, session: pytest.Session, mutant: Mutant, number: int) -> str:
        tests = self._tests_of(mutant)
        if not tests:
            return "UNTESTED"
        there, told = os.pipe()
        base = self.folder / str(number)
        began = time.monotonic()
        child = os.fork()
        if not child:
            self._in_fork(session, mutant, base, tests, told)
        os.close(told)
        patience = _PATIENCE + 4 * sum(self.took[item] for item in tests)
        ready, _, _ = select.select([there], [], [], patience)
        killer = os.read(there, 1000).decode() if ready else "time-out"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(there)
        shutil.rmtree(base, ignore_errors=True)
        if not killer and os.waitstatus_to_exitcode(status) not in (0, -signal.SIGKILL):
            raise RuntimeError(f"the runner itself failed at {mutant}")
        seconds = f"{time.monotonic() - began:.0f} s"
        return (
            f"killed ({killer.rpartition('/')[2]}, {seconds})"
            if killer
            else f"SURVIVED ({len(tests)} tests, {seconds})"
        )

    def _in_fork(
        self, session: pytest.Session, mutant: Mutant, base: Path, tests: list[pytest.Item], told: int
    ) -> None:
        """Never returns; the first test that fails ends it."""
        os.setsid()
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        base.mkdir()
        session.config._tmp_path_factory._basetemp = base  # type: ignore[attr-defined]
        try:
            put(mutant)
        except Exception:  # noqa: BLE001 - it cannot even be made, whatever the reason: whoever imports it would see
            os.write(told, b"its making")
            os._exit(1)
        self.told = told
        try:
            session._setupstate.teardown_exact(tests[0])
            for item, following in zip(tests, [*tests[1:], tests[0]], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 2)


def _on_postgresql(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return "[postgresql" in item.nodeid or "postgresql" in fixtures or item.path.stem in ON_POSTGRESQL


def _elsewhere(item: pytest.Item, mutant: Mutant) -> bool:
    """What tests of other modules say on PostgreSQL, they have said on SQLite."""
    return _on_postgresql(item) and item.path.stem not in (f"test_{mutant.module}", *ON_POSTGRESQL)


def put(mutant: Mutant) -> None:
    """Give the function its broken code, wherever it is known; or the constant its broken value."""
    _forget()
    module = sys.modules[f"campaigns.{mutant.module}"]
    namespace = dict(vars(module))
    if isinstance(mutant.top, ast.Assign):
        _run(mutant.top, namespace)
        _everywhere(mutant.name, getattr(module, mutant.name), namespace[mutant.name])
        return
    holder: Any = module
    for part in mutant.name.split(".")[:-1]:
        holder = getattr(holder, part)
    name = mutant.name.split(".")[-1]
    whole = vars(holder)[name]
    function = whole.fget if isinstance(whole, property) else whole
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if mutant.kind == "decorator":
        _everywhere(name, whole, function)
        return
    assert isinstance(mutant.top, ast.FunctionDef)
    mutant.top.decorator_list.clear()
    _run(mutant.top, namespace)
    made = namespace[name]
    function.__code__, function.__defaults__, function.__kwdefaults__ = (
        made.__code__,
        made.__defaults__,
        made.__kwdefaults__,
    )


def _forget() -> None:
    """Statements that are put together once are put together anew, by the functions that there are now."""
    for module in [module for name, module in sys.modules.items() if name.startswith("campaigns.")]:
        for each in vars(module).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()


def _run(statement: ast.stmt, namespace: dict[str, Any]) -> None:
    code = compile(ast.Module([statement], []), "<mutant>", "exec", flags=annotations.compiler_flag, dont_inherit=True)
    exec(code, namespace)


def _everywhere(name: str, before: Any, after: Any) -> None:
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith(("campaigns", "worker", "tests")):
            for known, value in list(vars(module).items()):
                if value is before and (known == name or callable(before)):
                    setattr(module, known, after)
