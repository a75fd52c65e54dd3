"""Which two jobs can meet in which scene. How they are raced, and what must hold after, is `test_races`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import campaigns
from campaigns.database import Database
from campaigns.states import MessageStatus
from tests.chaos import jobs, scenes
from tests.chaos.interleaving import Job
from tests.chaos.scenes import Scene

NO = "the gateway did not take it"
YES = "the gateway took it"


@dataclass(frozen=True)
class Doing:
    """What somebody does.

    Attributes:
        make: the scene → the job.
        truth: what became of the scene's request, if the job knows: two jobs that know otherwise never meet.
        worker: it is done by the request's own worker, who does one thing only.
    """

    make: Callable[[Scene], Job]
    truth: str = ""
    worker: bool = False

    def may_meet(self, other: "Doing") -> bool:
        """Whether both can happen to the same request."""
        return not (self.worker and other.worker) and {self.truth, other.truth} != {YES, NO}


S = MessageStatus

PEOPLE = {
    "cancel": Doing(partial(jobs.allowed, campaigns.cancel)),
    "pause": Doing(partial(jobs.allowed, campaigns.pause)),
    "resume": Doing(jobs.resume),
}
ALWAYS = {
    "claim": Doing(jobs.claim),
    "claim without one": Doing(jobs.claim_without),
    "opt-out": Doing(jobs.opt_out),
    "advance": Doing(jobs.advance),
    "sweep": Doing(jobs.sweep),
    **PEOPLE,
}
REPLIES = {
    "accept": Doing(jobs.accept, YES, worker=True),
    "accept in part": Doing(partial(jobs.accept, left_out=1), YES, worker=True),
    "refuse": Doing(jobs.refuse, NO, worker=True),
    "release": Doing(jobs.release, NO, worker=True),
    "doubt": Doing(jobs.doubt, worker=True),
}
IN_THE_AIR = {
    **ALWAYS,
    **REPLIES,
    "accept, not consistent": Doing(partial(jobs.accept, left_out=1, consistent=False), YES, worker=True),
    "-6": Doing(jobs.no_credits, NO, worker=True),
    "-1": Doing(jobs.cut_in_halves, NO, worker=True),
    "expire": Doing(jobs.expire),
    "early report": Doing(jobs.early_report, YES),
    "delivered": Doing(jobs.says(S.DELIVERED, S.REJECTED)),
    "give up": Doing(jobs.give_up),
    "run out": Doing(jobs.run_out),
    "top-up": Doing(jobs.top_up),
}
IN_DOUBT = {
    **ALWAYS,
    **REPLIES,
    "adopt": Doing(jobs.adopt, YES),
    "early report": Doing(jobs.early_report, YES),
    "expire": Doing(jobs.expire),
    "run out": Doing(jobs.run_out),
    **{what: Doing(partial(jobs.decide, what=what)) for what in ("accepted", "resend", "write_off")},
}
LATE = {
    **ALWAYS,
    "late accept": REPLIES["accept"],
    "late accept in part": REPLIES["accept in part"],
    "late release": REPLIES["release"],
    "late doubt": REPLIES["doubt"],
    "adopt": Doing(jobs.adopt, YES),
    "early report": Doing(jobs.early_report, YES),
    "top-up": Doing(jobs.top_up),
}
CROWD = {
    "lanes": Doing(jobs.lanes),
    "sweep": Doing(jobs.sweep),
    "settle all": Doing(jobs.settle_all, YES),
    "ask": Doing(jobs.ask),
    "ask for doubts": Doing(jobs.ask_for_doubts),
    "put back": Doing(jobs.put_back),
    "give up": Doing(jobs.give_up),
    "cancel": PEOPLE["cancel"],
    "fund": Doing(jobs.fund),
    "claim": ALWAYS["claim"],
    "resend": Doing(partial(jobs.decide, what="resend")),
}

MEETINGS: Mapping[str, tuple[Callable[[Database], Scene], Mapping[str, Doing]]] = {
    "in the air": (scenes.in_the_air, IN_THE_AIR),
    "rated": (
        scenes.rated,
        {
            **ALWAYS,
            "accept": REPLIES["accept"],
            "release": REPLIES["release"],
            "change of rate": Doing(jobs.change_rate),
        },
    ),
    "in doubt": (scenes.in_doubt, IN_DOUBT),
    "shown": (scenes.alone_in_doubt, IN_DOUBT),
    "resent": (scenes.resent, LATE),
    "resent and in the air": (scenes.resent_and_in_the_air, LATE),
    "crowd": (scenes.crowd, CROWD),
    "ready to go on": (
        scenes.ready_to_go_on,
        {name: CROWD[name] for name in ("lanes", "sweep", "ask", "put back", "give up", "cancel")},
    ),
    "being looked up": (
        scenes.being_looked_up,
        {**ALWAYS, **REPLIES, "-11": Doing(jobs.not_allowed, NO, worker=True), "deadline": Doing(jobs.clean)},
    ),
    "looked up": (
        scenes.looked_up,
        {
            **ALWAYS,
            "answers": Doing(jobs.says(S.DELIVERED, S.NOT_SENT)),
            "other answers": Doing(jobs.says(S.UNDELIVERED, S.DELIVERED)),
            "deadline": Doing(jobs.clean),
            "ask": Doing(jobs.ask),
        },
    ),
    "poor": (
        scenes.poor,
        {
            **ALWAYS,
            **REPLIES,
            "fund, before": Doing(jobs.fund),
            "fund, after": Doing(partial(jobs.fund, took=2), YES),
            "top-up": Doing(jobs.top_up),
            "-6": Doing(jobs.no_credits, NO, worker=True),
        },
    ),
    "handed over": (
        scenes.handed_over,
        {**ALWAYS, "expand": Doing(jobs.expand), "fund": Doing(jobs.fund), "submit again": Doing(jobs.submit_again)},
    ),
    "all sent": (
        scenes.all_sent,
        {
            "advance": Doing(jobs.advance),
            "sweep": Doing(jobs.sweep),
            **PEOPLE,
            "rejected again": Doing(jobs.says(S.REJECTED)),
            "both rejected": Doing(jobs.says(S.REJECTED, S.REJECTED)),
            "delivered": Doing(jobs.says(S.DELIVERED, S.DELIVERED)),
            "on its way": Doing(jobs.says(S.WAITING, S.HANDED_OVER)),
            "give up": Doing(jobs.give_up),
            "ask": Doing(jobs.ask),
        },
    ),
    "adopted": (
        scenes.adopted,
        {
            "accept in part": REPLIES["accept in part"],
            "advance": Doing(jobs.advance),
            "cancel": PEOPLE["cancel"],
            "delivered": Doing(jobs.says(S.DELIVERED, S.DELIVERED)),
            "give up": Doing(jobs.give_up),
            "ask": Doing(jobs.ask),
        },
    ),
}
"""Scene by scene, who can meet there."""
