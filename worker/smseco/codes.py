"""The numbers that the gateway answers with: one table of refusals, one of report statuses.

Vendor's document, I-1-1 ("Codes d'erreur") and III-1 ("Définition des statuts"). What to do about a code is decided by
the error class beside it; whether a reply is a refusal at all is decided in `outcome.py`.
"""

from dataclasses import dataclass

from worker.smseco.errors import BadReply, BadRequest, NeedsPerson, NotEnoughCredits, Refused

NOTHING_TO_REPORT = -15
NOTHING_TO_REPORT_TEXT = "Aucun statut sms disponible"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A documented negative `statut`: our name for it, the vendor's text, and what its catcher can do."""

    name: str
    text: str
    error: type[Refused]


# -15 is not here: as an answer to a send it proves nothing, and to a report request it means "none".
REFUSALS: dict[int, Refusal] = {
    -1: Refusal("invalid_document", "XML invalide", BadRequest),
    -2: Refusal("login_missing", "Login non spécifié", NeedsPerson),
    -3: Refusal("password_missing", "Mot de passe non spécifié", NeedsPerson),
    -4: Refusal("authentication_failed", "Echec de l'Authentification", NeedsPerson),
    -5: Refusal("no_message", "Aucun message spécifié", BadRequest),
    -6: Refusal("not_enough_credits", "Pas assez de crédits ou crédits insuffisants", NotEnoughCredits),
    -7: Refusal("no_recipient", "Aucun destinataire spécifié", BadRequest),
    -8: Refusal("sender_not_registered", "Expéditeur non enregistré", NeedsPerson),
    -9: Refusal("no_valid_recipient", "Aucuns destinataires valides", BadRequest),
    -10: Refusal("msgid_too_long", "La longueur de l'Id du message dépasse les 30 caractères autorisés", BadRequest),
    -11: Refusal("sending_not_allowed", "Envoi de sms non autorisé pour ce compte", NeedsPerson),
    -12: Refusal("account_not_active", "Compte non actif dans le système", NeedsPerson),
    -13: Refusal("bad_datesend", "Heure d'envoi pour message différé incorrecte", BadRequest),
    -14: Refusal("unknown_command", "Commande inconnue", NeedsPerson),
}


@dataclass(frozen=True, slots=True)
class ReportCode:
    """One status of one SMS. `final` ones are ends, though 56 may still follow 59 and 60."""

    name: str
    billed: bool
    final: bool


REPORT_CODES: dict[int, ReportCode] = {
    50: ReportCode("waiting", billed=False, final=False),
    65: ReportCode("queued_locally", billed=True, final=False),
    55: ReportCode("handed_over", billed=True, final=False),
    61: ReportCode("queued_at_operator", billed=True, final=False),
    56: ReportCode("delivered", billed=True, final=True),
    59: ReportCode("undelivered", billed=True, final=True),
    60: ReportCode("network_error", billed=True, final=True),
    62: ReportCode("rejected", billed=False, final=True),
    54: ReportCode("not_sent", billed=False, final=True),
    49: ReportCode("no_credit", billed=False, final=True),
}


def refusal(code: int) -> Refused | None:
    """The error to raise for a documented whole-request refusal; None for any other code (-15 included)."""
    known = REFUSALS.get(code)
    return None if known is None else known.error(code, known.text, known.name)


def unproven(code: int) -> str:
    """In words, a code that proves nothing: not documented, not as an answer to this, or belied by the rest of it."""
    return f"code {code} {NOTHING_TO_REPORT_TEXT}" if code == NOTHING_TO_REPORT else f"code {code}"


def check_status(status: int, body: bytes = b"") -> None:
    """For a question's answer: raises the documented refusal, or BadReply with `body` for any other negative code."""
    if status < 0:
        raise refusal(status) or BadReply(unproven(status), partial=body)


def check_report_status(status: int, body: bytes = b"") -> None:
    """The same for an answer without reports, where -15 is no failure."""
    if status != NOTHING_TO_REPORT:
        check_status(status, body)
