"""Hosts whose clocks are wrong by hours: a campaign still ends within a minute, whichever of them it is."""

from pathlib import Path

import pytest

from campaigns.states import CampaignState
from tests.system.conftest import Build
from tests.system.installation import people

pytestmark = pytest.mark.system

SHIFTED = Path(__file__).parent / "shifted"
HOUR = 3600


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, 26 * HOUR], ids=["an hour ahead", "an hour behind", "a day ahead"])
@pytest.mark.parametrize("host", ["worker", "beat"])
def test_a_campaign_ends_within_a_minute(
    build: Build, host: str, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = build()

    def start(name: str) -> None:
        with monkeypatch.context() as patch:
            if name == host:
                patch.setenv("SHIFT_SECONDS", str(seconds))
                patch.setenv("PYTHONPATH", str(SHIFTED), prepend=":")
            site.start_worker() if name == "worker" else site.start_beat()

    start("worker")
    start("beat")
    made = site.submit("main", people(60), batch_size=10, rate=30)
    assert site.ended(made, within=site.a_minute).state == CampaignState.COMPLETED
    site.settled("main", made)
