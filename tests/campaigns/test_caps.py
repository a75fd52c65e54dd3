"""A number gets no more messages in a day than its account's cap allows, by whichever campaigns."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, text, update

import campaigns
from campaigns import bisection, caps, claims, ledger, settling
from campaigns.caps import Cap
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import batches, daily_counts
from campaigns.prices import Prices
from campaigns.settings import domain_settings
from campaigns.states import BatchState, MessageStatus
from tests.campaigns import making
from tests.campaigns.plans import plans_of
from tests.campaigns.test_unwanted import statements

ZONE = making.noon()
ONE, TWO = Cap(1, ZONE), Cap(2, ZONE)
BY_UTC = Cap(1, ZoneInfo("UTC"))
AWA, KOFFI, YAO = making.numbers(3)


def claim(database: Database, campaign_id: int, cap: Cap | None = ONE) -> Claim | None:
    return claims.claim(database, campaign_id, lease_seconds=making.LEASE, cap=cap)


def claimed(database: Database, campaign_id: int, cap: Cap | None = ONE) -> Claim:
    return making.claimed(database, campaign_id, cap=cap)


def accepted(database: Database, campaign_id: int, cap: Cap | None = ONE) -> Claim:
    found = claimed(database, campaign_id, cap)
    settling.accept(database, found, making.acceptance(found))
    return found


def account(database: Database, campaign_id: int) -> campaigns.Progress:
    """The campaign's, whose credits are each in one place as well."""
    with database.snapshot() as connection:
        assert ledger.of_campaign(connection, campaign_id).adds_up
    return making.account(database, campaign_id)


def numbers_of(found: Claim | None) -> list[int]:
    return [] if found is None else list(found.payload.numbers)


def counts(database: Database, account: str = making.ACCOUNT) -> dict[int, int]:
    """By number, what was counted on any day; who has none is not in it."""
    c = daily_counts.c
    with database.reading() as connection:
        found = connection.execute(select(c.msisdn, c.texts).where(c.account == account, c.texts > 0))
        return {row.msisdn: row.texts for row in found}


def today(database: Database, cap: Cap = ONE) -> date:
    with database.reading() as connection:
        return cap.today(connection)


def a_day_passes(database: Database) -> None:
    """What was counted was counted a day earlier."""
    for column in (daily_counts.c.day, batches.c.counted_on):
        with database.reading() as connection:
            days = connection.execute(select(column).where(column.is_not(None)).distinct()).scalars().all()
        for day in sorted(days):
            earlier = update(column.table).where(column == day).values({column: day - timedelta(days=1)})
            making.change(database, earlier)


class TestWhoIsAtTheCap:
    def test_is_not_in_the_claim_and_accounted_for(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [KOFFI]))
        second = making.funded(any_database, making.numbers(3))

        found = claimed(any_database, second)

        assert numbers_of(found) == [AWA, YAO]
        assert making.attempt(any_database, found).size == making.attempt(any_database, found).estimated == 2
        its = account(any_database, second)
        assert (its.excluded, its.by_status, its.credits_estimated) == ({"capped": 1}, {"sending": 2}, 2)

    @pytest.mark.parametrize("cap", [1, 2, 3])
    def test_has_had_as_many_messages_as_the_cap_allows(self, any_database: Database, cap: int) -> None:
        made = [making.funded(any_database, [AWA]) for _ in range(5)]

        found = [numbers_of(claim(any_database, campaign, Cap(cap, ZONE))) for campaign in made]

        assert found == [[AWA]] * cap + [[]] * (5 - cap)
        assert counts(any_database) == {AWA: cap}

    def test_makes_a_batch_of_such_void_and_the_next_is_claimed(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA, KOFFI]))
        second = making.funded(any_database, making.numbers(3), batch_size=1)

        assert numbers_of(claimed(any_database, second)) == [YAO]
        assert making.batch_states(any_database, second) == [BatchState.VOIDED, BatchState.VOIDED, BatchState.SENDING]
        assert account(any_database, second).excluded == {"capped": 2}

    def test_makes_a_campaign_of_such_complete_and_say_why(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA, KOFFI]))
        second = making.funded(any_database, [AWA, KOFFI])

        assert claim(any_database, second) is None
        assert making.advanced(any_database, second) == "completed"
        assert account(any_database, second).reason == "nothing to send: every recipient is excluded (2 capped)"

    def test_is_found_with_the_reason(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA]))
        claim(any_database, making.funded(any_database, [AWA]))

        second, first = campaigns.find_person(f"+{AWA}", database=any_database)

        assert (second.entry.status, first.entry.status) == ("capped", "in_flight")

    def test_costs_a_rated_campaign_no_turn(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA]))

        assert numbers_of(claimed(any_database, making.funded(any_database, [AWA, KOFFI], rate=1))) == [KOFFI]

    def test_holds_no_lane_however_many_there_are(
        self, any_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(claims, "REWRITTEN_AT_ONCE", 2)
        accepted(any_database, making.funded(any_database, [AWA, KOFFI]))
        second = making.funded(any_database, making.numbers(3), batch_size=1)

        assert [numbers_of(claim(any_database, second)) for _ in range(2)] == [[], [YAO]]

    def test_has_opted_out_and_is_capped_is_left_out_once(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA, KOFFI]))
        second = making.funded(any_database, making.numbers(3))
        campaigns.opt_out(AWA, database=any_database)

        assert numbers_of(claimed(any_database, second)) == [YAO]
        assert account(any_database, second).excluded == {"capped": 1, "opted_out": 1}


