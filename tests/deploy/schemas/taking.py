"""Take the kinds that deploy/kubernetes uses out of the schemas of a whole Kubernetes: `python taking.py FOLDER`.

FOLDER is a `v1.35.0-local-strict` of the package `kubernetes-validate` (Apache-2.0, as Kubernetes itself), unpacked.
What only describes is dropped, and what a cluster writes (`status`).
"""

import json
import sys
from pathlib import Path
from typing import Any

KINDS = {
    "ConfigMap": "configmap-v1",
    "Deployment": "deployment-apps-v1",
    "Job": "job-batch-v1",
    "Namespace": "namespace-v1",
    "NetworkPolicy": "networkpolicy-networking-v1",
    "PodDisruptionBudget": "poddisruptionbudget-policy-v1",
    "Secret": "secret-v1",
    "Service": "service-v1",
    "ServiceAccount": "serviceaccount-v1",
    "StatefulSet": "statefulset-apps-v1",
}
_WORDS = ("description", "$schema", "$id", "default", "format")


def bare(schema: Any, *, of_names: bool = False) -> Any:
    """A schema without words, with its references to within one file; `of_names`: its keys are names of fields."""
    if isinstance(schema, list):
        return [bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if of_names:
        return {name: bare(each) for name, each in schema.items() if name != "status"}
    kept = {word: each for word, each in schema.items() if word not in _WORDS and not word.startswith("x-kubernetes")}
    made = {word: bare(each, of_names=word == "properties") for word, each in kept.items()}
    if "$ref" in made:
        made["$ref"] = "#/$defs/" + made["$ref"].rpartition("/")[2]
    return made


def needed(schema: Any, definitions: dict[str, Any], known: dict[str, Any]) -> None:
    """Add to `known` each definition that a schema names, and those that these name."""
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        needed(each, definitions, known)
    name = schema.get("$ref", "").rpartition("/")[2] if isinstance(schema, dict) else ""
    if name and name not in known:
        known[name] = bare(definitions[name])
        needed(known[name], definitions, known)


def take(folder: Path) -> str:
    """One JSON document: a schema for each kind, and a line for each definition."""
    definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    known: dict[str, Any] = {}
    kinds = {kind: bare(json.loads((folder / f"{name}.json").read_text())) for kind, name in KINDS.items()}
    for schema in kinds.values():
        needed(schema, definitions, known)
    lines = [
        f"{json.dumps(name)}:{json.dumps(each, separators=(',', ':'))}"
        for name, each in sorted((kinds | known).items())
    ]
    return '{"$defs":{\n' + ",\n".join(lines) + "\n}}\n"


if __name__ == "__main__":
    Path(__file__).with_name("kubernetes.json").write_text(take(Path(sys.argv[1])), encoding="utf-8")
