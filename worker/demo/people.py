"""Recipients of a demo of any size: made up, all different, the same each time, and never all in memory."""

from collections.abc import Iterator

HEADER = ("Nom", "Téléphone", "Solde")
NAMES = ("Awa", "Koffi", "Mariam", "Yao", "Aïcha", "Issouf", "Adjoua", "Salif", "Fatou", "Kouamé", "Rasmata", "Noël")
PREFIXES = ("22507", "22505", "22501")  # the mobile operators of Côte d'Ivoire

SPREAD = 7_368_787  # has no factor in common with 100,000,000, so that a walk by it comes by every number once
LIMIT = 100_000_000  # numbers that a prefix has
PEOPLE_AT_MOST = LIMIT * len(PREFIXES)


def people(count: int) -> Iterator[tuple[str, str, str]]:
    """A header, then so many rows of a made-up client list, as far as numbers reach (`PEOPLE_AT_MOST`)."""
    yield HEADER
    for place in range(count):
        turn, prefix = divmod(place, len(PREFIXES))
        number = (turn + 1) * SPREAD % LIMIT
        yield NAMES[place % len(NAMES)], f"{PREFIXES[prefix]}{number:08d}", str(1_000 + place % 900 * 50)
