"""The people whom every contestant texts: made up, all different, the same each time, in texts that fit GSM-7."""

from collections.abc import Iterator

TEMPLATE = "Bonjour {{ nom }}, votre solde est de {{ solde }} F CFA. Merci de votre confiance."
WIRE_TEXT = "Bonjour {f1}, votre solde est de {f2} F CFA. Merci de votre confiance."
RENDERED = (
    "Bonjour {{ nom | upper }}, {% if solde == '1000' %}votre compte est vide{% else %}votre solde est de {{ solde }} "
    "F CFA{% endif %}. Merci de votre confiance."
)
"""A text of the same length that no gateway can merge: it travels finished."""

NAMES = ("Awa", "Koffi", "Mariam", "Yao", "Aminata", "Issouf", "Adjoua", "Salif", "Fatou", "Kouamé", "Rasmata", "Noé")

MANY, ONE = "22507", "22505"
"""How numbers begin: of those in a campaign of many, and of those who are texted alone."""

SPREAD = 7_368_787  # shares no factor with 100,000,000: a walk by it meets every number once
DECIDED = range(9_999_900, 10_000_000)  # the sandbox lets such last digits choose their own end


def people(count: int, *, prefix: str = MANY) -> Iterator[dict[str, str]]:
    """So many rows with `nom`, `numero` and `solde`; numbers are as a person writes them, in no order."""
    place = made = 0
    while made < count:
        place += 1
        number = place * SPREAD % 100_000_000
        if number % 10_000_000 in DECIDED:
            continue
        yield {
            "nom": NAMES[place % len(NAMES)],
            "numero": f"+{prefix}{number:08d}",
            "solde": str(1_000 + place % 900 * 50),
        }
        made += 1
