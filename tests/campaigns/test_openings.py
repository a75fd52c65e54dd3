"""A windowed campaign: nothing of it is claimed outside its window, whatever happened meanwhile; and it says so."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from sqlalchemy import select, text, update

import campaigns
from campaigns import accounts, bisection, claims, clocks, lookups, openings, policies, settling, turns, vitals, windows
from campaigns.caps import Cap
from campaigns.claims import Claim
from campaigns.clocks import RECIPIENT
from campaigns.database import Database
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.models import openings as table
from campaigns.prices import Prices
from campaigns.resolving import resolve
from campaigns.states import AttemptKind, BatchState, CampaignState, MessageStatus
from campaigns.windows import DAYS
from tests.campaigns import doubtful, making
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history

HOUR = 3600.0
MANY = 5_000
PARISIANS = list(range(33612345678, 33612345681))


def daily(database: Database, start: float, end: float, *, clock: datetime | None = None) -> dict[str, str]:
    """A window of each day that begins and ends so many hours from now."""
    clock = clock or database.clock()
    times = [f"{clock + timedelta(hours=hours):%H:%M}" for hours in (start, end)]
    return {"window": "-".join(times), "window_zone": "UTC"}


def time_goes_by(database: Database, hours: float) -> None:
    making.clock_goes_on(database, hours * HOUR, table.c.opens_at, table.c.closes_at, campaigns_table.c.shut_until)


def claim(database: Database, campaign_id: int) -> Claim | None:
    return claims.claim(database, campaign_id, lease_seconds=making.LEASE)


def is_waiting(database: Database, campaign_id: int) -> bool:
    """Nobody is called to send it, and nothing would be found of it."""
    called = turns.candidates(database, making.ACCOUNT, 9) or turns.count_claimable(database, making.ACCOUNT, 9)
    return not called and claim(database, campaign_id) is None


def waits_for(database: Database, campaign_id: int) -> str:
    return str(making.account(database, campaign_id).waits_for)


def test_nothing_is_claimed_before_its_window_opens_and_everything_then(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2, **daily(any_database, 1, 3))
    assert is_waiting(any_database, campaign)

    time_goes_by(any_database, 1.01)

    assert turns.candidates(any_database, making.ACCOUNT, 9) == [campaign]
    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 2
    assert [making.accepted(any_database, campaign).number for _ in range(2)] == [1, 2]
    assert claim(any_database, campaign) is None


def test_nothing_is_claimed_once_its_window_has_closed_until_it_opens_again(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2, **daily(any_database, -1, 1))
    making.accepted(any_database, campaign)

    time_goes_by(any_database, 1.01)
    closed = is_waiting(any_database, campaign)
    openings.reckon(any_database)

    assert closed
    assert claim(any_database, campaign) is not None  # by the real clock it is open still


def test_a_window_over_midnight_belongs_to_the_day_that_it_begins_on(any_database: Database) -> None:
    # There is always somewhere where it is after midnight, and before one o'clock.
    hour = any_database.clock().hour
    zone = f"Etc/GMT{hour:+}" if hour <= 12 else f"Etc/GMT-{24 - hour}"
    today = (any_database.clock() - timedelta(hours=hour if hour <= 12 else hour - 24)).weekday()
    since_yesterday = {"window": f"{DAYS[today - 1]} 22:00-02:00", "window_zone": zone}
    this_evening = {"window": f"{DAYS[today]} 22:00-02:00", "window_zone": zone}

    night = making.funded(any_database, making.numbers(1), **since_yesterday)
    evening = making.funded(any_database, making.numbers(1), **this_evening)

    assert turns.candidates(any_database, making.ACCOUNT, 9) == [night]
    assert claim(any_database, night) is not None
    assert claim(any_database, evening) is None
    with any_database.reading() as connection:
        found = connection.execute(select(table.c.closes_at, table.c.opens_at).order_by(table.c.campaign_id)).all()
    (closes, _), (_, opens) = found
    assert (opens - closes) == timedelta(hours=20)


def test_a_pause_that_outlasts_the_window_leads_to_the_next_one(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2, **daily(any_database, -1, 1))
    making.accepted(any_database, campaign)
    campaigns.pause(campaign, database=any_database)

    time_goes_by(any_database, 2)
    campaigns.resume(campaign, database=any_database)

    assert is_waiting(any_database, campaign)
    openings.reckon(any_database)
    assert making.accepted(any_database, campaign).number == 2


def test_a_top_up_outside_the_window_sends_nothing_before_it_opens(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(2), **daily(any_database, 1, 2))
    making.fund(any_database, 0)
    assert making.state(any_database, campaign) == CampaignState.AWAITING_CREDITS

    making.fund(any_database)

    assert making.state(any_database, campaign) == CampaignState.SENDING
    assert is_waiting(any_database, campaign)
    time_goes_by(any_database, 1.5)
    assert claim(any_database, campaign) is not None


def test_what_is_sent_again_after_a_doubt_waits_for_the_window_too(any_database: Database) -> None:
    lost = doubtful.in_doubt(any_database, **daily(any_database, -1, 1))
    time_goes_by(any_database, 2)

    resolve(lost.attempt_id, "resend", **doubtful.WHY, database=any_database)
    making.fund(any_database)

    assert is_waiting(any_database, lost.campaign_id)
    openings.reckon(any_database)
    assert claim(any_database, lost.campaign_id) is not None


def test_what_a_policy_sends_again_waits_for_the_window_too(any_database: Database) -> None:
    lost = doubtful.overdue(any_database, **daily(any_database, -1, 1))
    time_goes_by(any_database, 2)

    assert policies.carry_out(any_database) == 1
    making.fund(any_database)

    assert is_waiting(any_database, lost.campaign_id)


def test_a_batch_that_came_back_unsent_waits_for_the_window_too(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), **daily(any_database, -1, 1))
    settling.release(any_database, making.claimed(any_database, campaign), "connection refused")

    time_goes_by(any_database, 2)

    assert is_waiting(any_database, campaign)


def test_a_retry_has_the_window_of_the_first_one(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), **daily(any_database, -1, 1))
    sent = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(sent, (0, MessageStatus.UNDELIVERED), (1, MessageStatus.DELIVERED)))

    retry = campaigns.retry(campaign, only=["undelivered"], database=any_database).id
    making.fund(any_database)
    time_goes_by(any_database, 2)

    assert is_waiting(any_database, retry)
    openings.reckon(any_database)
    assert list(making.claimed(any_database, retry).payload.numbers) == making.numbers(1)


def test_numbers_are_looked_up_at_any_time_and_texted_in_the_window(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(1), lookup=True, **daily(any_database, 1, 2))
    making.fund(any_database)
    assert turns.candidates(any_database, making.ACCOUNT, 9) == [campaign]
    assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 1

    asked = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(asked, (0, MessageStatus.DELIVERED)))
    lookups.clean(any_database, asked.batch_id, Prices({}))
    making.advance(any_database, campaign)

    assert (asked.kind, claims.seconds_left(any_database, asked)) == (AttemptKind.LOOKUP, float("inf"))
    assert making.state(any_database, campaign) == CampaignState.SENDING
    assert is_waiting(any_database, campaign)


def test_a_campaign_that_waits_for_its_window_can_be_cancelled(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), **daily(any_database, 1, 2))

    campaigns.cancel(campaign, database=any_database)
    making.advance(any_database, campaign)

    assert making.account(any_database, campaign).by_status == {"voided": 2}
    assert making.account(any_database, campaign).finished


def test_a_rated_campaign_does_not_catch_up_when_its_window_opens(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(9), rate=0.05, **daily(any_database, -1, 1))
    making.claimed(any_database, campaign)
    time_goes_by(any_database, 2)
    making.clock_goes_on(any_database, 12 * HOUR, campaigns_table.c.next_send_at)
    assert turns.next_turn(any_database, making.ACCOUNT) is None

    openings.reckon(any_database)

    assert turns.next_turn(any_database, making.ACCOUNT) == 0.0
    assert [claim(any_database, campaign) is not None for _ in range(3)].count(True) == 1


def test_lanes_that_claim_at_once_share_what_is_open_and_leave_none(any_database: Database) -> None:
    campaign = making.funded(
        any_database, [*making.numbers(12), *PARISIANS], batch_size=1, window="00:00-24:00", window_zone=RECIPIENT
    )

    def take_all() -> list[int]:
        found, misses = [], 0
        while misses < 20:  # another lane may be at the last one of a zone
            one = claim(any_database, campaign)
            misses += one is None
            found += [one.number] if one else []
        return found

    taken = making.at_once(*[take_all] * 4)

    assert sorted(number for some in taken for number in some) == list(range(1, 16))


def test_how_long_it_waits_is_counted_from_when_its_window_opened(any_database: Database) -> None:
    accounts.serve(any_database, [making.ACCOUNT])
    making.funded(any_database, making.numbers(2), **daily(any_database, 1, 5))
    making.clock_goes_on(any_database, 3 * HOUR, campaigns_table.c.created_at)
    with any_database.reading() as connection:
        closed = vitals.pending(connection)

    time_goes_by(any_database, 1.5)

    with any_database.reading() as connection:
        (found,) = vitals.pending(connection)
    assert closed == []
    assert 0.4 * HOUR <= found.oldest <= 0.6 * HOUR


def test_a_window_finds_its_batches_by_their_index_however_many_wait_or_are_over(any_database: Database) -> None:
    old_history(any_database)
    campaign = making.funded(
        any_database, [*making.numbers(300), *PARISIANS], batch_size=1, window="00:00-24:00", window_zone=RECIPIENT
    )
    making.change(any_database, update(table).where(table.c.zone == "CI").values(opens_at=tomorrow(any_database)))
    if not any_database.is_sqlite:
        making.change(any_database, text("ANALYZE"))

    with plans_of(any_database, "openings") as plans:
        claim(any_database, campaign)
        turns.candidates(any_database, making.ACCOUNT, 9)
        turns.count_claimable(any_database, making.ACCOUNT, 9)

    assert len(plans) == 4  # whoever counts looks for candidates first
    for plan in plans:
        assert "batches_windowed" in plan
        assert "Seq Scan on batches" not in plan
        assert "SCAN batches" not in plan


def test_however_many_wait_for_a_window_each_is_looked_up_by_its_key(postgresql: Database) -> None:
    count = f"generate_series(1, {MANY})"
    making.change(postgresql, text("ALTER TABLE openings SET (autovacuum_enabled = false)"))  # it has no statistics
    for statement in (
        f"""INSERT INTO campaigns (account, name, spec, wire_text, state, windowed)
            SELECT 'default', 'x', '{{}}', '', 'sending', true FROM {count}""",
        """INSERT INTO openings (campaign_id, zone, opens_at, closes_at)
            SELECT id, 'UTC', now() + interval '3 hours', now() + interval '4 hours' FROM campaigns""",
    ):
        making.change(postgresql, text(statement))

    with plans_of(postgresql, "openings") as plans:
        turns.candidates(postgresql, making.ACCOUNT, 9)

    (plan,) = plans
    assert "openings_pk" in plan
    assert "openings_closes_at" not in plan


def test_a_campaign_is_shut_until_the_first_of_its_windows_opens(any_database: Database) -> None:
    clock = any_database.clock()
    campaign = making.funded(any_database, making.numbers(2), **daily(any_database, 1, 2, clock=clock))
    early = shut_until(any_database, campaign)
    time_goes_by(any_database, 3)

    openings.reckon(any_database)

    assert early == (clock + timedelta(hours=1)).replace(second=0, microsecond=0)
    assert shut_until(any_database, campaign) == early


def shut_until(database: Database, campaign_id: int) -> datetime | None:
    with database.reading() as connection:
        found = select(campaigns_table.c.shut_until).where(campaigns_table.c.id == campaign_id)
        return connection.execute(found).scalar_one()


@pytest.mark.parametrize("hours", [-12.0, -0.2])
def test_a_clock_that_was_set_back_keeps_no_window_shut(any_database: Database, hours: float) -> None:
    campaign = making.funded(any_database, making.numbers(2), **daily(any_database, -1, 1))

    making.clock_steps(any_database, hours * HOUR)
    openings.reckon(any_database)

    assert claim(any_database, campaign) is not None


class TestJustBeforeConnecting:
    def test_a_claim_knows_how_long_its_window_is_open(self, any_database: Database) -> None:
        campaign = making.funded(any_database, making.numbers(2), **daily(any_database, -1, 1))
        found = making.claimed(any_database, campaign)

        left = claims.seconds_left(any_database, found)
        time_goes_by(any_database, 2)

        assert HOUR - 120 <= left <= HOUR  # windows have minutes, and the time that it took is off, too
        assert claims.seconds_left(any_database, found) == 0.0

    def test_one_without_a_window_may_be_sent_at_any_time(self, any_database: Database) -> None:
        found = making.claimed(any_database, making.funded(any_database, making.numbers(1)))

        assert claims.seconds_left(any_database, found) == float("inf")


class TestByEachNumbersCountry:
    def test_a_batch_is_of_one_country_and_the_others_do_not_wait_for_it(self, any_database: Database) -> None:
        both = [number for pair in zip(making.numbers(3), PARISIANS, strict=True) for number in pair]
        campaign = making.funded(any_database, both, window="00:00-24:00", window_zone=RECIPIENT)
        making.change(any_database, update(table).where(table.c.zone == "CI").values(opens_at=tomorrow(any_database)))

        found = making.claimed(any_database, campaign)

        assert (found.zone, list(found.payload.numbers)) == ("FR", PARISIANS)
        assert claim(any_database, campaign) is None
        assert turns.candidates(any_database, making.ACCOUNT, 9) == []
        making.change(any_database, update(table).values(opens_at=any_database.clock() - timedelta(hours=1)))
        assert list(making.claimed(any_database, campaign).payload.numbers) == making.numbers(3)

    def test_lanes_find_the_open_ones_behind_any_number_of_closed_ones(self, any_database: Database) -> None:
        campaign = making.funded(
            any_database, [*making.numbers(6), *PARISIANS], batch_size=1, window="00:00-24:00", window_zone=RECIPIENT
        )
        making.change(any_database, update(table).where(table.c.zone == "CI").values(opens_at=tomorrow(any_database)))

        assert turns.count_claimable(any_database, making.ACCOUNT, 9) == 3
        assert [making.accepted(any_database, campaign).zone for _ in range(3)] == ["FR"] * 3
        assert is_waiting(any_database, campaign)

    def test_a_retry_keeps_countries_apart(self, any_database: Database) -> None:
        campaign = making.funded(
            any_database, [making.FIRST, PARISIANS[0]], window="00:00-24:00", window_zone=RECIPIENT
        )
        for found in making.all_accepted(any_database, campaign):
            making.reported(any_database, making.report(found, (0, MessageStatus.UNDELIVERED)))

        retry = campaigns.retry(campaign, only=["undelivered"], database=any_database).id
        making.fund(any_database)

        assert {found.zone for found in making.all_accepted(any_database, retry)} == {"CI", "FR"}

    def test_who_was_left_out_for_a_cap_keeps_the_country_in_a_retry(self, any_database: Database) -> None:
        cap = Cap(1, making.noon())
        making.claimed(any_database, making.funded(any_database, PARISIANS[:1]), cap=cap)
        campaign = making.funded(
            any_database, [making.FIRST, *PARISIANS[:2]], window="00:00-24:00", window_zone=RECIPIENT
        )
        assert {making.claimed(any_database, campaign, cap=cap).zone for _ in range(2)} == {"CI", "FR"}

        retry = campaigns.retry(campaign, only=["capped"], database=any_database).id
        making.fund(any_database)

        assert [(its.zone, list(its.payload.numbers)) for its in making.all_accepted(any_database, retry)] == [
            ("FR", PARISIANS[:1])
        ]

    def test_a_batch_that_finds_its_window_closed_takes_nobodys_place_in_a_cap(self, any_database: Database) -> None:
        cap = Cap(1, making.noon())
        campaign = making.funded(any_database, PARISIANS, window="00:00-24:00", window_zone=RECIPIENT)
        settling.release(any_database, making.claimed(any_database, campaign, cap=cap), "its window closed")

        assert list(making.claimed(any_database, campaign, cap=cap).payload.numbers) == PARISIANS

    def test_halves_of_a_refused_batch_keep_its_country(self, any_database: Database) -> None:
        campaign = making.funded(any_database, PARISIANS, window="00:00-24:00", window_zone=RECIPIENT)
        found = making.claimed(any_database, campaign)
        bisection.refuse(any_database, found, "-1", code=-1, prices=Prices({}))

        assert [half.zone for half in making.all_accepted(any_database, campaign)] == ["FR", "FR"]

    def test_what_is_never_open_in_all_zones_of_a_country_says_so(self, any_database: Database) -> None:
        campaign = making.funded(any_database, [12125550123], window="09:00-10:00", window_zone=RECIPIENT)

        assert is_waiting(any_database, campaign)
        assert openings.reckon(any_database) == 0
        assert waits_for(any_database, campaign) == (
            "its window, which never opens: at no time is it open in all time zones of US; cancel it, and submit it for"
            " them with a wider one"
        )

    def test_what_never_opens_is_not_looked_for_at_each_look(
        self, any_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign = making.funded(any_database, [12125550123], window="09:00-10:01", window_zone=RECIPIENT)
        waits_for(any_database, campaign)
        days: list[object] = []
        looked_at = windows._changes_of
        monkeypatch.setattr(windows, "_changes_of", lambda *of: [*looked_at(*of), *(days.append(of) or [])])

        campaigns.listing(database=any_database)

        assert "never opens" in waits_for(any_database, campaign)
        assert days == []

    def test_what_never_opens_is_forgotten_when_its_campaign_has_ended(self, any_database: Database) -> None:
        campaign = making.funded(any_database, [12125550123], window="09:00-10:00", window_zone=RECIPIENT)
        time_goes_by(any_database, 2)
        still, left = openings.reckon(any_database), stored(any_database)
        campaigns.cancel(campaign, database=any_database)
        making.advance(any_database, campaign)

        time_goes_by(any_database, 2)

        assert (still, openings.reckon(any_database), openings.reckon(any_database)) == (1, 1, 0)
        assert (len(left), stored(any_database)) == (1, [])


def stored(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(table.c.zone)).scalars())


class TestOnAHostThatLacksATimeZone:
    @pytest.fixture(params=["Africa/Lagos", RECIPIENT])
    def lost(self, any_database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
        """A campaign whose clocks were known when it was expanded; its opening is over, as another's is."""
        window = {**daily(any_database, -1, 1), "window_zone": request.param, "window": "00:00-24:00"}
        campaign = making.funded(any_database, [2348012345678], **window)
        making.change(any_database, update(table).values(closes_at=any_database.clock() - timedelta(hours=1)))

        def lacking(name: str) -> ZoneInfo:
            if name == "Africa/Lagos":
                raise ZoneInfoNotFoundError(name)
            return ZoneInfo(name)

        monkeypatch.setattr(clocks, "ZoneInfo", lacking)
        clocks.zones_of.cache_clear()
        return campaign

    def test_its_campaign_is_paused_with_the_reason_and_the_others_go_on(
        self, any_database: Database, lost: int
    ) -> None:
        other = making.funded(any_database, making.numbers(2), **daily(any_database, -1, 1))
        time_goes_by(any_database, 2)

        openings.reckon(any_database)

        assert claim(any_database, other) is not None
        assert "of which a worker's host lacks a time zone: bring the package `tzdata`" in waits_for(any_database, lost)
        assert openings.reckon(any_database) == 0  # it stands in nobody's way

    def test_it_goes_on_once_the_zone_is_there_and_it_is_resumed(
        self, any_database: Database, lost: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        openings.reckon(any_database)
        monkeypatch.setattr(clocks, "ZoneInfo", ZoneInfo)

        campaigns.resume(lost, database=any_database)
        time_goes_by(any_database, 0.1)
        openings.reckon(any_database)

        assert claim(any_database, lost) is not None

    def test_a_list_of_campaigns_has_it_too(self, any_database: Database, lost: int) -> None:
        (line,) = campaigns.listing(database=any_database)
        assert (line.id, making.account(any_database, lost).window_opens_at) == (lost, None)

    def test_one_that_has_nothing_to_send_is_not_paused(self, any_database: Database, lost: int) -> None:
        making.change(any_database, update(batches_table).values(state=BatchState.ACCEPTED))

        assert openings.reckon(any_database) == 1
        assert making.account(any_database, lost).paused_at is None


def tomorrow(database: Database) -> datetime:
    return database.clock() + timedelta(days=1)


class TestWhatIsSaid:
    def test_a_campaign_says_when_its_window_opens_by_the_clock_of_its_zone(self, any_database: Database) -> None:
        clock = any_database.clock()
        campaign = making.funded(any_database, making.numbers(1), **daily(any_database, 2, 3, clock=clock))
        opens = clock + timedelta(hours=2)

        said = waits_for(any_database, campaign)
        (line,) = campaigns.listing(database=any_database)
        account = making.account(any_database, campaign)

        assert said == f"its window, which opens {opens:%a %Y-%m-%d %H:%M} UTC"
        assert line.reason == f"waits for {said}"
        assert account.window_opens_at == opens.replace(second=0, microsecond=0)
        assert account.window == f"mon-sun {opens:%H:%M}-{opens + timedelta(hours=1):%H:%M}"
        assert account.window_zone == "UTC"

    def test_numbers_of_a_country_are_told_its_own_time(self, any_database: Database) -> None:
        clock = any_database.clock() + timedelta(hours=2)
        lagos = f"{clock + timedelta(hours=1):%H:%M}-{clock + timedelta(hours=2):%H:%M}"
        campaign = making.funded(any_database, [2348012345678], window=lagos, window_zone=RECIPIENT)

        shown = f"{clock + timedelta(hours=1):%a %Y-%m-%d %H:%M} Africa/Lagos, for numbers of NG"
        assert waits_for(any_database, campaign) == f"its window, which opens {shown}"

    def test_it_says_nothing_while_the_window_is_open_or_nothing_is_left_to_be_sent(
        self, any_database: Database
    ) -> None:
        campaign = making.funded(any_database, making.numbers(2), batch_size=1, **daily(any_database, -1, 1))
        account = making.account(any_database, campaign)
        assert (account.waits_for, account.window_opens_at) == (None, None)

        making.all_delivered(any_database, *making.all_accepted(any_database, campaign))
        making.advance(any_database, campaign)
        time_goes_by(any_database, 2)

        assert making.account(any_database, campaign).window_opens_at is None
        assert openings.reckon(any_database) == 1
        with any_database.reading() as connection:
            assert connection.execute(select(table)).all() == []  # of a campaign that has ended

    def test_one_that_is_to_begin_later_says_when_its_window_opens_after_that(self, any_database: Database) -> None:
        time = (any_database.clock() + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
        campaign = making.submitted(
            any_database, making.numbers(2), scheduled_at=time, window="10:00-11:00", window_zone="UTC"
        )

        account = making.account(any_database, campaign)

        assert account.window_opens_at == time + timedelta(hours=22)
        assert waits_for(any_database, campaign) == f"its time, {time:%Y-%m-%d %H:%M} UTC"

    def test_without_a_window_nothing_is_said_of_one(self, any_database: Database) -> None:
        account = making.account(any_database, making.funded(any_database, making.numbers(1)))
        assert (account.window, account.window_zone, account.window_opens_at) == (None, None, None)


def test_a_test_on_ones_own_phone_comes_when_it_is_asked_for(any_database: Database) -> None:
    asked = {"name": "Rappel", "template": "Bonjour", "sender": making.SENDER, **daily(any_database, 1, 2)}

    tried = campaigns.try_out(asked, [{"tel": "+2250700000001"}], ["+2250700000002"], database=any_database)
    making.fund(any_database)

    assert claim(any_database, tried.campaign.id) is not None


def test_what_somebody_has_locked_is_reckoned_in_the_next_round(postgresql: Database) -> None:
    campaign = making.funded(postgresql, making.numbers(2), **daily(postgresql, -1, 1))
    time_goes_by(postgresql, 2)
    with postgresql.transaction() as connection:
        connection.execute(select(campaigns_table).where(campaigns_table.c.id == campaign).with_for_update()).one()
        locked = openings.reckon(postgresql)

    assert (locked, openings.reckon(postgresql), openings.reckon(postgresql)) == (0, 1, 0)
    assert claim(postgresql, campaign) is not None


def test_two_sweeps_at_once_reckon_each_opening_once(any_database: Database) -> None:
    for _ in range(5):
        making.funded(any_database, making.numbers(1), **daily(any_database, -1, 1))
    time_goes_by(any_database, 2)

    making.at_once(*[lambda: openings.reckon(any_database)] * 4)
    openings.reckon(any_database)  # whoever was locked by two

    assert len(turns.candidates(any_database, making.ACCOUNT, 9)) == 5
