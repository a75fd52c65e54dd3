"""A campaign is followed at the command line, from soon after its submit to its end."""

import subprocess

import pytest

from tests.servers.waiting import PATIENCE
from tests.system.conftest import Build
from tests.system.installation import people
from tests.worker.terminal import PROGRAM

pytestmark = pytest.mark.system


def test_whoever_watches_from_a_pipe_hears_how_it_gets_on_until_it_has_ended(build: Build) -> None:
    site = build()
    made = site.submit("main", people(600), batch_size=20, rate=100)
    words = [*PROGRAM, "show", str(made), "--watch"]
    watcher = subprocess.Popen(
        words, env=site.environment(), cwd=site.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with watcher:
        site.start_worker()
        site.start_beat()
        out, err = watcher.communicate(timeout=PATIENCE)

    lines = err.splitlines()
    assert watcher.returncode == 0, err
    assert lines[-1] == "completed: expanded 600 of 600, sent 600 of 600, settled 600 of 600"
    assert len(lines) == len(set(lines))
    assert any("/s" in line and " left" in line for line in lines), err
    assert "completed at" in out
    assert "adds up" in out
    site.settled("main", made)
