"""A shop's own Celery app, with none of the campaigns' code: it knows a task's name, a queue, and a shared folder.

What travels by task can be read in Flower and in the broker: never a number, only the name of the file that holds them.
"""

import csv
import os
from pathlib import Path

from celery import Celery
from celery.schedules import crontab

app = Celery("shop", broker=os.environ.get("BROKER_URL") or os.environ["REDIS_URL"])
app.conf.update(
    task_default_queue="shop",  # our own tasks: the campaigns' workers do not know them
    task_routes={"campaigns.*": {"queue": "campaigns"}},  # theirs: without this nobody would ever take it
    task_ignore_result=True,
    broker_transport_options={"visibility_timeout": 600},  # the workers': the shortest of a broker's clients counts
)

FOLDER = Path(os.environ["AUDIENCE_DIR"])
"""The workers' AUDIENCE_DIR, on a disk that both see."""


def customers() -> list[dict[str, str]]:
    """Who is to be texted; in life a query."""
    with Path(os.environ["CUSTOMERS"]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str) -> None:
    """Write today's audience, whole or not at all: a worker may read it at any moment."""
    unfinished = FOLDER / f".{name}.unfinished"
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, ["tel", "prenom"])
        rows.writeheader()
        rows.writerows(customers())
    unfinished.rename(FOLDER / name)


@app.task(name="shop.offer", acks_late=True)
def offer(day: str) -> None:
    """Text the day's offer. It may run twice: the key is the day's, so the second makes no second campaign."""
    name = f"offer-{day}.csv"
    if not (FOLDER / name).exists():  # the audience of a key must not change
        write(name)
    app.send_task(
        "campaigns.submit",
        [
            {
                "name": f"Offre du {day}",
                "template": "{{ prenom }}, -20% chez nous aujourd'hui.",
                "key": f"offer-{day}",
                "audience": {"file": name},
            }
        ],
    )


app.conf.beat_schedule = {
    # A list that somebody else writes: no task of ours is needed, and the workers fill the slot in.
    "monday": {
        "task": "campaigns.submit",
        "schedule": crontab(hour=9, minute=0, day_of_week="mon"),
        "args": [
            {
                "name": "Rappel du lundi",
                "template": "{{ prenom }}, pensez à votre rendez-vous.",
                "key": "monday-{occurrence:%Y-%m-%d}",
                "audience": {"file": "monday.csv"},
            }
        ],
    }
}
