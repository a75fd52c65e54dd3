"""What the units of systemd start, started: each command line as it stands there, in an installation that sends.

systemd itself cannot be started by a test. What it does with a unit before it starts the command is not tried here.
"""

import os
import subprocess
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.deploy.units import FOLDER, INSTALLED, PROGRAMS, STATE, command, seconds, variables
from tests.servers.waiting import PATIENCE
from tests.system import flower
from tests.system.conftest import Build
from tests.system.installation import Installation, people
from worker.processes import Child

pytestmark = pytest.mark.system

WORKER = FOLDER / "campaigns-worker@.service"
HEARING = FOLDER / "campaigns-hearing@.service"
METRICS_PORT = "9464"
SETTINGS = "/etc/campaigns/environment"


@dataclass
class Supervisor:
    """Does what systemd does with a unit, as far as an ordinary user may."""

    site: Installation
    state: Path
    settings: Path

    def environment(self, service: Path, more: Mapping[str, str]) -> dict[str, str]:
        """Nothing of ours: what the unit says, then the file with the settings."""
        known = {name: value for name, value in dotenv_values(self.settings).items() if value is not None}
        return {"PATH": "/usr/bin:/bin", **variables(service, self.state), **known, **more}

    def words(self, service: Path) -> list[str]:
        """The command line."""
        return command(service, self.state, self.environment(service, {}))

    def start(self, name: str, words: list[str], **more: str) -> Child:
        """Start a unit's command line in its folder."""
        service = FOLDER / f"campaigns-{name}.service"
        environment = self.environment(service, more)
        return self.site.processes.start(name, words, environment=environment, cwd=self.state)

    def command(self, *words: str, **more: str) -> str:
        """What `campaigns` says on that host, called from another folder."""
        text = (FOLDER / "campaigns.sh").read_text(encoding="utf-8")
        text = text.replace(INSTALLED, str(PROGRAMS)).replace(STATE, str(self.state))
        script = self.state / "campaigns.sh"
        script.write_text(text.replace(SETTINGS, str(self.settings)), encoding="utf-8")
        known = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "COLUMNS": "200", **more}
        command = ["sh", script, *words]
        done = subprocess.run(command, cwd="/", env=known, capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout + done.stderr


@pytest.fixture
def supervisor(build: Build) -> Supervisor:
    site = build()
    state, settings = site.folder / "state", site.folder / "environment"
    state.mkdir()
    ours = {name: value for name, value in site.environment().items() if os.environ.get(name) != value}
    settings.write_text("".join(f"{name}='{value}'\n" for name, value in ours.items()), encoding="utf-8")
    return Supervisor(site, state, settings)


def serves(port: int, words: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as reply:
        return words in reply.read().decode()
    return False


def test_all_units_together_send_a_campaign_and_are_looked_into_and_the_worker_ends_in_time(
    supervisor: Supervisor,
) -> None:
    site = supervisor.site
    migrate = FOLDER / "campaigns-migrate.service"
    subprocess.run(supervisor.words(migrate), env=supervisor.environment(migrate, {}), timeout=PATIENCE, check=True)
    worker = supervisor.start("worker@", supervisor.words(WORKER))
    site.until(lambda: f"worker1@{os.uname().nodename} ready." in site.log("worker@"), what="the worker is ready")
    asking = command(HEARING, supervisor.state, {}, directive="ExecCondition")
    asked = subprocess.run(asking, env=supervisor.environment(HEARING, {}), cwd=supervisor.state, timeout=PATIENCE)
    assert asked.returncode == 1, "it hears, and is not restarted"
    supervisor.start("beat", supervisor.words(FOLDER / "campaigns-beat.service"))
    ports = flower.free_port(), flower.free_port()
    supervisor.start("flower", supervisor.words(FOLDER / "campaigns-flower.service"), FLOWER_PORT=str(ports[0]))
    metrics = supervisor.words(FOLDER / "campaigns-metrics.service")
    supervisor.start("metrics", [word.replace(METRICS_PORT, str(ports[1])) for word in metrics])

    made = site.submit("main", people(40))
    site.ended(made)
    site.settled("main", made)
    site.until(lambda: flower.answers(ports[0]), what="Flower answers")
    assert (supervisor.state / "var" / "flower-login").exists(), "where the page on deploying says"
    site.until(lambda: serves(ports[1], "campaigns_"), what="metrics are served")
    assert {path.name.partition(".")[0] for path in supervisor.state.iterdir()} <= {"beat", "spool", "var"}

    worker.process.terminate()  # the main process alone: KillMode=mixed
    assert worker.process.wait(seconds(WORKER, "TimeoutStopSec")) == 0


def test_the_command_has_the_host_s_settings_in_every_folder_unless_it_is_told_others(
    supervisor: Supervisor, empty_sqlite_url: str
) -> None:
    made = supervisor.site.submit("main", people(2), name="Rappel de lundi")
    assert "Rappel de lundi" in supervisor.command("show", str(made))
    assert "Rappel de lundi" not in supervisor.command("show", str(made), DATABASE_URL=empty_sqlite_url)


def test_the_doctor_looks_for_waiting_reports_where_the_units_have_workers_leave_them(supervisor: Supervisor) -> None:
    spool = Path(variables(WORKER, supervisor.state)["SPOOL_DIR"])
    spool.mkdir()
    (spool / "damaged.reports").write_text("?")
    os.utime(spool / "damaged.reports", (0, 0))
    assert str(spool / "damaged.reports") in supervisor.command("doctor", "--json")
