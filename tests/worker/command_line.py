"""A campaign as it is submitted by the command."""

import json

from tests.worker.terminal import run

ROWS = "nom;tel\nAwa;0707080910\nKoffi;0505060708\nKoffi;+225 05 05 06 07 08\n"
TEXT = ("--name", "Rappel", "--template", "Bonjour {{ nom }}")


def submitted(clients: str, *more: str) -> int:
    """The id of a campaign for these clients."""
    made: int = json.loads(run("submit", clients, *TEXT, "--json", *more).stdout)["id"]
    return made
