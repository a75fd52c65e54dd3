"""What the transcripts ask and tell, as values: the same whatever the form. And texts that need care in each."""

from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import strategies as st

from worker.smseco import Credentials, ReportBatch, Sending
from worker.smseco.forms import Form
from worker.smseco.request import Request

CREDENTIALS = Credentials("toto@toto.fr", "123456")
_TEST = "Bonjour, Ceci est juste un test."

_SENDINGS = {
    "send_request": Sending("15", "TOTO", _TEST, ["05442710", "07352518", 22678657808]),
    "send_every_option_request": Sending(
        "15", "TOTO", _TEST, ["05442710"], unicode=True, flash=True, binary=True, mwi=1, pid=0, rpi=2, alt_dcs="3",
        udhdata="0605", datesend=datetime(2015, 6, 21, 16, 49, 30, tzinfo=UTC),
    ),
    "send_special_text_request": Sending(
        "15", "TOTO", 'Fête à -50% & plus: 1+1=2 "oui" <{nom}> 😀', ["05442710"], unicode=True
    ),
    "merge_request": Sending(
        "15", "TOTO", "Bonjour {nom}, votre solde est {solde}", ["05442710", "07352518"], ("nom", "solde"),
        [
            (" le nom du premier contact", " le solde du premier contact"),
            (" le nom du deuxième contact", " le solde du deuxième contact"),
        ],
    ),
}  # fmt: skip

# What `reports_reply` tells, as `rows` puts it.
ROWS = [
    ("55857bdb8d51b7-38880789", "55857bf80517a0-38726421", "05442710", 56, "2015-06-21 16:49:30"),
    ("55857bdb8d51b7-38880789", "55857bf80517a0-38726422", "07352518", 59, "2015-06-21 16:49:31"),
    ("55857bdb8d51b7-38880790", "55857bf80517a0-38726424", "05442710", 55, "2015-06-21 16:50:02"),
]

REQUESTS: dict[str, Callable[[Form], Request]] = {
    **{
        name: lambda form, sending=sending: form.send_request(CREDENTIALS, sending)
        for name, sending in _SENDINGS.items()
    },
    "reports_request": lambda form: form.reports_request(CREDENTIALS),
    "reports_of_one_request": lambda form: form.reports_request(
        CREDENTIALS, "55857bdb8d51b7-38880789", "55857bf80517a0-38726421"
    ),
    "balance_request": lambda form: form.balance_request(CREDENTIALS),
    "senders_request": lambda form: form.senders_request(CREDENTIALS),
    "lookup_request": lambda form: form.lookup_request(CREDENTIALS, "15", ["05442710", "07352518", "08559001"]),
}
"""By the transcript's name, how a form is asked for the request that it shows."""

_ACCOUNT = dict.fromkeys(("balance_request", "senders_request"), "account_request")
POSTED = {name: _ACCOUNT.get(name, name) for name in REQUESTS}
"""The transcript of each in XML and JSON, where balance and senders are asked for by one text at two addresses."""

CARRIED = st.text(
    st.one_of(
        st.sampled_from("\t\n\r&<>\"'%+={};]€{}\\ /~?#,\u2028"),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    )
)
"""Any text that the gateway can be given, and often what one form or another has to escape."""


def rows(batch: ReportBatch) -> list[tuple[str, str, str, int, str]]:
    """Its reports: msgfid, smsfid, destination, code and date of each."""
    columns = (batch.msgfids, batch.smsfids, batch.destinations, batch.codes, batch.dates)
    return list(zip(*columns, strict=True))
