"""The annotated example of an environment: complete, true, and read alike by systemd and by us."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import certifi
import pytest
from dotenv import dotenv_values

from worker.settings import Account, Settings

EXAMPLE = (Path(__file__).parents[2] / "deploy" / "environment.example").read_text(encoding="utf-8")
EVERYTHING = re.sub(r"^#(?=[A-Z])", "", EXAMPLE, flags=re.MULTILINE)
"""With each setting that stands behind a # taken, too."""

GENERATOR = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
"""What of systemd reads such a file and tells what it has read."""

OF_THE_WORKER_S_COMMAND = {"WORKER_CONCURRENCY"}


def environment(text: str, folder: Path) -> Path:
    """The text as a file; what it names on a host is put where it is on this one."""
    text = text.replace("/srv/campaigns/audiences", str(folder)).replace("/etc/ssl/certs/reseller.pem", certifi.where())
    path = folder / "environment"
    path.write_text(text, encoding="utf-8")
    return path


def by_systemd(path: Path, folder: Path) -> dict[str, str]:
    """Every variable that systemd finds in the file."""
    place = folder / "config" / "environment.d" / "50-campaigns.conf"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(path.read_bytes())
    known = {"XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder), "PATH": os.environ["PATH"]}
    said = subprocess.run([GENERATOR], env=known, capture_output=True, text=True, timeout=120, check=True)
    assert said.stderr == ""
    words = [re.sub(r"\\([$`])", r"\1", word) for line in said.stdout.splitlines() for word in shlex.split(line)]
    pairs = [word.partition("=") for word in words]
    return {name: value for name, _, value in pairs if name in path.read_text(encoding="utf-8")}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The settings that a text means, whatever the environment of the tests is."""
    for name in list(os.environ):
        if name.partition("__")[0].lower() in Settings.model_fields:
            monkeypatch.delenv(name)
    return lambda text: Settings(_env_file=environment(text, tmp_path))  # type: ignore[call-arg]


def test_every_setting_is_in_it_once_and_nothing_else_is() -> None:
    names = re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    accounts = {f"ACCOUNTS__DEFAULT__{field.upper()}" for field in Account.model_fields}
    fields = {field.upper() for field in Settings.model_fields} - {"ACCOUNTS"}
    assert sorted(names) == sorted(accounts | fields | OF_THE_WORKER_S_COMMAND)


def test_what_stands_behind_a_hash_is_the_default_or_where_there_is_none_an_example(read: Any) -> None:
    changed, plain = read(EVERYTHING), read(EXAMPLE)
    for field, its in {**Settings.model_fields, **Account.model_fields}.items():
        there, default = (vars(each.accounts["default"]) | vars(each) for each in (changed, plain))
        if its.default in (None, frozenset()):
            assert there[field] not in (None, frozenset()), field
        elif field != "accounts":
            assert there[field] == default[field], field


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("text", [EXAMPLE, EVERYTHING], ids=["as it is", "with everything"])
def test_systemd_and_we_read_the_same_in_it(text: str, tmp_path: Path) -> None:
    path = environment(text, tmp_path)
    ours = dict(dotenv_values(path))
    assert by_systemd(path, tmp_path) == ours
    assert len(ours) == len(re.findall(r"^[A-Z_]+=", text, re.MULTILINE))


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize(
    "value", ["a b", "#a #b", '{"": 1, "225": 1.5}', "p=ss&w?rd@%27", "$(id)", "`id`", "é~*;|<>", "  "]
)
def test_whatever_stands_between_single_quotes_is_read_alike_as_the_example_says(value: str, tmp_path: Path) -> None:
    path = environment(f"CREDIT_PRICES='{value}'\n", tmp_path)
    assert dict(dotenv_values(path)) == {"CREDIT_PRICES": value}
    assert by_systemd(path, tmp_path) == {"CREDIT_PRICES": value}
