"""What travels for a claimed batch, and what a lane makes of what comes back."""

import time
import zlib
from datetime import timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import select, update

import campaigns
from campaigns import accounts, claims, lifecycle, models, turns
from campaigns.claims import Claim
from campaigns.database import Database, DatabaseAway
from campaigns.payload import Payload
from campaigns.settings import domain_settings
from campaigns.states import AttemptKind, AttemptState
from campaigns.text import Alphabet
from tests.campaigns.making import (
    FIRST,
    attempt,
    change,
    clock_goes_on,
    fund,
    noon,
    numbers,
    stays_away,
    submitted,
    troubles,
)
from tests.worker.workshop import ACCOUNTS, ScriptedGateway, Workshop, accepted, refused_with, sent_to_the_end
from worker import sending
from worker.sending import Tally, send_slice, sending_of
from worker.smseco.errors import BadReply, InDoubt, NotSent, ReadFailed, Unreachable
from worker.smseco.values import Receipt, Sending

ABIDJAN, OUAGA = 2250700000001, 22670000002


def claim(**changes: Any) -> Claim:
    given = {
        "attempt_id": 1,
        "kind": AttemptKind.SEND,
        "msgid": "0a1b",
        "account": "main",
        "campaign_id": 7,
        "batch_id": 70,
        "number": 3,
        "payload": Payload([1, 2], [ABIDJAN, OUAGA], [1, 1], [["Awa", "5"], ["Bob", "6"]]),
        "alphabet": Alphabet.GSM7,
        "merged": True,
        "wire_text": "Bonjour {f1}, {f2} F",
        "sender": None,
        "flash": False,
    }
    return Claim(**(given | changes))


def test_a_merged_batch_travels_with_its_text_and_its_fields() -> None:
    sending = sending_of(claim(), "CLINIQUE")
    assert (sending.text, sending.fields) == ("Bonjour {f1}, {f2} F", ("f1", "f2"))
    assert sending.values == [["Awa", "5"], ["Bob", "6"]]
    assert (sending.sender, sending.msgid, sending.numbers) == ("CLINIQUE", "0a1b", [ABIDJAN, OUAGA])


def test_a_finished_batch_travels_as_one_field() -> None:
    payload = Payload([1], [ABIDJAN], [1], [["Bonjour {Awa}"]])
    sending = sending_of(claim(merged=False, payload=payload, wire_text="not this"), "CLINIQUE")
    assert sending.values == [["Bonjour {Awa}"]]
    assert sending.text == "{" + sending.fields[0] + "}"


def test_a_batch_without_fields_is_a_plain_send() -> None:
    sending = sending_of(claim(payload=Payload([1], [ABIDJAN], [1], [[]]), wire_text="Bonjour"), "CLINIQUE")
    assert (sending.text, sending.fields, sending.values) == ("Bonjour", (), None)


@pytest.mark.parametrize(("alphabet", "unicode"), [(Alphabet.GSM7, False), (Alphabet.UCS2, True)])
def test_only_a_ucs2_batch_travels_with_unicode(alphabet: Alphabet, unicode: bool) -> None:
    assert sending_of(claim(alphabet=alphabet), "CLINIQUE").unicode is unicode


@pytest.mark.parametrize("flash", [False, True])
def test_flash_travels_as_it_was_asked_for(flash: bool) -> None:
    assert sending_of(claim(flash=flash), "CLINIQUE").flash is flash


def test_a_lane_says_what_it_did_in_ids_and_counts() -> None:
    tally = Tally(accepted=1_500)
    assert str(tally) == "nothing to send"
    for campaign_id, number in [(12, 345), (12, 347), (12, 346), (3, 1)]:
        tally.add(claim(campaign_id=campaign_id, number=number))
    assert str(tally) == "campaign 12, batches 345–347; campaign 3, batch 1, 1,500 accepted"
    for campaign_id in range(20, 26):
        tally.add(claim(campaign_id=campaign_id, number=1))
    assert str(tally).endswith("; and 3 more campaigns, 1,500 accepted")


def test_a_gateway_that_leaves_requests_in_doubt_is_not_given_one_after_the_other(any_database: Database) -> None:
    def maintenance(_sending: Sending) -> Receipt:
        raise InDoubt("HTTP 503")

    made = submitted(any_database, numbers(30), batch_size=1)
    fund(any_database)
    gateway = ScriptedGateway(answer=maintenance)
    workshop = Workshop(any_database, gateway)
    send_slice(workshop, "default", 1)
    stays_away(any_database)
    send_slice(workshop, "default", 1)
    assert len(gateway.sent) == 1
    progress = campaigns.progress(made, database=any_database)
    assert progress.by_status == {"pending": 29, "in_doubt": 1}
    assert "503" in str(progress.waits_for)


