"""What a report does to a message, and to the credits that it cost."""

import random
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

import campaigns
from campaigns import refunding, settling, statuses
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import messages, refunds
from campaigns.payload import Payload
from campaigns.reports import Reports
from campaigns.states import FIRST_SETTLED, MessageStatus
from tests.campaigns import making
from tests.campaigns.plans import plans_of

S = MessageStatus
IN_FLIGHT = [status for status in S if status.rank == 1]
FINAL = [status for status in S if status.rank == 3]


def sent(database: Database, count: int = 1) -> Claim:
    return making.accepted(database, making.funded(database, making.numbers(count)))


def report_in_turn(database: Database, found: Claim, *bodies: Sequence[MessageStatus]) -> MessageStatus:
    """Each body reports on the first message; returns what it is in the end."""
    for body in bodies:
        making.reported(database, making.report(found, *[(0, status) for status in body]))
    return making.statuses(database, found.campaign_id)[0]


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        pytest.param([[S.WAITING], [S.HANDED_OVER]], S.HANDED_OVER, id="in flight follows in flight"),
        pytest.param([[S.HANDED_OVER], [S.WAITING]], S.WAITING, id="even backwards"),
        pytest.param([[S.IN_FLIGHT_OTHER]], S.IN_FLIGHT_OTHER, id="a code that nobody knows is in flight"),
        pytest.param([[S.UNDELIVERED], [S.HANDED_OVER]], S.UNDELIVERED, id="in flight never overwrites a final one"),
        pytest.param([[S.DELIVERED], [S.QUEUED]], S.DELIVERED, id="nor the delivered one"),
        pytest.param([[S.UNDELIVERED], [S.NETWORK_ERROR]], S.UNDELIVERED, id="the first final one stays"),
        pytest.param([[S.NETWORK_ERROR], [S.DELIVERED]], S.DELIVERED, id="delivered overwrites a final one"),
        pytest.param([[S.DELIVERED], [S.REJECTED]], S.DELIVERED, id="nothing overwrites delivered"),
        pytest.param([[S.UNREPORTED], [S.UNDELIVERED]], S.UNDELIVERED, id="any final one overwrites unreported"),
        pytest.param([[S.UNREPORTED], [S.WAITING]], S.UNREPORTED, id="in flight does not overwrite unreported"),
        pytest.param([[S.WAITING, S.HANDED_OVER]], S.HANDED_OVER, id="the last in flight in a body"),
        pytest.param([[S.IN_FLIGHT_OTHER], [S.WAITING]], S.WAITING, id="in flight, whatever the code, gives way"),
        pytest.param([[S.UNDELIVERED, S.NETWORK_ERROR]], S.NETWORK_ERROR, id="the last of a rank in a body"),
        pytest.param([[S.UNDELIVERED, S.WAITING]], S.UNDELIVERED, id="the higher rank in a body"),
        pytest.param([[S.DELIVERED, S.UNDELIVERED]], S.DELIVERED, id="the highest rank in a body"),
    ],
)
def test_rank_decides(any_database: Database, bodies: list[list[MessageStatus]], expected: MessageStatus) -> None:
    assert report_in_turn(any_database, sent(any_database), *bodies) == expected


def test_a_report_overwrites_what_a_reply_left_open_or_refused(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)
    settling.accept(any_database, found, making.acceptance(found, left_out=making.numbers(2), consistent=False))

    report_in_turn(any_database, found, [S.DELIVERED])

    assert making.statuses(any_database, campaign) == [S.DELIVERED, S.IN_DOUBT]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, MessageStatus]]:
    """Reports of up to four messages, each with one final status at most, and perhaps delivered after all."""
    reports = []
    for place in range(4):
        reports += [(place, status) for status in draw(st.lists(st.sampled_from(IN_FLIGHT), max_size=3))]
        reports += [(place, status) for status in draw(st.lists(st.sampled_from(FINAL), max_size=1)) * 2]
        reports += [(place, S.DELIVERED)] * draw(st.integers(0, 2))
    return reports


