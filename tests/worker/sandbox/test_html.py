"""The HTML output, which the document names and never shows: the fields of the JSON form, read back from the page."""

import json as plain

import pytest
from lxml import html as parser

from tests.worker.sandbox.documented import ANSWERS, WORD_FOR_WORD
from worker.sandbox import html, json
from worker.sandbox.calls import SendersAnswer
from worker.sandbox.codes import ERRORS, Refused

SCRIPT = '<script>alert("x")</script>&amp;\''


def read(page: bytes) -> object:
    document = parser.fromstring(page, parser=parser.HTMLParser(encoding="utf-8"))
    (content,) = document.iterchildren("body")
    return _read(content)


def _read(element) -> object:
    for child in element:
        if child.tag == "dl":
            names, values = child.findall("dt"), child.findall("dd")
            return {name.text: _read(value) for name, value in zip(names, values, strict=True)}
        if child.tag == "ol":
            return [_read(entry) for entry in child]
        raise AssertionError(f"{child.tag} is not expected")
    return element.text or ""


def as_texts(value: object) -> object:
    if isinstance(value, dict):
        return {name: as_texts(part) for name, part in value.items()}
    return [as_texts(part) for part in value] if isinstance(value, list) else str(value)


@pytest.mark.parametrize("name", [*ANSWERS, *WORD_FOR_WORD])
def test_a_page_shows_what_the_json_form_says(name):
    answer = ANSWERS[name][0] if name in ANSWERS else WORD_FOR_WORD[name]
    assert read(html.write(answer)) == as_texts(plain.loads(json.write(answer)))


@pytest.mark.parametrize("operation", ["send", "lookup", "reports", "balance", "senders", "unknown"])
def test_a_page_shows_a_refusal(operation):
    for code, meaning in ERRORS.items():
        shown = read(html.write_refusal(operation, Refused(code)))
        assert (shown["statut"], shown.get("texte", shown.get("text"))) == (str(code), meaning)


def test_nothing_on_a_page_is_taken_for_markup():
    page = html.write(SendersAnswer(SCRIPT, ("TOTO", SCRIPT)))
    assert b"<script" not in page
    shown = read(page)
    assert (shown["accountid"], shown["senders"]) == (SCRIPT, [{"sender": "TOTO"}, {"sender": SCRIPT}])


def test_what_a_stranger_asked_for_is_not_on_the_page(shared):
    page = shared.post("/api/html/%3Cscript%3E?login=%3Cscript%3E&msg=%3Cscript%3E", "", method="GET")
    assert "script" not in page.text
