"""The JSON form (I-3, II-2, III-3, IV-1-3, IV-2-3, V-3): a document into what is asked, an answer into a document.

Documents come from strangers: what is ambiguous, too deep, too large or no text is refused. Unknown names are passed
over. What an answer says is decided in gateway.py; the HTML output shows the same fields.
"""

import json
from typing import Any

from worker.sandbox.asked import Asked
from worker.sandbox.calls import Accepted, Answer, BalanceAnswer, Recipient, ReportsAnswer, SendersAnswer
from worker.sandbox.codes import DONE, SENT, STATUSES, Refused

CONTENT_TYPE = "application/json"
# Small values take a hundred bytes each, and one emoji makes a text four times as long in memory, so a document with
# more than this is refused unread. It leaves room for 25,000 recipients of a merge with two fields.
MOST_MARKS = 175_000
MOST_BYTES = 6_000_000


def read(document: bytes) -> Asked:
    """What is asked. Raises Refused(-1) for what is no such document."""
    if len(document) > MOST_BYTES or sum(map(document.count, (b"{", b"[", b","))) > MOST_MARKS:
        raise Refused(-1)
    try:
        return _asked(_DECODER.decode(document.decode()))
    except (ValueError, RecursionError):
        raise Refused(-1) from None


def write(answer: Answer) -> bytes:
    """The reply to an accepted request."""
    return _reply(fields(answer))


def write_refusal(operation: str, refused: Refused) -> bytes:
    """The reply to a refused request."""
    return _reply(refusal_fields(operation, refused))


def fields(answer: Answer) -> dict[str, Any]:
    """What a reply to an accepted request holds, in the order and with the mixture of types that is printed."""
    match answer:
        case Accepted():
            return _accepted(answer)
        case ReportsAnswer():
            return _reports(answer)
        case BalanceAnswer():
            amounts = {"credits": str(answer.credits), "expire": answer.expire, "cumul": str(answer.cumul)}
            return {"accountid": answer.accountid, "statut": 0, "texte": DONE} | amounts
        case SendersAnswer():
            senders = [{"sender": name} for name in answer.senders]
            return {"accountid": answer.accountid, "statut": 0, "texte": DONE, "senders": senders}


def refusal_fields(operation: str, refused: Refused) -> dict[str, Any]:
    """What a reply to a refused one holds; where no JSON is printed, what the XML of the operation holds (assumed)."""
    match operation:
        case "reports":
            return {"statut": str(refused.code), "texte": refused.text, "messages": []}
        case "balance":
            return {"accountid": "", "statut": refused.code, "texte": refused.text}
        case "senders":
            return {"accountid": "", "statut": refused.code, "text": refused.text, "senders": []}
    return {"statut": refused.code, "texte": refused.text}


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise ValueError("a name comes twice")
    return named


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


# Numbers stay as they are spelt: they are texts to whoever reads them.
_DECODER = json.JSONDecoder(
    parse_int=str, parse_float=str, parse_constant=_no_number, object_pairs_hook=_unambiguous
)  # fmt: skip


def _asked(root: Any) -> Asked:
    """Raises ValueError where an object or a list is needed and something else stands."""
    if not isinstance(root, dict):
        raise ValueError("no object")  # noqa: TRY004 - refused like any other wrong document
    message = _object(root.get("message"))
    texts = _texts(message)
    texts["datesend"] = texts.get("datesend") or texts.get("date send", "")
    # V-3-2 nests them in the message.
    recipients = root.get("destinataires") or message.get("destinataires") or []
    if not isinstance(recipients, list):
        raise ValueError("no list")  # noqa: TRY004
    return Asked(_texts(_object(root.get("compte"))), texts, [_recipient(recipient) for recipient in recipients])


def _recipient(recipient: Any) -> Recipient:
    recipient = _object(recipient)
    values = [(name, _text(value)) for name, value in _object(recipient.get("datas")).items()]
    return _text(recipient.get("numero")).strip(), values


def _object(value: Any) -> dict[str, Any]:
    """PHP writes an object without members as an empty list."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004
    return value


def _texts(named: dict[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in named.items()}


def _text(value: Any) -> str:
    """Any value as PHP would join it to a text: `true` is 1, `false` and null are nothing, and so is what is no value.

    Raises ValueError for half a surrogate pair, which nobody could write down or send on.
    """
    if isinstance(value, str):
        if not value.isascii():
            value.encode()
        return value
    return "1" if value is True else ""


def _reply(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _accepted(answer: Accepted) -> dict[str, Any]:
    sending = answer.sending
    # I-3-1 prints `msgid` for a send, V-3-1 `msgfid` for a lookup.
    name = "msgfid" if sending.kind == "lookup" else "msgid"
    taken = zip(sending.smsfids, sending.destinations, sending.credits, strict=True)
    return {
        name: sending.msgid if answer.json_echo and name == "msgid" else sending.msgfid,
        "statut": len(sending),
        "texte": SENT,
        "destinataires": str(len(sending)),
        "sms": str(answer.segments),
        "credits": str(sum(sending.credits)),
        "solde": str(answer.solde),
        "messages": [
            {"smsfid": smsfid, "destination": str(destination), "credits": price}
            for smsfid, destination, price in taken
        ],
    }


def _reports(answer: ReportsAnswer) -> dict[str, Any]:
    messages = [{"msgfid": msgfid, "dlrs": [_dlr(*report) for report in dlrs]} for msgfid, dlrs in answer.groups]
    return {"accountid": answer.accountid, "statut": "0", "texte": DONE, "messages": messages}


def _dlr(smsfid: str, destination: int, date: str, statut: int) -> dict[str, str]:
    status = STATUSES[statut]
    return {
        "smsfid": smsfid,
        "destination": str(destination),
        "date": date,
        "statur": str(statut),
        "libelle": status.libelle,
        "texte": status.texte,
    }