def test_reports_lead_to_the_same_final_statuses_in_every_order(any_database: Database) -> None:
    found = sent(any_database, 4)

    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(histories(), st.randoms(use_true_random=False), st.integers(1, 4))
    def in_every_order(reports: list[tuple[int, MessageStatus]], chance: random.Random, bodies: int) -> None:
        making.change(any_database, update(messages).values(status=S.AS_BATCH))
        chance.shuffle(reports)
        for number in range(bodies):
            making.reported(any_database, making.report(found, *reports[number::bodies]))

        ended = making.statuses(any_database, found.campaign_id)
        for place, status in enumerate(ended):
            its = [reported for at, reported in reports if at == place]
            best = max(its, key=lambda each: each.rank, default=S.AS_BATCH)
            assert status.rank == best.rank
            assert status == best or status < FIRST_SETTLED

    in_every_order()


@pytest.mark.parametrize("spelled", ["0700000001", "+2250700000001", "n/a", "", "9" * 40], ids=repr)
def test_a_number_that_is_spelled_otherwise_is_known_by_its_smsfid(any_database: Database, spelled: str) -> None:
    found = sent(any_database, 3)
    msgfid = f"f{found.attempt_id}"

    applied = making.reported(any_database, Reports([msgfid], [f"{msgfid}-1"], [spelled], [S.DELIVERED]))

    assert making.statuses(any_database, found.campaign_id) == [S.AS_BATCH, S.DELIVERED, S.AS_BATCH]
    assert (applied.changed, applied.campaigns) == (1, {found.campaign_id})


def test_a_number_that_is_ours_is_believed_rather_than_its_smsfid(any_database: Database) -> None:
    found = sent(any_database, 3)
    msgfid = f"f{found.attempt_id}"
    smsfids, spelled = [f"{msgfid}-1", f"{msgfid}-2"], [str(making.FIRST), "n/a"]

    making.reported(any_database, Reports([msgfid] * 2, smsfids, spelled, [S.DELIVERED] * 2))

    assert making.statuses(any_database, found.campaign_id) == [S.DELIVERED, S.AS_BATCH, S.DELIVERED]


@pytest.mark.parametrize(
    ("reported", "numbers"),
    [
        (["2250700000001", "2"], [2250700000001, 2]),
        (["1", "1" * 16], [1, -2]),
        (["1", "", "3"], [1, -2, 3]),
        (["0", "1"], [-1, 1]),
        (["1", "٣"], [1, 3]),
    ],
    ids=["all are", "one is too long", "one is missing", "one is nought", "one is in digits of elsewhere"],
)
def test_what_is_no_number_has_a_key_of_its_own_and_the_others_are_read(
    reported: list[str], numbers: list[int]
) -> None:
    assert statuses._msisdns(reported) == numbers


def test_a_report_that_is_outranked_is_not_taken_for_one_of_another_message(any_database: Database) -> None:
    found = sent(any_database, 2)
    msgfid = f"f{found.attempt_id}"
    report_in_turn(any_database, found, [S.DELIVERED])

    making.reported(any_database, Reports([msgfid], [f"{msgfid}-1"], [str(making.FIRST)], [S.WAITING]))

    assert making.statuses(any_database, found.campaign_id) == [S.DELIVERED, S.AS_BATCH]


@pytest.mark.parametrize(
    ("reported", "number"),
    [
        ("2250700000001", 2250700000001),
        ("1" * 15, 111_111_111_111_111),
        ("1" * 16, None),
        ("+2250700000001", None),
        ("", None),
    ],
)
def test_what_has_more_digits_than_any_number_is_none(reported: str, number: int | None) -> None:
    assert statuses.msisdn(reported) == number


