"""The wheel, installed where there is no checkout: all of it is in it, and nothing else, and it runs."""

import site
import socket
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.servers.waiting import PATIENCE
from tests.system import flower
from tests.system.installation import LOGIN, PASSWORD
from worker.processes import Processes

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
FOR_DEVELOPERS = (".po", ".mako")
"""Endings of what catalogues and migrations are written with: nobody reads these where they run."""

PAGE = "/_sandbox/"


@dataclass(frozen=True)
class Host:
    """Where the wheel is installed: an environment of its own, an empty home, and no checkout."""

    environment: Path
    home: Path

    def python(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """What its interpreter makes of the words."""
        return self._run("python", *words, **settings)

    def campaigns(self, *words: str, **settings: str) -> str:
        """What the command says, which has to go well."""
        done = self._run("campaigns", *words, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def variables(self, **settings: str) -> dict[str, str]:
        """The whole environment of what runs there."""
        return {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **settings}

    def _run(self, program: str, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.environment / "bin" / program, *words],
            cwd=self.home,
            env=self.variables(**settings),
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )


def build(source: Path, folder: Path, target: str) -> Path:
    """What hatchling makes of the source, as `make wheel` does."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder]
    subprocess.run(command, cwd=source, capture_output=True, timeout=PATIENCE, check=True)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def host(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """What it depends on is lent by the tests' own environment; the editable installation there is not seen."""
    folder = tmp_path_factory.mktemp("host")
    made, home = folder / "venv", folder / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], timeout=PATIENCE, check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", made / "bin" / "python"]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", wheel], timeout=PATIENCE, check=True)
    (own,) = made.glob("lib/python*/site-packages")
    (own / "lent.pth").write_text(
        "\n".join(site.getsitepackages()), encoding="utf-8"
    )  # its own .pth files are not read
    return Host(made, home)


def test_it_holds_both_packages_with_all_that_they_read_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {name for name in names if not name.startswith(f"sms_campaigns-{VERSION}.dist-info/")}
    there = {
        str(path.relative_to(ROOT))
        for package in ("campaigns", "worker")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (*FOR_DEVELOPERS, ".unfinished")
    }
    assert ours == there
    assert "worker/language/locale/fr/LC_MESSAGES/campaigns.mo" in ours


def test_whoever_has_only_the_source_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    archive = build(ROOT, tmp_path / "sdist", "sdist")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    again = build(tmp_path / f"sms_campaigns-{VERSION}", tmp_path / "wheel", "wheel")
    assert again.read_bytes() == wheel.read_bytes()


def test_it_is_the_wheel_that_runs_and_not_the_checkout(host: Host) -> None:
    done = host.python("-c", "import campaigns, sys, worker; print(campaigns.__file__, worker.__file__, *sys.path)")
    first, second, *paths = done.stdout.split()
    assert Path(first).is_relative_to(host.environment)
    assert Path(second).is_relative_to(host.environment)
    assert str(ROOT) not in paths
    assert host.campaigns("--version") == f"{VERSION}\n"


def test_help_is_there_in_both_languages(host: Host) -> None:
    assert "Text an audience through the SMSECO gateway" in host.campaigns("--help")
    assert "Écrit à une audience par la passerelle SMSECO" in host.campaigns("--help", LANGUAGE="fr")


def test_the_demo_adds_up_and_its_campaign_is_reported_as_a_page(host: Host, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert "nobody was texted twice" in host.campaigns("demo", "--recipients", "300", "--keep", str(kept))
    database = f"sqlite:///{kept / 'campaigns.db'}"
    assert host.campaigns("migrate", DATABASE_URL=database) == "the database is up to date\n"
    host.campaigns("report", "1", "-o", str(tmp_path / "page.html"), DATABASE_URL=database)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<style>" in page
    assert page.rstrip().endswith("</html>")
    assert list(host.home.iterdir()) == [], "nothing is left where it was started"


def test_it_makes_the_tables_of_an_empty_database(host: Host, empty_database_url: str) -> None:
    assert host.campaigns("migrate", DATABASE_URL=empty_database_url) == "the database is migrated\n"
    assert "no campaign yet" in host.campaigns("list", DATABASE_URL=empty_database_url)


def test_the_sandbox_s_page_has_all_its_parts(host: Host, tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    words = ["sandbox", "--port", "0", "--port-file", str(port_file), "--account", f"{LOGIN}:{PASSWORD}"]
    with Processes(tmp_path) as processes:
        command = [str(host.environment / "bin" / "campaigns"), *words]
        processes.start("sandbox", command, environment=host.variables(), cwd=host.home)
        processes.until(port_file.exists, within=PATIENCE, what="the sandbox listens")
        connection = HTTPConnection("127.0.0.1", int(port_file.read_text()), timeout=60)
        for part in ("", "page.css", "page.js", "icon.svg"):
            connection.request("GET", PAGE + part)
            reply = connection.getresponse()
            assert (reply.status, len(reply.read()) > 100) == (200, True), part
        connection.close()


def test_flower_has_its_settings_with_it(host: Host) -> None:
    account = {"ACCOUNTS__DEFAULT__LOGIN": "toto", "ACCOUNTS__DEFAULT__PASSWORD": "s3cret"}
    with socket.create_server(("127.0.0.1", 0)) as other:
        words = ["-m", "celery", "-A", "worker", *flower.words(other.getsockname()[1])]
        done = host.python(*words, **account)
    assert done.returncode == 1
    assert "Flower's login is in" in done.stderr
    assert "Flower cannot listen on 127.0.0.1" in done.stderr