@pytest.fixture
def doubtful(any_database: Database) -> Database:
    """A database whose account had requests in doubt, and may be tried again; two campaigns of three batches wait."""
    for first in (0, 3):
        submitted(any_database, numbers(6)[first : first + 3], batch_size=1)
    fund(any_database)
    accounts.away(any_database, "default", "HTTP 503", doubtful=True)
    clock_goes_on(any_database, 60, models.accounts.c.away_until)
    return any_database


def test_where_requests_fell_in_doubt_one_lane_tries_again_and_no_other(doubtful: Database) -> None:
    gateway = ScriptedGateway()
    workshop = Workshop(doubtful, gateway)

    assert turns.count_claimable(doubtful, "default", 9) == 1
    assert not send_slice(workshop, "default", 2).more
    assert gateway.sent == []
    assert send_slice(workshop, "default", 1).more
    assert gateway.sent
    assert not accounts.is_doubtful(doubtful, "default")


@pytest.mark.parametrize("error", [BadReply("HTTP 503"), Unreachable("no answer in time")], ids=str)
def test_nothing_is_sent_for_a_try_while_the_balance_cannot_be_read(doubtful: Database, error: ReadFailed) -> None:
    def still_broken() -> None:
        raise error

    gateway = ScriptedGateway(before_balance=still_broken)

    turn = send_slice(Workshop(doubtful, gateway), "default", 1)

    assert (turn.more, gateway.sent) == (False, [])
    assert turns.candidates(doubtful, "default", 1) == []
    assert accounts.is_doubtful(doubtful, "default")


def test_a_try_that_falls_in_doubt_is_one_batch(doubtful: Database) -> None:
    def maintenance(_sending: Sending) -> Receipt:
        raise InDoubt("HTTP 503")

    gateway = ScriptedGateway(answer=maintenance)
    workshop = Workshop(doubtful, gateway)
    for lane in (1, 2, 3, 4):
        send_slice(workshop, "default", lane)

    assert len(gateway.sent) == 1


def test_a_balance_that_can_be_asked_does_not_show_that_sends_are_well_again(any_database: Database) -> None:
    accounts.away(any_database, "default", "HTTP 503", doubtful=True)
    stays_away(any_database)
    accounts.back(any_database, "default", proven=False)
    submitted(any_database, numbers(1))
    fund(any_database)
    assert turns.candidates(any_database, "default", 1) == []
    accounts.back(any_database, "default")
    assert len(turns.candidates(any_database, "default", 1)) == 1


def test_no_lane_waits_for_a_gate_that_opens_late(any_database: Database) -> None:
    submitted(any_database, numbers(2), rate=0.01)
    fund(any_database)
    workshop = Workshop(any_database, ScriptedGateway())
    assert send_slice(workshop, "default", 1).more
    turn = send_slice(workshop, "default", 1)
    assert (turn.more, turn.after) == (False, None)


