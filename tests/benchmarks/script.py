"""The straight script: expand, send and track in one process of some threads, with no queue and no crash safety.

It is what the product's speed is held against. It uses the same number reader, the same client and COPY, so that what
differs is the guarantees: it keeps no attempt, no journal and no account, and a crash anywhere leaves nobody who knows
what was sent.
"""

import argparse
import json
import os
import resource
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

import psycopg

from campaigns.phone import normalizer
from tests.benchmarks.audience import WIRE_TEXT, people
from worker.smseco import Credentials, Gateway, Sending, parse_reports

BATCH = 500
LOGIN = "script"
SENDER = "DEMO"
REST = 0.02  # seconds between two readings of the reports that found nothing

TABLE = "CREATE TABLE messages (number bigint PRIMARY KEY, status smallint NOT NULL DEFAULT 0) WITH (fillfactor = 60)"
SENDINGS = "CREATE TABLE sendings (msgfid text PRIMARY KEY, msgid text NOT NULL, credits int NOT NULL)"
APPLY = (
    "UPDATE messages SET status = r.status FROM unnest(%s::bigint[], %s::smallint[]) AS r (number, status)"
    " WHERE messages.number = r.number"
)

Batch = tuple[list[int], list[tuple[str, str]]]


def batches(recipients: int) -> Iterator[Batch]:
    """Numbers and values, some hundreds at a time, each number once."""
    normalize, seen, stream = normalizer("CI"), set(), people(recipients)
    while rows := list(islice(stream, BATCH)):
        numbers, values = [], []
        for row in rows:
            number = normalize(row["numero"])
            if number is not None and number not in seen:
                seen.add(number)
                numbers.append(number)
                values.append((row["nom"], row["solde"]))
        yield numbers, values


def send(database_url: str, gateway_url: str, waiting: SimpleQueue[tuple[int, Batch] | None]) -> None:
    """Send batches until there are none."""
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        Gateway(gateway_url, Credentials(LOGIN, LOGIN)) as gateway,
    ):
        while (item := waiting.get()) is not None:
            place, (numbers, values) = item
            sending = Sending(f"b{place}", SENDER, WIRE_TEXT, numbers, fields=("f1", "f2"), values=values)
            receipt = gateway.merge(sending)
            connection.execute(
                "INSERT INTO sendings VALUES (%s, %s, %s)", (receipt.msgfid, f"b{place}", int(receipt.credits))
            )


def track(database_url: str, gateway_url: str, recipients: int) -> None:
    """Read reports until every message has its status."""
    left = recipients
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        Gateway(gateway_url, Credentials(LOGIN, LOGIN)) as gateway,
    ):
        while left:
            reports = parse_reports(gateway.fetch_reports())
            if not len(reports):
                time.sleep(REST)
                continue
            rows = sorted(zip(map(int, reports.destinations), reports.codes, strict=True))
            numbers, codes = zip(*rows, strict=True)
            left -= connection.execute(APPLY, (list(numbers), list(codes))).rowcount


def main() -> None:
    """Run it, and write its seconds, CPU seconds and peak memory as JSON."""
    parser = argparse.ArgumentParser()
    for name in ("database", "gateway", "output"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--recipients", type=int, required=True)
    parser.add_argument("--senders", type=int, default=2)
    asked = parser.parse_args()
    waiting: SimpleQueue[tuple[int, Batch] | None] = SimpleQueue()
    threads = [
        threading.Thread(target=send, args=(asked.database, asked.gateway, waiting)) for _ in range(asked.senders)
    ]
    threads.append(threading.Thread(target=track, args=(asked.database, asked.gateway, asked.recipients)))
    with psycopg.connect(asked.database, autocommit=True) as connection:
        connection.execute(TABLE)
        connection.execute(SENDINGS)
        started, used = time.monotonic(), sum(os.times()[:2])
        for thread in threads:
            thread.start()
        for place, batch in enumerate(batches(asked.recipients)):
            with connection.cursor().copy("COPY messages (number) FROM STDIN") as copy:
                copy.write("".join([f"{number}\n" for number in batch[0]]))
            waiting.put((place, batch))
    for _ in range(asked.senders):
        waiting.put(None)
    for thread in threads:
        thread.join()
    seconds, cpu = time.monotonic() - started, sum(os.times()[:2]) - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    Path(asked.output).write_text(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
