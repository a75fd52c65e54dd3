"""Whatever is done with one campaign changes no row of another, older or younger, of the same account or of another."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

import campaigns
from campaigns import batches, bisection, doubts, lookups, settling, shortage
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts, holds, messages, refunds, resolutions
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.models import lookups as lookups_table
from campaigns.prices import Prices
from campaigns.resolving import resolve
from campaigns.states import BatchState, Decision, MessageStatus
from tests.campaigns import making

PRICES = Prices({"": Decimal(1)})
WHY: dict[str, Any] = {"by": "awa", "reason": "the gateway's own log says so"}


def crowd(database: Database, account: str) -> None:
    """Campaigns of an account with something in each state that a request may bring about, to the same numbers."""
    sending = making.funded(database, making.numbers(8), batch_size=1, account=account)
    taken, refunded, refused, lost, resent, adopted, _in_the_air = (making.claimed(database, sending) for _ in range(7))
    settling.accept(database, taken, making.acceptance(taken))
    settling.accept(database, refunded, making.acceptance(refunded))
    rejected = making.report(refunded, (0, MessageStatus.REJECTED))
    making.reported(database, rejected, account=account)
    settling.refuse(database, refused, -9, "no one")
    for claim in (lost, resent, adopted):
        settling.doubt(database, claim, "timed out")
    with database.transaction() as connection:
        doubts.adopt(connection, making.attempt(database, adopted), f"late{adopted.attempt_id}")
    resolve(resent.attempt_id, Decision.RESEND, database=database, **WHY)
    looking = making.funded(database, making.numbers(3), batch_size=1, account=account, lookup=True)
    making.claimed(database, looking)
    settling.doubt(database, making.claimed(database, looking), "timed out")
    making.fund(database, account=account)


def rows_of_others(database: Database, campaign_id: int) -> dict[str, list[Any]]:
    """All rows that belong to other campaigns."""
    mine = select(batches_table.c.id).where(batches_table.c.campaign_id == campaign_id)
    of_campaign = [(table, table.c.campaign_id) for table in (batches_table, attempts, messages, refunds, holds)]
    of_others = {
        **{table.name: select(table).where(column != campaign_id) for table, column in of_campaign},
        "campaigns": select(campaigns_table).where(campaigns_table.c.id != campaign_id),
        "resolutions": select(resolutions).where(resolutions.c.campaign_id != campaign_id),
        "lookups": select(lookups_table).where(lookups_table.c.batch_id.not_in(mine)),
    }
    with database.reading() as connection:
        return {name: sorted(map(str, connection.execute(found))) for name, found in of_others.items()}


Act = Callable[[Database, Claim], object]


def lost(database: Database, claim: Claim) -> None:
    settling.doubt(database, claim, "timed out")


def expired(database: Database, claim: Claim) -> None:
    a = attempts.c
    making.change(database, update(attempts).where(a.id == claim.attempt_id).values(leased_until=a.started_at))
    assert batches.expire_leases(database) == [claim.campaign_id]


def adopted(database: Database, claim: Claim) -> None:
    with database.transaction() as connection:
        doubts.adopt(connection, making.attempt(database, claim), "f9")


def reported(*statuses: MessageStatus) -> Act:
    def report(database: Database, claim: Claim) -> None:
        for status in statuses:
            making.reported(database, making.report(claim, (0, status), msgfid="f9"))

    return report


def ran_out(database: Database, claim: Claim) -> None:
    settling.release(database, claim, "not enough credits", code=shortage.NOT_ENOUGH)
    shortage.run_out(database, claim.campaign_id, Decimal(0))


def decided(decision: Decision) -> Act:
    return lambda database, claim: resolve(claim.attempt_id, decision, database=database, **WHY)


def halved(database: Database, claim: Claim) -> None:
    bisection.refuse(database, claim, "-1: XML invalide", code=-1, prices=PRICES)


def accepted(database: Database, claim: Claim) -> None:
    settling.accept(database, claim, making.acceptance(claim, "f9", left_out=[making.FIRST]))


def sent_again(database: Database, claim: Claim) -> None:
    decided(Decision.RESEND)(database, claim)
    making.fund(database)
    making.claimed(database, claim.campaign_id)


ACTS: dict[str, tuple[Act, ...]] = {
    "accepted": (accepted,),
    "refused": (lambda database, claim: settling.refuse(database, claim, -9, "no one"),),
    "released": (lambda database, claim: settling.release(database, claim, "no route"),),
    "in doubt": (lost,),
    "expired": (expired,),
    "adopted": (lost, adopted),
    "adopted, then its reply": (lost, adopted, accepted),
    "adopted, then a refund": (lost, adopted, reported(MessageStatus.REJECTED)),
    "adopted, then a refund that was none": (lost, adopted, reported(MessageStatus.REJECTED, MessageStatus.DELIVERED)),
    "declared accepted": (lost, decided(Decision.ACCEPTED)),
    "declared accepted, then its reply": (lost, decided(Decision.ACCEPTED), accepted),
    "written off": (lost, decided(Decision.WRITE_OFF)),
    "written off, then proven": (lost, decided(Decision.WRITE_OFF), adopted),
    "to be sent again": (lost, decided(Decision.RESEND)),
    "to be sent again, then its reply": (lost, decided(Decision.RESEND), accepted),
    "sent again, then proven": (lost, sent_again, adopted),
    "halved": (halved,),
    "cancelled": (lambda database, claim: campaigns.cancel(claim.campaign_id, database=database),),
    "out of credits": (ran_out,),
}


@pytest.mark.parametrize("acts", ACTS.values(), ids=ACTS)
def test_whatever_becomes_of_a_request_nothing_of_other_campaigns_changes(
    any_database: Database, acts: tuple[Act, ...]
) -> None:
    crowd(any_database, making.ACCOUNT)
    campaign = making.funded(any_database, making.numbers(6), batch_size=4)
    claim = making.claimed(any_database, campaign)
    crowd(any_database, making.ACCOUNT)
    crowd(any_database, "other")
    before = rows_of_others(any_database, campaign)

    for act in acts:
        act(any_database, claim)

    assert rows_of_others(any_database, campaign) == before


def dead(database: Database, claim: Claim) -> None:
    settling.accept(database, claim, making.acceptance(claim, left_out=[making.FIRST]))
    lookups.clean(database, claim.batch_id, PRICES)


LOOKUP_ACTS: dict[str, Act] = {
    "cleaned": dead,
    "given up": lambda database, claim: lookups.give_up(database, claim.campaign_id, "it may not look up"),
}


@pytest.mark.parametrize("act", LOOKUP_ACTS.values(), ids=LOOKUP_ACTS)
def test_whatever_becomes_of_a_lookup_nothing_of_other_campaigns_changes(any_database: Database, act: Act) -> None:
    crowd(any_database, making.ACCOUNT)
    campaign = making.funded(any_database, making.numbers(6), batch_size=4, lookup=True)
    claim = making.claimed(any_database, campaign)
    crowd(any_database, making.ACCOUNT)
    before = rows_of_others(any_database, campaign)

    act(any_database, claim)

    assert rows_of_others(any_database, campaign) == before
    assert BatchState.CHECKING not in making.batch_states(any_database, campaign)
