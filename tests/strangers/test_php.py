"""PHP's own SoapClient and curl, with the programs that the vendor's document prints: see the head of each of them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from worker.sandbox.server import RunningSandbox

PROGRAMS = Path(__file__).parent / "php"
# A WSDL that was kept from another run would be of a sandbox that has gone.
PHP = ["php", "-d", "display_errors=stderr", "-d", "soap.wsdl_cache_enabled=0"]
CLIENT = "$api = new SoapClient(getenv('BASE_URL') . '/api/soap/wsdl/');"
ACCOUNT = "'login' => 'toto@toto.fr', 'password' => '123456', 'expediteur' => 'TOTO'"

with_soap = pytest.mark.needs("php-soap")
with_curl = pytest.mark.needs("php-curl")


def printed(sandbox: RunningSandbox, *arguments: str | Path, **environment: str) -> Any:
    """What a program prints, which is JSON."""
    known = {**os.environ, "BASE_URL": f"{sandbox.url}/client/CODE/fr", **environment}
    done = subprocess.run([*PHP, *arguments], env=known, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def texts(sandbox: RunningSandbox) -> list[tuple[str, str]]:
    """Each message by its number and its text, as the phone shows it."""
    return [(record["destination"], record["text"]) for record in sandbox.ledger()]


@with_soap
def test_i_4_sends(sandbox):
    reply = printed(sandbox, PROGRAMS / "I-4_send.php")
    numbers = ["22507352518", "22505442710", "22508559001"]
    assert (reply["statut"], reply["destinataires"], reply["solde"]) == (3, 3, "997")
    assert [sms["destination"] for sms in reply["messages"]["sms"]] == numbers
    assert texts(sandbox) == [(number, "Bonjour, Ceci est juste un test .") for number in numbers]
    assert {(record["msgfid"], record["msgid"]) for record in sandbox.ledger()} == {(reply["msgfid"], "9876543210")}


@with_soap
def test_ii_3_merges_by_position_and_sends_each_number_one_message(sandbox):
    assert printed(sandbox, PROGRAMS / "II-3_merge.php")["statut"] == 2
    assert texts(sandbox) == [
        ("22507352518", "Bonjour Philo, tu es Developpeur Web."),
        ("22505442710", "Bonjour MALAMIN, tu es Financial Manager."),
    ]


@with_soap
def test_iii_4_reads_the_report_of_one_sms(sandbox):
    sent = printed(sandbox, PROGRAMS / "I-4_send.php")
    sms = sent["messages"]["sms"][1]
    ids = {"MSGID": sent["msgfid"], "SMSID": sms["smsfid"]}
    reply = printed(sandbox, PROGRAMS / "III-4_reports.php", **ids)
    # SoapClient makes no array of one element.
    message = reply["messages"]["message"]
    report = message["dlrs"]["dlr"]
    assert (reply["statut"], message["msgfid"]) == (0, sent["msgfid"])
    assert (report["smsfid"], report["destination"]) == (sms["smsfid"], "22505442710")
    assert (report["statut"], report["libelle"]) == (56, "Accusé de Réception")
    assert printed(sandbox, PROGRAMS / "III-4_reports.php", **ids)["statut"] == -15


@with_soap
def test_iv_1_4_reads_the_balance(sandbox):
    printed(sandbox, PROGRAMS / "I-4_send.php")
    reply = printed(sandbox, PROGRAMS / "IV-1-4_balance.php")
    assert (reply["statut"], reply["credits"], reply["cumul"]) == (0, "997", "3")


@with_soap
def test_iv_2_4_reads_the_senders(sandbox):
    reply = printed(sandbox, PROGRAMS / "IV-2-4_senders.php")
    assert (reply["statut"], reply["senders"]["sender"]) == (0, ["TOTO", "TEST"])


@with_soap
def test_v_4_looks_numbers_up(sandbox):
    reply = printed(sandbox, PROGRAMS / "V-4_lookup.php")
    assert (reply["statut"], reply["destinataires"]) == (3, 3)
    assert [(record["kind"], record["destination"]) for record in sandbox.ledger()] == [
        ("lookup", "22507352518"),
        ("lookup", "22505442710"),
        ("lookup", "22508559001"),
    ]


@with_soap
def test_a_refusal_is_a_reply_and_no_exception(sandbox):
    sandbox.settings(login="particulier@smseco.com", may_send=False)
    reply = printed(sandbox, PROGRAMS / "I-4_send.php")
    assert reply == {"statut": -11, "texte": "Envoi de sms non autorisé pour ce compte"}


@with_soap
def test_a_single_number_a_single_recipient_and_a_null_are_taken(sandbox):
    message = f"{ACCOUNT}, 'msg' => '{{a}} {{b}} {{c}}', 'flash' => null, 'unicode' => false, 'to' => '05442710'"
    recipient = "array('to' => '05442710', 'data1' => 'x', 'data2' => null, 'data3' => 'é')"
    call = f"$api->Sendsms(array({message}, 'publipostage' => {recipient}))"
    assert printed(sandbox, "-r", f"{CLIENT} echo json_encode({call});")["statut"] == 1
    assert texts(sandbox) == [("22505442710", "x {b} é")]


@with_soap
def test_what_is_no_operation_is_an_exception_with_the_vendors_words(sandbox):
    options = "array('location' => getenv('BASE_URL') . '/api/soap/server/', 'uri' => 'urn:x')"
    call = f"try {{ (new SoapClient(null, {options}))->Sendfax(); }}"
    catch = "catch (SoapFault $fault) { echo json_encode(array($fault->faultcode, $fault->faultstring)); }"
    code, text = printed(sandbox, "-r", f"{call} {catch}")
    assert (code.rpartition(":")[2], text) == ("Client", "Commande inconnue")


@with_curl
def test_i_3_2_sends(sandbox):
    reply = printed(sandbox, PROGRAMS / "I-3-2_send.php")
    assert int(reply["statut"]) == 2
    assert texts(sandbox) == [("22505442710", "Juste un est"), ("22507352518", "Juste un est")]


@with_curl
def test_i_3_2_is_refused_with_minus_1_as_it_is_printed(sandbox):
    assert int(printed(sandbox, PROGRAMS / "I-3-2_send_as_printed.php")["statut"]) == -1
    assert texts(sandbox) == []


@with_curl
def test_v_3_2_looks_numbers_up(sandbox):
    assert int(printed(sandbox, PROGRAMS / "V-3-2_lookup.php")["statut"]) == 2
    assert [(record["kind"], record["destination"]) for record in sandbox.ledger()] == [
        ("lookup", "22505442710"),
        ("lookup", "22507352518"),
    ]
