"""A producer: a process of its own that submits campaigns as a web application does, and says what that took.

Its start and its imports are not counted, for a web application runs already. A line of JSON for each campaign goes to
its output: `id`; `at`, when the submit began (seconds since 1970); `seconds` until it returned; `number`, its
recipient's, if there is one only; `cpu` and `peak`, the process's CPU seconds since it began to
submit, and its peak memory in bytes.
"""

import argparse
import json
import os
import resource
import time
from itertools import islice
from pathlib import Path
from typing import Any

import campaigns
from campaigns.database import default
from campaigns.settings import domain_settings
from tests.benchmarks.audience import MANY, TEMPLATE, people
from worker.demo import installation
from worker.ringing import ring


def main() -> None:
    """Submit what is asked for, one campaign after the other."""
    asked = _asked()
    database = default()
    domain_settings()
    database.clock()  # a web application is connected, too
    spec = {"name": "bench", "template": asked.template, "account": installation.ACCOUNT, "rate": asked.rate}
    stream = people(asked.campaigns * asked.recipients, prefix=asked.prefix)
    used = sum(os.times()[:2])
    with Path(asked.output).open("w", encoding="utf-8") as output:
        for place in range(asked.campaigns):
            if place:
                time.sleep(asked.every)
            # Of many they are made up while they are taken in, as a query's rows come.
            rows = list(islice(stream, 1)) if asked.recipients == 1 else islice(stream, asked.recipients)
            at, began = time.time(), time.monotonic()
            made = campaigns.submit(spec, rows, ring=ring, database=database)
            seconds = time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            line = {"id": made.id, "at": at, "seconds": seconds, "number": _number(rows)}
            output.write(json.dumps({**line, "cpu": sum(os.times()[:2]) - used, "peak": peak}) + "\n")
            output.flush()


def _number(rows: Any) -> str:
    return str(rows[0]["numero"]).removeprefix("+") if isinstance(rows, list) else ""


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--campaigns", type=int, default=1)
    parser.add_argument("--recipients", type=int, required=True, help="of each campaign")
    parser.add_argument("--every", type=float, default=0.0, help="seconds between two campaigns")
    parser.add_argument("--prefix", default=MANY)
    parser.add_argument("--template", default=TEMPLATE)
    parser.add_argument("--rate", type=float)
    return parser.parse_args()


if __name__ == "__main__":
    main()
