"""The compose file: valid, safe unless somebody makes it unsafe, and each of its commands one that there is."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.commands import understood
from tests.deploy.composed import DEPLOY, FILE, OURS, SANDBOX, SERVICES, composed, environment, surroundings, variables
from worker.settings import Settings

TEXT = FILE.read_text(encoding="utf-8")
WORKS_WITH_SETTINGS = {"worker", "beat", "flower"}


def said_of(path: Path) -> str:
    """What the schema of compose files, as the Compose project publishes it, has to say."""
    check = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path]
    done = subprocess.run(check, capture_output=True, text=True, timeout=120, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_schema_of_compose_files_has_nothing_to_say() -> None:
    assert said_of(FILE) == ""


def test_a_slip_of_the_pen_would_be_found(tmp_path: Path) -> None:
    slip = tmp_path / "compose.yaml"
    slip.write_text(TEXT.replace("stop_grace_period", "stop_grace_periode", 1), encoding="utf-8")
    assert "stop_grace_periode" in said_of(slip)


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_has_a_right_that_it_does_not_use(name: str) -> None:
    its = SERVICES[name]
    assert its["read_only"] is True
    assert its["cap_drop"] == ["ALL"]
    assert its["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "network_mode"} & set(its)
    assert set(its["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_comes_back_and_is_given_time_to_end_and_looked_after(name: str) -> None:
    its = SERVICES[name]
    assert its["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert seconds(its["stop_grace_period"]) >= 10
    assert ("healthcheck" in its) == (name != "migrate")
    assert its["logging"]["options"]["max-size"]


def test_a_worker_that_is_told_to_end_has_the_time_that_its_requests_take() -> None:
    assert seconds(SERVICES["worker"]["stop_grace_period"]) == Settings.model_fields["post_timeout"].default + 45


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_listens_beyond_this_host(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert SERVICES[name].get("networks")


def test_only_who_needs_them_reaches_the_outside() -> None:
    assert composed(SANDBOX)["networks"]["inside"] == {"internal": True}
    outside = {name for name, its in SERVICES.items() if "outside" in its["networks"]}
    assert outside == {"worker", "flower", "prometheus"}  # a port is published of a network that is not internal


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_a_certain_release(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-\w+)?", SERVICES[name]["image"])


@pytest.mark.parametrize("name", OURS)
def test_what_a_container_of_ours_writes_lands_on_no_volume_that_nobody_named(name: str) -> None:
    mounted = [each.partition(":")[2] or each for each in OURS[name].get("volumes", []) + OURS[name]["tmpfs"]]
    assert sorted(mounted) == ["/campaigns/var", "/tmp"]
    assert ("volumes" in OURS[name]) == (name == "worker")  # whose delivery reports must outlive it


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_there_is(name: str) -> None:
    assert understood(OURS[name]["command"])


@pytest.mark.parametrize("name", OURS)
def test_whoever_does_not_work_with_the_gateway_does_not_know_its_password(name: str) -> None:
    knows = any(each.startswith("ACCOUNTS__") for each in surroundings(OURS[name]))
    assert knows == (name in WORKS_WITH_SETTINGS)


@pytest.mark.parametrize("name", sorted(WORKS_WITH_SETTINGS))
@pytest.mark.parametrize("file", ["sandbox.env", "compose.env.example"])
def test_the_settings_are_accepted(monkeypatch: pytest.MonkeyPatch, file: str, name: str) -> None:
    service: dict[str, Any] = composed({**environment(file), "ENVIRONMENT_FILE": file})["services"][name]
    for setting, value in surroundings(service).items():
        monkeypatch.setenv(setting, value)
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert settings.database_url.endswith("@postgres/campaigns")
    assert settings.broker == "redis://valkey:6379/0"
    assert set(settings.accounts) == {"default"}


@pytest.mark.parametrize("name", [*sorted(WORKS_WITH_SETTINGS), "metrics"])
def test_who_says_whether_the_broker_is_there_knows_where_it_is(name: str) -> None:
    """Or an alert would ring for ever: the broker that is asked unless one is named is on the container's own host."""
    assert surroundings(OURS[name])["REDIS_URL"] == "redis://valkey:6379/0"
    assert set(OURS[name]["networks"]) & set(SERVICES["valkey"]["networks"])


def test_every_variable_is_in_the_example_and_what_must_be_set_is_set_there() -> None:
    example = (DEPLOY / "compose.env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))
    assert set(variables(TEXT)) <= named
    for given in (environment("compose.env.example"), SANDBOX):
        assert {name for name, must in variables(TEXT).items() if must} <= set(given)


def test_what_the_example_names_is_a_variable_of_the_file_or_a_setting() -> None:
    known = {*variables(TEXT), *(name.upper() for name in Settings.model_fields)}
    for name in {**environment("compose.env.example"), **SANDBOX}:
        assert name.split("__")[0] in known | {"COMPOSE_PROFILES"}


def test_who_needs_the_tables_waits_for_them() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("worker", "beat", "metrics"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_the_sandbox_of_the_first_look_is_the_one_that_the_settings_name() -> None:
    words = SERVICES["sandbox"]["command"]
    assert SANDBOX["COMPOSE_PROFILES"] == "sandbox"
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]
    assert SANDBOX["ACCOUNTS__DEFAULT__BASE_URL"] == "http://sandbox:8800"
    login = f"{SANDBOX['ACCOUNTS__DEFAULT__LOGIN']}:{SANDBOX['ACCOUNTS__DEFAULT__PASSWORD']}"
    assert {login, SANDBOX["ACCOUNTS__DEFAULT__SENDER"]} <= set(words)


def test_prometheus_asks_the_metrics_where_they_are_served_and_all_else_is_as_without_containers() -> None:
    configs = composed(SANDBOX)["configs"]
    scraping = yaml.safe_load(configs["scraping"]["content"])
    (job,) = scraping["scrape_configs"]
    assert job.pop("static_configs") == [{"targets": [f"metrics:{SERVICES['metrics']['command'][-1]}"]}]
    plain = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    del plain["scrape_configs"][0]["static_configs"]
    assert scraping == plain
    assert (DEPLOY / configs["alerts"]["file"]).is_file()


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))
