import pytest

from worker.sandbox.faults import Faults


def test_a_fault_strikes_as_often_as_it_was_armed_for():
    faults = Faults()
    faults.arm("latency", count=2, seconds=1.5)
    assert [faults.strike("latency", "send") for _ in range(3)] == [1.5, 1.5, None]


def test_a_fault_strikes_its_own_operation_only():
    faults = Faults()
    faults.arm("drop_reply", operation="lookup")
    assert faults.strike("drop_reply", "send") is None
    assert faults.strike("drop_reply", "lookup") == 0.0


def test_arming_for_none_disarms():
    faults = Faults()
    faults.arm("http_500", count=5)
    faults.arm("http_500", count=0)
    assert faults.strike("http_500", "send") is None


@pytest.mark.parametrize(
    ("name", "options"),
    [("thunder", {}), ("latency", {"seconds": -1}), ("latency", {"count": -1}), ("latency", {"operation": "sned"})],
)
def test_a_fault_that_cannot_be_is_refused(name, options):
    with pytest.raises(ValueError):
        Faults().arm(name, **options)
