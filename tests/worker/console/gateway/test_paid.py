"""`campaigns gateway send`, `merge` and `lookup`: what costs credits is said, agreed to, done once, and told."""

import json
import subprocess
from datetime import UTC, datetime

import pytest

from tests.worker.console.gateway.conftest import DEAD, LOOKUP, MERGE, NUMBER, OTHER, ROWS, SEND
from tests.worker.terminal import PROGRAM, run
from tests.worker.workshop import accepted
from worker.sandbox.server import RunningSandbox
from worker.smseco import Gateway, Receipt, Sending


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Sending]:
    """What would have been sent; the gateway takes all of it."""
    noted: list[Sending] = []

    def take(_gateway: Gateway, sending: Sending) -> Receipt:
        noted.append(sending)
        return accepted(sending)

    monkeypatch.setattr(Gateway, "send", take)
    monkeypatch.setattr(Gateway, "merge", take)
    return noted


def posted(sandbox: RunningSandbox) -> list[tuple[str, str]]:
    return [(line["destination"], line["text"]) for line in sandbox.ledger()]


# In each form


def test_a_text_is_sent_in_each_form_and_its_receipt_is_one_json_object(account: RunningSandbox, form: str) -> None:
    words = ["gateway", "send", "--text", "Fête à 50 % & +", "--msgid", "m-1", "--form", form, NUMBER, OTHER]
    result = run(*words, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    receipt = json.loads(result.stdout)
    assert receipt["msgid"] == "m-1"
    assert (receipt["status"], receipt["recipients"], receipt["credits"], receipt["consistent"]) == (2, 2, 2, True)
    assert receipt["destinations"] == [NUMBER, OTHER]
    assert receipt.keys() == {"msgid", "not_taken", "in_doubt", *Receipt.__dataclass_fields__}
    assert (receipt["not_taken"], receipt["in_doubt"]) == ([], False)
    lines = account.ledger()
    assert posted(account) == [(NUMBER, "Fête à 50 % & +"), (OTHER, "Fête à 50 % & +")]
    assert {(line["msgfid"], line["msgid"], line["sender"], line["unicode"]) for line in lines} == {
        (receipt["msgfid"], "m-1", "CLINIQUE", True)
    }


def test_a_file_is_merged_in_each_form_and_get_refuses_by_name(account: RunningSandbox, form: str) -> None:
    result = run(*MERGE, "--form", form, "--yes", "--json", stdin=ROWS)
    if form == "get":
        assert result.exit_code == 2
        assert posted(account) == []
        return
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["destinations"] == [NUMBER, OTHER]
    assert posted(account) == [(NUMBER, "Bonjour Awa"), (OTHER, "Bonjour Koffi")]


def test_numbers_are_looked_up_in_each_form(account: RunningSandbox, form: str) -> None:
    result = run(*LOOKUP, "2250709999944", "--form", form, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["destinations"] == [NUMBER]
    assert [line["kind"] for line in account.ledger()] == ["lookup"]


# What is said before, and after


def test_it_says_what_it_will_do_and_asks(account: RunningSandbox, somebody: None) -> None:
    result = run("gateway", "send", "--text", "ê" * 71, "--msgid", "m-1", NUMBER, OTHER, stdin="y\n")
    assert result.exit_code == 0, result.stderr
    for said in ("from CLINIQUE to 2 numbers, 4 segments in UCS-2", "the account default at 127.0.0.1:", "msgid m-1"):
        assert said in result.stderr
    assert "which has 1,000,000 credits" in result.stderr
    assert len(posted(account)) == 2


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        pytest.param(SEND, "n\n", "nothing was sent", id="send"),
        pytest.param(LOOKUP, "n\n", "nothing was looked up", id="lookup"),
    ],
)
def test_a_person_who_says_no_has_sent_nothing(
    account: RunningSandbox, somebody: None, words: tuple[str, ...], stdin: str, said: str
) -> None:
    result = run(*words, stdin=stdin)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert account.ledger() == []


