"""`campaigns doctor`: each planted fault is named, with what to do, and nothing private is."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from campaigns import accounts, heartbeats, journal, lifecycle, lineage, restoring, settling, steering, vitals
from campaigns.balances import Balance, note_balance
from campaigns.database import Database
from campaigns.models import attempts, balance_readings, bells, report_polls
from campaigns.models import campaigns as campaigns_table
from campaigns.models import heartbeats as heartbeats_table
from campaigns.reports import note_refusal
from campaigns.states import PollState
from tests.campaigns import making
from tests.worker.terminal import forget, run
from worker import spool, sweeping
from worker.checks import CHECKS, READS, Patient, requests, rounds
from worker.console.screen import lasting
from worker.doctor import examine
from worker.findings import Finding, Verdict, ok, warning, worst
from worker.language import speak
from worker.mark import Mark
from worker.settings import Settings
from worker.spool import Arrived

PASSWORD = "s3cret-9f1"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str, broker_url: str) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)  # away from any .env
    account = {"base_url": "http://127.0.0.1:9", "login": "toto", "password": PASSWORD, "sender": "CLINIQUE"}
    for name, value in {
        "DATABASE_URL": sqlite_url,
        "BROKER_URL": broker_url,
        "ACCOUNTS": json.dumps({"default": account}),
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    yield
    forget()


@pytest.fixture
def _purging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_TEXT_DAYS", "30")
    monkeypatch.setenv("KEEP_REPORTS_DAYS", "60")
    forget()


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """One where all is well: a worker has said what it has, and the sweep goes round."""
    made = Database(sqlite_url)
    accounts.serve(made, ["default"])
    heartbeats.note(made, [sweeping.HEARTBEAT, *map(sweeping.heartbeat, sweeping.LOOKS)])
    yield made
    made.close()


HERE = {name: check for name, check in CHECKS.items() if name not in ("workers", "queues", "beat")}
"""What can be well where no worker runs; those that need one are tried in `tests/system/test_planted_faults.py`."""


def examined() -> dict[str, Finding]:
    return dict(examine(Patient(offline=True), HERE))


def test_where_all_is_well_every_verdict_is_ok(database: Database) -> None:
    found = examined()
    assert {name: each.verdict for name, each in found.items()} == dict.fromkeys(HERE, Verdict.OK)
    assert worst(list(found.values())) == Verdict.OK


def the_sweep_is_silent(database: Database) -> None:
    making.clock_goes_on(database, rounds.SILENT_SECONDS + 1, heartbeats_table.c.beat_at)


def a_look_breaks(database: Database) -> None:
    the_sweep_is_silent(database)
    heartbeats.note(database, {*heartbeats.ages(database)} - {sweeping.heartbeat("rung")})


def a_doubt(database: Database, seconds: float = 60) -> None:
    settling.doubt(database, making.claimed(database, making.funded(database, making.numbers(3))), "lost")
    making.clock_goes_on(database, seconds, attempts.c.started_at)


def an_old_doubt(database: Database) -> None:
    a_doubt(database, requests.DOUBTFUL_SECONDS + 1)


def a_lost_reading(database: Database) -> None:
    journal.lose(database, journal.note(database, "default"))


def a_broken_body(database: Database) -> None:
    mine = update(report_polls).where(report_polls.c.id == making.stored(database))
    making.change(database, mine.values(state=PollState.BROKEN))


def a_bell_in_trouble(database: Database, key: str = "fund:default") -> None:
    row = {"key": key, "serial": 1, "until": database.clock(), "tries": 3, "trouble": "KeyError"}
    making.change(database, insert(bells).values(row))


def an_expansion_in_trouble(database: Database) -> None:
    a_bell_in_trouble(database, "expand:7")


def batches_in_trouble(database: Database) -> None:
    a_bell_in_trouble(database, "sends:7")


def spooled(account: str) -> None:
    its = Arrived(account, 7, b"22507", msgfid=None, cut=False, at=0.0)
    assert spool.write(Path("var/spool").absolute(), its)


def a_body_in_a_file(_database: Database) -> None:
    spooled("default")


def a_body_of_an_account_that_is_unknown_here(_database: Database) -> None:
    spooled("shop")


def a_drift(database: Database) -> None:
    for consumed in (10, 15):
        said = Balance(Decimal(1000 - consumed), Decimal(consumed), None, database.clock())
        note_balance(database, "default", said)


def a_gateway_that_is_away(database: Database) -> None:
    accounts.away(database, "default", "connection refused")


def a_campaign_that_paused_itself(database: Database) -> None:
    made = making.funded(database, making.numbers(3))
    with database.transaction() as connection:
        lifecycle.halt(connection, made, "the gateway refused it, -11")


def a_campaign_that_a_person_paused(database: Database) -> None:
    steering.pause(making.funded(database, making.numbers(3)), reason="the shop is closed", database=database)


def a_campaign_whose_login_was_refused(database: Database) -> None:
    making.submitted(database, making.numbers(3))
    refused = "the gateway refused to name balance and senders, refused: -4 Echec de l'Authentification"
    with database.transaction() as connection:
        assert lifecycle.halt_waiting(connection, "default", refused) == 1


def reports_that_are_refused_for_a_wrong_password(database: Database) -> None:
    refused = "it refuses to hand out delivery reports, refused: -4 Echec de l'Authentification"
    note_refusal(database, "default", refused)


def a_campaign_of_an_account_that_no_worker_has(database: Database) -> None:
    making.submitted(database, making.numbers(3), account="autre")


def expires_in(database: Database, hours: float) -> None:
    """The gateway says so of the account."""
    expires = database.clock() + timedelta(hours=hours)
    note_balance(database, "default", Balance(Decimal(10_000), None, expires, database.clock()))


def an_account_that_expires_before_its_campaigns_can_have_been_sent(database: Database) -> None:
    making.submitted(database, making.numbers(3_600), rate=0.1)
    expires_in(database, 9.01)


def an_account_that_has_expired(database: Database) -> None:
    making.submitted(database, making.numbers(3))
    expires_in(database, -5.01)


def a_campaign_that_cannot_be_paid(database: Database) -> None:
    making.submitted(database, making.numbers(3))
    making.fund(database, 2)


def lanes_that_stand_still(database: Database) -> None:
    making.funded(database, making.numbers(3))
    making.clock_goes_on(database, requests.STILL_SECONDS + 1, campaigns_table.c.created_at)


def a_set_back_that_was_noticed(database: Database) -> None:
    lineage.declare_set_back(database, "this host has seen request 9 of it", newest_attempt=4)


def a_set_back_that_only_the_mark_of_this_host_shows(database: Database) -> None:
    Mark(Path("var/spool").absolute(), lineage.read(database)).rise(9, "m9")


def a_restored_backup_that_was_seen_to(database: Database) -> None:
    making.accepted(database, making.funded(database, making.numbers(3)))
    restoring.carry_out(database)


PLANTED: dict[str, tuple[Callable[[Database], object], str, Verdict, str, str]] = {
    "silent sweep": (the_sweep_is_silent, "sweep", Verdict.TROUBLE, "silent for 6", "worker beat` running, and a"),
    "broken look": (a_look_breaks, "sweep", Verdict.TROUBLE, "breaks each time: rung", "worker's log"),
    "doubt": (a_doubt, "doubts", Verdict.WARNING, "1 request with 3 numbers, 3 credits at stake", "campaigns resolve"),
    "old doubt": (an_old_doubt, "doubts", Verdict.TROUBLE, "the oldest 60 min old", "campaigns doubts"),
    "lost reading": (a_lost_reading, "reports", Verdict.WARNING, "default: 1 reading", "campaigns reports"),
    "broken body": (a_broken_body, "reports", Verdict.TROUBLE, "default: 1 body", "campaigns reports --retry ID"),
    "file": (a_body_in_a_file, "spool", Verdict.WARNING, "1 body of reports in", "a worker on this host"),
    "stray file": (
        a_body_of_an_account_that_is_unknown_here,
        "spool",
        Verdict.TROUBLE,
        "1 file left alone in",
        "have ACCOUNTS name",
    ),
    "drift": (a_drift, "credits", Verdict.WARNING, "than our ledger: default: 5 more", "campaigns credits"),
    "expires": (
        an_account_that_expires_before_its_campaigns_can_have_been_sent,
        "balance",
        Verdict.WARNING,
        "default: it expires in 9 h, and campaign 1 will have been sent in 10 h at the earliest",
        "have the gateway's operator prolong it",
    ),
    "expired": (
        an_account_that_has_expired,
        "balance",
        Verdict.TROUBLE,
        "default: it expired 5 h ago, and campaign 1 is still to be sent",
        "have the gateway's operator prolong it",
    ),
    "bell": (
        a_bell_in_trouble,
        "work",
        Verdict.TROUBLE,
        "fund:default (3 tries: KeyError)",
        "fund: it is tried again by itself, every 5 min",
    ),
    "expansion": (an_expansion_in_trouble, "work", Verdict.TROUBLE, "expand:7", "expand: `campaigns resume ID`"),
    "batches": (batches_in_trouble, "work", Verdict.TROUBLE, "sends:7", "sends: `campaigns resume ID`"),
    "away": (a_gateway_that_is_away, "accounts", Verdict.WARNING, "default: connection refused", "operator"),
    "paused": (
        a_campaign_that_paused_itself,
        "campaigns",
        Verdict.TROUBLE,
        "is paused: the gateway",
        "put the reason right, then `campaigns resume 1`",
    ),
    "paused by a person": (
        a_campaign_that_a_person_paused,
        "campaigns",
        Verdict.WARNING,
        "campaign 1 is paused: the shop is closed",
        "campaigns resume 1",
    ),
    "paused by a wrong password": (
        a_campaign_whose_login_was_refused,
        "campaigns",
        Verdict.TROUBLE,
        "refused: -4",
        "correct ACCOUNTS__DEFAULT__LOGIN and ACCOUNTS__DEFAULT__PASSWORD where the workers run",
    ),
    "away by a wrong password": (
        reports_that_are_refused_for_a_wrong_password,
        "accounts",
        Verdict.WARNING,
        "refused: -4",
        "a worker has a wrong login or password: correct ACCOUNTS__DEFAULT__LOGIN",
    ),
    "unserved": (
        a_campaign_of_an_account_that_no_worker_has,
        "campaigns",
        Verdict.TROUBLE,
        "campaign 1 waits for a worker that has the account 'autre', and none has",
        "start a worker whose settings have the account (ACCOUNTS__NAME__…), or `campaigns cancel ID`",
    ),
    "credits": (
        a_campaign_that_cannot_be_paid,
        "campaigns",
        Verdict.WARNING,
        "campaign 1 is awaiting credits: ",
        "once its account has been topped up",
    ),
    "set back": (a_set_back_that_was_noticed, "backup", Verdict.TROUBLE, "seen request 9", "campaigns restored"),
    "mark": (
        a_set_back_that_only_the_mark_of_this_host_shows,
        "backup",
        Verdict.TROUBLE,
        "so nothing is sent: this host has seen request 9, which it does not know",
        "was a backup restored?",
    ),
    "restored": (a_restored_backup_that_was_seen_to, "backup", Verdict.WARNING, "nothing is known", "opt-outs"),
    "still": (lanes_that_stand_still, "pending", Verdict.TROUBLE, "nothing has left for 2 min", "queue `sending`"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_named_with_what_to_do(database: Database, fault: str) -> None:
    plant, check, verdict, what, remedy = PLANTED[fault]
    plant(database)
    found = examined()
    assert found[check].verdict == verdict
    assert what in found[check].what
    assert remedy in found[check].remedy
    assert (worst(list(found.values())) == Verdict.TROUBLE) == (verdict == Verdict.TROUBLE)


def test_a_stalled_campaign_is_trouble_once_no_report_will_settle_its_doubts(database: Database) -> None:
    a_doubt(database)
    making.advance(database)
    assert examined()["campaigns"].verdict == Verdict.WARNING
    making.clock_goes_on(database, requests.DOUBTFUL_SECONDS, attempts.c.started_at)
    assert examined()["campaigns"].verdict == Verdict.TROUBLE


def test_a_campaign_that_paused_itself_is_named_before_all_that_wait_for_credits(database: Database) -> None:
    for place in range(7):
        making.submitted(database, making.numbers(3, first=making.FIRST + 10 * place))
    making.fund(database, 2)
    a_campaign_that_paused_itself(database)
    found = examined()["campaigns"]
    assert (found.verdict, found.what.partition(" is")[0]) == (Verdict.TROUBLE, "campaign 8")


def test_an_account_that_outlives_its_campaigns_by_an_hour_is_good_for_so_long(database: Database) -> None:
    making.submitted(database, making.numbers(3_600), rate=0.1)
    expires_in(database, 11)
    assert examined()["balance"].verdict == Verdict.OK


def test_campaigns_of_an_account_that_no_worker_has_are_counted_and_others_named_beside_them(
    database: Database,
) -> None:
    for _ in range(2):
        a_campaign_of_an_account_that_no_worker_has(database)
    a_campaign_that_paused_itself(database)
    found = examined()["campaigns"]

    assert found.verdict == Verdict.TROUBLE
    assert found.what == (
        "2 campaigns, the first is 1, wait for a worker that has the account 'autre', and none has; "
        "campaign 3 is paused: the gateway refused it, -11"
    )
    assert found.remedy.endswith("`campaigns cancel ID`; put the reason right, then `campaigns resume 3`")


@pytest.mark.parametrize(
    "plant",
    [a_campaign_that_cannot_be_paid, a_campaign_of_an_account_that_no_worker_has, a_campaign_that_paused_itself],
)
def test_of_campaigns_that_wait_it_is_not_said_that_nothing_waits(
    database: Database, plant: Callable[[Database], object]
) -> None:
    plant(database)
    assert examined()["pending"] == ok("nothing waits that may leave now")


def kept_for_a_day_too_long(database: Database, days: float) -> None:
    made = making.funded(database, making.numbers(3))
    making.all_delivered(database, making.accepted(database, made))
    assert making.advanced(database, made) == "completed"
    making.clock_goes_on(database, days * 86_400.0, campaigns_table.c.completed_at, report_polls.c.stored_at)


@pytest.mark.usefixtures("_purging")
def test_what_should_have_been_purged_a_day_ago_is_counted_and_what_is_due_just_now_is_not(database: Database) -> None:
    kept_for_a_day_too_long(database, 30.5)
    assert examined()["retention"] == ok("what is to be purged is")

    kept_for_a_day_too_long(database, 31.5)
    found = examined()["retention"]

    assert found.what == "should have been purged a day ago: campaigns: 2, raw reports: 1"
    assert (found.verdict, "queue `campaigns`" in found.remedy) == (Verdict.WARNING, True)


def test_a_sweep_that_never_went_round_is_said_to_be_so(sqlite_url: str) -> None:
    assert examined()["sweep"].what == "the sweep has never gone round"


def test_a_database_that_is_not_migrated_is_one_trouble_and_hides_what_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch, empty_sqlite_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_sqlite_url)
    forget()
    found = examined()
    assert "run `campaigns migrate`" in found["database"].what
    assert found["sweep"] == warning("cannot be told without the database", "")
    assert found["broker"].verdict == Verdict.OK


def test_settings_that_are_refused_keep_no_other_check_from_being_made(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setenv("ACCOUNTS", json.dumps({"default": {"login": "", "password": PASSWORD}}))
    forget()
    found = examined()
    assert found["settings"].what == "ACCOUNTS: the account 'default': its login is empty"
    assert told_of(found, "ACCOUNTS") == {"gateway", "senders", "spool"}
    assert troubles(found) == {"settings"}
    assert {name for name, each in found.items() if each.verdict == Verdict.WARNING} == told_of(found, "ACCOUNTS")


def told_of(found: dict[str, Finding], setting: str) -> set[str]:
    """The checks that say that nothing can be told until that one is right."""
    left_out = warning(f"cannot be told until this setting is right: {setting}", "")
    return {name for name, each in found.items() if each == left_out}


def troubles(found: dict[str, Finding]) -> set[str]:
    return {name for name, each in found.items() if each.verdict == Verdict.TROUBLE}


def test_a_wrong_database_url_is_blamed_on_neither_the_broker_nor_the_gateway(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere/else")
    forget()
    found = dict(examine(Patient(), HERE))
    assert troubles(found) == {"settings", "gateway"}
    assert found["gateway"].what == "default: it cannot be reached (connection refused)"
    assert found["broker"].verdict == found["spool"].verdict == Verdict.OK
    assert told_of(found, "DATABASE_URL") == {*HERE} - {"settings", "broker", "gateway", "spool"}


def test_a_wrong_broker_url_keeps_what_needs_a_broker_from_being_told_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setenv("BROKER_URL", "nonsense")
    forget()
    found = dict(examine(Patient(offline=True)))
    assert troubles(found) == {"settings"}
    assert told_of(found, "BROKER_URL") == {"broker", "workers", "queues", "beat"}


def test_what_checks_read_are_settings() -> None:
    assert frozenset[str]().union(*READS.values()) <= {name.upper() for name in Settings.model_fields}
    assert READS.keys() <= CHECKS.keys()


def test_a_setting_that_no_check_reads_keeps_none_from_being_made(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setenv("LANES", "many")
    forget()
    found = examined()
    assert troubles(found) == {"settings"}
    assert {each.verdict for name, each in found.items() if name != "settings"} == {Verdict.OK}


def test_a_broker_that_is_away_is_named_without_what_lets_one_in(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setenv("BROKER_URL", f"redis://:{PASSWORD}@127.0.0.1:9/0")
    forget()
    result = run("doctor")
    assert "redis://127.0.0.1:9 cannot be reached" in result.stdout
    assert PASSWORD not in result.output
    assert result.exit_code == 1


def test_a_check_that_breaks_is_a_trouble_and_not_the_end() -> None:
    def broken(_patient: Patient) -> Finding:
        raise KeyError("2250700000001")

    found = dict(examine(Patient(), {"odd": broken, "even": lambda _: ok("well")}))
    assert found["odd"].verdict == Verdict.TROUBLE
    assert found["odd"].what == "the check itself broke (KeyError)"
    assert found["even"].verdict == Verdict.OK


def test_what_is_to_be_done_is_said_of_each_kind_of_work_once(database: Database) -> None:
    for key in ("expand:7", "expand:8", "fund:default", "poll:default", "sends:7"):
        a_bell_in_trouble(database, key)
    assert examined()["work"].remedy == (
        "see the worker's log for the traceback; "
        "expand, sends: `campaigns resume ID` has it tried again, once that is mended; "
        "fund, poll: it is tried again by itself, every 5 min"
    )


def test_a_drift_of_the_day_before_is_no_news(database: Database) -> None:
    a_drift(database)
    making.clock_goes_on(database, vitals.LATELY + 60, balance_readings.c.asked_at, balance_readings.c.confirmed_at)
    assert examined()["credits"].verdict == Verdict.OK


def test_nothing_private_is_said_whatever_is_wrong(database: Database) -> None:
    for plant, *_ in PLANTED.values():
        plant(database)
    for words in (["doctor"], ["doctor", "--json"]):
        said = run(*words).output
        assert PASSWORD not in said
        assert "22507" not in said


@pytest.mark.parametrize(
    ("verdicts", "is_worst"),
    [([], "ok"), (["ok", "warning"], "warning"), (["warning", "trouble", "ok"], "trouble")],
    ids=["none", "a warning", "a trouble"],
)
def test_the_worst_of_all_verdicts_counts(verdicts: list[str], is_worst: str) -> None:
    assert worst([Finding(Verdict(each), "") for each in verdicts]) == is_worst


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (119, "119 s"), (150, "2 min"), (7_200, "2 h"), (200_000, "2 days")],
)
def test_a_time_is_said_as_a_person_says_it(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_reasons_that_workers_wrote_are_shown_in_the_language_spoken_and_programs_read_them_as_they_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = making.funded(database, making.numbers(3))
    with database.transaction() as connection:
        lifecycle.halt(connection, campaign, "the gateway refused it, -8: Expéditeur non enregistré")
    monkeypatch.setenv("LC_ALL", "fr_CI.UTF-8")
    try:
        shown, read = run("doctor").stdout, run("doctor", "--json").stdout
    finally:
        speak("C")
    assert "la passerelle l’a refusée, -8: Expéditeur non enregistré" in shown
    assert "campaign 1 is paused: the gateway refused it, -8: Exp" in read


DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_the_doctor_has_every_check_in_its_order() -> None:
    page = (DOCS / "doctor.md").read_text(encoding="utf-8").split("## Every check")[1]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(CHECKS)


def test_the_picture_of_the_doctor_has_every_check_in_its_order() -> None:
    picture = (DOCS / "pictures" / "doctor.svg").read_text(encoding="utf-8")
    first = [
        text.strip() for text in re.findall(r'<text [^>]* x="0" [^>]*>([^<]*)</text>', picture.replace("&#160;", " "))
    ]
    assert [text for text in first if text in CHECKS] == list(CHECKS)
