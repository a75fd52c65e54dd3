"""The quick start in French, held to its word: its examples run as they stand, and its links lead on.

Only the ports are others, and silent messages are waited for a shorter time.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.waiting import PATIENCE, eventually
from tests.system.flower import free_port
from worker import lifeline
from worker.cli import COMMANDS
from worker.processes import Processes

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "demarrage.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- exemple : (\S+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
SPOKEN, _HELP = EXAMPLES["langue"].splitlines()

Example = Callable[[str], str]


@pytest.fixture
def folder() -> Iterator[Path]:
    """The project's folder as far as the examples look into it; what they make stays in it."""
    with lifeline.folder("demarrage-") as made:
        for name in ("Procfile", "worker", "deploy"):
            (made / name).symlink_to(ROOT / name)
        bin_ = made / "bin"
        bin_.mkdir()
        command = bin_ / "campaigns"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from worker.cli import main; main()" "$@"\n')
        command.chmod(0o755)
        yield made


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """Where the commands are found, as after `source .venv/bin/activate`, and nothing is set."""
    ours = ("ACCOUNTS", "DATABASE_URL", "REDIS_URL", "BROKER_URL", "LC_ALL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "FLOWER_PORT": str(free_port())}


@pytest.fixture
def written() -> Example:
    """An example as a shell is given it, after what is to be set before it."""
    others = {"8800": str(free_port()), "6379": str(free_port()), "DEADLINE=30": "DEADLINE=8"}

    def example(name: str) -> str:
        text = "\n".join([SPOKEN, EXAMPLES["réglages"], EXAMPLES[name]])
        return re.sub("|".join(others), lambda found: others[found[0]], text)

    return example


@pytest.fixture
def run(folder: Path, environment: dict[str, str], written: Example) -> Callable[..., str]:
    def shell(name: str, *, succeeds: bool = True) -> str:
        done = subprocess.run(
            ["/bin/sh", "-ec", written(name)],
            env=environment, cwd=folder, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        if succeeds:
            assert done.returncode == 0, done.stdout + done.stderr
        return re.sub(r"[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", done.stdout) if not done.returncode else ""

    return shell


@pytest.fixture
def _installation(folder: Path, environment: dict[str, str], written: Example) -> Iterator[None]:
    """What runs in the page's first three terminals."""
    with Processes(folder) as processes:
        for name in ("passerelle", "courtier", "workers"):
            # honcho has given each process a session of its own: were it not asked to end itself, or killed before it
            # has ended them, they would stay.
            command = ["/bin/sh", "-ec", _giving_way(written(name))]
            processes.start(name, command, environment=environment, cwd=folder, grace=60)
        yield
        processes.check()


def _giving_way(script: str) -> str:
    """The same, but that the shell becomes its last command."""
    *before, last = script.rstrip().splitlines()
    return "\n".join([*before, f"exec {last}"])


@pytest.mark.system
@pytest.mark.timeout(300)  # some twenty commands, each of which starts a Python
@pytest.mark.usefixtures("_installation")
def test_each_example_works_as_it_stands_and_answers_in_french(
    run: Callable[..., str], folder: Path, environment: dict[str, str], written: Example
) -> None:
    assert eventually(lambda: "bon" in run("docteur", succeeds=False), within=PATIENCE)
    assert re.search(r"écarté : doublon +47", run("aperçu"))
    assert "campaigns show 1 --watch" in run("envoi")
    assert re.search(r"le compte est bon +oui", run("suivi"))
    assert run("rapport").splitlines()[0] == str(folder / "campaign-1.html")
    assert '<html lang="fr">' in (folder / "campaign-1.html").read_text(encoding="utf-8")
    assert len((folder / "rappel.csv").read_bytes().splitlines()) == 5_201
    assert "campaigns show 2 --watch" in run("relance")
    assert "accueil, par téléphone" in run("désinscriptions")
    assert "CLINIQUE" in run("compte")
    before, _, program = written("python").partition("import campaigns")
    (folder / "script.py").write_text(f"import campaigns{program}")
    made = subprocess.run(
        ["/bin/sh", "-ec", f"{before}{sys.executable} script.py"],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    assert re.fullmatch(r"\{.*\}\n", made.stdout)


def test_every_command_and_target_and_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"(?:`|^)campaigns ([a-z]+)\b", PAGE, re.MULTILINE))
    assert named <= set(COMMANDS)
    targets = set((ROOT / "Makefile").read_text(encoding="utf-8").split(".PHONY: ")[1].splitlines()[0].split())
    assert set(re.findall(r"(?:`|^)make ([a-z]+)\b", PAGE, re.MULTILINE)) <= targets
    links = re.findall(r"\]\(([^)#:]+)(?:#([\w-]+))?\)", PAGE)
    assert links
    for path, title in links:
        text = (ROOT / "docs" / path).read_text(encoding="utf-8")
        titles = {re.sub(r"[^\w -]", "", its).lower().replace(" ", "-") for its in re.findall(r"^#+ (.*)$", text, re.M)}
        assert not title or title in titles, f"{path} has no section {title}"


def test_the_readme_leads_to_it_from_its_top() -> None:
    assert "(docs/demarrage.md)" in "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:8])
