"""What the image runs and is built with is what was tested: the same releases, and the same files of them."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DEVELOPMENT_ONLY = {"pytest", "hypothesis", "ruff", "mypy", "playwright", "pyarrow", "django", "sphinx"}


def locked(name: str) -> dict[str, set[str]]:
    """Each release that a lock names, with its marker, and the hashes of its files."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(r"^(\S+==[^\\\n]+?) *\\\n((?:    --hash=\S+(?: \\)?\n?)+)", text, re.MULTILINE)
    return {release: set(re.findall(r"--hash=(\S+)", hashes)) for release, hashes in found}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[ >=]", each, maxsplit=1)[0] for each in requirements}


@pytest.mark.parametrize("lock", ["requirements-run.lock", "requirements-build.lock"])
def test_every_release_of_the_image_is_one_that_the_tests_run_with(lock: str) -> None:
    tested = {release.partition(" ;")[0]: hashes for release, hashes in locked("requirements.lock").items()}
    for release, hashes in locked(lock).items():
        assert hashes
        assert tested.get(release.partition(" ;")[0]) == hashes, f"{release}: run `make lock`"


def test_whatever_the_project_depends_on_is_in_the_image_and_what_only_tests_need_is_not() -> None:
    running = {release.partition("==")[0] for release in locked("requirements-run.lock")}
    extras = PROJECT["project"]["optional-dependencies"]
    assert names(PROJECT["project"]["dependencies"] + extras["xlsx"] + extras["otel"]) <= running
    assert not running & DEVELOPMENT_ONLY


def test_what_builds_the_wheel_is_what_the_project_asks_for() -> None:
    building = {release.partition("==")[0] for release in locked("requirements-build.lock")}
    assert names(PROJECT["build-system"]["requires"]) <= building
    assert names(PROJECT["build-system"]["requires"]) == names(PROJECT["dependency-groups"]["build"])