class TestWhatCounts:
    def test_is_by_account(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA], account="shop"))

        assert numbers_of(claimed(any_database, making.funded(any_database, [AWA]))) == [AWA]
        assert counts(any_database, "shop") == counts(any_database) == {AWA: 1}

    def test_is_nothing_of_a_campaign_that_is_uncapped_and_it_asks_for_nothing(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA]))

        assert numbers_of(claimed(any_database, making.funded(any_database, [AWA, KOFFI], uncapped=True))) == [
            AWA,
            KOFFI,
        ]
        assert counts(any_database) == {AWA: 1}

    def test_is_nothing_of_a_test_on_ones_own_phone(self, any_database: Database) -> None:
        spec = {"name": "Rappel", "template": "Bonjour", "sender": making.SENDER}
        made = [
            campaigns.try_out(spec, [{"numero": f"+{KOFFI}"}], [f"+{AWA}"], database=any_database).campaign.id
            for _ in range(3)
        ]
        making.fund(any_database)

        assert [numbers_of(claim(any_database, campaign)) for campaign in made] == [[AWA]] * 3

    def test_is_what_is_in_doubt(self, any_database: Database) -> None:
        settling.doubt(any_database, claimed(any_database, making.funded(any_database, [AWA])), "timed out")

        assert claim(any_database, making.funded(any_database, [AWA])) is None

    def test_is_what_was_written_off(self, any_database: Database) -> None:
        found = claimed(any_database, making.funded(any_database, [AWA]))
        settling.doubt(any_database, found, "timed out")
        campaigns.resolve(found.attempt_id, "write_off", by="Awa", reason="test", database=any_database)

        assert counts(any_database) == {AWA: 1}

    def test_is_not_what_never_left(self, any_database: Database) -> None:
        first = making.funded(any_database, [AWA])
        settling.release(any_database, claimed(any_database, first), "connection refused")

        assert counts(any_database) == {}
        assert numbers_of(claimed(any_database, making.funded(any_database, [AWA]))) == [AWA]
        assert claim(any_database, first) is None

    def test_is_not_what_was_refused(self, any_database: Database) -> None:
        found = claimed(any_database, making.funded(any_database, [AWA]), TWO)
        settling.refuse(any_database, found, -9, "nobody valid")

        assert counts(any_database) == {}

    def test_is_not_who_was_left_out_by_the_gateway(self, any_database: Database) -> None:
        found = claimed(any_database, making.funded(any_database, making.numbers(3)))
        settling.accept(any_database, found, making.acceptance(found, left_out=[KOFFI]))

        assert counts(any_database) == {AWA: 1, YAO: 1}

    def test_is_whom_a_reply_that_contradicts_itself_left_out(self, any_database: Database) -> None:
        found = claimed(any_database, making.funded(any_database, making.numbers(3)))
        settling.accept(any_database, found, making.acceptance(found, left_out=[KOFFI], consistent=False))

        assert len(counts(any_database)) == 3

    def test_is_not_what_a_cancelled_campaign_did_not_send(self, any_database: Database) -> None:
        campaign = making.funded(any_database, [AWA])
        found = claimed(any_database, campaign)
        campaigns.cancel(campaign, database=any_database)
        settling.release(any_database, found, "connection refused")

        assert making.batch_states(any_database, campaign) == [BatchState.VOIDED]
        assert counts(any_database) == {}

    def test_is_no_lookup(self, any_database: Database) -> None:
        claimed(any_database, making.funded(any_database, [AWA], lookup={"unknown": "send"}))

        assert counts(any_database) == {}

    def test_is_proof_that_comes_after_the_lease(self, any_database: Database) -> None:
        found = claimed(any_database, making.funded(any_database, [AWA]))
        settling.doubt(any_database, found, "the lease ran out")
        settling.release(any_database, found, "connection refused")

        assert counts(any_database) == {}


