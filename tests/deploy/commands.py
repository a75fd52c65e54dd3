"""Commands that a file of deploy/ gives to a container, held to the programs that they name."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from click import Context

from worker.cli import main

ACCOUNT = {"ACCOUNTS__DEFAULT__LOGIN": "demo", "ACCOUNTS__DEFAULT__PASSWORD": "secret"}


def understood(words: Sequence[str]) -> bool:
    """Whether the program takes these words; raises what it says of those that it does not."""
    program, *rest = words
    if program == "campaigns":
        command = main.get_command(Context(main), rest[0])
        assert command is not None, f"there is no `campaigns {rest[0]}`"
        command.make_context(rest[0], rest[1:], parent=Context(main))
        return True
    if program == "celery":
        # Its options are read, and those that there are not refused, before its help is shown.
        asked = [Path(sys.executable).parent / "celery", *rest, "--help"]
        done = subprocess.run(
            asked, env={**os.environ, **ACCOUNT}, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return "Usage: celery" in done.stdout
    raise AssertionError(f"nobody knows the program {program!r}")
