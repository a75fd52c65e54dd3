"""A request that is refused, or cannot be written, stops nothing else, unless it is not about its batch at all."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pytest

import campaigns
from campaigns.database import Database
from tests.campaigns.making import fund, numbers, submitted
from tests.worker.workshop import ScriptedGateway, Workshop, accepted, refused_with, sent_to_the_end
from worker.sending import send_slice
from worker.smseco.errors import CannotBeWritten
from worker.smseco.values import Receipt, Sending


@pytest.mark.parametrize(
    ("code", "sent", "by_status", "waits_for"),
    [
        (-13, 2, {"pending": 3, "refused": 2}, "one batch after the other, -13: Heure d'envoi"),
        (-14, 1, {"pending": 5}, "the gateway refused it, -14: Commande inconnue"),
        (-9, 5, {"refused": 5}, "None"),
    ],
    ids=["a bad date", "an unknown command", "nobody valid"],
)
def test_a_campaign_is_not_burnt_batch_by_batch_by_what_is_not_about_its_batches(
    any_database: Database, code: int, sent: int, by_status: dict[str, int], waits_for: str
) -> None:
    made = submitted(any_database, numbers(5), batch_size=1)
    fund(any_database)
    gateway = ScriptedGateway(answer=refused_with(code))
    workshop = Workshop(any_database, gateway)
    while send_slice(workshop, "default", 1).more:
        pass
    progress = campaigns.progress(made, database=any_database)
    assert (len(gateway.sent), progress.by_status) == (sent, by_status)
    assert waits_for in str(progress.waits_for)


def unreadable(*bad: int) -> Callable[[Sending], Receipt]:
    """A gateway that cannot read a request with one of these numbers; with any number, if none is named."""

    def answer(sending: Sending) -> Receipt:
        if bad and set(bad).isdisjoint(sending.numbers):
            return accepted(sending)
        return refused_with(-1)(sending)

    return answer


def test_one_row_that_the_gateway_cannot_read_stops_neither_its_batch_nor_its_campaign(any_database: Database) -> None:
    made = submitted(any_database, numbers(1_000), batch_size=500)
    fund(any_database)
    bad = numbers(1_000)[0]
    gateway = ScriptedGateway(answer=unreadable(bad))

    sent_to_the_end(any_database, gateway)

    progress = campaigns.progress(made, database=any_database)
    assert (progress.by_status, progress.paused_at) == ({"in_flight": 999, "refused": 1}, None)
    assert sum(bad in sending.numbers for sending in gateway.sent) == 10  # 500, 250, 125 … 1


def test_a_bad_row_in_each_of_many_batches_stops_nothing(any_database: Database) -> None:
    everyone = numbers(200)
    made = submitted(any_database, everyone, batch_size=10)
    fund(any_database)

    sent_to_the_end(any_database, ScriptedGateway(answer=unreadable(*everyone[::10])), lanes=4)

    progress = campaigns.progress(made, database=any_database)
    assert (progress.by_status, progress.paused_at) == ({"in_flight": 180, "refused": 20}, None)


@pytest.mark.parametrize(("size", "most"), [(5_000, 25), (1, 5)], ids=["large batches", "single messages"])
def test_a_text_that_the_gateway_cannot_read_at_all_stops_the_campaign_early(
    any_database: Database, size: int, most: int
) -> None:
    made = submitted(any_database, numbers(6_000), batch_size=size)
    fund(any_database)
    gateway = ScriptedGateway(answer=unreadable())

    sent_to_the_end(any_database, gateway)

    progress = campaigns.progress(made, database=any_database)
    assert len(gateway.sent) <= most
    assert progress.by_status == {"pending": 5_995, "refused": 5}
    assert "one message after the other is refused, each by itself, -1: XML invalide" in str(progress.waits_for)


@dataclass
class Scribe(ScriptedGateway):
    """A gateway whose client cannot write a request that holds one of these numbers."""

    cannot: Collection[int] = ()
    tried: list[int] = field(default_factory=list)

    def merge(self, sending: Sending, *, begin_by: float | None = None) -> Receipt:
        self.tried.append(len(sending.numbers))
        if not set(self.cannot).isdisjoint(sending.numbers):
            raise CannotBeWritten("no") from ValueError(str(self.cannot))
        return super().send(sending)


def test_a_row_that_no_request_can_be_written_of_is_given_up_after_three_tries_and_it_alone(
    any_database: Database,
) -> None:
    everyone = numbers(8)
    made = submitted(any_database, everyone, batch_size=4)
    fund(any_database)
    gateway = Scribe(cannot=[everyone[1]])

    sent_to_the_end(any_database, gateway)

    progress = campaigns.progress(made, database=any_database)
    assert (progress.by_status, progress.paused_at) == ({"in_flight": 7, "refused": 1}, None)
    assert gateway.tried == [4, 4, 4, 2, 2, 2, 1, 1, 1, 1, 2, 4]
    assert progress.in_doubt_attempts == 0


def test_where_no_request_can_be_written_at_all_the_campaign_stops_early(any_database: Database) -> None:
    everyone = numbers(20)
    made = submitted(any_database, everyone, batch_size=1)
    fund(any_database)

    sent_to_the_end(any_database, Scribe(cannot=everyone))

    progress = campaigns.progress(made, database=any_database)
    assert progress.by_status == {"pending": 15, "refused": 5}
    waits_for = str(progress.waits_for)
    assert "each by itself, no request can be written of it: ValueError" in waits_for
    assert not any(str(number) in waits_for for number in everyone)
