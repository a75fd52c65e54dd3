"""A real Prometheus watches a campaign and a gateway that is away: every panel shows something, and an alert rings."""

import pytest

from campaigns.states import CampaignState
from tests.prometheus.asked import queries
from tests.prometheus.running import Watch, watch
from tests.system.conftest import Build
from tests.system.installation import Installation, people

pytestmark = [pytest.mark.system, pytest.mark.needs("prometheus")]


def empty(seen: Watch) -> list[str]:
    """Queries of the dashboard that Prometheus has no answer to; one that it cannot read is an error."""
    return [f"{title}: {query}" for title, query in queries(rate_interval="10s") if not seen.value(query)]


def figure(seen: Watch, expression: str) -> float:
    """What an expression comes to, of one series; nought where there is none."""
    return sum(float(each["value"][1]) for each in seen.value(expression))


def every_panel_shows_something(site: Installation, seen: Watch) -> None:
    """Soon, at least: some ask for a few seconds' worth."""
    last: list[str] = []

    def none_is_empty() -> bool:
        last[:] = empty(seen)
        return not last

    try:
        site.until(none_is_empty, what="every query has an answer")
    except Exception as error:
        error.add_note("without an answer: " + "; ".join(last))
        raise


def test_a_campaign_is_seen_on_its_way_and_a_gateway_that_is_away_rings(build: Build) -> None:
    site = build(doors=["main"], latency=0.1)
    site.start_worker()
    site.start_beat()
    seen = watch(site)

    made = site.submit("main", people(2_000), batch_size=20)
    sent = 'sum(rate(campaigns_requests_numbers_total{kind="send",outcome="accepted"}[10s]))'
    site.until(lambda: figure(seen, sent) > 10, what="messages are seen to leave")
    every_panel_shows_something(site, seen)
    assert "GatewayAway" not in seen.alerts()
    assert site.ended(made).state == CampaignState.COMPLETED
    site.until(lambda: figure(seen, "sum(campaigns_messages_ended_total)") >= 1_900, what="their ends are counted")
    posted = site.progress(made).credits_posted
    site.until(lambda: figure(seen, "sum(campaigns_credits_posted_total)") == posted, what="credits are counted")

    door = site.gateways["main"].door
    assert door is not None
    door.shut()
    waits = site.submit("main", people(100), batch_size=20)
    site.until(lambda: seen.alerts().get("GatewayAway") == "firing", what="the alert rings")
    every_panel_shows_something(site, seen)
    site.until(lambda: figure(seen, "sum(campaigns_account_away)") == 1, what="it is seen to be away")
    assert "SweepSilent" not in seen.alerts()

    door.open()
    site.until(lambda: "GatewayAway" not in seen.alerts(), what="it is silent again")
    assert site.ended(waits).state == CampaignState.COMPLETED
    site.settled("main", made, waits)
