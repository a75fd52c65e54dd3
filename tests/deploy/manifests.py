"""The manifests of deploy/kubernetes, one by one, and what the schemas of their kinds say of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
_SCHEMAS = Path(__file__).parent / "schemas"
SCHEMAS: dict[str, Any] = {}
for _name in ("kubernetes.json", "keda.json"):
    SCHEMAS |= json.loads((_SCHEMAS / _name).read_text(encoding="utf-8"))["$defs"]

PODS = ("Deployment", "StatefulSet", "Job")


@dataclass(frozen=True)
class Manifest:
    """One document of a file."""

    file: str
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def kind(self) -> str:
        return str(self.content["kind"])

    @property
    def name(self) -> str:
        return str(self.content["metadata"]["name"])

    @property
    def pod(self) -> dict[str, Any]:
        """What its pods are made by."""
        found: dict[str, Any] = self.content["spec"]["template"]["spec"]
        return found

    @property
    def container(self) -> dict[str, Any]:
        """The one of its pods."""
        (found,) = self.pod["containers"]
        return dict(found)


def faults(content: dict[str, Any]) -> list[str]:
    """What the schema of its kind has to say: where, and what."""
    schema = {"$ref": f"#/$defs/{content['kind']}", "$defs": SCHEMAS}
    found = Draft202012Validator(schema).iter_errors(content)
    return [f"{'/'.join(map(str, each.absolute_path))}: {each.message}" for each in found]


def _read() -> Iterator[Manifest]:
    for path in sorted(FOLDER.rglob("*.yaml")):
        if path.name == "kustomization.yaml":
            continue
        for content in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield Manifest(str(path.relative_to(FOLDER)), content)


MANIFESTS = list(_read())
WORKLOADS = [each for each in MANIFESTS if each.kind in PODS]
OURS = [each for each in WORKLOADS if each.container["image"] == "sms-campaigns"]


def the(kind: str, name: str) -> Manifest:
    """The one manifest of that kind and name."""
    (found,) = [each for each in MANIFESTS if (each.kind, each.name) == (kind, name)]
    return found


def settings() -> dict[str, str]:
    """What the config map is made of."""
    lines = (FOLDER / "base" / "settings.env").read_text(encoding="utf-8").split()
    return dict(line.split("=", 1) for line in lines)
