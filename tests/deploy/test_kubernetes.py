"""The manifests for Kubernetes: of known fields only, with no right that is not used, and agreeing with each other."""

import copy
import math
import re
from typing import Any

import pytest
import yaml

from tests.deploy.commands import understood
from tests.deploy.composed import SERVICES
from tests.deploy.manifests import FOLDER, MANIFESTS, OURS, WORKLOADS, Manifest, faults, settings, the
from worker.settings import Settings

WORKER = the("StatefulSet", "worker")
KNOWING = {"worker", "beat", "flower"}


def kustomization(folder: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("manifest", MANIFESTS, ids=str)
def test_its_kind_s_schema_has_nothing_to_say(manifest: Manifest) -> None:
    assert faults(manifest.content) == []


@pytest.mark.parametrize("manifest", MANIFESTS, ids=str)
def test_a_field_that_there_is_not_would_be_found_wherever_it_stands(manifest: Manifest) -> None:
    for path in places(manifest.content):
        slip = copy.deepcopy(manifest.content)
        inner: Any = slip
        for step in path:
            inner = inner[step]
        inner["terminationGracePeriodSecond"] = 75
        assert faults(slip), f"nobody finds it at {path}"


FREE = {"labels", "annotations", "matchLabels", "stringData", "metadata", "requests", "limits"}
"""What may have any names in it."""


def places(content: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where in a manifest an object of known fields stands."""
    if isinstance(content, list):
        return [each for number, item in enumerate(content) for each in places(item, (*path, number))]
    if not isinstance(content, dict) or (path and path[-1] in FREE and path != ("metadata",)):
        return []
    return [path, *(each for name, item in content.items() for each in places(item, (*path, name)))]


@pytest.mark.parametrize("folder", ["base", "keda"])
def test_a_kustomization_names_each_manifest_beside_it_and_no_secret(folder: str) -> None:
    its = {path.name for path in (FOLDER / folder).glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
    named = set(kustomization(folder)["resources"])
    assert named - {"../base"} == its
    assert (folder == "keda") == ("../base" in named)


@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
def test_no_pod_has_a_right_that_it_does_not_use(workload: Manifest) -> None:
    pod, container = workload.pod, workload.container
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
def test_a_service_s_name_becomes_no_setting(workload: Manifest) -> None:
    """One called `flower` would have FLOWER_PORT say tcp://10.0.0.1:5555, and Flower not start."""
    assert workload.pod["enableServiceLinks"] is False


@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
def test_whatever_runs_for_ever_is_looked_after(workload: Manifest) -> None:
    assert ("livenessProbe" in workload.container) == (workload.kind != "Job")


@pytest.mark.parametrize("workload", OURS, ids=str)
def test_a_pod_of_ours_is_the_user_of_the_image_and_can_write_where_it_must(workload: Manifest) -> None:
    assert workload.pod["securityContext"]["runAsUser"] == workload.pod["securityContext"]["fsGroup"] == 10001
    assert {mount["mountPath"] for mount in workload.container["volumeMounts"]} == {"/campaigns/var", "/tmp"}
    given = {volume["name"] for volume in workload.pod["volumes"]}
    kept = {each["metadata"]["name"] for each in workload.content["spec"].get("volumeClaimTemplates", [])}
    assert {mount["name"] for mount in workload.container["volumeMounts"]} == given | kept
    assert kept == ({"spool"} if workload.name == "worker" else set())


@pytest.mark.parametrize("workload", OURS, ids=str)
def test_every_command_is_one_that_there_is(workload: Manifest) -> None:
    assert "command" not in workload.container  # in place of the image's tini
    words = [re.sub(r"\$\((\w+)\)", lambda found: settings()[found[1]], word) for word in workload.container["args"]]
    assert understood(words)


@pytest.mark.parametrize("workload", OURS, ids=str)
def test_it_starts_what_the_compose_file_starts(workload: Manifest) -> None:
    composed = [word for word in SERVICES[workload.name]["command"] if not word.isdigit()]
    assert [word for word in workload.container["args"] if "(" not in word and not word.isdigit()] == composed


@pytest.mark.parametrize("workload", OURS, ids=str)
def test_whoever_does_not_work_with_the_gateway_does_not_know_its_password(workload: Manifest) -> None:
    whole = {"secretRef": {"name": "secrets"}} in workload.container.get("envFrom", [])
    assert whole == (workload.name in KNOWING)


def test_the_settings_and_the_secret_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (settings() | the("Secret", "secrets").content["stringData"]).items():
        monkeypatch.setenv(name, value)
    found = Settings(_env_file=None)  # type: ignore[call-arg]
    assert set(found.accounts) == {"default"}
    assert found.broker == f"redis://{the('Service', 'valkey').name}:6379/0"


def test_every_setting_is_one() -> None:
    known = {name.upper() for name in Settings.model_fields} | {"WORKER_CONCURRENCY"}
    assert {name.split("__")[0] for name in settings()} <= known


def test_a_worker_that_is_told_to_end_has_the_time_that_its_requests_take() -> None:
    assert WORKER.pod["terminationGracePeriodSeconds"] == int(settings()["POST_TIMEOUT"]) + 45
    assert "lifecycle" not in WORKER.container


def test_a_worker_s_disk_outlives_its_pod_and_its_being_scaled_away() -> None:
    kept = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert WORKER.content["spec"]["persistentVolumeClaimRetentionPolicy"] == kept


def test_a_worker_has_the_memory_that_its_processes_take() -> None:
    processes = int(settings()["WORKER_CONCURRENCY"]) + 1
    assert processes * 143 < mebibytes(WORKER.container["resources"]["requests"]["memory"])
    assert processes * 200 < mebibytes(WORKER.container["resources"]["limits"]["memory"])


def mebibytes(quantity: str) -> int:
    return int(quantity.removesuffix("Mi"))


def test_applying_the_manifests_anew_scales_nothing_back() -> None:
    assert "replicas" not in WORKER.content["spec"]
    assert the("Deployment", "beat").content["spec"]["replicas"] == 1
    assert the("Deployment", "beat").content["spec"]["strategy"] == {"type": "Recreate"}


def test_no_more_workers_are_started_than_an_account_s_lanes_keep_busy() -> None:
    scaling = the("ScaledObject", "worker").content["spec"]
    its = settings()
    useful = math.ceil((int(its["LANES"]) + 2) / int(its["WORKER_CONCURRENCY"]))
    assert scaling["maxReplicaCount"] == useful
    assert scaling["minReplicaCount"] >= 1  # reports are asked for by somebody
    assert scaling["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": WORKER.kind, "name": WORKER.name}
    assert "fallback" not in scaling


def test_keda_finds_the_secret_that_it_is_to_ask_with() -> None:
    (trigger,) = the("ScaledObject", "worker").content["spec"]["triggers"]
    (given,) = the("TriggerAuthentication", trigger["authenticationRef"]["name"]).content["spec"]["secretTargetRef"]
    assert given["key"] in the("Secret", given["name"]).content["stringData"]
    assert given["parameter"] == "connection"


def test_a_service_leads_to_pods_that_there_are_and_to_a_port_of_theirs() -> None:
    for service in [each for each in MANIFESTS if each.kind == "Service"]:
        spec = service.content["spec"]
        (to,) = [each for each in WORKLOADS if spec["selector"].items() <= labels(each).items()]
        ports = {port["name"] for port in to.container.get("ports", [])}
        assert {port["targetPort"] for port in spec.get("ports", [])} <= ports


def labels(workload: Manifest) -> dict[str, str]:
    found: dict[str, str] = workload.content["spec"]["template"]["metadata"]["labels"]
    return found


@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
def test_a_workload_finds_its_own_pods(workload: Manifest) -> None:
    if workload.kind != "Job":
        assert workload.content["spec"]["selector"]["matchLabels"].items() <= labels(workload).items()


def test_each_pod_reaches_what_it_works_with_and_nothing_else() -> None:
    assert {each.name: reached(each) for each in WORKLOADS} == {
        "worker": {6379, 5432, 443, 53},
        "beat": {6379, 53},
        "flower": {6379, 53},
        "metrics": {6379, 5432, 53},
        "migrate": {5432, 53},
        "valkey": {53},
    }


def test_whoever_may_call_the_broker_is_let_in_and_knows_where_it_is() -> None:
    """Metrics, too: they say whether it is there, and an alert would ring for ever."""
    (policy,) = [each.content["spec"] for each in MANIFESTS if each.name == "at-the-broker"]
    (rule,) = policy["ingress"]
    (let_in,) = [each["podSelector"] for each in rule["from"]]
    calling = {each.name for each in OURS if 6379 in reached(each)}
    assert {each.name for each in OURS if chosen(let_in, each)} == calling == {"worker", "beat", "flower", "metrics"}
    told = {each.name for each in OURS if {"configMapRef": {"name": "settings"}} in each.container.get("envFrom", [])}
    assert "REDIS_URL" in settings()
    assert told == calling


def reached(workload: Manifest) -> set[int]:
    """The ports that policies let its pods call."""
    policies = [each.content["spec"] for each in MANIFESTS if each.kind == "NetworkPolicy"]
    mine = [each for each in policies if "Egress" in each["policyTypes"] and chosen(each["podSelector"], workload)]
    assert mine
    return {port["port"] for each in mine for rule in each.get("egress", []) for port in rule["ports"]}


def chosen(selector: dict[str, Any], workload: Manifest) -> bool:
    its = labels(workload)
    matched = selector.get("matchLabels", {}).items() <= its.items()
    return matched and all(its.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))
