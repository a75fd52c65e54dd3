"""What is done to reports, on the answers of a gateway."""

import pytest

from worker.sandbox.calls import Credentials, ReportsCall
from worker.sandbox.codes import Refused
from worker.sandbox.faults import Fault, Faults
from worker.sandbox.misreports import STRANGE_MSGFID, STRANGE_SMSFIDS, Misreports

EVERYTHING = ReportsCall("", "")


@pytest.fixture
def asking(open_gateway, toto, a_send):
    """A gateway with two sendings of two SMS, and how its reports are asked for with these faults."""

    def made(*faults: str, **options: object):
        gateway = open_gateway(**options)
        sendings = [gateway.answer(toto, a_send("05442710", "0709999959")).sending for _ in range(2)]
        misreports = Misreports(gateway, Faults(Fault(fault) for fault in faults))

        def ask(call: ReportsCall = EVERYTHING):
            return misreports.answer(toto, call)

        return ask, sendings

    return made


def finds_nothing(ask, call: ReportsCall = EVERYTHING) -> bool:
    with pytest.raises(Refused) as refused:
        ask(call)
    return refused.value.code == -15


def flat(answer) -> list[tuple[str, str, int]]:
    return [(msgfid, report[0], report[3]) for msgfid, reports in answer.groups for report in reports]


def whole(sendings) -> list[tuple[str, str, int]]:
    return [
        (sending.msgfid, sending.smsfid(position), statut)
        for sending in sendings
        for position, statut in enumerate((56, 59))
    ]


def test_without_a_fault_reports_come_as_they_are_and_once(asking):
    ask, sendings = asking()
    assert flat(ask()) == whole(sendings)
    assert finds_nothing(ask)


def test_where_nothing_is_to_be_told_by_an_empty_list_it_stays_so(asking):
    ask, _ = asking("report_duplicated", empty_statut=0)
    assert len(flat(ask())) == 8
    assert flat(ask()) == []


def test_what_is_to_come_again_comes_to_the_account_by_whichever_name_it_logs_in(open_gateway, toto, a_send):
    gateway = open_gateway()
    gateway.answer(toto, a_send("05442710"))
    misreports = Misreports(gateway, Faults([Fault("report_repeated")]))
    first = misreports.answer(toto, EVERYTHING)
    by_id = Credentials(gateway.accounts[toto.login].accountid, toto.password)
    assert misreports.answer(by_id, EVERYTHING) == first


def test_each_report_twice_in_one_reply(asking):
    ask, sendings = asking("report_duplicated")
    assert sorted(flat(ask())) == sorted(whole(sendings) * 2)
    assert finds_nothing(ask)


def test_each_report_once_more_in_the_next_reply(asking):
    ask, sendings = asking("report_repeated")
    assert flat(ask()) == flat(ask()) == whole(sendings)
    assert finds_nothing(ask)


def test_what_comes_once_more_comes_when_it_is_asked_for(asking):
    ask, (one, other) = asking("report_repeated")
    ask()
    assert finds_nothing(ask, ReportsCall("nobody", ""))
    assert flat(ask(ReportsCall(one.msgfid, one.smsfid(1)))) == whole([one])[1:]
    assert flat(ask(ReportsCall(other.msgfid, ""))) == whole([other])
    assert flat(ask()) == whole([one])[:1]


def test_late_statuses_before_early_ones_and_sendings_mixed(asking):
    ask, (one, other) = asking("reports_shuffled", steps=True)
    answer = ask()
    assert [report[3] for _, reports in answer.groups for report in reports if report[0] == one.smsfid(0)] == [
        56, 61, 55, 65, 50,
    ]  # fmt: skip
    assert [msgfid for msgfid, _ in answer.groups][:4] == [other.msgfid, one.msgfid] * 2
    assert len(flat(answer)) == 20


def test_reports_of_nobody_stand_beside_the_true_ones(asking):
    ask, sendings = asking("unknown_id")
    reports = flat(ask())
    assert [report for report in reports if report in whole(sendings)] == whole(sendings)
    assert [report for report in reports if report not in whole(sendings)] == [
        (sendings[0].msgfid, STRANGE_SMSFIDS[0], 56), (STRANGE_MSGFID, STRANGE_SMSFIDS[1], 56),
    ]  # fmt: skip


def test_faults_of_reports_come_together_where_several_are_armed(asking):
    ask, sendings = asking("report_duplicated", "report_repeated", "unknown_id", "reports_shuffled")
    assert len(flat(ask())) == 4 * 2 + 2
    assert flat(ask()) == whole(sendings)
