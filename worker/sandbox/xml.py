"""The XML form (I-1, II-1, III-2, IV-1-2, IV-2-2, V-2): a document into a call, an answer into a document.

The order of elements is free, unknown ones are passed over. What an answer says is decided in gateway.py; the SOAP
form writes the same fields into an envelope.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from lxml import etree

from worker.sandbox.asked import Asked
from worker.sandbox.calls import Accepted, Answer, BalanceAnswer, Recipient, ReportsAnswer, SendersAnswer
from worker.sandbox.codes import DONE, SENT, STATUSES, Refused
from worker.sandbox.documents import root_of

CONTENT_TYPE = "text/xml"

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def read(document: bytes) -> Asked:
    """What is asked. Raises Refused(-1) for what is no such document."""
    root = _root(document)
    return Asked(_texts(root.find("compte")), _texts(root.find("message")), list(_recipients(root)))


def write(answer: Answer) -> bytes:
    """The reply to an accepted request."""
    return _reply(fields(answer))


def write_refusal(operation: str, refused: Refused) -> bytes:
    """The reply to a refused request."""
    return _reply(refusal_fields(operation, refused))


def fields(answer: Answer) -> str:
    """The elements that a reply to an accepted request consists of."""
    match answer:
        case Accepted():
            parts = _accepted(answer)
        case ReportsAnswer():
            parts = _reports(answer)
        case BalanceAnswer():
            parts = iter([
                _done(answer.accountid),
                f"<credits>{answer.credits}</credits><expire>{answer.expire}</expire><cumul>{answer.cumul}</cumul>",
            ])  # fmt: skip
        case SendersAnswer():
            names = "".join(f"<sender>{escape(name)}</sender>" for name in answer.senders)
            parts = iter([_done(answer.accountid), f"<senders>{names}</senders>"])
    return "".join(parts)


def refusal_fields(operation: str, refused: Refused) -> str:
    """Those of a reply to a refused one: the samples differ from operation to operation, down to `text` for `texte`."""
    statut, text = f"<statut>{refused.code}</statut>", escape(refused.text)
    match operation:
        case "reports":
            return f"{statut}<texte>{text}</texte><messages></messages>"
        case "balance":
            return f"<accountid></accountid>{statut}<texte>{text}</texte>"
        case "senders":
            return f"<accountid></accountid>{statut}<text>{text}</text><senders></senders>"
        case "lookup":
            return f"{statut}<text>{text}</text>"
    return f"{statut}<texte>{text}</texte>"


def _root(document: bytes) -> etree._Element:
    root = root_of(document)
    if root.tag != "SMS":
        raise Refused(-1)
    return root


def _recipients(root: etree._Element) -> Iterator[Recipient]:
    """Plain `<numero>`s and `<sms>`s of a mail merge, as they come; both may stand side by side."""
    for recipients in root.iterchildren("destinataires"):
        for recipient in recipients:
            if recipient.tag == "numero":
                yield (recipient.text or "").strip(), []
            elif recipient.tag == "sms":
                yield _merge_recipient(recipient)


def _merge_recipient(recipient: etree._Element) -> Recipient:
    number, values = "", []
    for child in recipient:
        if child.tag == "numero":
            number = (child.text or "").strip()
        elif child.tag == "datas":
            values = [(value.tag, value.text or "") for value in child]
    return number, values


def _texts(parent: etree._Element | None) -> dict[str, str]:
    """The texts of the children by name; of two of a name the first."""
    texts: dict[str, str] = {}
    for child in parent if parent is not None else ():
        texts.setdefault(child.tag, child.text or "")
    return texts


def _reply(content: str) -> bytes:
    return f"{_DECLARATION}<REPONSE>{content}</REPONSE>".encode()


def _done(accountid: str) -> str:
    return f"<accountid>{accountid}</accountid><statut>0</statut><texte>{escape(DONE)}</texte>"


def _accepted(answer: Accepted) -> Iterator[str]:
    sending = answer.sending
    count = len(sending)
    yield (
        f"<msgfid>{sending.msgfid}</msgfid><statut>{count}</statut><texte>{SENT}</texte>"
        f"<destinataires>{count}</destinataires><sms>{answer.segments}</sms>"
        f"<credits>{sum(sending.credits)}</credits><solde>{answer.solde}</solde><messages>"
    )
    for smsfid, destination, price in zip(sending.smsfids, sending.destinations, sending.credits, strict=True):
        yield (
            f"<sms><smsfid>{smsfid}</smsfid><destination>{destination}</destination><credits>{price}</credits></sms>"
        )
    yield "</messages>"


_ENDINGS = {
    code: f"</date><statut>{code}</statut><libelle>{escape(status.libelle)}</libelle>"
    f"<texte>{escape(status.texte)}</texte></dlr>"
    for code, status in STATUSES.items()
}


def _reports(answer: ReportsAnswer) -> Iterator[str]:
    yield _done(answer.accountid)
    yield "<messages>"
    for msgfid, reports in answer.groups:
        yield f"<message><msgfid>{msgfid}</msgfid><dlrs>"
        for smsfid, destination, date, statut in reports:
            yield (
                f"<dlr><smsfid>{smsfid}</smsfid><destination>{destination}</destination><date>{date}{_ENDINGS[statut]}"
            )
        yield "</dlrs></message>"
    yield "</messages>"
