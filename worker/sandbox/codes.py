"""What the vendor's numbers mean: error codes of a whole request, statuses of one SMS.

Two tables and the exception that carries a code. When a code is due is the gateway's affair, how it is spelled on the
wire the form's.
"""

from typing import NamedTuple

ERRORS = {
    -1: "XML invalide",
    -2: "Login non spécifié",
    -3: "Mot de passe non spécifié",
    -4: "Echec de l'Authentification",
    -5: "Aucun message spécifié",
    -6: "Pas assez de crédits ou crédits insuffisants",
    -7: "Aucun destinataire spécifié",
    -8: "Expéditeur non enregistré",
    -9: "Aucuns destinataires valides",
    -10: "La longueur de l'Id du message dépasse les 30 caractères autorisés",
    -11: "Envoi de sms non autorisé pour ce compte",
    -12: "Compte non actif dans le système",
    -13: "Heure d'envoi pour message différé incorrecte",
    -14: "Commande inconnue",
    -15: "Aucun statut sms disponible",
}

NOTHING_TO_READ = -15

SENT = "Envoi effectué avec succès"
DONE = "Requête traitée avec succès"


class Status(NamedTuple):
    """What becomes of one SMS: the vendor's label, a longer text, and whether its credits stay spent."""

    libelle: str
    texte: str
    billed: bool


STATUSES = {
    49: Status("Erreur Crédits", "Les crédits du compte ne suffisent pas pour ce sms", False),
    50: Status("en Attente", "Le sms attend d'être traité", False),
    54: Status("non envoyé", "Le sms n'a pas été envoyé", False),
    55: Status("Transmis à l'Opérateur", "Le sms a été transmis à l'opérateur", True),
    56: Status("Accusé de Réception", "Le sms a été reçu par le destinataire", True),
    59: Status("Non Délivré par l'Opérateur", "L'opérateur n'a pas pu délivrer le sms", True),
    60: Status("Erreur réseau opérateur", "Le réseau de l'opérateur a signalé une erreur", True),
    61: Status("File d'attente Opérateur", "Le sms attend chez l'opérateur", True),
    62: Status("Rejeté", "Le sms a été rejeté", False),
    65: Status("File d'attente locale", "Le sms attend dans la file locale", True),
}

# The ends whose credits come back. 50 is unbilled too, but it is no end.
UNBILLED_ENDS = frozenset({49, 54, 62})


class Refused(Exception):
    """The whole request is refused with one of the vendor's codes; nothing was accepted, nothing was charged."""

    def __init__(self, code: int, *, accountid: str = "") -> None:
        super().__init__(code, ERRORS[code])
        self.code = code
        self.text = ERRORS[code]
        self.accountid = accountid
