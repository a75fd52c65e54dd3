"""Installations for the tests of deaths; what they are made of is in `tests.system.installation`."""

from tests.system.conftest import build

__all__ = ["build"]