@pytest.mark.parametrize("words", [SEND, MERGE, LOOKUP], ids=["send", "merge", "lookup"])
def test_without_a_terminal_only_yes_is_consent(account: RunningSandbox, words: tuple[str, ...]) -> None:
    result = run(*words, stdin=ROWS)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no terminal to ask at; --yes agrees" in result.stderr
    assert account.ledger() == []


def test_a_program_whose_input_is_no_terminal_is_refused_too(account: RunningSandbox) -> None:
    done = subprocess.run([*PROGRAM, *SEND], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert account.ledger() == []


def test_a_person_sees_each_number_and_what_it_cost(account: RunningSandbox) -> None:
    result = run(*SEND, "--yes")
    (line,) = account.ledger()
    assert NUMBER in result.stdout
    assert line["smsfid"] in result.stdout
    assert f"1 of 1 number taken, 1 credit, 999,999 left; msgfid {line['msgfid']}" in result.stdout


def test_whoever_is_asked_sees_the_text_and_the_first_numbers_and_a_pipe_does_not(
    account: RunningSandbox, somebody: None
) -> None:
    numbers = [str(int(NUMBER) + place) for place in range(5)]
    words = ("gateway", "send", "--text", "Bonjour\u200e à\n tous " + "x" * 200 + " fin", *numbers)
    asked = run(*words, stdin="n\n").stderr
    assert "The text: Bonjour� à tous xxx" in asked
    assert "fin" not in asked
    assert f"To {numbers[0]}, {numbers[1]}, {numbers[2]} and 2 more." in asked
    assert f"The first text: Bonjour Awa\nTo {NUMBER}, {OTHER}." in run(*MERGE, stdin=ROWS).stderr
    agreed = run(*words, "--yes").stderr
    assert "Bonjour" not in agreed
    assert NUMBER not in agreed


@pytest.mark.parametrize("more", [["--yes"], []], ids=["agreed to", "asked"])
def test_what_gsm7_cannot_carry_is_named_before_it_is_sent_without_unicode(
    account: RunningSandbox, somebody: None, more: list[str]
) -> None:
    result = run("gateway", "send", "--text", "forêt, bientôt\u200b", "--no-unicode", *more, NUMBER, stdin="n\n")
    assert "not in GSM-7, so that phones will show something else: ê ô U+200B (--unicode sends them)" in result.stderr
    assert bool(posted(account)) == bool(more)


@pytest.mark.parametrize("words", [["--text", "forêt"], ["--text", "été", "--no-unicode"], ["--text", "ê", "--binary"]])
def test_nobody_is_warned_of_what_arrives_as_it_is(
    account: RunningSandbox, sent: list[Sending], words: list[str]
) -> None:
    assert "something else" not in run("gateway", "send", *words, "--yes", NUMBER).stderr


def test_the_numbers_that_were_not_taken_are_named(account: RunningSandbox) -> None:
    words = ("gateway", "send", "--text", "Bonjour", "--yes", NUMBER, "12", NUMBER, OTHER, OTHER)
    said = run(*words)
    assert said.exit_code == 0, said.stderr
    assert "Repeated numbers, each of which gets one message from one request: 2." in said.stderr
    assert "2 of 5 numbers taken" in said.stdout
    assert "repeated: 2 (a number gets one message from one request)\n" in said.stdout
    assert "not taken: 12\n" in said.stdout
    assert json.loads(run(*words, "--json").stdout)["not_taken"] == ["12"]


def test_a_number_that_a_lookup_leaves_out_is_not_reachable(account: RunningSandbox) -> None:
    assert f"not taken, and so not reachable: {DEAD}\n" in run(*LOOKUP, DEAD, "--yes").stdout
    only = run("gateway", "lookup", DEAD, "--yes")
    assert only.exit_code == 1
    assert "-9 no valid recipient" in only.stderr
    assert "none of these numbers is reachable" in only.stderr
    assert "write numbers" not in only.stderr


@pytest.mark.parametrize("name", ["nom", "NOM", "prenom", "nom_du_client"])
def test_a_merge_finds_its_columns_as_a_campaign_does(account: RunningSandbox, name: str) -> None:
    rows = f"Nom;Prénom;Nom du client;Téléphone\nAwa;Awa;Awa;{NUMBER}\n"
    result = run("gateway", "merge", "-", "--text", f"Bonjour {{{name}}}", "--yes", stdin=rows)
    assert result.exit_code == 0, result.stderr
    assert posted(account) == [(NUMBER, "Bonjour Awa")]


def test_a_column_that_could_be_either_of_two_is_asked_for(account: RunningSandbox) -> None:
    result = run(*MERGE, "--yes", stdin=f"Nom;NOM;tel\nAwa;Zoé;{NUMBER}\n")
    assert result.exit_code == 2
    assert "{nom} could be any of these columns: Nom (column 1), NOM (column 2)" in result.stderr


def test_a_row_without_a_text_is_refused_with_the_whole_file(account: RunningSandbox) -> None:
    rows = f"nom;tel\nAwa;{NUMBER}\n ;{OTHER}\n"
    result = run("gateway", "merge", "-", "--text", "{nom} ", "--yes", stdin=rows)
    assert result.exit_code == 1
    assert "the text of row 3 would be empty: nothing was sent" in result.stderr
    assert account.ledger() == []


# What is asked for


def test_every_option_of_the_document_reaches_the_request(account: RunningSandbox, sent: list[Sending]) -> None:
    words = "--from SHOP --msgid m-1 --flash --binary --no-unicode --datesend 2026-12-24T18:00+01:00 --mwi 1 --pid 2"
    words += " --rpi 3 --alt-dcs 4 --udhdata 050003"
    run("gateway", "send", "--text", "ê", *words.split(), "--yes", "+225 07-09.99 99 56")
    assert sent == [
        Sending(
            "m-1",
            "SHOP",
            "ê",
            [NUMBER],
            flash=True,
            binary=True,
            unicode=False,
            datesend=datetime(2026, 12, 24, 17, 0, tzinfo=UTC),
            mwi="1",
            pid="2",
            rpi="3",
            alt_dcs="4",
            udhdata="050003",
        )
    ]


@pytest.mark.parametrize(
    ("text", "words", "unicode"),
    [
        pytest.param("été à 10 €", [], False, id="fits GSM-7"),
        pytest.param("fête", [], True, id="one letter does not"),
        pytest.param("été", ["--unicode"], True, id="asked for"),
        pytest.param("fête", ["--no-unicode"], False, id="asked not to"),
    ],
)
def test_unicode_is_told_by_the_text(
    account: RunningSandbox, sent: list[Sending], text: str, words: list[str], unicode: bool
) -> None:
    run("gateway", "send", "--text", text, *words, "--yes", NUMBER)
    assert [sending.unicode for sending in sent] == [unicode]


def test_in_a_merge_unicode_is_told_by_the_merged_texts(account: RunningSandbox, sent: list[Sending]) -> None:
    run(*MERGE, "--yes", stdin=f"nom;tel\nAwa;{NUMBER}\nZoê;{OTHER}\n")
    assert [sending.unicode for sending in sent] == [True]


def test_two_messages_have_two_msgids(account: RunningSandbox, sent: list[Sending]) -> None:
    shown = [run(*SEND, "--yes").stdout for _ in range(2)]
    assert len({sending.msgid for sending in sent}) == 2
    assert all(sending.msgid in page for sending, page in zip(sent, shown, strict=True))


def test_a_text_may_come_by_standard_input(account: RunningSandbox, sent: list[Sending]) -> None:
    run("gateway", "send", "--text", "-", "--yes", NUMBER, stdin="Bonjour\nà tous\n")
    assert [sending.text for sending in sent] == ["Bonjour\nà tous"]


def test_fields_stand_in_the_order_of_the_text(account: RunningSandbox, sent: list[Sending]) -> None:
    rows = f"a;b;c;tel\n1;2;3; {NUMBER} \n"
    run("gateway", "merge", "-", "--text", "{c} {a} {c}", "--yes", stdin=rows)
    assert [(sending.fields, sending.values) for sending in sent] == [(("c", "a"), [["3", "1"]])]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*SEND, "--datesend", "2026-12-24T18:00"), "write 2026-12-24T18:00+00:00"),
        ((*SEND, "--datesend", "demain"), "'demain' is no time"),
        ((*SEND, "07O8"), "number 2 is not made of digits"),
        ((*SEND, "--msgid", "x" * 31), "msgid must be 1 to 30"),
        ((*SEND, "--form", "get", *["22507099999"] * 800), "the URL would be"),
        ((*LOOKUP, "--form", "get", *["22507099999"] * 800), "the URL would be"),
        ((*LOOKUP, "--form", "get", "--msgid", "m-1"), "no place for the msgid of a lookup: choose xml"),
        ((*SEND, "--form", "html"), "html is an output for eyes"),
        ((*SEND, "--form", "morse"), "there is no form 'morse'"),
        ((*SEND, "--account", "default", "--url", "http://127.0.0.1:9", "--login", "x"), "say which gateway"),
        ((*SEND, "--login", "x"), "--url and --login go together"),
        ((*SEND, "--allow-plain-http"), "are for --url"),
        ((*SEND, "--account", "shop"), "no account 'shop'; there are: default"),
        (("gateway", "send", "--text", "x"), "Missing argument 'NUMBER...'"),
        (("gateway", "send", "--text", "\x00", NUMBER), "text holds a character"),
        (("gateway", "send", "--text", "", NUMBER), "the text is empty"),
        (("gateway", "send", "--text", " \n", NUMBER), "the text is empty"),
        (("gateway", "merge", "-", "--text", "{{ nom }}"), "single braces, as in {nom}"),
        (("gateway", "merge", "-", "--text", "x"), "use `campaigns gateway send`"),
        (("gateway", "merge", "-", "--text", "{ville}"), "no column for {ville}; the columns are: nom, tel"),
        (("gateway", "sned"), "Did you mean"),
    ],
)
def test_what_is_written_wrongly_is_explained_and_nothing_is_sent(
    account: RunningSandbox, words: tuple[str, ...], said: str
) -> None:
    result = run(*words, "--yes", stdin=ROWS) if words != ("gateway", "sned") else run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert NUMBER not in result.stderr
    assert account.ledger() == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param("nom;tel\n", "there is no row", id="none"),
        pytest.param(f"nom;tel\nAwa;{NUMBER}\nKoffi;privé\n", "row 3 has no number", id="no number"),
        pytest.param(
            f"nom;tel\nAwa;{NUMBER}\nKoffi;+225 07 09 99 99 56\n", "row 3 has the number of a row", id="a number twice"
        ),
        pytest.param(f"nom;tel\n{{tel}};{NUMBER}\n", "row 2 has a brace", id="a value that is filled in again"),
        pytest.param(
            "nom;tel\n" + "".join(f"Awa;22507{row:08d}\n" for row in range(1_001)),
            "more than 1,000 rows: use `campaigns submit`",
            id="many",
        ),
        pytest.param(f"nom;a;b\nAwa;{NUMBER};{NUMBER}\n", "name it as --number-column", id="two columns of numbers"),
    ],
)
def test_a_file_that_cannot_be_sent_is_refused_by_its_row(account: RunningSandbox, rows: str, said: str) -> None:
    result = run(*MERGE, "--yes", stdin=rows)
    assert result.exit_code == 1
    assert said in result.stderr
    assert NUMBER not in result.stderr
    assert account.ledger() == []


# What goes wrong


def test_a_refusal_is_told_with_its_code_its_name_and_what_helps(account: RunningSandbox) -> None:
    result = run(*SEND, "--from", "NOBODY", "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "-8 sender not registered, 'Expéditeur non enregistré'): `campaigns gateway senders` lists" in result.stderr


def test_a_gateway_that_is_away_was_sent_nothing(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", "x")
    result = run(*SEND, "--from", "CLINIQUE", "--url", "http://127.0.0.1:9", "--login", "x", "--yes")
    assert result.exit_code == 1
    assert "nothing was sent (connection refused)" in result.stderr
