"""`python -m tests.prometheus FOLDER`: the pictures of docs/watching.md, of an installation that runs for some minutes.

A campaign is watched while it is sent, and then one whose gateway goes away in the middle of it.
"""

import contextlib
import sys
import time
from pathlib import Path

from campaigns.database import Database
from campaigns.migrations import migrate
from tests.prometheus.drawing import draw
from tests.prometheus.running import Watch, watch
from tests.servers.databases import Databases
from tests.servers.postgres import postgres
from tests.system.conftest import building
from tests.system.installation import Installation, people

SECONDS = 120.0
"""How long a picture looks back."""


def main(folder: Path) -> None:
    """Draw both into the folder."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres())
        database = Database(url)
        stack.callback(database.close)
        migrate(database)
        build = stack.enter_context(building(Databases(url, template="")))
        site = build(
            database_url=url, doors=["main"], latency=0.15, delays=(1.0, 12.0), settings={"POST_TIMEOUT": "10"}
        )
        site.start_worker(processes=5)
        site.start_beat()
        seen = watch(site, patience="30s", every="1s")
        site.submit("main", people(20_000), batch_size=50, name="Rappel")
        site.submit("main", people(4_000), batch_size=50, name="Facture", rate=20)
        after(site, SECONDS - 10)
        save(folder / "dashboard-campaign.svg", seen, "A campaign runs")
        door = site.gateways["main"].door
        assert door is not None
        door.shut()
        after(site, SECONDS - 40)
        save(folder / "dashboard-gateway-away.svg", seen, "The gateway is away")


def after(site: Installation, seconds: float) -> None:
    """Once so much time has gone by, in which nothing may have ended."""
    until = time.monotonic() + seconds
    site.until(lambda: time.monotonic() > until, within=2 * seconds, what="time goes by")


def save(path: Path, seen: Watch, title: str) -> None:
    """One picture."""
    now = time.time()
    path.write_text(draw(seen, start=now - SECONDS, end=now, title=title), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
