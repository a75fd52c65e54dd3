"""A producer in a process of its own, so that it can be killed: submits the rows of a CSV file under a key.

python -m tests.chaos.producer FILE ACCOUNT KEY BATCH_SIZE
"""

import sys
from pathlib import Path

import campaigns
from tests.chaos import sabotage
from worker.ringing import ring


def submit(file: str, account: str, key: str, batch_size: str) -> int:
    """The campaign's id."""
    asked = {"name": "Rappel", "template": "Bonjour {{ nom }}", "account": account, "key": key}
    return campaigns.submit({**asked, "batch_size": int(batch_size)}, Path(file), ring=ring).id


if __name__ == "__main__":
    assert sabotage.app
    submit(*sys.argv[1:])
