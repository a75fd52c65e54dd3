import pytest

from worker.sandbox.codes import ERRORS
from worker.sandbox.faults import KINDS, Fault, Faults


def struck(faults: Faults, name: str, operation: str = "send", *, times: int) -> list[bool]:
    return [faults.strike(name, operation) is not None for _ in range(times)]


def test_a_fault_strikes_as_often_as_it_was_armed_for():
    faults = Faults([Fault("latency", count=2, seconds=1.5)])
    assert [fault and fault.seconds for fault in (faults.strike("latency", "send") for _ in range(3))] == [
        1.5,
        1.5,
        None,
    ]
    assert faults.struck == {"latency": 2}


def test_a_fault_strikes_its_own_operation_only():
    faults = Faults([Fault("drop_reply", operation="lookup")])
    assert faults.strike("drop_reply", "send") is None
    assert faults.strike("drop_reply", "lookup") is not None


def test_a_fault_of_all_operations_has_one_count_for_all_of_them():
    faults = Faults([Fault("drop_reply", operation="*", count=2)])
    assert [faults.strike("drop_reply", operation) is not None for operation in ("send", "balance", "lookup")] == [
        True, True, False,
    ]  # fmt: skip


def test_without_an_operation_a_fault_is_about_the_one_that_it_usually_is():
    faults = Faults([Fault("http_500"), Fault("report_duplicated")])
    assert [(fault["name"], fault["operation"], fault["count"]) for fault in faults.armed()] == [
        ("http_500", "send", 1), ("report_duplicated", "reports", 1),
    ]  # fmt: skip


def test_a_share_strikes_as_many_and_the_same_ones_for_the_same_seed():
    def run(seed):
        return struck(Faults([Fault("cut_short", share=0.3)], seed=seed), "cut_short", times=2000)

    assert 500 < sum(run(1)) < 700
    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_share_ends_with_its_count_where_it_has_one():
    faults = Faults([Fault("cut_short", share=0.5, count=3)])
    assert sum(struck(faults, "cut_short", times=100)) == 3
    assert list(faults.armed()) == []


def test_of_several_ways_to_spoil_a_reply_one_is_used_up_at_a_time():
    faults = Faults([Fault("http_500"), Fault("reset")])
    assert [fault.name for _ in range(2) if (fault := faults.strike_first(["reset", "http_500"], "send"))] == [
        "reset", "http_500",
    ]  # fmt: skip
    assert faults.strike_first(["reset", "http_500"], "send") is None


@pytest.mark.parametrize(
    ("disarming", "left"),
    [
        (Fault("http_500", count=0), {("reset", "send")}),
        (Fault("http_500", operation="lookup", count=0), {("http_500", "send"), ("reset", "send")}),
        (Fault("http_500", operation="*", count=0), {("reset", "send")}),
        (Fault("*", count=0), set()),
    ],
    ids=["a name", "a name and its operation", "a name and all operations", "all"],
)
def test_arming_for_none_disarms(disarming, left):
    faults = Faults([Fault("http_500", count=5), Fault("http_500", operation="lookup", share=0.5), Fault("reset")])
    faults.arm(disarming)
    assert {(fault["name"], fault["operation"]) for fault in faults.armed()} == left


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("thunder", {}, "thunder"),
        ("*", {"count": 1}, "no fault"),
        ("latency", {"seconds": -1}, "seconds"),
        ("latency", {}, "seconds are needed"),
        ("slow_body", {"share": 0.1}, "seconds are needed"),
        ("reset", {"count": -1}, "count"),
        ("reset", {"count": 1.5}, "count"),
        ("reset", {"share": 0.0}, "share"),
        ("reset", {"share": 5}, "share"),
        ("reset", {"operation": "sned"}, "sned"),
        ("report_duplicated", {"operation": "send"}, "no operation 'send'"),
        ("report_before_reply", {"operation": "balance", "seconds": 1}, "no operation 'balance'"),
        ("refuse", {}, "code"),
        ("refuse", {"code": -16}, "code"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(name, options, named):
    with pytest.raises(ValueError, match=named):
        Fault(name, **options)


@pytest.mark.parametrize("code", ERRORS)
def test_every_documented_code_can_be_chosen(code):
    assert Fault("refuse", code=code).code == code


def test_every_fault_says_what_it_does():
    assert all(kind.does and kind.operations for kind in KINDS.values())
