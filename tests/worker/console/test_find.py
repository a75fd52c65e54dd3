"""`campaigns find`: what a person was sent, at a glance or as JSON."""

import json

import pytest
from sqlalchemy import update

from campaigns.database import default, now
from campaigns.models import campaigns
from campaigns.states import Purged
from tests.worker.command_line import submitted
from tests.worker.terminal import run

pytestmark = pytest.mark.usefixtures("bare")


def test_it_shows_each_message_with_its_text_and_each_row_left_out(clients: str) -> None:
    submitted(clients)

    lines = run("find", "05 05 06 07 08").stdout.splitlines()

    assert len(lines) == 3
    assert "pending" in lines[1]
    assert lines[1].endswith("Bonjour Koffi")
    assert "excluded: duplicate" in lines[2]


def test_as_json_it_is_an_array_of_objects(clients: str) -> None:
    campaign = submitted(clients)

    (found,) = json.loads(run("find", "0707080910", "--json").stdout)

    assert (found["campaign_id"], found["status"], found["text"]) == (campaign, "pending", "Bonjour Awa")
    assert (found["number"], found["row"], found["sent_at"]) == ("2250707080910", 2, None)


def test_where_there_may_be_more_the_next_page_is_named(clients: str) -> None:
    submitted(clients)
    second = submitted(clients)

    result = run("find", "0707080910", "-n", "1")

    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == f"perhaps there are more: the same with -n 1 --before {second}\n"


def test_nobody_and_no_number_are_said(clients: str) -> None:
    assert run("find", "0102030405").stdout == "no campaign has this number\n"
    refused = run("find", "Awa")
    assert (refused.exit_code, "no mobile number" in refused.stderr) == (1, True)


def test_what_was_purged_is_said_and_is_no_exclusion(clients: str) -> None:
    made = submitted(clients)
    with default().transaction() as connection:
        gone = {"purged": Purged.TEXT, "completed_at": now()}
        connection.execute(update(campaigns).where(campaigns.c.id == made).values(gone))

    line = run("find", "0707080910").stdout.splitlines()[1]

    assert "pending" in line
    assert line.endswith("(purged)")
    assert "its texts were purged" in run("show", str(made)).stdout

    with default().transaction() as connection:
        connection.execute(update(campaigns).where(campaigns.c.id == made).values(purged=Purged.NUMBERS))
    assert "not in it: campaigns whose numbers were purged" in run("find", "0102030405").stderr
