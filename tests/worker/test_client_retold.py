"""What the gateway's client says, which knows no language but English, is shown in the one that is spoken."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.called import called
from campaigns.language import catalogue, speak
from campaigns.reasons import retold
from worker.smseco.codes import REFUSALS
from worker.smseco.connection import _REASONS

SOURCES = sorted(Path(__file__).parents[2].glob("worker/smseco/*.py"))
TOLD = {"BadReply", "NotSent", "Unreachable", "ValueError"}
FOR_PROGRAMMERS = {"x is no JSON", "nested too deep"}
"""What is caught before anybody reads it."""

SAME_IN_BOTH = {"HTML", "HTTP x"}


@pytest.fixture(autouse=True)
def french() -> Iterator[None]:
    speak("fr")
    yield
    speak("C")


def said() -> Iterator[str]:
    """What the client's errors are made of, with an `x` for whatever is filled in."""
    yield from (reason for _, reason in _REASONS)
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in TOLD and node.args:
                match node.args[0]:
                    case ast.Constant(value=str(text)):
                        yield text
                    case ast.JoinedStr(values=parts):
                        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)


@pytest.mark.parametrize("text", sorted(set(said()) - FOR_PROGRAMMERS - SAME_IN_BOTH))
def test_each_sentence_of_the_client_is_retold(text: str) -> None:
    assert retold(text) != text


@pytest.mark.parametrize("name", [refusal.name for refusal in REFUSALS.values()])
def test_each_refusal_has_a_name_in_it(name: str) -> None:
    assert called(name) == catalogue()[name.replace("_", " ")]
