"""Every way in which we hurt it: name → how, and where its campaigns may stop besides being completed.

A kill leaves a request in doubt that the gateway never got, or that it accepted and whose reports prove it: the first
kind may stop `stalled`, the second must be completed.
"""

from collections.abc import Mapping

from tests.chaos import deeds
from tests.chaos.injuries import (
    LOOKED_UP,
    STALLS,
    connections,
    during,
    gateway,
    killed,
    network,
    refused_with,
    stands_still,
    stopped,
)
from tests.chaos.rounds import Scenario
from tests.servers.ways import CLIENT, Blackhole, Delay, Drop

SEND, REPORTS = b"/sendsms", b"/getdlrs"

KILLS: Mapping[str, Scenario] = {
    "producer_mid_chunk": Scenario(
        "kills",
        "a producer dies in mid-chunk, and its campaign is submitted again",
        lambda this: int(this.struck() is not None),
        submit=deeds.producer_dies,
        point="taking_in",
        mend=deeds.submit_again,
    ),
    "mid_chunk": killed("mid_chunk", "messages of a chunk are written and not committed"),
    "between_chunks": killed("between_chunks", "one slice is expanded, the next is not begun"),
    "balance_asked": killed("balance_asked", "the balance is known, nothing is held"),
    "before_hold_commit": killed("before_hold_commit", "a hold is written and not committed"),
    "after_hold_commit": killed("after_hold_commit", "a hold is committed, no lane is woken"),
    "before_ring": killed("before_ring", "a bell counts as rung, and its task was never sent", passings=4),
    "bell_answered": killed("bell_answered", "a lane has its turn and does nothing with it", passings=4),
    "before_claim_commit": killed("before_claim_commit", "a claim is written and not committed", passings=5),
    "claimed": killed("claimed", "a claim is committed, its lease not looked at", passings=5, ends=STALLS),
    "before_connect": killed("before_connect", "the lease is looked at, no byte has left", passings=5, ends=STALLS),
    "first_byte": killed("first_byte", "the first byte is about to leave", passings=8, ends=STALLS),
    "mid_body": killed("mid_body", "half of the request is written", passings=5, ends=STALLS),
    "request_sent": killed("request_sent", "all is written, no reply has come", passings=5, ends=STALLS),
    "after_reply": killed("after_reply", "the reply is here, and nowhere else", passings=5),
    "before_settle_commit": killed("before_settle_commit", "a reply is written and not committed", passings=5),
    "after_settle_commit": killed("after_settle_commit", "a batch is settled, its lane goes no further", passings=5),
    "poll_noted": killed("poll_noted", "a poll is noted and never made", passings=2, also=deeds.spread),
    "after_poll": killed("after_poll", "reports are here, and nowhere else: a gap", also=deeds.spread),
    "after_journal": killed("after_journal", "reports are stored and not applied", also=deeds.spread),
    "mid_apply": killed("mid_apply", "reports are applied and not committed", also=deeds.spread),
    "after_apply": killed("after_apply", "reports are applied, campaigns not moved on", also=deeds.spread),
    "mid_adoption": killed("mid_adoption", "a doubt is adopted and not committed", also=deeds.lost_and_killed),
    "mid_lookup": killed("mid_lookup", "a lookup is settled, its answers not applied", passings=3, spec=LOOKED_UP),
    "mid_cleaning": killed("mid_cleaning", "a batch is cleaned and not committed", passings=2, spec=LOOKED_UP),
    "mid_sweep": killed("mid_sweep", "the sweep has looked at the leases and at nothing else"),
    "before_advance_commit": killed("before_advance_commit", "a campaign's next state is not committed", passings=3),
    "worker_dies": during(
        "kills", "the worker is killed as it comes", lambda this: deeds.process_dies("worker", this), ends=STALLS
    ),
    "beat_dies": during("kills", "the beat is killed as it comes", lambda this: deeds.process_dies("beat", this)),
    "all_die": during("kills", "worker, beat, broker and database at once", deeds.all_die, ends=STALLS),
    "cancelled_and_killed": during(
        "kills",
        "a campaign is cancelled, and its worker killed at once",
        lambda this: (deeds.cancelled(this), deeds.process_dies("worker", this)),
        ends=STALLS | {"cancelled"},
    ),
}

