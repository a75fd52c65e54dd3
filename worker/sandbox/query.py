"""The GET form (I-2, III-1, IV-1-1, IV-2-1, V-1): a query string into what is asked. Its answers are other forms'."""

from urllib.parse import parse_qsl

from worker.sandbox.asked import Asked
from worker.sandbox.codes import Refused


def read(query: bytes) -> Asked:
    """What is asked; of two parameters of a name the first. Raises Refused(-1) for what is no UTF-8."""
    try:
        fields = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise Refused(-1) from None
    texts = dict(reversed(fields))
    numbers = texts.get("numero", "").split(",")
    return Asked(texts, texts, [(number.strip(), []) for number in numbers if number.strip()])
