"""`campaigns demo`, as somebody runs it for the first time: it adds up, and leaves nothing behind."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, text

from tests.data.make_clients import ROWS, VALID
from tests.servers.waiting import PATIENCE, eventually
from worker.embedded import client_url

pytestmark = pytest.mark.system

DEMO = [sys.executable, "-c", "from worker.demo.command import demo; demo()"]
FIGURES = {
    "recipients", "excluded", "messages", "delivered", "undelivered", "unreported", "in_doubt", "refused", "credits",
    "duplicates", "adds_up", "seconds", "messages_per_second",
}  # fmt: skip


def test_the_shipped_list_adds_up(tmp_path: Path) -> None:
    said = figures(play(tmp_path, "--json"))
    assert said["recipients"] == ROWS
    assert said["messages"] == VALID
    assert said["delivered"] > 0.9 * VALID
    assert eventually(lambda: nothing_is_left(tmp_path))


def test_so_many_made_up_people_add_up_and_a_real_installation_s_dotenv_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://nobody@127.0.0.1:1/real\n")
    said = figures(play(tmp_path, "--recipients", "1200", "--json"))
    assert set(said) >= FIGURES
    assert said["recipients"] == said["messages"] == 1_200
    settled = ("delivered", "undelivered", "unreported", "in_doubt", "refused")
    assert sum(said[name] for name in settled) == 1_200


def test_a_person_sees_each_stage_and_the_account_and_may_keep_the_folder(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "gateway.port").write_text("1")  # of a demo before
    done = play(tmp_path, "--recipients", "30", "--keep", str(kept))
    assert done.returncode == 0, done.stderr
    for words in ("Flower, while this runs: http://127.0.0.1:", "completed: expanded 30 of 30", "texted twice"):
        assert words in done.stdout
    names = {path.name for path in kept.iterdir()}
    assert names >= {"campaigns.db", "valkey.log", "gateway.log", "worker.log", "beat.log", "flower.log"}


@pytest.mark.parametrize(
    ("moment", "times"),
    [("at once", 1), ("Flower", 2), ("sending", 1), ("tracking", 2)],
    ids=["at once", "twice while it starts", "while it sends", "twice while it waits for reports"],
)
def test_ctrl_c_stops_everything_and_leaves_nothing(tmp_path: Path, moment: str, times: int) -> None:
    with start(tmp_path, "--recipients", "5000") as demo:
        wait_for(demo, moment)
        for _ in range(times):
            demo.send_signal(signal.SIGINT)
        said, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode in (130, -signal.SIGINT), said
    assert eventually(lambda: nothing_is_left(tmp_path))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["terminated", "killed"])
def test_nothing_outlives_a_demo_that_is_ended_from_outside(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path, "--recipients", "5000") as demo:
        wait_for(demo, random.choice(["Flower", "sending"]))
        demo.send_signal(number)
        demo.communicate(timeout=PATIENCE)
    assert eventually(lambda: nothing_is_left(tmp_path))


def test_a_process_that_dies_ends_the_demo_with_its_name_and_its_last_words(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with start(tmp_path, "--recipients", "5000", "--keep", str(kept)) as demo:
        wait_for(demo, "Flower")
        victim = next(pid for pid, words in running_in(tmp_path).items() if "sandbox" in words)
        os.kill(victim, signal.SIGKILL)
        said, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 1
    assert "Error: gateway ended by itself with status -9" in said
    assert eventually(lambda: running_in(tmp_path) == {})


def test_a_database_with_somebody_s_campaigns_is_refused(tmp_path: Path, sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS campaigns"))
        connection.execute(text("CREATE TABLE campaigns (account text)"))
        connection.execute(text("INSERT INTO campaigns VALUES ('default')"))
    engine.dispose()
    done = play(tmp_path, "--recipients", "30", DATABASE_URL=sqlite_url)
    assert done.returncode == 1
    assert "Error: DATABASE_URL names a database with campaigns in it" in done.stderr
    assert eventually(lambda: running_in(tmp_path) == {})


def test_a_broker_with_somebody_s_tasks_is_refused_and_left_alone(tmp_path: Path, own_broker_url: str) -> None:
    with redis.Redis.from_url(client_url(own_broker_url)) as client:
        client.lpush("sending", "theirs")
        done = play(tmp_path, "--recipients", "30", REDIS_URL=own_broker_url)
        assert done.returncode == 1
        assert "Error: REDIS_URL names a database that is not empty" in done.stderr
        assert client.llen("sending") == 1


def test_servers_that_the_environment_names_are_used(
    tmp_path: Path, empty_database_url: str, own_broker_url: str
) -> None:
    servers = {"DATABASE_URL": empty_database_url, "REDIS_URL": own_broker_url}
    assert figures(play(tmp_path, "--recipients", "30", "--json", **servers))["messages"] == 30
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT account FROM campaigns").fetchall() == [("demo",)]
    with redis.Redis.from_url(client_url(own_broker_url)) as client:
        assert client.dbsize() == 0


def play(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *words], cwd=folder, env=plain(folder, environment), capture_output=True, text=True, timeout=250
    )


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DEMO, *words],
        cwd=folder,
        env=plain(folder, {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def plain(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Ours without the tests' servers; whatever is made for a while is made below the folder."""
    ours = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    return {**ours, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1", **environment}


def wait_for(demo: subprocess.Popen[str], word: str) -> None:
    if word == "at once":
        tmp = Path(f"/proc/{demo.pid}/cwd").readlink() / "tmp"
        assert eventually(lambda: any(tmp.iterdir()), within=PATIENCE)
        return
    assert demo.stdout is not None
    # What is shown is looked up now and then: all may have left between two looks.
    words = ("sending", "tracking") if word == "sending" else (word,)
    said = []
    for line in demo.stdout:
        said.append(line)
        if any(each in line for each in words):
            return
    pytest.fail("".join(said))


def figures(done: subprocess.CompletedProcess[str]) -> dict[str, float]:
    assert done.returncode == 0, done.stdout + done.stderr
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    assert said["adds_up"] is True
    assert said["duplicates"] == 0
    return said


def nothing_is_left(folder: Path) -> bool:
    """Whether no file of the demo is left, and no process that worked in its folder."""
    return list((folder / "tmp").iterdir()) == [] and running_in(folder) == {}


def running_in(folder: Path) -> dict[int, str]:
    """Processes that keep their temporary files below the folder: the demo and all that it started."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}/".encode() in (place / "environ").read_bytes():
                found[int(place.name)] = (place / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found
