"""curl, with bodies that travel in every way that programs in production let them."""

import json
import subprocess

import pytest

from tests.transcripts.reading import transcript
from worker.sandbox.server import RunningSandbox

pytestmark = pytest.mark.needs("curl")

COMPTE = "<compte><login>toto@toto.fr</login><password>123456</password></compte>"
TEXT = "-50% ce soir: 2 + 2 & <b>«été»</b> {x}"
ON_THE_PHONE = "-50% ce soir: 2 + 2 & <b>«été»</b> {x}".replace("«", "?").replace("»", "?")


def xml(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    message = f"<message><msgid>15</msgid><expediteur>TOTO</expediteur><msg>{escaped}</msg></message>"
    return f"<SMS>{COMPTE}{message}<destinataires><numero>05442710</numero></destinataires></SMS>"


def document(text: str) -> str:
    return json.dumps({
        "compte": {"login": "toto@toto.fr", "password": "123456"},
        "message": {"msgid": "15", "expediteur": "TOTO", "msg": text},
        "destinataires": [{"numero": "05442710"}],
    })  # fmt: skip


def escaped_by_hand(body: str) -> str:
    return body.replace("+", "%2b").replace("&", "%26")


def curl(sandbox: RunningSandbox, path: str, *options: str) -> str:
    command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "20", *options, f"{sandbox.url}{path}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


WAYS = {
    "xml, urlencoded": ("xml", ["--data-urlencode", f"XML={xml(TEXT)}"]),
    "xml, raw with the type that curl adds": ("xml", ["--data-binary", f"XML={escaped_by_hand(xml(TEXT))}"]),
    "xml, raw as text/xml": (
        "xml", ["--header", "Content-Type: text/xml", "--data-binary", f"XML={escaped_by_hand(xml(TEXT))}"],
    ),
    "xml, raw without a type": (
        "xml", ["--header", "Content-Type:", "--data-binary", f"XML={escaped_by_hand(xml(TEXT))}"],
    ),
    "json, urlencoded": ("json", ["--data-urlencode", f"JSON={document(TEXT)}"]),
    "json, raw with the type that curl adds": ("json", ["--data-binary", f"JSON={escaped_by_hand(document(TEXT))}"]),
    "json, raw as application/json": (
        "json", ["--header", "Content-Type: application/json", "--data-binary", f"JSON={document(TEXT)}"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("form", "options"), WAYS.values(), ids=WAYS.keys())
def test_a_text_reaches_the_phone_as_it_was_meant_however_the_body_travels(
    sandbox: RunningSandbox, form: str, options: list[str]
) -> None:
    reply = curl(sandbox, f"/api/{form}/sendsms/", *options)
    assert (json.loads(reply)["statut"] == 1) if form == "json" else ("<statut>1</statut>" in reply)
    assert [record["text"] for record in sandbox.ledger()] == [ON_THE_PHONE]


def test_the_old_address_takes_what_it_took(sandbox: RunningSandbox) -> None:
    assert "<statut>1</statut>" in curl(sandbox, "/XML/XMLdatas.php", "--data-urlencode", f"XML={xml(TEXT)}")


@pytest.mark.parametrize(
    ("form", "shown"), [("xml", "<statut>1</statut>"), ("json", '"statut":1'), ("html", "<dt>statut</dt><dd>1</dd>")]
)
def test_a_query_is_answered_in_the_form_of_its_path(sandbox: RunningSandbox, form: str, shown: str) -> None:
    fields = {
        "login": "toto@toto.fr", "password": "123456", "expediteur": "TOTO", "msgid": "15", "msg": TEXT,
        "numero": "05442710,07352518", "datesend": "2015-06-21 16:49", "flash": "0", "binaire": "0", "unicode": "0",
    }  # fmt: skip
    query = [part for name, value in fields.items() for part in ("--data-urlencode", f"{name}={value}")]
    reply = curl(sandbox, f"/api/{form}/sendsms", "--get", *query)
    assert shown.replace("1", "2") in reply
    assert [record["text"] for record in sandbox.ledger()] == [ON_THE_PHONE] * 2


def test_the_sample_of_i_3_2_is_refused_as_printed_and_served_as_mended(sandbox: RunningSandbox) -> None:
    def statut(name: str) -> int:
        body = f"JSON={transcript(f'json/send_as_{name}_request.json').decode()}"
        options = ["--header", "Content-Type: application/json", "--data-binary", body]
        return int(json.loads(curl(sandbox, "/api/json/sendsms/", *options))["statut"])

    assert (statut("printed"), statut("mended")) == (-1, 2)