def test_one_lane_waits_for_a_gate_that_opens_soon(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LONGEST_WAIT_SECONDS", 20.0)  # so soon that no machine comes after it
    submitted(any_database, numbers(2), rate=0.05)
    fund(any_database)
    workshop = Workshop(any_database, ScriptedGateway())
    send_slice(workshop, "default", 1)
    after = send_slice(workshop, "default", 1).after
    assert after is not None
    assert 0 < after <= 20
    assert send_slice(workshop, "default", 2).after is None


def test_no_lane_waits_for_an_open_gate_while_the_gateway_is_away(any_database: Database) -> None:
    submitted(any_database, numbers(9), rate=10)
    fund(any_database)
    workshop = Workshop(any_database, ScriptedGateway())
    send_slice(workshop, "default", 1)
    clock_goes_on(any_database, 60)
    accounts.away(any_database, "default", "connection refused")
    stays_away(any_database)

    turn = send_slice(workshop, "default", 1)

    assert (turn.did, turn.more, turn.after) == ("nothing to send", False, None)


def test_a_request_may_begin_only_for_so_long_after_the_look_at_its_lease(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_by: list[float | None] = []

    class Noting(ScriptedGateway):
        def merge(self, sending: Sending, *, begin_by: float | None = None) -> Receipt:
            begun_by.append(begin_by)
            return super().send(sending)

    def looked(*_: Any, **__: Any) -> bool:
        begun_by.append(monotonic())
        return True

    submitted(any_database, numbers(1))
    fund(any_database)
    monkeypatch.setattr(claims, "holds_lease", looked)
    gateway = Noting()

    sent_to_the_end(any_database, gateway)

    look, latest = begun_by
    assert latest is not None
    assert look is not None
    assert latest - gateway.longest_beginning <= look


def test_what_cannot_be_made_a_sending_has_not_left(any_database: Database) -> None:
    made = submitted(any_database, numbers(1))
    fund(any_database)
    change(any_database, update(models.campaigns).values(wire_text="Bonjour \x01"))
    gateway = ScriptedGateway()

    sent_to_the_end(any_database, gateway)

    progress = campaigns.progress(made, database=any_database)
    assert (gateway.sent, progress.by_status) == ([], {"refused": 1})


def test_a_campaign_that_breaks_is_in_no_other_s_way_and_is_paused_the_third_time(
    any_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    bad = submitted(any_database, numbers(4), batch_size=1)
    good = submitted(any_database, numbers(4, first=FIRST + 100), batch_size=1)
    fund(any_database)

    def answer(sending: Sending) -> Receipt:
        if sending.numbers[0] < FIRST + 100:
            raise KeyError(str(sending.numbers[0]))
        return accepted(sending)

    sent_to_the_end(any_database, ScriptedGateway(answer=answer))

    assert campaigns.progress(good, database=any_database).by_status == {"in_flight": 4}
    progress = campaigns.progress(bad, database=any_database)
    assert progress.by_status == {"sending": 3, "pending": 1}  # nobody knows whether they left
    assert "its batches could not be seen to, three times: KeyError in answer" in str(progress.waits_for)
    assert str(FIRST) not in caplog.text


@pytest.mark.parametrize("payload", [b"\0damaged", b"", zlib.compress(b"[1"), zlib.compress(b"[[1],[2]]")], ids=str)
def test_a_batch_that_is_damaged_pauses_its_campaign_at_once_and_leaves_no_doubt(
    any_database: Database, payload: bytes
) -> None:
    bad = submitted(any_database, numbers(4), batch_size=2)
    good = submitted(any_database, numbers(2, first=FIRST + 100))
    fund(any_database)
    b = models.batches.c
    change(any_database, update(models.batches).where(b.campaign_id == bad, b.number == 2).values(payload=payload))
    gateway = ScriptedGateway()

    sent_to_the_end(any_database, gateway)

    assert campaigns.progress(good, database=any_database).by_status == {"in_flight": 2}
    progress = campaigns.progress(bad, database=any_database)
    assert progress.by_status == {"in_flight": 2, "pending": 2}
    assert "batch 2 is damaged in the database (" in str(progress.waits_for)
    with any_database.reading() as connection:
        states = connection.execute(select(models.attempts.c.state)).scalars().all()
    assert list(states) == ["accepted", "accepted"]


def test_a_campaign_of_which_nobody_can_tell_who_has_opted_out_is_paused_and_says_why(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = submitted(any_database, numbers(2))
    fund(any_database)
    monkeypatch.setenv("OPT_OUT_KEY", "a secret of some length")
    domain_settings.cache_clear()
    campaigns.opt_out(FIRST + 50, database=any_database)
    monkeypatch.undo()
    domain_settings.cache_clear()

    sent_to_the_end(any_database, ScriptedGateway())

    progress = campaigns.progress(made, database=any_database)
    assert progress.by_status == {"pending": 2}
    assert "another OPT_OUT_KEY than the settings have" in str(progress.waits_for)


def test_a_lane_texts_nobody_more_often_a_day_than_its_accounts_cap_allows(any_database: Database) -> None:
    made = [submitted(any_database, numbers(2)) for _ in range(3)]
    fund(any_database)
    gateway = ScriptedGateway()
    capped = {"default": {**ACCOUNTS["default"], "daily_cap": 2, "daily_cap_timezone": noon().key}}
    workshop = Workshop(any_database, gateway, accounts=capped)

    while send_slice(workshop, "default", 1).more:
        pass

    assert sum(len(sending.numbers) for sending in gateway.sent) == 4
    excluded = [campaigns.progress(campaign, database=any_database).excluded for campaign in made]
    assert sorted(excluded, key=len) == [{}, {}, {"capped": 2}]


def test_an_account_has_no_cap_unless_its_settings_say_so(any_database: Database) -> None:
    assert Workshop(any_database, ScriptedGateway()).cap("default") is None


def test_a_database_that_is_away_is_no_fault_of_a_campaign_s(any_database: Database) -> None:
    made = submitted(any_database, numbers(1))
    fund(any_database)

    def away(_sending: Sending) -> Receipt:
        raise DatabaseAway.__new__(DatabaseAway)

    with pytest.raises(DatabaseAway):
        send_slice(Workshop(any_database, ScriptedGateway(answer=away)), "default", 1)
    assert campaigns.progress(made, database=any_database).paused_at is None
    assert troubles(any_database) == []


def readings(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.execute(models.balance_readings.select()).all())


def test_the_balance_that_is_asked_before_another_try_is_kept(doubtful: Database) -> None:
    before = readings(doubtful)

    send_slice(Workshop(doubtful, ScriptedGateway(credits=Decimal(77))), "default", 1)

    assert readings(doubtful) == before + 1


def test_the_balance_that_is_asked_after_a_refusal_for_credits_is_kept(any_database: Database) -> None:
    submitted(any_database, numbers(1))
    fund(any_database)
    before = readings(any_database)

    send_slice(Workshop(any_database, ScriptedGateway(answer=refused_with(-6), credits=Decimal(0))), "default", 1)

    assert readings(any_database) == before + 1


def test_a_lane_that_has_taken_the_last_batch_claims_no_further_one_and_moves_the_campaign_on(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = submitted(any_database, numbers(2), batch_size=1)
    fund(any_database)
    really, asked = claims.claim, []

    def counted(*args: Any, **options: Any) -> Claim | None:
        asked.append(args)
        return really(*args, **options)

    monkeypatch.setattr(claims, "claim", counted)
    send_slice(Workshop(any_database, ScriptedGateway(answer=accepted)), "default", 1)

    assert len(asked) == 2
    assert campaigns.progress(made, database=any_database).state == "tracking"


def test_a_lane_that_finds_nothing_to_claim_moves_on_what_others_have_settled(any_database: Database) -> None:
    made = submitted(any_database, numbers(1))
    fund(any_database)
    workshop = Workshop(any_database, ScriptedGateway(answer=accepted))
    claim = claims.claim(any_database, made, lease_seconds=60)
    assert claim is not None
    sending.deliver(workshop, claim, Tally())
    before = campaigns.progress(made, database=any_database).state

    send_slice(workshop, "default", 1)

    assert (before, campaigns.progress(made, database=any_database).state) == ("sending", "tracking")


def test_a_campaign_is_moved_on_only_where_nothing_more_is_found_of_it(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To ask where it stands after each turn would cost the database a tenth of what sending does."""
    submitted(any_database, numbers(3), batch_size=1)
    fund(any_database)
    asked: list[Any] = []
    monkeypatch.setattr(lifecycle, "advance", lambda _connection, ids: asked.append(ids))
    monkeypatch.setattr(sending, "SLICE_SECONDS", 0.0)

    assert send_slice(Workshop(any_database, ScriptedGateway(answer=accepted)), "default", 1).more
    assert asked == []


class TestAWindowThatCloses:
    """Between the claim and the first byte."""

    @pytest.fixture
    def windowed(self, any_database: Database) -> int:
        made = submitted(any_database, numbers(2), batch_size=1, window="00:00-24:00", window_zone="UTC")
        fund(any_database)
        return made

    def close(self, database: Database, *, in_seconds: float = 0.0) -> None:
        change(database, update(models.openings).values(closes_at=database.clock() + timedelta(seconds=in_seconds)))

    def deliver(self, database: Database, made: int, gateway: ScriptedGateway) -> Claim:
        found = claims.claim(database, made, lease_seconds=60)
        assert found is not None
        self.close(database)
        sending.deliver(Workshop(database, gateway), found, Tally())
        return found

    def test_after_the_claim_sends_nothing(self, any_database: Database, windowed: int) -> None:
        gateway = ScriptedGateway()

        found = self.deliver(any_database, windowed, gateway)

        assert gateway.sent == []
        assert attempt(any_database, found).state == AttemptState.NOT_SENT
        assert campaigns.progress(windowed, database=any_database).by_status == {"pending": 2}

    def test_bounds_the_moment_by_which_the_first_byte_leaves(self, any_database: Database, windowed: int) -> None:
        begun: list[float] = []

        class Noting(ScriptedGateway):
            def send(self, sending: Sending, *, begin_by: float | None = None) -> Receipt:
                begun.append((begin_by or 0.0) - monotonic())
                return super().send(sending)

            merge = send

        self.close(any_database, in_seconds=30.0)
        sent_to_the_end(any_database, Noting())

        assert len(begun) == 2
        assert all(0.0 < seconds <= 30.0 for seconds in begun)

    def test_while_a_worker_is_stopped_before_it_connects_says_nothing_of_the_gateway(
        self, any_database: Database, windowed: int
    ) -> None:
        class Stopped(ScriptedGateway):
            def send(self, sending: Sending, *, begin_by: float | None = None) -> Receipt:
                self.sent.append(sending)
                while monotonic() <= (begin_by or 0.0):
                    time.sleep(0.05)
                raise NotSent("timed out")

            merge = send

        self.close(any_database, in_seconds=4.0)
        gateway = Stopped()
        send_slice(Workshop(any_database, gateway), "default", 1)

        progress = campaigns.progress(windowed, database=any_database)
        assert progress.by_status == {"pending": 2}
        assert len(gateway.sent) == 1
        assert "gateway" not in str(progress.waits_for)
