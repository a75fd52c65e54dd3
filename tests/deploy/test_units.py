"""The units of systemd: what its own tools say of them, and what must not be forgotten."""

import os
import subprocess
from pathlib import Path

import pytest

from campaigns.settings import DomainSettings
from tests.deploy.units import FOLDER, SERVICES, directives, installed, seconds
from worker.hearing import LONGEST_WAIT, PAUSE
from worker.settings import Settings

EXPOSED_AT_MOST = 15  # tenths: systemd calls from 0 to 10 what is laid open to whoever takes a service over
NAMES = [service.name for service in SERVICES]
LASTING = [service for service in SERVICES if directives(service)["Type"] != ["oneshot"]]
WORKER = FOLDER / "campaigns-worker@.service"
HEARING = FOLDER / "campaigns-hearing@.service"

pytestmark = pytest.mark.needs("systemd-analyze")


def analyze(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """What systemd says of units that are installed in the folder, beside those of this machine."""
    known = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
    command = ["systemd-analyze", "--no-pager", *words]
    return subprocess.run(command, env=known, capture_output=True, text=True, timeout=120, check=False)


def test_systemd_has_nothing_to_say_against_any_unit(tmp_path: Path) -> None:
    done = analyze(tmp_path, "verify", "--man=no", *installed(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", NAMES)
def test_little_is_laid_open_to_whoever_takes_a_service_over(name: str, tmp_path: Path) -> None:
    units = {path.name: path for path in installed(tmp_path)}
    threshold = f"--threshold={EXPOSED_AT_MOST}"
    done = analyze(tmp_path, "security", "--offline=true", threshold, units[name.replace("@.", "@1.")])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", LASTING, ids=lambda path: path.stem)
def test_whatever_ends_is_started_again_for_ever(service: Path) -> None:
    assert directives(service)["Restart"] == ["always"]
    assert directives(service)["StartLimitIntervalSec"] == ["0"]
    assert 1 <= seconds(service, "RestartSec") <= 10


def test_a_worker_that_is_told_to_stop_has_time_for_its_request_and_its_processes_are_told_nothing() -> None:
    longest = Settings.model_fields["post_timeout"].default + 45
    assert seconds(WORKER, "TimeoutStopSec") == longest
    assert directives(WORKER)["KillMode"] == ["mixed"]


def test_every_unit_is_started_and_stopped_with_the_target() -> None:
    for service in SERVICES:
        if service != HEARING:
            assert directives(service)["PartOf"] == directives(service)["WantedBy"] == ["campaigns.target"]


def test_each_worker_is_asked_by_its_own_name_whether_it_hears_for_as_long_as_it_runs() -> None:
    (started,), (asked,) = directives(WORKER)["ExecStart"], directives(HEARING)["ExecCondition"]
    name = started.partition("--hostname ")[2].split()[0]
    assert name in asked.split()
    assert directives(HEARING)["ExecStart"][0].endswith(f"try-restart {WORKER.name.replace('@', '@%i')}")

    timer = HEARING.with_suffix(".timer")
    assert directives(WORKER)["Wants"][0] == timer.name.replace("@", "@%i")
    assert directives(timer)["PartOf"] == [WORKER.name.replace("@", "@%i")]


def test_who_is_asked_in_vain_is_not_restarted_before_he_could_have_come_back() -> None:
    longest = 3 * LONGEST_WAIT + 2 * PAUSE
    assert "--tries 3 --if-deaf" in directives(HEARING)["ExecCondition"][0]
    assert seconds(HEARING, "TimeoutStartSec") > 1.5 * longest


def test_no_unit_has_a_secret_in_it_or_a_setting_that_has_to_be_mended() -> None:
    settings = {name.upper() for name in (*Settings.model_fields, *DomainSettings.model_fields)} - {"SPOOL_DIR"}
    for service in SERVICES:
        said = {line.partition("=")[0] for line in directives(service).get("Environment", [])}
        assert not said & settings
        assert "/etc/campaigns/environment" in directives(service)["EnvironmentFile"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to somebody else")
def test_the_user_and_the_folders_are_made_and_settings_are_nobody_else_s_to_read(tmp_path: Path) -> None:
    (tmp_path / "etc" / "campaigns").mkdir(parents=True)
    for name in ("etc/passwd", "etc/group", "etc/campaigns/environment"):
        (tmp_path / name).touch()
    for command in (["systemd-sysusers", "campaigns.sysusers.conf"], ["systemd-tmpfiles", "campaigns.tmpfiles.conf"]):
        create = ["--create"] if command[0] == "systemd-tmpfiles" else []
        words = [command[0], *create, f"--root={tmp_path}", FOLDER / command[1]]
        subprocess.run(words, capture_output=True, timeout=120, check=True)
    (user,) = (tmp_path / "etc" / "passwd").read_text().splitlines()
    _, _, uid, gid, _, home, shell = user.split(":")
    assert (home, shell) == ("/var/lib/campaigns", "/usr/sbin/nologin")
    file, state = (tmp_path / "etc/campaigns/environment").stat(), (tmp_path / "var/lib/campaigns").stat()
    assert (file.st_mode & 0o777, file.st_gid, file.st_uid) == (0o640, int(gid), 0)
    assert (state.st_mode & 0o777, state.st_uid) == (0o750, int(uid))
