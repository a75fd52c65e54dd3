"""Zeep, a SOAP client in Python that nobody here wrote, which is given the address of the WSDL and nothing else."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import zeep

from worker.sandbox.server import RunningSandbox

ACCOUNT = {"login": "toto@toto.fr", "password": "123456"}
SEND = {**ACCOUNT, "msgid": "15", "expediteur": "TOTO"}


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[zeep.Client]:
    client = zeep.Client(f"{sandbox.url}/client/CODE/fr/api/soap/wsdl/", settings=zeep.Settings(strict=True))
    yield client
    client.transport.session.close()


@pytest.fixture
def service(client: zeep.Client):
    return client.service


def test_it_finds_all_five_operations_at_the_base_path_of_the_wsdl(client, sandbox):
    assert set(client.service._binding.all()) == {"Sendsms", "Getdlrs", "Getbalance", "Getsenders", "SendHlr"}
    assert client.service._binding_options["address"] == f"{sandbox.url}/client/CODE/fr/api/soap/server/"


def test_it_sends(service, sandbox):
    text = 'Fête à -50% & plus: 1+1=2 "oui" <{nom}> 😀 ]]> &amp;\nfin'
    reply = service.Sendsms(**SEND, msg=text, unicode=1, flash=0, datesend="", to=["05442710", "07352518", "12"])
    assert (reply.statut, reply.destinataires, reply.sms, reply.credits, reply.solde) == (2, 2, 2, 2, 998)
    assert [(sms.destination, sms.credits) for sms in reply.messages.sms] == [("22505442710", 1), ("22507352518", 1)]
    ledger = sandbox.ledger(msgfid=reply.msgfid)
    assert [record["smsfid"] for record in ledger] == [sms.smsfid for sms in reply.messages.sms]
    assert [record["text"] for record in ledger] == [text, text]


def test_one_number_need_not_be_a_list(service, sandbox):
    assert service.Sendsms(**SEND, msg="Juste un test", to="05442710").statut == 1
    assert [record["destination"] for record in sandbox.ledger()] == ["22505442710"]


def test_it_merges_by_position(service, sandbox):
    reply = service.Sendsms(
        **SEND,
        msg="{civilite} {nom}, tu es {fonction}. Bonjour {nom}",
        to=["07352518", "05442710", "08559001"],
        publipostage=[
            {"to": "05442710", "data1": "Mme", "data2": "Ange & Cie", "data3": "<chef> à 50%"},
            {"to": "07352518", "data2": "Philo"},
        ],
    )
    assert reply.statut == 3
    assert {record["destination"]: record["text"] for record in sandbox.ledger()} == {
        "22505442710": "Mme Ange & Cie, tu es <chef> à 50%. Bonjour Ange & Cie",
        "22507352518": "{civilite} Philo, tu es {fonction}. Bonjour Philo",
        "22508559001": "{civilite} {nom}, tu es {fonction}. Bonjour {nom}",
    }


def test_a_value_may_be_nil(client, service, sandbox):
    merge = client.get_type("{http://www.smseco.com/api/soap/server/}numberwithdatas")
    recipient = merge(to="07352518", data1=zeep.xsd.Nil, data2="Philo")
    assert service.Sendsms(**SEND, msg="{a} {b}", publipostage=recipient).statut == 1
    assert [record["text"] for record in sandbox.ledger()] == ["{a} Philo"]


def test_it_reads_reports_once(service):
    first, second = (service.Sendsms(**SEND, msg="Juste un test", to=["05442710", "07352518"]) for _ in range(2))
    (message,) = service.Getdlrs(**ACCOUNT, msgid=first.msgfid, smsid=first.messages.sms[1].smsfid).messages.message
    (report,) = message.dlrs.dlr
    assert (message.msgfid, report.smsfid) == (first.msgfid, first.messages.sms[1].smsfid)
    assert (report.destination, report.statut, report.libelle) == ("22507352518", 56, "Accusé de Réception")
    rest = {message.msgfid: message.dlrs.dlr for message in service.Getdlrs(**ACCOUNT).messages.message}
    assert {msgfid: len(reports) for msgfid, reports in rest.items()} == {first.msgfid: 1, second.msgfid: 2}
    nothing = service.Getdlrs(**ACCOUNT)
    assert (nothing.statut, nothing.texte) == (-15, "Aucun statut sms disponible")


def test_it_reads_the_balance(service):
    service.Sendsms(**SEND, msg="Juste un test", to="05442710")
    reply = service.Getbalance(**ACCOUNT)
    assert (reply.statut, reply.credits, reply.cumul) == (0, Decimal(999), Decimal(1))


def test_it_reads_the_senders(service):
    assert service.Getsenders(**ACCOUNT).senders.sender == ["TOTO", "TEST"]


def test_it_looks_numbers_up(service):
    reply = service.SendHlr(**ACCOUNT, msgid="h", to=["05442710", "07352518"])
    assert (reply.statut, [sms.destination for sms in reply.messages.sms]) == (2, ["22505442710", "22507352518"])
    (message,) = service.Getdlrs(**ACCOUNT, msgid=reply.msgfid).messages.message
    assert [report.statut for report in message.dlrs.dlr] == [56, 56]


@pytest.mark.parametrize(
    ("operation", "fields", "statut", "text"),
    [
        ("Sendsms", {**SEND, "expediteur": "TITI", "msg": "x", "to": "05442710"}, -8, "Expéditeur non enregistré"),
        ("SendHlr", ACCOUNT, -7, "Aucun destinataire spécifié"),
        ("Getdlrs", {}, -2, "Login non spécifié"),
        ("Getbalance", {"login": "toto@toto.fr"}, -3, "Mot de passe non spécifié"),
        ("Getsenders", {**ACCOUNT, "password": "x"}, -4, "Echec de l'Authentification"),
    ],
)
def test_a_refusal_is_a_reply_as_any_other(service, operation, fields, statut, text):
    reply = service[operation](**fields)
    # A lookup and the senders write `text` where all others write `texte`.
    said = reply.text if "text" in reply else reply.texte
    assert (reply.statut, said) == (statut, text)


def test_what_is_no_operation_is_a_fault(client, service):
    binding, address = service._binding, service._binding_options["address"]
    envelope = client.create_message(service, "Getbalance", **ACCOUNT)
    envelope[0][0].tag = "Sendfax"
    response = client.transport.post_xml(address, envelope, {})
    with pytest.raises(zeep.exceptions.Fault, match="Commande inconnue") as fault:
        binding.process_reply(client, binding.get("Getbalance"), response)
    assert fault.value.code == "soap:Client"