TIME: Mapping[str, Scenario] = {
    "stopped_claimed": stopped("claimed", "a claim's process sleeps past its lease before it looks at it"),
    "stopped_before_connect": stopped("before_connect", "… after it has looked at it"),
    "stopped_first_byte": stopped("first_byte", "… at its first byte", ends=STALLS),
    "stopped_mid_body": stopped("mid_body", "… with half of the request written", ends=STALLS),
    "stopped_after_reply": stopped("after_reply", "… with the reply in its hands"),
    "stopped_in_settle": stopped("before_settle_commit", "… in the transaction that settles it", deeds=["stop"]),
    "stopped_after_poll": stopped("after_poll", "a poller sleeps with reports in its hands", passings=1),
    "stopped_mid_apply": stopped("mid_apply", "a poller sleeps as it applies them", passings=1, deeds=["stop"]),
    "worker_stands_still": stands_still("worker", "the worker sleeps past every lease"),
    "beat_stands_still": stands_still("beat", "the beat sleeps past every lease"),
    "clock_is_wrong": Scenario(
        "time", "the worker's host is an hour ahead or behind", lambda this: this.hurt, deeds.elsewhere_in_time
    ),
}

NETWORK: Mapping[str, Scenario] = {
    "refused": connections("nobody listens for a while", lambda this: this.where.between.refuse(), lasts=4),
    "dropped": connections("connections are taken and closed", lambda this: this.where.between.all(Drop()), lasts=2),
    "dropped_by_reset": connections(
        "connections are taken and reset", lambda this: this.where.between.all(Drop(reset=True)), lasts=2
    ),
    "severed": connections(
        "all connections are cut again and again",
        deeds.repeated(lambda this: this.where.between.sever(reset=True), 3, 0.3),
        lasts=0,
    ),
    "late": connections(
        "everything comes later than anybody waits", lambda this: this.where.between.all(Delay(1.0)), lasts=4
    ),
    "blackhole": connections("nothing comes through", lambda this: this.where.between.all(Blackhole()), lasts=3),
    "one_way": connections(
        "requests arrive, and nothing comes back", lambda this: this.where.between.all(Blackhole(CLIENT)), lasts=3
    ),
    "request_cut": network("a send is cut in its body", SEND, "body", ends=STALLS),
    "request_reset": network("a send is reset in its body", SEND, "body", reset=True, ends=STALLS),
    "reply_cut": network("the reply to a send is cut", SEND, "reply"),
    "reply_reset": network("the reply to a send is reset", SEND, "reply", reset=True),
    "reply_swallowed": network("the reply to a send never comes", SEND, "silence", lasts=3),
    "reports_cut": network("a reply with reports is cut", REPORTS, "reply"),
    "reports_swallowed": network("a reply with reports never comes", REPORTS, "silence", lasts=3),
}

BROKER: Mapping[str, Scenario] = {
    "flush": during("broker", "every queue is wiped", deeds.flush),
    "flushes": during("broker", "every queue is wiped again and again", deeds.repeated(deeds.flush, 4, 0.5)),
    "broker_dies": during("broker", "the broker is killed and restarted", deeds.broker_dies),
    "broker_away": during("broker", "the broker is killed and away for a while", deeds.away),
}

DATABASE: Mapping[str, Scenario] = {
    "connections_cut": during("database", "every connection is cut", deeds.connections_cut, ends=STALLS),
    "connections_cut_again": during(
        "database",
        "every connection is cut again and again",
        deeds.repeated(deeds.connections_cut, 4, 0.4),
        ends=STALLS,
    ),
    "database_crashes": during("database", "the database is killed, and recovers", deeds.database_crashes, ends=STALLS),
}

