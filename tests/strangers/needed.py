"""Programs that a machine may lack: who needs one says so, and is skipped with a reason where it is not there.

    @pytest.mark.needs("php-soap")

With TEST_ALL=1 (`make test-all`) such a test fails instead: a machine that is to prove everything must have them all.
"""

import os
import shutil
import subprocess
from functools import cache

import pytest

PACKAGES = {
    "chromium": "chromium",
    "curl": "curl",
    "jq": "jq",
    "node": "nodejs",
    "npm": "npm",
    "openssl": "openssl",
    "php-soap": "php-cli php-soap",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "php-curl": "php-cli php-curl",
    "systemd-analyze": "systemd",
    "php-redis": "php-cli php-redis",
}
"""What may be needed, and the packages of Debian that bring it."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips or fails a test whose programs are not here."""
    missing = [name for mark in item.iter_markers("needs") for name in mark.args if not _is_here(name)]
    if not missing:
        return
    packages = " ".join(PACKAGES[name] for name in missing)
    reason = f"{', '.join(missing)} not installed: apt-get install {packages}"
    if os.environ.get("TEST_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


@cache
def _is_here(name: str) -> bool:
    if name not in PACKAGES:
        raise ValueError(f"nobody knows how to install {name!r}")
    program, _, extension = name.partition("-") if name.startswith("php-") else (name, "", "")
    if shutil.which(program) is None:
        return False
    return not extension or extension in _php_extensions()


def _php_extensions() -> list[str]:
    return subprocess.run(["php", "-m"], capture_output=True, text=True, check=True).stdout.lower().split()
