"""What is made when the package is built or installed: the catalogues that gettext reads, of those that people write.

`make setup` and `make messages` call it as a program.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
UNDATED = datetime(2026, 1, 1, tzinfo=UTC)
"""The same catalogue is compiled to the same bytes on any day."""


def compile_catalogues(root: Path = ROOT) -> None:
    """Write the `.mo` beside each `.po`, whole at once: who reads it meanwhile has the old one or the new."""
    for source in (root / "worker" / "language" / "locale").glob("*/LC_MESSAGES/*.po"):
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parts[-3])
        catalogue.creation_date = catalogue.revision_date = UNDATED
        unfinished = source.with_suffix(f".{os.getpid()}.unfinished")  # several may compile at once
        with unfinished.open("wb") as file:
            write_mo(file, catalogue)
        unfinished.replace(source.with_suffix(".mo"))


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling before a wheel, or an editable installation, is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling's names
        """Compile, and name what git ignores as part of the package."""
        compile_catalogues(Path(self.root))
        build_data["artifacts"].append("worker/language/locale/**/*.mo")


if __name__ == "__main__":
    compile_catalogues()
