"""Campaigns that recur, on real workers and beats: one an occurrence, and nobody is texted twice for it."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from campaigns import schedules
from campaigns.models import schedules as table
from tests.system.conftest import Build
from tests.system.installation import every, people, select

pytestmark = pytest.mark.system

MISSED = 5

_SILENT = "SELECT key FROM bells WHERE key LIKE 'occur:%' AND until < now()"


def test_two_beats_and_two_workers_make_one_campaign_an_occurrence(build: Build, tmp_path: Path) -> None:
    some = people(20)
    (tmp_path / "clients.csv").write_text("tel;nom\n" + "".join(f"{one['tel']};{one['nom']}\n" for one in some))
    site = build(settings={"AUDIENCE_DIR": str(tmp_path)})
    schedules.add(
        {"template": "Bonjour {{ nom }}", "account": "main", "audience": {"file": "clients.csv"}},
        name="chaque minute",
        cron="* * * * *",
        timezone="Africa/Abidjan",
        when_missed="catch_up",
        database=site.database,
    )
    first = site.database.clock().replace(second=0, microsecond=0) - timedelta(minutes=MISSED)
    with site.database.transaction() as connection:
        connection.execute(update(table).values(next_at=first))
    for name in ("one", "two"):
        site.start_worker(f"worker-{name}")
        site.start_beat(f"beat-{name}")

    site.until(lambda: len(every(site, "main")) > MISSED, what="a campaign for each slot that has come")
    schedules.pause("chaque minute", account="main", database=site.database)
    site.until(lambda: select(site, _SILENT), what="nobody makes one any more")
    made = every(site, "main")
    for campaign_id in made:
        site.ended(campaign_id)

    slots = [first + timedelta(minutes=minute) for minute in range(len(made))]
    keys = [row.key for row in select(site, "SELECT key FROM campaigns ORDER BY id")]
    assert keys == [f"schedule:chaque minute:{slot:%Y-%m-%dT%H:%M}Z" for slot in slots]
    assert set(site.gateways["main"].sent().values()) == {len(made)}
    assert len(site.gateways["main"].sent()) == len(some)
