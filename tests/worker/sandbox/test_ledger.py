import json
import os
from pathlib import Path

import pytest

from worker.sandbox.archive import Archive
from worker.sandbox.ledger import LedgerFile, Recipients, lines
from worker.sandbox.sendings import Sending


def sending(destinations=(22505442710, 22507352518), texts=('Bonjour "Philo"\n\x85', "é😀")):
    return Sending(
        kind="send", account="toto", msgid='1"5', sender="TOTO", unicode=True, options={"flash": "1"},
        at=1435935707.1239, number=1, first=7, destinations=destinations, texts=texts, credits=[1, 2],
    )  # fmt: skip


def test_each_sms_is_one_line_with_all_that_is_known_of_it():
    taken = sending()
    written = "".join(lines(taken))
    assert len(written.splitlines()) == 2
    assert json.loads(written.splitlines()[1]) == {
        "seq": 8,
        "at": 1435935707.124,
        "account": "toto",
        "msgfid": taken.msgfid,
        "msgid": '1"5',
        "sender": "TOTO",
        "kind": "send",
        "destination": "22507352518",
        "smsfid": taken.smsfid(1),
        "text": "é😀",
        "credits": 2,
        "unicode": True,
        "options": {"flash": "1"},
    }


def test_a_pipe_is_written_to_and_never_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    file = LedgerFile(tmp_path / "pipe")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: pytest.fail("it would wait for ever"))
        file.catch_up(Archive())
    file.write(sending())
    assert [json.loads(line)["seq"] for line in os.read(end, 10_000).splitlines()] == [7, 8]
    file.close()
    os.close(end)


def test_the_file_is_only_ever_appended_to(tmp_path):
    path = tmp_path / "ledger.jsonl"
    for fsync in (False, True):
        file = LedgerFile(path, fsync=fsync)
        file.write(sending())
        file.close()
    assert [json.loads(line)["seq"] for line in path.read_text().splitlines()] == [7, 8, 7, 8]


def test_recipients_are_counted_once_each_however_often_they_are_sent_to():
    recipients = Recipients()
    recipients.add(sending())
    recipients.add(sending(destinations=(22505442710, 22500000000)))
    assert (recipients.total, recipients.distinct) == (4, 3)
    recipients.add(sending())
    assert (recipients.total, recipients.distinct) == (6, 3)


def test_only_the_same_text_to_the_same_number_again_is_a_repeat():
    recipients = Recipients()
    recipients.add(sending(texts=["Bonjour"]))
    assert recipients.repeats == 0
    recipients.add(sending(texts=["Au revoir"]))
    recipients.add(sending(texts=["Au revoir", "Bonjour"], destinations=(22500000000, 22500000001)))
    assert (recipients.total - recipients.distinct, recipients.repeats) == (2, 0)
    recipients.add(sending(texts=["Bonjour", "Au revoir"]))
    assert recipients.repeats == 2
    recipients.add(sending(texts=["Bonjour", "Encore"]))
    assert recipients.repeats == 3


def test_no_text_is_looked_at_before_a_number_comes_twice_nor_more_than_once(monkeypatch):
    def without_a_text():
        with monkeypatch.context() as patched:
            patched.setattr(Sending, "texts", property(lambda _: pytest.fail("a text was looked at")))
            return recipients.repeats

    recipients = Recipients()
    recipients.add(sending())
    assert without_a_text() == 0
    recipients.add(sending())
    assert recipients.repeats == 2
    assert without_a_text() == 2
