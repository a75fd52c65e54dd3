"""The hostile corpus against both sides: refused, at little cost, and without a word of it in what is said about it."""

import re
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests import hostile
from tests.hostile import TEN, Frame, Make
from tests.worker.measured import READERS, sandbox_reads
from worker.sandbox import documents
from worker.sandbox import json as sandbox_json
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import RunningSandbox, running
from worker.smseco import BadReply, json_tree, parse_reports, xml_tree

SECRET = "22507070707"
NOWHERE = "http://127.0.0.1:9/"
MOST_MEMORY = 100_000_000
MOST_SECONDS = 10.0  # of processor; a few on a slow machine

FIELDS = f"<statut>1</statut><texte>{SECRET}</texte><credits>1</credits><senders><sender>TOTO</sender></senders>"
REPORT = f"<dlr><smsfid>s</smsfid><destination>{SECRET}</destination><date></date><statut>56</statut></dlr>"
REPORTS = f"<messages><message><msgfid>m</msgfid><dlrs>{REPORT}</dlrs></message>"
JSON_REPORT = f'{{"smsfid":"s","destination":"{SECRET}","date":"","statur":"56"}}'
JSON_FIELDS = f'"statut":1,"texte":"{SECRET}","credits":1,"senders":["TOTO"]'
REPLIES = {
    "xml": Frame(f"<REPONSE>{FIELDS}{REPORTS}", "</messages></REPONSE>"),
    "soap": Frame(
        f'<e:Envelope xmlns:e="e"><e:Body><R xmlns="u">{FIELDS}{REPORTS}', "</messages></R></e:Body></e:Envelope>"
    ),
    "json": Frame(f'{{{JSON_FIELDS},"messages":[{{"msgfid":"m","dlrs":[{JSON_REPORT}]}},', "]}"),
}
REQUESTS = {
    "xml": Frame("<SMS><compte/><message><msg>", "</msg></message></SMS>"),
    "soap": Frame("<Envelope><Body><Sendsms><login/>", "</Sendsms></Body></Envelope>"),
    "json": Frame('{"message":{"msg":', "}}"),
}
WAYS = {
    "xml": ("/api/xml/sendsms/", "text/xml", b"XML="),
    "soap": ("/api/soap/server/", "text/xml", b""),
    "json": ("/api/json/sendsms/", "application/json", b"JSON="),
}
REFUSED = {"xml": hostile.XML | hostile.xxe(NOWHERE), "json": hostile.JSON}
REFUSED["soap"] = REFUSED["xml"]
PASSED = {"xml": hostile.ODD_XML | hostile.HARMLESS_XML, "json": hostile.ODD_JSON}
PASSED["soap"] = PASSED["xml"]


def each(corpora: dict[str, dict[str, Make]]) -> list:
    return [
        pytest.param(form, make, id=f"{form}, {name}")
        for form, corpus in corpora.items()
        for name, make in corpus.items()
    ]


def readers(form: str) -> list[Callable[[bytes], object]]:
    return [READERS[f"{form}.{name}"] for name in ("read_answer", "read_balance", "read_senders")]


def request(form: str, document: bytes) -> bytes:
    """The body that the document travels in, with what would be decoded escaped as programs do it."""
    if form == "xml":
        document = document.replace(b"%", b"%25").replace(b"&", b"%26").replace(b"+", b"%2b")
    return WAYS[form][2] + document


@pytest.mark.parametrize(("form", "content"), [("xml", ""), ("soap", ""), ("json", "{}")])
def test_what_the_corpus_stands_in_is_read_where_nothing_hostile_is_in_it(form, content):
    body = REPLIES[form].around(content)
    for read in readers(form):
        read(body)
    assert parse_reports(body).destinations == [SECRET]
    document = REQUESTS[form].around(content or "a")
    operation, code = sandbox_reads(*WAYS[form][:2], request(form, document.replace(b"{}", b'""')))
    assert (operation, code) == ("send", 0)