class TestCountsOnceADay:
    def test_a_batch_that_comes_back_and_is_claimed_again(self, any_database: Database) -> None:
        campaign = making.funded(any_database, making.numbers(3))
        for _ in range(3):
            settling.release(any_database, claimed(any_database, campaign), "connection refused")

        assert numbers_of(accepted(any_database, campaign)) == making.numbers(3)
        assert counts(any_database) == dict.fromkeys(making.numbers(3), 1)

    def test_a_batch_that_is_halved(self, any_database: Database) -> None:
        campaign = making.funded(any_database, making.numbers(4))
        while (found := claim(any_database, campaign)) is not None:
            if KOFFI in found.payload.numbers:
                bisection.refuse(any_database, found, "-1", code=-1, prices=_prices())
            else:
                settling.accept(any_database, found, making.acceptance(found))

        assert account(any_database, campaign).excluded == {}
        assert counts(any_database) == {number: 1 for number in making.numbers(4) if number != KOFFI}

    def test_what_is_sent_again_after_a_doubt(self, any_database: Database) -> None:
        campaign = self.sent_again(any_database)

        again = claimed(any_database, campaign)

        assert (numbers_of(again), again.counted_on) == (making.numbers(3), None)
        assert counts(any_database) == dict.fromkeys(making.numbers(3), 1)
        settling.refuse(any_database, again, -9, "nobody valid")  # of the first request nobody knows still
        assert counts(any_database) == dict.fromkeys(making.numbers(3), 1)

    def test_what_is_sent_again_by_another_batch_for_somebody_has_opted_out(self, any_database: Database) -> None:
        campaign = self.sent_again(any_database)
        campaigns.opt_out(KOFFI, database=any_database)

        assert numbers_of(claimed(any_database, campaign)) == [AWA, YAO]
        assert counts(any_database) == dict.fromkeys(making.numbers(3), 1)

    def test_and_on_another_day_anew(self, any_database: Database) -> None:
        campaign = self.sent_again(any_database)
        a_day_passes(any_database)

        assert claimed(any_database, campaign).counted_on == today(any_database)
        assert counts_by_day(any_database) == {today(any_database) - timedelta(days=1): 3, today(any_database): 3}

    def test_and_who_has_had_that_days_messages_is_left_out_with_its_payload_kept(self, any_database: Database) -> None:
        campaign = self.sent_again(any_database)
        a_day_passes(any_database)
        accepted(any_database, making.funded(any_database, [KOFFI]))

        assert numbers_of(claimed(any_database, campaign)) == [AWA, YAO]
        assert account(any_database, campaign).excluded == {"capped": 1}

    def sent_again(self, database: Database) -> int:
        campaign = making.funded(database, making.numbers(3))
        first = claimed(database, campaign)
        settling.doubt(database, first, "timed out")
        campaigns.resolve(first.attempt_id, "resend", by="Awa", reason="test", database=database)
        making.fund(database)
        return campaign


def _prices() -> Prices:
    settings = domain_settings()
    return Prices(settings.credit_prices, settings.lookup_price)


def counts_by_day(database: Database) -> dict[date, int]:
    """How many numbers have messages of a day."""
    with database.reading() as connection:
        days = connection.execute(select(daily_counts.c.day).where(daily_counts.c.texts > 0)).scalars().all()
    return {day: days.count(day) for day in days}


