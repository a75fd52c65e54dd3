"""Where two may meet in the tables: a scene is a campaign on its way, with requests that were begun or accepted.

What somebody does in a scene is a job, in `meetings`.
"""

from dataclasses import dataclass, field

from sqlalchemy import delete, select

import campaigns
from campaigns import settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import batches, messages, metadata
from campaigns.resolving import resolve
from campaigns.states import BatchState, MessageStatus
from tests.campaigns import making

CREDITS = 1_000
"""What the account has from the beginning."""

DAY = 86_400.0

SPEC = {"name": "x", "template": "Bonjour", "sender": making.SENDER, "batch_size": 2, "key": "k"}
"""Of the campaign whose audience waits to be expanded."""


@dataclass
class Scene:
    """A campaign on its way.

    Attributes:
        database: where.
        campaign: its id.
        claim: a request of it that was begun.
        earlier: one that was accepted before.
        credits: what the account has from the beginning.
        taken: claims that jobs have made meanwhile.
    """

    database: Database
    campaign: int
    claim: Claim | None = None
    earlier: Claim | None = None
    credits: int = CREDITS
    taken: list[Claim] = field(default_factory=list)

    @property
    def request(self) -> Claim:
        """The one that was begun."""
        assert self.claim is not None
        return self.claim

    @property
    def before(self) -> Claim:
        """The one that was accepted before."""
        assert self.earlier is not None
        return self.earlier

    def people(self) -> list[int]:
        """Whom the campaign texts; those of its batch that waits, if there is one, come last."""
        b, m = batches.c, messages.c
        waits = (b.state == BatchState.PENDING).label("waits")
        found = select(m.msisdn).where(m.campaign_id == self.campaign, b.id == m.batch_id).order_by(waits, m.msisdn)
        with self.database.reading() as connection:
            return list(connection.execute(found).scalars()) or [making.FIRST]


def clear(database: Database) -> None:
    """Nothing is left of the scene before."""
    with database.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))


def in_the_air(database: Database) -> Scene:
    """One batch was accepted, one is being sent, one waits."""
    campaign = making.funded(database, making.numbers(6), batch_size=2)
    earlier = making.accepted(database, campaign)
    return Scene(database, campaign, making.claimed(database, campaign), earlier)


def rated(database: Database) -> Scene:
    """The same, of a campaign that has a rate, whose gate stands open."""
    campaign = making.funded(database, making.numbers(6), batch_size=2, rate=10_000)
    earlier = making.accepted(database, campaign)
    making.clock_goes_on(database, 5)
    claim = making.claimed(database, campaign)
    making.clock_goes_on(database, 5)
    return Scene(database, campaign, claim, earlier)


def in_doubt(database: Database) -> Scene:
    """One batch is in doubt, another waits."""
    campaign = making.funded(database, making.numbers(4), batch_size=2)
    claim = making.claimed(database, campaign)
    settling.doubt(database, claim, "timed out")
    making.clock_goes_on(database, 5)
    return Scene(database, campaign, claim)


def alone_in_doubt(database: Database) -> Scene:
    """A cut reply had shown the sending's id; there is no other batch."""
    campaign = making.funded(database, making.numbers(2))
    claim = making.claimed(database, campaign)
    settling.doubt(database, claim, "cut short", msgfid=f"f{claim.attempt_id}")
    making.clock_goes_on(database, 5)
    making.advance(database)
    return Scene(database, campaign, claim)


def resent(database: Database) -> Scene:
    """What was in doubt waits to be sent again, by a person's decision."""
    scene = in_doubt(database)
    resolve(scene.request.attempt_id, "resend", by="awa", reason="nobody got it", database=database)
    making.fund(database)
    return scene


def resent_and_in_the_air(database: Database) -> Scene:
    """The same, and it is being sent again."""
    scene = resent(database)
    scene.taken.append(making.claimed(database, scene.campaign))
    return scene


def crowd(database: Database) -> Scene:
    """Of three campaigns each has a batch in doubt, one whose worker died, one long silent and one that waits."""
    made = [
        making.funded(database, making.numbers(8, first=making.FIRST + 10 * place), batch_size=2) for place in range(3)
    ]
    silent = [making.accepted(database, campaign) for campaign in made]
    making.clock_goes_on(database, DAY)
    doubtful = [making.claimed(database, campaign) for campaign in reversed(made)]
    for found in doubtful:
        settling.doubt(database, found, "timed out")
    dead = [making.claimed(database, campaign, lease_seconds=1) for campaign in made]
    making.clock_goes_on(database, 5)
    return Scene(database, made[0], doubtful[0], silent[0], taken=[*doubtful[1:], *dead])


def ready_to_go_on(database: Database) -> Scene:
    """Of four campaigns all was sent, and of every other one all was delivered; nobody has noted it."""
    made = [making.funded(database, making.numbers(2, first=making.FIRST + 10 * place)) for place in range(4)]
    sent = [making.accepted(database, campaign) for campaign in made]
    for campaign in made[1::2]:
        making.advance(database, campaign)
    making.all_delivered(database, *sent[1::2])
    making.clock_goes_on(database, DAY)
    return Scene(database, made[0], earlier=sent[0])


def being_looked_up(database: Database) -> Scene:
    """The numbers of one batch are being looked up, those of another wait for that."""
    campaign = making.funded(database, making.numbers(4), batch_size=2, lookup={"unknown": "send"})
    return Scene(database, campaign, making.claimed(database, campaign))


def looked_up(database: Database) -> Scene:
    """The lookup of the only batch was accepted, and its answers are awaited."""
    campaign = making.funded(database, making.numbers(2), lookup={"unknown": "send"})
    return Scene(database, campaign, earlier=making.accepted(database, campaign))


def poor(database: Database) -> Scene:
    """Of two campaigns that the account can pay one of, one has a batch in the air and one that waits."""
    first = making.submitted(database, making.numbers(4), batch_size=2)
    making.fund(database, 6)
    claim = making.claimed(database, first)
    second = making.submitted(database, making.numbers(4, first=making.FIRST + 10), batch_size=2)
    return Scene(database, second, claim, credits=6)


def handed_over(database: Database) -> Scene:
    """Its audience waits to be expanded."""
    made = campaigns.submit(SPEC, people(), database=database)
    return Scene(database, made.id)


def people() -> list[dict[str, str]]:
    """Its audience."""
    return [{"numero": str(number)} for number in making.numbers(5)]


def all_sent(database: Database) -> Scene:
    """All was accepted long ago; one message was reported as rejected, another not at all."""
    campaign = making.funded(database, making.numbers(2))
    earlier = making.accepted(database, campaign)
    making.clock_goes_on(database, DAY)
    making.advance(database)
    making.reported(database, making.report(earlier, (0, MessageStatus.REJECTED)))
    return Scene(database, campaign, earlier=earlier)


def adopted(database: Database) -> Scene:
    """Its reply was lost, its reports have proven it long ago, and its worker is still on its way back."""
    scene = alone_in_doubt(database)
    making.reported(database, making.report(scene.request, (1, MessageStatus.DELIVERED)))
    making.clock_goes_on(database, DAY)
    return Scene(database, scene.campaign, scene.request, scene.request)