@pytest.mark.parametrize(("form", "make"), each(REFUSED))
def test_a_hostile_reply_is_refused_without_a_word_of_it(form, make):
    body = make(REPLIES[form])
    for read in readers(form):
        with pytest.raises(BadReply) as caught:
            read(body)
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert SECRET not in told
        assert "passwd" not in told


@pytest.mark.parametrize(("form", "make"), each(REFUSED) + each(PASSED))
def test_reports_beside_what_is_hostile_are_read_if_they_are_whole_and_nothing_else_is(form, make):
    body = make(REPLIES[form])
    try:
        batch = parse_reports(body)
    except BadReply as error:
        # A document type is all that may cost a report.
        assert b"<!DOCTYPE" in body or REPLIES[form].before.encode() not in body
        assert error.partial.strip() == body.strip()  # noqa: PT017
        assert SECRET not in "".join(traceback.format_exception(error)) + repr(error)  # noqa: PT017
    else:
        found = list(zip(batch.msgfids, batch.destinations, batch.codes, strict=True))
        assert found == [("m", SECRET, 56)] or (not found and REPLIES[form].before.encode() not in body)


@pytest.mark.parametrize(("form", "make"), each(PASSED))
def test_an_odd_reply_is_read_or_refused_and_brings_nothing_from_elsewhere(form, make):
    body = make(REPLIES[form])
    for read in readers(form):
        try:
            assert "root:" not in repr(vars_of(read(body)))
        except BadReply:
            continue


def vars_of(value: object) -> object:
    return {name: getattr(value, name) for name in getattr(type(value), "__slots__", ())} or value


@pytest.mark.parametrize(("form", "make"), each(REFUSED))
def test_a_hostile_request_is_refused_with_minus_1(form, make):
    body = request(form, make(REQUESTS[form]))
    assert sandbox_reads(*WAYS[form][:2], body) == ("unknown" if form == "soap" else "send", -1)


@pytest.mark.parametrize(("form", "make"), each(PASSED))
def test_an_odd_request_is_read_or_refused(form, make):
    assert sandbox_reads(*WAYS[form][:2], request(form, make(REQUESTS[form])))[1] in (0, -1)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Waits on loopback for whoever is led there."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        yield sock


@pytest.mark.parametrize("form", ["xml", "soap"])
def test_nobody_is_led_to_an_address_that_a_document_names(listener, form):
    for make in hostile.xxe(f"http://127.0.0.1:{listener.getsockname()[1]}/").values():
        for read in readers(form):
            with pytest.raises(BadReply):
                read(make(REPLIES[form]))
        sandbox_reads(*WAYS[form][:2], request(form, make(REQUESTS[form])))
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running(SandboxOptions(accounts={"toto@toto.fr": "123456"})) as sandbox:
        yield sandbox


def post(sandbox: RunningSandbox, form: str, body: bytes) -> tuple[int, str]:
    connection = HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
    try:
        connection.request("POST", WAYS[form][0], body, {"Content-Type": WAYS[form][1]})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


OVER_HTTP = [
    (form, name)
    for form, names in {
        "xml": ["an entity bomb", "a file by an entity", "ten megabytes of elements", "all nulls", "UTF-7"],
        "soap": ["an entity bomb", "a file by an entity", "ten megabytes of elements", "all nulls", "depth"],
        "json": ["depth of lists", "ten megabytes of lists", "ten megabytes of emoji", "all nulls", "backslashes"],
    }.items()
    for name in names
]


@pytest.mark.parametrize(("form", "name"), OVER_HTTP)
def test_a_hostile_request_is_answered_in_its_form_and_the_next_one_is_served(sandbox, form, name):
    status, text = post(sandbox, form, request(form, REFUSED[form][name](REQUESTS[form])))
    assert status == (500 if form == "soap" else 200)
    assert re.search({"xml": "<statut>-1</statut>", "json": '"statut":-1,', "soap": "<soap:Fault>"}[form], text)
    status, text = post(sandbox, "json", b'JSON={"compte":{"login":"toto@toto.fr","password":"123456"}}')
    assert (status, '"statut":-5' in text) == (200, True)


