"""deploy/compose.yaml as Compose reads it: its variables filled in, and its services by name."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
FILE = DEPLOY / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def variables(text: str) -> dict[str, bool]:
    """Each variable that is asked for, and whether it must be set."""
    return {name: kind == "?" for name, kind, _ in _VARIABLE.findall(text)}


def environment(name: str) -> dict[str, str]:
    """A file of variables, without what stands in comments."""
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def composed(given: Mapping[str, str]) -> dict[str, Any]:
    """The file with these variables; raises KeyError for one that must be set, and is not."""

    def value(found: re.Match[str]) -> str:
        name, kind, otherwise = found.groups()
        return given.get(name, otherwise) if kind == "-" else given[name]

    read: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(value, FILE.read_text(encoding="utf-8")))
    return read


SANDBOX = environment("sandbox.env")
SERVICES: dict[str, dict[str, Any]] = composed(SANDBOX)["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def surroundings(service: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a container: its file's, then its own."""
    files = [environment(name) for name in service.get("env_file", [])]
    return {name: str(value) for each in [*files, service.get("environment", {})] for name, value in each.items()}
