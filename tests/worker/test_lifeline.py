"""Children and folders that go when we go, in order or not."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.servers.waiting import alive, eventually
from worker import lifeline

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()",
]
# A child with a child of its own, which ignores everything but SIGKILL and prints its process id.
PARENT = [
    sys.executable,
    "-c",
    (
        "import os, signal\n"
        "if os.fork() == 0:\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    print(os.getpid(), flush=True)\n"
        "signal.pause()"
    ),
]


def test_a_child_is_asked_to_end_and_its_status_given() -> None:
    child = lifeline.start(SLEEPER)
    assert lifeline.end(child) == -signal.SIGTERM


def test_a_child_that_will_not_end_is_killed_when_its_grace_is_over() -> None:
    child = lifeline.start(STUBBORN, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout as said:
        assert said.readline() == b"deaf\n"
        assert lifeline.end(child, grace=0.01) == -signal.SIGKILL


@pytest.mark.parametrize("died_before", [False, True], ids=["while it runs", "after it died by itself"])
def test_grandchildren_end_with_their_parent(died_before: bool) -> None:
    child = lifeline.start(PARENT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout as said:
        grandchild = int(said.readline())
        if died_before:
            child.kill()
            child.wait()
        lifeline.end(child)
    assert eventually(lambda: not alive(grandchild))


def test_a_private_folder_is_gone_at_the_end_with_what_is_in_it() -> None:
    with lifeline.folder("lifeline-") as folder:
        (folder / "file").write_text("x")
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    "death",
    ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)", "raise SystemExit(1)", "raise KeyboardInterrupt"],
    ids=["kill -9", "at once", "exit", "an interruption"],
)
def test_whatever_way_we_go_children_grandchildren_and_folders_go_too(death: str) -> None:
    program = f"""
        import os, signal, subprocess
        from worker import lifeline
        folder = lifeline.folder("lifeline-")
        print(folder.__enter__())
        child = lifeline.start({PARENT!r}, stdout=subprocess.PIPE)
        print(child.pid)
        print(int(child.stdout.readline()), flush=True)
        {death}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120, check=False
    )
    folder, *children = done.stdout.split()
    assert len(children) == 2, done.stderr
    assert eventually(lambda: not any(alive(int(child)) for child in children))
    assert eventually(lambda: not Path(folder).exists())


def test_what_was_given_back_is_not_touched_when_we_go(tmp_path: Path) -> None:
    program = """
        import os, subprocess, sys
        from worker import lifeline
        child = lifeline.start([sys.executable, "-c", ""])
        lifeline.end(child)
        with lifeline.folder("lifeline-") as folder:
            pass
        folder.mkdir()
        print(folder, lifeline._guard()._process.pid)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120, check=True
    )
    folder, guard = done.stdout.split()
    assert eventually(lambda: not alive(int(guard)))
    Path(folder).rmdir()


def test_a_forked_process_ends_its_own_children_and_leaves_ours(tmp_path: Path) -> None:
    program = f"""
        import os, signal, subprocess
        from worker import lifeline
        ours = lifeline.start({SLEEPER!r})
        if os.fork() == 0:
            theirs = lifeline.start({SLEEPER!r})
            print(theirs.pid, flush=True)
            os._exit(0)
        os.wait()
        print(ours.pid, flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        theirs, ours = int(process.stdout.readline()), int(process.stdout.readline())
        assert eventually(lambda: not alive(theirs))
        assert alive(ours)
        process.communicate(b"\n")
    assert eventually(lambda: not alive(ours))
