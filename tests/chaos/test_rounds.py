"""A short run: some scenarios of each kind, played once. All of them are played by `make chaos`."""

from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from tests.chaos.field import Field, field
from tests.chaos.oracle import Verdict
from tests.chaos.playing import play, play_until_it_hurts
from tests.chaos.rounds import Outcome, Round, Scenario
from tests.chaos.scenarios import SCENARIOS
from tests.system.installation import LOGIN, PASSWORD, SENDER

pytestmark = [pytest.mark.system, pytest.mark.chaos]

SEED = 1

SHORT = (
    "before_settle_commit",
    "after_settle_commit",
    "stopped_after_reply",
    "reply_cut",
    "flush",
    "broker_dies",
    "connections_cut",
    "drop_reply",
    "report_before_reply",
    "gateway_dies",
    "two_compete",
    "tasks_twice",
    "submitted_twice",
)
"""What a few seconds tell most about."""


@pytest.fixture(scope="module")
def where() -> Iterator[Field]:
    """One field for all of them."""
    with field() as made:
        yield made


def send(url: str, number: str) -> None:
    """A request that no attempt of ours was written down for."""
    account = f"<compte><login>{LOGIN}</login><password>{PASSWORD}</password></compte>"
    message = f"<message><msgid>1</msgid><expediteur>{SENDER}</expediteur><msg>Encore</msg></message>"
    document = f"XML=<SMS>{account}{message}<destinataires><numero>{number}</numero></destinataires></SMS>"
    request = Request(f"{url}/api/xml/sendsms/", document.encode(), {"Content-Type": "text/xml"})
    urlopen(request, timeout=60).close()


@pytest.mark.parametrize("name", SHORT)
def test_nobody_is_texted_twice_or_skipped_and_nothing_is_lost(where: Field, name: str) -> None:
    outcome = play_until_it_hurts(where, name, SCENARIOS[name], SEED)
    assert outcome.violations == []
    assert outcome.faults > 0


def test_a_scenario_that_hurts_nobody_fails(where: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.playing.HURTS_WITHIN", 1.0)
    idle = Scenario("kills", "a point that nobody passes", lambda this: int(this.struck() is not None))
    outcome = play(where, "idle", idle, SEED)
    assert [violation.partition(":")[0] for violation in outcome.violations] == ["NotHurtError"]


@pytest.mark.parametrize(
    ("said", "missed"),
    [
        ([], 0),
        (["NotHurtError: nothing"], 2),
        (["NotHurtError: nothing", "U: one too many"], 0),
        (["U: one too many"], 0),
    ],
    ids=["hurt", "not hurt", "not hurt, and yet wrong", "wrong"],
)
def test_only_what_did_not_hurt_and_did_no_wrong_is_played_again(
    monkeypatch: pytest.MonkeyPatch, said: list[str], missed: int
) -> None:
    def played(_where: object, name: str, _scenario: object, seed: int) -> Outcome:
        hurt = not any("NotHurt" in each for each in said)
        return Outcome(name, seed, hurt=hurt, verdict=Verdict(violations=list(said)))

    monkeypatch.setattr("tests.chaos.playing.play", played)
    outcome = play_until_it_hurts(None, "any", None, SEED)  # type: ignore[arg-type]
    assert (outcome.missed, outcome.violations) == (missed, said)


def test_somebody_who_is_texted_behind_our_back_is_found(where: Field) -> None:
    def sent_again(this: Round) -> None:
        (last,) = this.gateway.sandbox.ledger()[-1:]
        send(this.gateway.sandbox.url, last["destination"])
        this.hurt += 1

    behind = Scenario("kills", "somebody sends once more", lambda this: this.hurt, during=sent_again)
    outcome = play(where, "behind", behind, SEED)
    assert any(violation.startswith("U: 1 ") for violation in outcome.violations)
