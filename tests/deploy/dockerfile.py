"""A Dockerfile and its .dockerignore, read as far as the tests need it."""

import json
import re
import shutil
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "Dockerfile"


@dataclass(frozen=True)
class Step:
    """One instruction, its continued lines joined."""

    word: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Those of its JSON form, or else between blanks."""
        found: list[str] = json.loads(self.rest[self.rest.index("[") :]) if "[" in self.rest else self.rest.split()
        return found


def steps() -> list[Step]:
    """The instructions in their order."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Step(*line.split(None, 1)) for line in joined.splitlines() if line]


def stages() -> list[list[Step]]:
    """The instructions of each stage, from its FROM on."""
    found: list[list[Step]] = []
    for step in steps():
        if step.word == "FROM":
            found.append([])
        if found:
            found[-1].append(step)
    return found


def copied(stage: list[Step]) -> list[tuple[list[str], str]]:
    """What of the context a stage is given: the sources, and where they go."""
    words = [step.words for step in stage if step.word == "COPY" and "--from" not in step.rest]
    return [(each[:-1], each[-1]) for each in words]


def context(folder: Path) -> Path:
    """A copy of what the builder is handed: what .dockerignore leaves of the checkout."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    named = [line.removeprefix("!") for line in lines if line.startswith("!")]
    kept_out = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
    assert "*" in lines
    for name in named:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=lambda _, names: [n for n in names if _any(n, kept_out)])
        else:
            shutil.copy(source, target)
    return folder


def _any(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
