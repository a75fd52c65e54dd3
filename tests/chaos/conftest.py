"""Installations for the tests of deaths, and a database whose answers are lost; what they are is said there."""

from tests.chaos.shaky import carried_out, shaky
from tests.system.conftest import build

__all__ = ["build", "carried_out", "shaky"]