class Meter:
    """A process that measures what a reader makes of a body."""

    def __init__(self, process: subprocess.Popen, path) -> None:
        self._process = process
        self._path = path

    def cost(self, reader: str, body: bytes) -> tuple[int, float]:
        self._path.write_bytes(body)
        self._process.stdin.write(f"{reader} {self._path}\n")
        self._process.stdin.flush()
        memory, seconds = self._process.stdout.readline().split()
        return int(memory), float(seconds)


@pytest.fixture(scope="module")
def meter(tmp_path_factory) -> Iterator[Meter]:
    command = [sys.executable, "-m", "tests.worker.measured"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Meter(process, tmp_path_factory.mktemp("hostile") / "body")


def test_the_meter_sees_memory_that_is_taken(meter):
    body = REPLIES["json"].around('"' + "x" * 3_000_000 + '😀"')
    assert 20_000_000 < meter.cost("json.read_answer", body)[0] < MOST_MEMORY


LARGEST_REPLIES = {
    "xml": hostile.largest_xml(xml_tree.MOST_NODES - 50, xml_tree.MOST_BYTES - 1000),
    "json": hostile.largest_json(json_tree.MOST_VALUES - 50, json_tree.MOST_BYTES - 1000),
}
LARGEST_REPLIES["soap"] = LARGEST_REPLIES["xml"]
LARGEST_REQUESTS = {
    "xml": hostile.largest_xml(documents.MOST_MARKS // 2 - 50, documents.MOST_BYTES - 1000),
    "json": hostile.largest_json(sandbox_json.MOST_MARKS - 50, sandbox_json.MOST_BYTES - 1000),
}
LARGEST_REQUESTS["soap"] = LARGEST_REQUESTS["xml"]


@pytest.mark.parametrize(("form", "make"), each(LARGEST_REPLIES))
def test_the_largest_replies_are_within_the_limits_so_that_they_show_what_those_cost(form, make):
    assert READERS[f"{form}.read_answer"](make(REPLIES[form])).status == 1


@pytest.mark.parametrize(("form", "make"), each(LARGEST_REQUESTS))
def test_the_largest_requests_are_within_the_limits_too(form, make):
    assert sandbox_reads(*WAYS[form][:2], request(form, make(REQUESTS[form]))) == ("send", 0)


@pytest.mark.parametrize("mark", ["&lt;", "&#60;", "&#x3c;"])
def test_a_tree_in_a_tree_counts_as_one(mark):
    half = xml_tree.MOST_NODES // 2 + 1
    inner = f"{mark}REPONSE>{f'{mark}a/>' * half}{mark}/REPONSE>"
    body = f"<Envelope><Header>{'<a/>' * half}</Header><Body><R>{inner}</R></Body></Envelope>".encode()
    with pytest.raises(BadReply, match="too many elements"):
        xml_tree.parse_reply(body)


@pytest.mark.parametrize(("form", "make"), each(REFUSED) + each(PASSED) + each(LARGEST_REPLIES))
def test_no_reply_takes_a_client_much_memory_or_time(meter, form, make):
    body = make(REPLIES[form])
    for reader in (f"{form}.read_answer", f"{form}.read_balance", f"{form}.read_senders", "parse_reports"):
        memory, seconds = meter.cost(reader, body)
        assert memory < MOST_MEMORY, reader
        assert seconds < MOST_SECONDS, reader


@pytest.mark.parametrize(("form", "make"), each(REFUSED) + each(PASSED) + each(LARGEST_REQUESTS))
def test_no_request_takes_the_sandbox_much_memory_or_time(meter, form, make):
    memory, seconds = meter.cost(f"sandbox.{form}", request(form, make(REQUESTS[form])))
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS


TRICKY = {
    "blanks in an id": lambda: b"<REPONSE><statut>1</statut><messages><sms><smsfid>" + b" " * 1_000_000
    + b"<x/></smsfid></sms></messages></REPONSE>",
    "blanks in an id of a report": lambda: b"<message><msgfid>a</msgfid><dlrs><dlr><smsfid>" + b" " * TEN
    + b"</smsfid></dlr>",
    "blanks between fields": lambda: b"<message><msgfid>a</msgfid><dlrs>"
    + (b"<dlr><smsfid>1</smsfid>" + b" " * 60_000 + b"<destination>") * 150 + b"</dlr>",
    "blanks after the last field": lambda: b"<message><msgfid>a</msgfid><dlrs>" + (
        b"<dlr><smsfid></smsfid><destination></destination><date></date><statut></statut>"
        + b" " * 60_000 + b"<a></dlr>"
    ) * 150,
    "messages": lambda: b"<message><msgfid>" * 500_000 + b"</dlr>",
    "ends of reports": lambda: b"<REPONSE>" + b"</dlr>" * 1_000_000 + b"</REPONSE>",
    "ends that do not end": lambda: b"</dlr     " * 1_000_000,
    "an end that does not end": lambda: b"</dlr" + b" " * TEN,
    "prefixes": lambda: b"</aaaaaaaa" * 1_000_000,
    "a prefix": lambda: b"</" + b"a" * TEN + b"</dlr>",
    "fields": lambda: b"<REPONSE>" + b"<statut></" * 1_000_000 + b"</dlr>",
    "fields that do not end": lambda: b"<REPONSE>" + b"<statut  " * 1_000_000 + b"</dlr>",
    "roots": lambda: b"<reponse" * 1_000_000,
    "braces": lambda: b"{" * TEN,
    "braces and quotes": lambda: b'{"' * 5_000_000,
    "braces and blanks": lambda: b"{     " * 1_500_000,
    "closing braces": lambda: b"{" + b"}" * TEN,
    "escapes": lambda: b'{"' + b"\\" * TEN,
    "escaped quotes": lambda: b"{" + b'"\\"' * 2_500_000,
    "ids": lambda: b"{" + b'"msgfid":"a",' * 700_000 + b"}",
    "ids without a value": lambda: b'"msgfid":' * 1_000_000,
    "ids and blanks": lambda: b"{" + (b'"msgfid"' + b" " * 1000) * 10_000,
    "objects in objects": lambda: (b'{"smsfid":' * 11 + b"{}" + b',"b":0' * 1000 + b"}" * 11) * 1500,
}  # fmt: skip


@pytest.mark.parametrize("make", TRICKY.values(), ids=TRICKY)
def test_no_pattern_is_tried_again_and_again(meter, make):
    body = make()
    for reader in ("parse_reports", "xml.read_answer", "json.read_answer", "count", "xml.glimpse", "json.glimpse"):
        memory, seconds = meter.cost(reader, body)
        assert memory < MOST_MEMORY, reader
        assert seconds < MOST_SECONDS, reader


SIXTY_FOUR = 64 * hostile.MEGABYTE
LARGE_REPORTS = {
    "elements": lambda: b"<REPONSE>" + b"<a/>" * (SIXTY_FOUR // 4) + b"</REPONSE>",
    "one text": lambda: b"<REPONSE><a>" + b"x" * SIXTY_FOUR + b"</a></dlr></REPONSE>",
    "emoji": lambda: b"<REPONSE>" + "😀".encode() * (SIXTY_FOUR // 4) + b"</dlr></REPONSE>",
    "control characters": lambda: b"<REPONSE>" + b"\1" * SIXTY_FOUR + b"</dlr></REPONSE>",
    "lists": lambda: b'{"statut":0,"messages":[' + b"[]," * (SIXTY_FOUR // 3) + b"[]]}",
    "objects": lambda: b'{"statut":0,"messages":[' + b"{}," * (SIXTY_FOUR // 3) + b"{}]}",
    "one value": lambda: b'{"statut":0,"texte":"' + b"x" * SIXTY_FOUR + b'"}',
    "one value of emoji": lambda: b'{"statut":0,"texte":"' + "😀".encode() * (SIXTY_FOUR // 4) + b'"}',
    "backslashes": lambda: b'{"statut":0,"texte":"' + b"\\" * SIXTY_FOUR,
}


@pytest.mark.parametrize("make", LARGE_REPORTS.values(), ids=LARGE_REPORTS)
def test_a_reply_to_a_report_request_may_be_large_and_takes_no_more_for_it(meter, make):
    memory, seconds = meter.cost("parse_reports", make())
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS
