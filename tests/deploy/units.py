"""The units of systemd, read as far as the tests need it; those of a template as instance 1."""

import shlex
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
COMMON = FOLDER / "campaigns-.service.d" / "common.conf"
SERVICES = sorted(FOLDER.glob("*.service"))

PROGRAMS = Path(sys.executable).parent
STATE = "/var/lib/campaigns"
INSTALLED = "/opt/campaigns/bin"


def directives(service: Path) -> dict[str, list[str]]:
    """What the unit says, its drop-in included: all values of each name, in their order."""
    found: dict[str, list[str]] = {}
    for path in (service, COMMON):
        for line in path.read_text(encoding="utf-8").splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                found.setdefault(name, []).append(value)
    return found


def command(service: Path, state: Path, environment: Mapping[str, str], *, directive: str = "ExecStart") -> list[str]:
    """Its ExecStart as systemd would start it, with programs of this environment and another folder for its state."""
    (line,) = directives(service)[directive]
    line = line.replace(INSTALLED, str(PROGRAMS)).replace(STATE, str(state))
    line = line.replace("%i", "1").replace("%H", socket.gethostname())
    words = shlex.split(line)
    return [environment[word[2:-1]] if word.startswith("${") else word for word in words]


def variables(service: Path, state: Path) -> dict[str, str]:
    """What its own lines add to the environment."""
    lines = directives(service).get("Environment", [])
    return dict(line.replace(STATE, str(state)).split("=", 1) for line in lines)


def seconds(service: Path, name: str) -> float:
    """A time that is given in seconds."""
    (value,) = directives(service)[name]
    return float(value)


def installed(folder: Path) -> list[Path]:
    """All units in a folder of their own, the template as an instance, with programs where they are on this machine."""
    for source in FOLDER.rglob("*"):
        if source.suffix in (".service", ".timer", ".target", ".conf"):
            target = folder / str(source.relative_to(FOLDER)).replace("@.", "@1.")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
            target.write_text(target.read_text(encoding="utf-8").replace(INSTALLED, str(PROGRAMS)), encoding="utf-8")
    return sorted(path for path in folder.iterdir() if path.suffix in (".service", ".timer", ".target"))