def test_rank_decides_among_spellings_too(any_database: Database) -> None:
    found = sent(any_database, 3)
    msgfid, smsfid = f"f{found.attempt_id}", f"f{found.attempt_id}-1"
    spelled = ["n/a", "0700000001", "x", str(making.FIRST + 1)]

    making.reported(
        any_database, Reports([msgfid] * 4, [smsfid] * 4, spelled, [S.DELIVERED, S.UNDELIVERED, S.WAITING, S.QUEUED])
    )

    assert making.statuses(any_database, found.campaign_id)[1] == S.DELIVERED


def test_a_report_of_a_request_that_nobody_knows_changes_nothing(any_database: Database) -> None:
    found = sent(any_database, 2)

    applied = making.reported(any_database, making.report(found, (0, S.DELIVERED), msgfid="f0"))

    assert (applied.changed, applied.campaigns) == (0, set())
    assert making.statuses(any_database, found.campaign_id) == [S.AS_BATCH] * 2


def test_a_report_of_a_message_that_nobody_knows_changes_nothing(any_database: Database) -> None:
    found = sent(any_database, 2)
    msgfid = f"f{found.attempt_id}"

    applied = making.reported(any_database, Reports([msgfid], ["other"], ["22501"], [S.DELIVERED]))

    assert (applied.changed, applied.campaigns) == (0, set())
    assert making.statuses(any_database, found.campaign_id) == [S.AS_BATCH] * 2


def test_what_ends_unbilled_gives_its_credits_back_though_others_in_its_body_are_spelled_otherwise(
    any_database: Database,
) -> None:
    found = sent(any_database, 3)
    msgfid = f"f{found.attempt_id}"
    spelled = [str(making.FIRST), "n/a", str(making.FIRST + 2)]
    smsfids = [f"{msgfid}-{place}" for place in range(3)]

    making.reported(any_database, Reports([msgfid] * 3, smsfids, spelled, [S.REJECTED, S.REJECTED, S.DELIVERED]))

    assert refunded(any_database, found.campaign_id) == 2


def refunded(database: Database, campaign_id: int) -> int:
    account = campaigns.progress(campaign_id, database=database)
    assert account.adds_up
    return int(account.credits_refunded)


@pytest.mark.parametrize("status", [S.REJECTED, S.NOT_SENT, S.NO_CREDIT], ids=lambda status: status.name)
def test_what_ends_unbilled_gives_its_credits_back_once(any_database: Database, status: MessageStatus) -> None:
    found = sent(any_database, 3)

    report_in_turn(any_database, found, [S.WAITING], [status], [status])

    assert refunded(any_database, found.campaign_id) == 1
    with any_database.reading() as connection:
        assert connection.execute(select(refunds.c.attempt_id, refunds.c.msisdn)).all() == [
            (found.attempt_id, making.FIRST)
        ]


@pytest.mark.parametrize("status", [S.UNDELIVERED, S.NETWORK_ERROR, S.DELIVERED], ids=lambda status: status.name)
def test_what_ends_billed_gives_nothing_back(any_database: Database, status: MessageStatus) -> None:
    found = sent(any_database)

    report_in_turn(any_database, found, [status])

    assert refunded(any_database, found.campaign_id) == 0


def test_an_unbilled_end_that_came_after_another_gives_nothing_back(any_database: Database) -> None:
    found = sent(any_database)

    assert report_in_turn(any_database, found, [S.UNDELIVERED], [S.NOT_SENT]) == S.UNDELIVERED

    assert refunded(any_database, found.campaign_id) == 0


def test_a_message_that_is_delivered_after_all_is_billed_after_all(any_database: Database) -> None:
    found, other = sent(any_database, 2), sent(any_database, 2)
    report_in_turn(any_database, other, [S.NOT_SENT])

    report_in_turn(any_database, found, [S.NOT_SENT], [S.DELIVERED])

    assert refunded(any_database, found.campaign_id) == 0
    assert refunded(any_database, other.campaign_id) == 1


def test_a_body_may_touch_more_campaigns_than_a_statement_has_parameters(postgresql: Database) -> None:
    with postgresql.transaction() as connection:
        refunding.take_back(connection, set(range(70_000)), [(1, making.FIRST)])
        assert connection.execute(text("SELECT count(*) FROM refunds")).scalar_one() == 0


