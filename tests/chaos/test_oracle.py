"""Each thing that must not be is seen by the oracle: a judge that finds nothing wrong with anything is none."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.chaos.oracle import Attempt, Facts, Message, judge

AMA, KOFI, YAO = 22507000010, 22507000020, 22507000030


def line(number, smsfid, *, msgid="m1", kind="send"):
    return {"kind": kind, "destination": str(number), "smsfid": smsfid, "msgid": msgid, "credits": 1}


def reading(*reports, whole=True):
    return {"whole": whole, "reports": [["f1", smsfid, code] for smsfid, code in reports]}


WELL = Facts(
    wanted=frozenset({AMA, KOFI, YAO}),
    messages={AMA: Message(1, 40, "accepted"), KOFI: Message(1, 32, "accepted"), YAO: Message(1, 0, "pending")},
    unreachable=frozenset(),
    accepted=[line(AMA, "s1"), line(KOFI, "s2")],
    attempts={"m1": Attempt("accepted", Decimal(2))},
    readings=[reading(("s1", 56), ("s2", 62))],
    journal=frozenset({("s1", 56), ("s2", 62)}),
    gaps=0,
    refunded=Decimal(1),
)


def changed(number, **fields):
    return {**WELL.messages, number: replace(WELL.messages[number], **fields)}


def test_where_all_is_well_nothing_is_found():
    verdict = judge(WELL)
    assert verdict.violations == []
    counts = (verdict.recipients, verdict.duplicates, verdict.skipped, verdict.lost, verdict.gaps, verdict.overspent)
    assert counts == (3, 0, 0, 0, 0, 0)


WRONG = {
    "somebody twice": ({"accepted": [*WELL.accepted, line(AMA, "s3", msgid="m1")]}, "U: 1 "),
    "a recipient who is nowhere": ({"wanted": WELL.wanted | {22507000040}}, "C: 1 recipients are neither"),
    "a message that the gateway never saw": ({"accepted": [line(AMA, "s1")]}, "C: 1 messages are said to be accepted"),
    "a pending one that was sent": (
        {"accepted": [*WELL.accepted, line(YAO, "s3", msgid="m1")]},
        "C: 1 messages are said not to have been sent",
    ),
    "a refused one that was sent": (
        {"messages": changed(KOFI, status=20)},
        "C: 1 messages are said not to have been sent",
    ),
    "a stranger": ({"accepted": [*WELL.accepted, line(22507000050, "s3")]}, "C: 1 numbers were accepted that are no"),
    "an account that does not add up": ({"adds_up": False}, "C: an account"),
    "a report that is not in the journal": ({"journal": frozenset({("s1", 56)})}, "D: 1 reports were handed out whole"),
    "two readings lost and one gap": (
        {"readings": [reading(("s1", 56)), reading(("s2", 62), ("s2", 50))], "journal": frozenset(), "gaps": 1},
        "D: 1 reports were handed out whole",
    ),
    "a status that nobody said": ({"messages": changed(AMA, status=30)}, "D: 1 messages have a final status"),
    "a report that was not applied": ({"messages": changed(AMA, status=0)}, "D: 1 messages lack the final status"),
    "a request that was not written down": (
        {"accepted": [*WELL.accepted, line(AMA, "s3", msgid="m2", kind="lookup")]},
        "B: 1 requests were accepted that were never",
    ),
    "credits that were not posted": ({"attempts": {"m1": Attempt("accepted", Decimal(1))}}, "B: 1 credits are posted"),
    "credits that did not come back": ({"refunded": Decimal(0)}, "B: 0 credits came back here, and 1 at"),
    "more promised than there is": ({"excess": Decimal(3)}, "B: 3 credits more were promised"),
}


@pytest.mark.parametrize(("facts", "sentence"), WRONG.values(), ids=WRONG)
def test_whatever_must_not_be_is_said(facts, sentence):
    assert any(said.startswith(sentence) for said in judge(replace(WELL, **facts)).violations)


RIGHT = {
    "a gap that is counted": {"journal": frozenset({("s1", 56)}), "gaps": 1, "refunded": Decimal(0)},
    "reports that did not leave whole": {
        "readings": [reading(("s1", 56)), reading(("s2", 62), whole=False)],
        "journal": frozenset({("s1", 56)}),
        "refunded": Decimal(0),
    },
    "a number that a lookup found dead": {
        "wanted": WELL.wanted | {22507000040},
        "unreachable": frozenset({22507000040}),
    },
    "a doubt that was accepted": {
        "messages": {**WELL.messages, YAO: Message(1, 0, "in_doubt")},
        "accepted": [*WELL.accepted, line(YAO, "s3", msgid="m2")],
        "attempts": {**WELL.attempts, "m2": Attempt("in_doubt", None)},
    },
    "a doubt that was not": {"messages": {**WELL.messages, YAO: Message(1, 0, "in_doubt")}},
}


@pytest.mark.parametrize("facts", RIGHT.values(), ids=RIGHT)
def test_what_may_be_is_not_objected_to(facts):
    assert judge(replace(WELL, **facts)).violations == []
