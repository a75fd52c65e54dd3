"""The Dockerfile: what its linter says, what must not be forgotten, and the wheel, built of what the builder gets."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

from tests.deploy.dockerfile import FILE, ROOT, context, copied, stages, steps

BUILD, RUN = stages()
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def the(word: str) -> str:
    (step,) = [step for step in RUN if step.word == word]
    return step.rest


def test_its_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    said = subprocess.run([hadolint, "--no-color", FILE], capture_output=True, text=True, timeout=120, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_both_stages_begin_with_one_python_that_is_pinned_to_its_last_bit() -> None:
    assert steps()[0].word == "ARG"
    assert re.fullmatch(r"PYTHON=python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64}", steps()[0].rest)
    assert [stage[0].rest.split()[0] for stage in (BUILD, RUN)] == ["${PYTHON}", "${PYTHON}"]


def test_every_package_is_a_wheel_of_a_lock_and_checked_by_its_hash() -> None:
    installing = [command for step in BUILD if step.word == "RUN" for command in step.rest.split("&&")]
    installing = [command for command in installing if " install " in command]
    assert len(installing) == 3
    for command in installing:
        locked = {"--require-hashes", "--only-binary"} <= set(command.split())
        assert locked or {"--no-index", "--no-deps"} <= set(command.split()), command


def test_it_runs_as_nobody_in_particular_and_keeps_only_what_must_outlive_it() -> None:
    assert re.fullmatch(
        r"[1-9]\d{3,}:[1-9]\d{3,}", the("USER")
    )  # by number, or Kubernetes cannot tell that it is not root
    assert the("VOLUME") == "/campaigns/var"
    assert the("WORKDIR") == "/campaigns"


def test_a_sigterm_reaches_celery_s_main_process_and_no_shell() -> None:
    assert the("STOPSIGNAL") == "SIGTERM"
    entry = next(step for step in RUN if step.word == "ENTRYPOINT").words
    assert entry == ["/usr/bin/tini", "--"]  # with -g its children would get it, too
    command = next(step for step in RUN if step.word == "CMD").words
    assert command[:4] == ["celery", "-A", "worker", "worker"]


def test_it_says_which_release_it_is() -> None:
    assert f"VERSION={VERSION}" in [step.rest for step in RUN if step.word == "ARG"]
    assert f"sms-campaigns:{VERSION} ." in FILE.read_text(encoding="utf-8")


def test_what_is_private_never_reaches_the_builder(tmp_path: Path) -> None:
    handed = context(tmp_path)
    assert {path.name for path in handed.iterdir()} == {
        *("LICENSE", "README.md", "campaigns", "hatch_build.py", "pyproject.toml", "worker"),
        *("requirements-run.lock", "requirements-build.lock"),
    }
    assert not [path for path in handed.rglob("*") if path.name in (".env", ".git", "__pycache__")]


def test_the_wheel_is_built_of_what_the_builder_is_handed_and_speaks_french(tmp_path: Path) -> None:
    handed, stage = context(tmp_path / "context"), tmp_path / "stage"
    stage.mkdir()
    for sources, target in copied(BUILD) + copied(RUN):
        for source in sources:
            assert (handed / source).exists(), f"{source} is kept from the builder by .dockerignore"
            if target == "./":
                shutil.copy(handed / source, stage)
            elif target == source:
                shutil.copytree(handed / source, stage / target)

    (command,) = [part for step in BUILD if step.word == "RUN" for part in step.rest.split("&&") if "hatchling" in part]
    words = [sys.executable, *command.split()[1:]]
    subprocess.run(words, cwd=stage, check=True, capture_output=True, timeout=250)

    (wheel,) = (stage / "dist").glob(f"*-{VERSION}-*.whl")
    held = set(ZipFile(wheel).namelist())
    assert "worker/language/locale/fr/LC_MESSAGES/campaigns.mo" in held
    assert {name.partition("/")[0] for name in held if ".dist-info" not in name} == {"campaigns", "worker"}


def test_its_health_check_is_a_module_that_there_is() -> None:
    assert the("HEALTHCHECK").endswith('CMD ["python", "-m", "worker.hearing"]')
    assert (ROOT / "worker" / "hearing.py").is_file()