def test_a_refund_is_what_the_gateway_took_for_that_message(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    prices = [making.Decimal(price) for price in ("1", "2.5", "4")]
    lines = making.ReceiptLines(["a", "b", "c"], prices)
    settling.accept(any_database, found, settling.Acceptance("f1", sum(prices, making.Decimal(0)), lines))

    making.reported(any_database, making.report(found, (1, S.NOT_SENT), msgfid="f1"))

    account = campaigns.progress(found.campaign_id, database=any_database)
    assert (account.credits_refunded, account.credits_spent) == (making.Decimal("2.5"), 5)


def test_what_ends_unbilled_in_several_requests_gives_each_its_credits_back(any_database: Database) -> None:
    claims = [sent(any_database, 2) for _ in range(3)]
    msgfids = [f"f{claim.attempt_id}" for claim in claims]
    smsfids, first = [f"{msgfid}-0" for msgfid in msgfids], [str(making.FIRST)] * 3

    making.reported(any_database, Reports(msgfids, smsfids, first, [S.NOT_SENT] * 3))

    assert [refunded(any_database, claim.campaign_id) for claim in claims] == [1, 1, 1]


def test_a_message_whose_reply_was_lost_gives_its_share_of_the_estimate_back_by_its_segments(
    any_database: Database,
) -> None:
    spec = {"name": "Rappel", "template": "Bonjour {{ nom }}", "sender": making.SENDER}
    people = [
        {"numero": f"+{number}", "nom": nom} for number, nom in zip(making.numbers(2), ("A", "A" * 400), strict=True)
    ]
    campaign = campaigns.submit(spec, people, database=any_database).id
    making.fund(any_database)
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "cut short", msgfid="f1")

    making.reported(any_database, making.report(found, (1, S.REJECTED), msgfid="f1"))

    account = making.account(any_database, campaign)
    assert (account.credits_posted, account.credits_refunded) == (4, 3)


@pytest.mark.parametrize(
    ("lines", "price"),
    [("1 1 0.5", "0.8333"), ("1 0 2", "1.5"), ("0 0 0", "0")],
    ids=["to four decimals", "of what was billed", "of nothing"],
)
def test_where_a_batch_has_lost_numbers_since_each_is_given_the_mean_price_back(lines: str, price: str) -> None:
    shrunk = Payload([1, 2], making.numbers(2), [1, 1], [[], []])
    receipt = making.ReceiptLines([None] * 3, [making.Decimal(line) for line in lines.split()])

    assert refunding._prices(shrunk, receipt, [making.FIRST]) == {making.FIRST: making.Decimal(price)}


LARGE = 300_000


def large_table(database: Database, campaign_id: int) -> None:
    numbers = f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {LARGE})
        INSERT INTO messages (campaign_id, msisdn, batch_id) SELECT {campaign_id}, 10000000 + i, i / 500 FROM n"""
    making.change(database, text(numbers))
    making.change(database, text("ANALYZE messages"))


def test_reports_find_their_messages_by_the_key_however_large_the_table_is(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    large_table(any_database, campaign)
    numbers = random.Random(1).sample(range(10_000_000, 10_000_000 + 2 * LARGE), 20_000)  # half of them unknown
    count = len(numbers)
    body = Reports(["f1"] * count, [""] * count, [str(number) for number in numbers], [S.DELIVERED] * count)
    sending: Any = SimpleNamespace(id=0, campaign_id=campaign)

    with plans_of(any_database, "messages") as plans, any_database.transaction() as connection:
        brought = statuses.apply(connection, body, {"f1": sending})

    assert 9_000 < brought.changed < 11_000
    assert len(plans) == 2
    for plan in plans:
        assert "messages_pk" in plan or "PRIMARY KEY (campaign_id=? AND msisdn=?)" in plan
        assert not any(word in plan for word in ("Hash", "Merge", "Seq Scan", "SCAN messages"))