class TestTheDay:
    def test_is_over_with_the_cap(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA]))
        a_day_passes(any_database)

        assert numbers_of(claimed(any_database, making.funded(any_database, [AWA]))) == [AWA]

    def test_is_that_of_the_zone(self, any_database: Database) -> None:
        # Twenty-six hours apart: at any moment their days differ.
        east, west = Cap(1, ZoneInfo("Pacific/Kiritimati")), Cap(1, ZoneInfo("Etc/GMT+12"))
        accepted(any_database, making.funded(any_database, [AWA]), west)

        assert today(any_database, west) < today(any_database, east)
        assert numbers_of(claimed(any_database, making.funded(any_database, [AWA]), east)) == [AWA]

    def test_turns_between_a_claim_and_the_next_and_nothing_of_the_new_one_is_given_back(
        self, any_database: Database
    ) -> None:
        campaign = making.funded(any_database, [AWA])
        found = replace(claimed(any_database, campaign), counted_on=today(any_database) - timedelta(days=1))
        a_day_passes(any_database)
        accepted(any_database, making.funded(any_database, [AWA]))

        settling.release(any_database, found, "connection refused")

        assert counts(any_database)[AWA] == 1
        assert claim(any_database, campaign) is None
        assert account(any_database, campaign).excluded == {"capped": 1}


class TestTheCapIsChanged:
    def test_lowered_it_counts_what_there_was(self, any_database: Database) -> None:
        for _ in range(3):
            accepted(any_database, making.funded(any_database, [AWA]), Cap(3, ZONE))

        assert claim(any_database, making.funded(any_database, [AWA]), ONE) is None

    def test_raised_it_lets_more_through(self, any_database: Database) -> None:
        first, second, third = (making.funded(any_database, [AWA]) for _ in range(3))
        accepted(any_database, first)
        assert claim(any_database, second) is None

        assert numbers_of(claim(any_database, third, TWO)) == [AWA]

    def test_taken_away_it_asks_nothing(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA]))
        second = making.funded(any_database, [AWA])

        with statements(any_database) as asked:
            assert numbers_of(claim(any_database, second, None)) == [AWA]

        assert [statement for statement in asked if "daily_counts" in statement] == []


class TestTwoAtOnce:
    """On PostgreSQL two connections claim at the same moment; on SQLite one waits for the other."""

    @pytest.mark.parametrize("cap", [1, 2])
    def test_campaigns_that_share_their_people_text_nobody_more_often_than_the_cap(
        self, any_database: Database, cap: int
    ) -> None:
        people = making.numbers(60)
        made = [making.funded(any_database, people[:: 1 if place % 2 else -1], batch_size=7) for place in range(4)]
        texted: list[int] = []

        def send(campaign: int) -> None:
            while (found := claim(any_database, campaign, Cap(cap, ZONE))) is not None:
                texted.extend(found.payload.numbers)
                settling.accept(any_database, found, making.acceptance(found))

        making.at_once(*[lambda campaign=campaign: send(campaign) for campaign in made])

        assert sorted(texted) == sorted(people * cap)
        for campaign in made:
            assert making.advanced(any_database, campaign) in ("tracking", "completed")
            its = account(any_database, campaign)
            assert its.excluded.get("capped", 0) + its.by_status.get("in_flight", 0) == 60

    def test_batches_that_are_sent_and_given_back_leave_no_count_behind(self, any_database: Database) -> None:
        made = [making.funded(any_database, making.numbers(40), batch_size=9) for _ in range(3)]

        def try_in_vain(campaign: int) -> None:
            for _ in range(10):
                if (found := claim(any_database, campaign, Cap(3, ZONE))) is not None:
                    settling.release(any_database, found, "connection refused")

        making.at_once(*[lambda campaign=campaign: try_in_vain(campaign) for campaign in made])

        assert counts(any_database) == {}
        assert [account(any_database, campaign).excluded for campaign in made] == [{}] * 3

    @pytest.mark.parametrize(("kept", "then"), [(True, []), (False, [AWA])], ids=["kept", "given-up"])
    def test_who_claims_waits_for_whoever_is_at_it_and_sees_what_came_of_it(
        self, postgresql: Database, kept: bool, then: list[int]
    ) -> None:
        first, second = making.funded(postgresql, [AWA]), making.funded(postgresql, [AWA])

        with ThreadPoolExecutor(1) as pool, postgresql.engine.connect() as connection:
            claims._take(connection, first, making.LEASE, ONE)
            waiting = pool.submit(claim, postgresql, second)
            until_they_wait(postgresql, 1)
            connection.commit() if kept else connection.rollback()

            assert numbers_of(waiting.result(120)) == then

    def test_batches_in_other_orders_wait_for_each_other_and_not_for_ever(self, postgresql: Database) -> None:
        cap = Cap(3, ZONE)
        made = [making.funded(postgresql, people) for people in (making.numbers(3), making.numbers(3)[::-1])]

        with ThreadPoolExecutor(2) as pool, postgresql.engine.connect() as connection:
            # Whoever counts for all three comes no further than to the second of them.
            caps.count(connection, cap, making.ACCOUNT, 0, [KOFFI], cap.today(connection))
            waiting = [pool.submit(claim, postgresql, campaign, cap) for campaign in made]
            until_they_wait(postgresql, 2)
            connection.rollback()

            assert [numbers_of(found.result(120)) for found in waiting] == [making.numbers(3), making.numbers(3)[::-1]]


