"""What the transcripts ask and how they are answered, as values: the same whatever the form."""

from worker.sandbox.calls import (
    Accepted,
    Answer,
    BalanceAnswer,
    BalanceCall,
    Credentials,
    LookupCall,
    ReportsAnswer,
    ReportsCall,
    SendCall,
    SendersAnswer,
    SendersCall,
)
from worker.sandbox.sendings import Kind, Sending

TOTO = Credentials("toto@toto.fr", "123456")
TEST = "Bonjour, Ceci est juste un test."
CALLS = {
    ("send", "send_request"): SendCall(
        "15", "TOTO", TEST, unicode=False, datesend="",
        recipients=[("05442710", []), ("07352518", []), ("22678657808", [])],
        options={"flash": "0", "binaire": "0"},
    ),
    ("send", "send_every_option_request"): SendCall(
        "15", "TOTO", TEST, unicode=True, datesend="2015-06-21 16:49", recipients=[("05442710", [])],
        options={
            "flash": "1", "binaire": "1", "mwi": "1", "pid": "0", "rpi": "2", "alt_dcs": "3", "udhdata": "0605",
        },
    ),
    ("send", "send_special_text_request"): SendCall(
        "15", "TOTO", 'Fête à -50% & plus: 1+1=2 "oui" <{nom}> 😀', unicode=True, datesend="",
        recipients=[("05442710", [])], options={"flash": "0", "binaire": "0"},
    ),
    ("send", "merge_request"): SendCall(
        "15", "TOTO", "Bonjour {nom}, votre solde est {solde}", unicode=False, datesend="",
        recipients=[
            ("05442710", [("nom", " le nom du premier contact"), ("solde", " le solde du premier contact")]),
            ("07352518", [("nom", " le nom du deuxième contact"), ("solde", " le solde du deuxième contact")]),
        ],
        options={"flash": "0", "binaire": "0"},
    ),
    ("reports", "reports_request"): ReportsCall("", ""),
    ("reports", "reports_of_one_request"): ReportsCall("55857bdb8d51b7-38880789", "55857bf80517a0-38726421"),
    ("balance", "account_request"): BalanceCall(),
    ("senders", "account_request"): SendersCall(),
    ("lookup", "lookup_request"): LookupCall("15", ["05442710", "07352518", "08559001"]),
}  # fmt: skip


def taken(kind: Kind) -> Sending:
    """What a reply to a send or a lookup tells of."""
    return Sending(
        kind=kind,
        account="toto@toto.fr",
        msgid="15",
        at=1435935707.0,
        number=3,
        first=38_726_421,
        destinations=[22505442710, 22507352518],
        texts=["a"],
        credits=[1, 2],
    )


def _accepted(kind: Kind) -> tuple[Answer, list[str]]:
    sending = taken(kind)
    texts = [sending.msgfid, "2", "Envoi effectué avec succès", "2", "3", "3", "97"]
    first = [sending.smsfid(0), "22505442710", "1"]
    second = [sending.smsfid(1), "22507352518", "2"]
    return Accepted(sending, 3, 97), texts + first + second


# Answers to be written like a reply that is printed, with texts of their own, in the order of the reply.
ANSWERS: dict[str, tuple[Answer, list[str]]] = {
    "send_in_part_reply": _accepted("send"),
    "lookup_reply": _accepted("lookup"),
    "reports_reply": (
        ReportsAnswer(
            "38",
            [
                (
                    "m-1",
                    [
                        ("s-1", 22505442710, "2015-06-21 16:49:30", 56),
                        ("s-2", 22507352518, "2015-06-21 16:49:31", 59),
                    ],
                ),
                ("m-2", [("s-3", 22505442710, "2015-06-21 16:50:02", 55)]),
            ],
        ),
        [
            *("38", "0", "Requête traitée avec succès"),
            "m-1",
            *("s-1", "22505442710", "2015-06-21 16:49:30", "56"),
            *("Accusé de Réception", "Le sms a été reçu par le destinataire"),
            *("s-2", "22507352518", "2015-06-21 16:49:31", "59"),
            *("Non Délivré par l'Opérateur", "L'opérateur n'a pas pu délivrer le sms"),
            "m-2",
            *("s-3", "22505442710", "2015-06-21 16:50:02", "55"),
            *("Transmis à l'Opérateur", "Le sms a été transmis à l'opérateur"),
        ],
    ),
}
WORD_FOR_WORD: dict[str, Answer] = {
    "balance_reply": BalanceAnswer("ECO-1234", 94, "2030-12-31 23:59:59", 1206),
    "senders_reply": SendersAnswer("ECO-1234", ("TOTO", "TEST")),
}

# Operation, code, and the reply that is printed.
REFUSALS = [
    ("send", -8, "refused_reply"),
    ("lookup", -11, "lookup_refused_reply"),
    ("reports", -4, "reports_refused_reply"),
    ("reports", -15, "reports_none_reply"),
    ("balance", -4, "balance_refused_reply"),
    ("senders", -3, "senders_refused_reply"),
]