GATEWAY: Mapping[str, Scenario] = {
    "drop_reply": gateway("drop_reply", "a reply never comes"),
    "reset": gateway("reset", "a reply is reset"),
    "cut_short": gateway("cut_short", "a reply is cut"),
    "http_500": gateway("http_500", "a reply is an HTTP 500"),
    "html_page": gateway("html_page", "a reply is a page of HTML"),
    "slow_body": gateway("slow_body", "a reply dribbles", seconds=3),
    "latency": gateway("latency", "a reply comes too late", seconds=2.5),
    "slow": gateway("slow", "a request is carried out long after it was given up", operation="send", seconds=2.5),
    "hang_up": gateway("hang_up", "a request is not carried out, and nothing is said", operation="send", ends=STALLS),
    "balance_html": gateway("html_page", "the balance is a page of HTML", operation="balance"),
    "reports_lost": gateway("drop_reply", "reports are handed out and never come", operation="reports"),
    "reports_reset": gateway("reset", "reports break off", operation="reports"),
    "reports_cut_short": gateway("cut_short", "reports end in mid-document", operation="reports"),
    "reports_500": gateway("http_500", "reports are an HTTP 500", operation="reports"),
    "report_duplicated": gateway("report_duplicated", "reports come twice in one reply", most=4),
    "report_repeated": gateway("report_repeated", "reports come again", most=4),
    "reports_shuffled": gateway(
        "reports_shuffled",
        "reports come in no order",
        most=4,
        also=lambda this: this.gateway.sandbox.settings(steps=True),
    ),
    "unknown_id": gateway(
        "unknown_id",
        "reports come that are nobody's",
        most=4,
        # One of them says of a number of ours that it is delivered, under the id of its own sending.
        also=lambda this: this.gateway.sandbox.settings(mix={"delivered": 1}),
    ),
    "report_before_reply": gateway("report_before_reply", "reports come before the reply", seconds=1),
    "no_credits": refused_with(
        -6, "sends are refused for want of credits", deeds.top_up, end="awaiting_credits", count=20
    ),
    "no_credits_once": gateway("refuse", "a send is refused for want of credits that are there", code=-6, most=1),
    "login_refused": refused_with(-4, "a send is refused for its login", deeds.resume, end="paused"),
    "row_refused": gateway("refuse", "a batch is refused as invalid", operation="send", code=-1, most=1),
    "two_compete": Scenario(
        "gateway",
        "two campaigns want what one can have",
        deeds.one_waits,
        submit=deeds.two_compete,
        mend=deeds.grant_what_is_missing,
        account="tight",
    ),
    "gateway_dies": during(
        "gateway",
        "the gateway is killed again and again, and restarted",
        deeds.repeated(deeds.gateway_dies, 3, 0.5),
        account="mortal",
        ends=STALLS,
    ),
    "gateway_away": during(
        "gateway", "the gateway is killed and away for a while", deeds.gateway_away, account="mortal", ends=STALLS
    ),
}

DOUBLED: Mapping[str, Scenario] = {
    "two_beats": Scenario("doubled", "two beats", lambda this: this.hurt, deeds.one_more("beat2")),
    "two_workers": Scenario("doubled", "two workers of one name", lambda this: this.hurt, deeds.one_more("worker2")),
    "tasks_twice": Scenario(
        "doubled", "every task comes twice", lambda this: this.where.failpoints.doubled(), deeds.doubled
    ),
    "submitted_twice": Scenario(
        "doubled", "one campaign is submitted twice at once", lambda this: this.hurt, submit=deeds.twice_at_once
    ),
}

SCENARIOS: Mapping[str, Scenario] = {**KILLS, **TIME, **NETWORK, **BROKER, **DATABASE, **GATEWAY, **DOUBLED}