def until_they_wait(database: Database, count: int) -> None:
    """Returns when so many sessions of this database wait for locks."""
    waits = (
        "SELECT count(*), pg_sleep(0.01) FROM pg_stat_activity"
        " WHERE cardinality(pg_blocking_pids(pid)) > 0 AND datname = current_database()"
    )
    for _ in range(10_000):
        with database.reading() as watching:
            if watching.exec_driver_sql(waits).scalar_one() >= count:
                return
    raise AssertionError("they do not wait")


class TestARetry:
    """What somebody would have got is kept, and may be texted another day."""

    def capped(self, database: Database, people: list[int], **options: Any) -> int:
        """A campaign of two batches, whose KOFFI and YAO had their message of the day before."""
        accepted(database, making.funded(database, [KOFFI, YAO]))
        campaign = making.funded(database, people, **options)
        while (found := claim(database, campaign)) is not None:
            settling.accept(database, found, making.acceptance(found))
        return campaign

    @pytest.mark.parametrize("size", [1, 2, 500], ids=["alone", "some-beside-others", "all-in-one-batch"])
    def test_texts_who_was_capped_with_the_same_text(self, any_database: Database, size: int) -> None:
        first = self.capped(any_database, making.numbers(4), batch_size=size)
        assert account(any_database, first).excluded == {"capped": 2}
        a_day_passes(any_database)

        made = campaigns.retry(first, only=["capped"], database=any_database)
        making.fund(any_database)

        found = []
        while (its := claim(any_database, made.id)) is not None:
            found.append(its)
        texted = {
            number: list(values)
            for its in found
            for number, values in zip(its.payload.numbers, its.payload.values, strict=True)
        }
        assert texted == {number: [f"N{number % 1000}"] for number in (KOFFI, YAO)}
        assert (account(any_database, made.id).recipients, account(any_database, made.id).excluded) == (2, {})

    def test_finds_all_of_a_batch_that_was_capped_whole(self, any_database: Database) -> None:
        first = self.capped(any_database, [KOFFI, YAO])
        assert making.advanced(any_database, first) == "completed"

        assert account(any_database, campaigns.retry(first, only=["capped"], database=any_database).id).recipients == 2

    def test_is_made_once_be_its_people_capped_again(self, any_database: Database) -> None:
        first = self.capped(any_database, making.numbers(3))
        made = campaigns.retry(first, only=["capped"], database=any_database)
        making.fund(any_database)
        assert claim(any_database, made.id) is None

        again = campaigns.retry(first, only=["capped"], database=any_database)
        next_day = campaigns.retry(made.id, only=["capped"], database=any_database)

        assert (again.id, again.created) == (made.id, False)
        assert account(any_database, next_day.id).recipients == 2

    def test_leaves_out_who_was_capped_in_one_that_was_made_for_another_reason(self, any_database: Database) -> None:
        first = making.funded(any_database, [AWA])
        making.reported(any_database, making.report(accepted(any_database, first), (0, MessageStatus.UNDELIVERED)))
        made = campaigns.retry(first, only=["undelivered"], database=any_database)
        making.fund(any_database)
        assert claim(any_database, made.id) is None

        again = campaigns.retry(first, only=["undelivered"], database=any_database)

        assert (again.id, again.created) == (made.id, False)

    def test_is_for_nobody_who_opted_out_and_was_in_a_batch_that_lost_everybody(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [KOFFI]))
        first = making.funded(any_database, [KOFFI, YAO])
        campaigns.opt_out(YAO, database=any_database)
        assert claim(any_database, first) is None
        campaigns.opt_in(YAO, database=any_database)

        made = campaigns.retry(first, only=["capped"], database=any_database)

        assert account(any_database, made.id).recipients == 1

    def test_is_for_nobody_whose_first_request_may_have_arrived(self, any_database: Database) -> None:
        first = TestCountsOnceADay().sent_again(any_database)
        a_day_passes(any_database)
        accepted(any_database, making.funded(any_database, making.numbers(3)))
        assert claim(any_database, first) is None

        with pytest.raises(campaigns.StateError):
            campaigns.retry(first, only=["capped"], database=any_database)


