"""Makes worker/demo/clients.csv, a customer list as real ones are, and states what is in it.

    python -m tests.data.make_clients

Names and numbers are drawn at random from a fixed seed, so the file is the same each time; a test compares the two.
"""

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

FILE = Path(__file__).parents[2] / "worker" / "demo" / "clients.csv"
HEADER = ("Nom", "Prénom", "Téléphone", "Ville", "Solde")

ROWS = 5_200
DUPLICATES = 47
NAMELESS = 4
"""Rows with a good number and an empty name: a template that says `{{ nom }}` cannot be filled in for them."""

# What cannot get an SMS, by kind.
INVALID = {
    "landline": ["27 20 30 40 50", "+225 25 21 00 12 34", "+226 25 30 61 00", "20 22 48 15"],
    "garbage": ["inconnu", "néant", "-", "voir fiche", "07 58 42 19 O3", "07.58.42", "2,25071E+12", "15/01/2024"],
    "too short or too long": ["07 58 42 19 0", "0758421", "+225 07 58 42 19 03 11"],
    "short code": ["98102", "1313"],
    "closed operator": ["60 12 34 56", "61-22-33-44"],
    "two numbers": ["0758421903/0506112233", "07 58 42 19 03 ou 05 06 11 22 33"],
    "empty": ["", " "],
}
INVALID_COUNT = sum(map(len, INVALID.values()))
VALID = ROWS - INVALID_COUNT - DUPLICATES - NAMELESS
"""Recipients that get a message, if it says `{{ nom }}`: each row but the invalid, the repeated and the nameless."""

ODD_NAMES = [
    "Traoré & Fils",
    "Ets <Le Bon Prix>",
    "Boutique {Chez Awa}",
    'Société "Le Marché"',
    "Koné; Veuve",
    "N’Guessan",
    "D’Almeida – Cœur",
]
_LAST = [
    "Kouassi",
    "Koné",
    "Traoré",
    "Ouédraogo",
    "Yao",
    "N’Dri",
    "Coulibaly",
    "Bamba",
    "Sawadogo",
    "Kouamé",
    "Touré",
    "Zongo",
    "Diabaté",
    "Gnagné",
]
_FIRST = [
    "Awa",
    "Koffi",
    "Aïcha",
    "Mariam",
    "Noël",
    "Issouf",
    "Adjoua",
    "Cédric",
    "Fatou",
    "Hélène",
    "Salif",
    "Ange-Désiré",
    "Rasmata",
    "Françoise",
]
_CITIES = [
    "Abidjan",
    "Bouaké",
    "Yamoussoukro",
    "Korhogo",
    "San-Pédro",
    "Ouagadougou",
    "Bobo-Dioulasso",
    "Koudougou",
    "Daloa",
    "Man",
]

Spelling = Callable[[str], str]


def _pairs(digits: str, between: str = " ") -> str:
    return between.join(digits[i : i + 2] for i in range(0, len(digits), 2))


IVORIAN: list[Spelling] = [
    lambda n: f"+225 {_pairs(n)}",
    lambda n: f"+225{n}",
    lambda n: f"(+225) {_pairs(n)}",
    lambda n: f"00225 {_pairs(n)}",
    lambda n: f"00225{n}",
    lambda n: f"225{n}",
    lambda n: f"225{n}.0",
    lambda n: n,
    lambda n: f" {n} ",
    lambda n: _pairs(n),
    lambda n: _pairs(n, "."),
    lambda n: _pairs(n, "-"),
    lambda n: _pairs(n, "/"),
    lambda n: _pairs(n, "\u00a0"),
]
OLD_IVORIAN: list[Spelling] = [
    lambda n: n[2:],
    lambda n: _pairs(n[2:]),
    lambda n: _pairs(n[2:], "."),
    lambda n: f"+225 {_pairs(n[2:])}",
    lambda n: f"00225{n[2:]}",
]
BURKINABE: list[Spelling] = [
    lambda n: f"+226 {_pairs(n)}",
    lambda n: f"+226{n}",
    lambda n: f"(+226) {_pairs(n, '.')}",
    lambda n: f"00226{n}",
    lambda n: f"00226 {_pairs(n, '-')}",
    lambda n: f"226{n}",
]


def make() -> bytes:
    """The file: semicolons, cp1252, CRLF. Its first rows are clean, as they are where somebody looked at them."""
    draw = random.Random(20_210_131)
    spellings = _numbers(draw, ROWS - INVALID_COUNT - DUPLICATES)
    rows = [[*_person(draw), written[0], *_account(draw)] for written in spellings]
    # Not among the first, and none of these twice: so many rows are nameless, and have a number of their own.
    special = draw.sample(range(100, len(rows)), NAMELESS + len(ODD_NAMES) + DUPLICATES)
    for place, name in zip(special, [""] * NAMELESS + ODD_NAMES, strict=False):
        rows[place][0] = name
    extra = [[*rows[place][:2], spellings[place][1], *rows[place][3:]] for place in special[-DUPLICATES:]]
    extra += [[*_person(draw), raw, *_account(draw)] for raws in INVALID.values() for raw in raws]
    for row in extra:
        rows.insert(draw.randrange(100, len(rows)), row)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([HEADER, *rows])
    return text.getvalue().encode("cp1252")


def _numbers(draw: random.Random, count: int) -> list[tuple[str, str]]:
    """Different numbers, each in two spellings."""
    numbers: dict[str, tuple[str, str]] = {}
    while len(numbers) < count:
        kind = draw.random()
        if kind < 0.25:
            digits = f"{draw.choice(['70', '71', '76', '65', '55', '05', '44'])}{draw.randrange(10**6):06d}"
            ways = BURKINABE
        else:
            digits = f"{draw.choice(['01', '05', '07'])}{draw.randrange(10**8):08d}"
            ways = IVORIAN
        if kind > 0.8:
            digits, ways = _old(draw), IVORIAN + OLD_IVORIAN
        first, second = draw.sample(ways, 2)
        if kind > 0.8:
            first = draw.choice(OLD_IVORIAN)
        written = (first(digits), second(digits))
        if written[0] != written[1]:
            numbers[digits] = written
    return list(numbers.values())


def _old(draw: random.Random) -> str:
    """Ten digits of a number that had eight before 2021."""
    operator = draw.choice(["07", "08", "09", "47", "48", "57", "77", "05", "06", "44", "45", "54", "01", "02", "40"])
    prefix = "01" if operator[1] in "0123" else "05" if operator[1] in "456" else "07"
    return f"{prefix}{operator}{draw.randrange(10**6):06d}"


def _person(draw: random.Random) -> tuple[str, str]:
    return draw.choice(_LAST), draw.choice(_FIRST)


def _account(draw: random.Random) -> tuple[str, str]:
    return draw.choice(_CITIES), str(draw.randrange(1, 400) * 250)


if __name__ == "__main__":
    FILE.write_bytes(make())