class TestPastDays:
    def test_are_removed_and_others_stay(self, any_database: Database) -> None:
        accepted(any_database, making.funded(any_database, [AWA]))
        old(any_database, today(any_database, BY_UTC) - timedelta(days=3), making.numbers(4))
        old(any_database, today(any_database, BY_UTC) - timedelta(days=1), making.numbers(2))

        assert caps.forget_old(any_database) == 4
        assert counts_by_day(any_database) == {
            today(any_database, BY_UTC) - timedelta(days=1): 2,
            today(any_database, BY_UTC): 1,
        }

    def test_go_slice_by_slice(self, any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(caps, "AT_ONCE", 3)
        old(any_database, today(any_database, BY_UTC) - timedelta(days=3), making.numbers(4))
        old(any_database, today(any_database, BY_UTC) - timedelta(days=2), making.numbers(4))

        assert [caps.forget_old(any_database) for _ in range(4)] == [3, 3, 2, 0]

    def test_that_never_were_go_as_well_for_the_clock_was_set_back(self, any_database: Database) -> None:
        old(any_database, today(any_database, BY_UTC) + timedelta(days=4), making.numbers(2))

        assert caps.forget_old(any_database) == 2

    def test_are_looked_for_in_vain_where_nothing_counts(self, any_database: Database) -> None:
        assert caps.forget_old(any_database) == 0

    def test_that_were_removed_take_back_what_comes_late(self, any_database: Database) -> None:
        found = claimed(any_database, making.funded(any_database, [AWA]))
        making.change(any_database, daily_counts.delete())

        settling.release(any_database, found, "connection refused")

        assert counts(any_database) == {}


def old(database: Database, day: date, numbers: list[int]) -> None:
    rows = [{"day": day, "account": making.ACCOUNT, "msisdn": number, "texts": 1} for number in numbers]
    with database.transaction() as connection:
        connection.execute(insert(daily_counts), rows)


class TestThePlan:
    """It is the same however old the statistics are: those of a new day know nothing of it."""

    def test_of_who_is_at_the_cap_finds_each_by_its_key(self, any_database: Database) -> None:
        self.counted_since_the_statistics(any_database)

        with plans_of(any_database, "daily_counts") as plans, any_database.transaction() as connection:
            found = caps.among(connection, ONE, making.ACCOUNT, making.numbers(500, first=making.FIRST + 100))

        assert len(found) == 500
        assert all(self.is_by_the_whole_key(plan) for plan in plans), plans

    def test_of_counting_reads_nothing_else(self, any_database: Database) -> None:
        self.counted_since_the_statistics(any_database)

        with plans_of(any_database, "daily_counts") as plans:
            claimed(any_database, making.funded(any_database, making.numbers(500)), Cap(3, ZONE))

        [plan] = plans
        assert not re.search(r"(?i)\b(scan|search)\b[^)]* daily_counts", plan), plan

    def counted_since_the_statistics(self, database: Database) -> None:
        for days in range(1, 11):
            old(database, today(database) - timedelta(days=days), making.numbers(3_000))
        if not database.is_sqlite:
            making.change(database, text("ANALYZE"))
        old(database, today(database), making.numbers(3_000))

    def is_by_the_whole_key(self, plan: str) -> bool:
        return all(f"{column} =" in plan or f"{column}=?" in plan for column in ("day", "account", "msisdn"))


def test_numbers_are_in_no_error(any_database: Database) -> None:
    assert str(AWA) not in str(caps.CappedError(1, ONE))
