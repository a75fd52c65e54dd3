"""The rows of a reply that are read without a tree: the very answer that the tree gives, or the same refusal."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.smseco import BadReply, xml, xml_tree
from worker.smseco.xml_rows import without_rows

ROW = "<sms><smsfid>{0}</smsfid><destination>{1}</destination><credits>{2}</credits></sms>"
GOOD_ROW = ROW.format("s1", "225", "1")
SPACED_ROW = "<sms><smsfid> s1\n</smsfid><destination>225</destination>\n<credits>1</credits></sms>"
ROWS = [
    GOOD_ROW,
    ROW.format("s2", "226", "0.5"),
    SPACED_ROW,
    f"\n  {GOOD_ROW}\n",
    ROW.format("", "", ""),
    ROW.format("s3", "2 25", "1"),
    ROW.format("s3", "225", f" 1{' ' * 200}"),
    ROW.format("s&#52;", "225", "1"),
    ROW.format("s=4", "225", "1"),
    ROW.format("s]]>", "225", "1"),
    ROW.format("s>", "225", "1"),
    ROW.format("\ns]]>", "225", "1"),
    ROW.format("s\x01", "225", "1"),
    ROW.format("é", "225", "1"),
    "<sms><smsfid>s5\x02225\x031</credits></sms>",
    "<sms><smsfid>s5</destination><credits>225</smsfid><destination>1</credits></sms>",
    "<sms><destination>225</destination><smsfid>s6</smsfid><credits>1</credits></sms>",
    "<sms><smsfid>s7</smsfid><destination>225</destination></sms>",
    GOOD_ROW.replace("<sms>", "<SMS>").replace("</sms>", "</SMS>"),
    f"<sms>{GOOD_ROW}</sms>",
    f"<autre>{GOOD_ROW}</autre>",
    f"<messages>{GOOD_ROW}</messages>",
    f"</messages><messages>{GOOD_ROW}",
    "<sms/>",
    "<sms><smsfid/></sms>",
    "<!-- <sms> -->",
    "<!-- -- -->",
    "<?x y?>",
    f"<![CDATA[{GOOD_ROW}]]>",
    "messages> ",
    "x",
    "\x0b",
    "\x7f",
    "é",
]
BESIDE = [
    "",
    "<texte>Message envoyé avec succès</texte>",
    "<texte>l&#39;envoi &amp; la suite</texte>",
    "<texte>&eacute;</texte>",
    "<!-- note -->",
    "<messages/>",
    "<messages />",
    "<MESSAGES><sms/></MESSAGES>",
    "<p:messages/>",
    "<messages>",
    "</messages>",
    "<!-- <messages> -->",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x",
    "?>",
    "<a b='",
    "'/>",
    f"<a b='{'x' * 1000}'/>",
    "<return>",
    "</return>",
    "&lt;REPONSE>&lt;statut>7&lt;/statut>&lt;m&#101;ssages/>&lt;/REPONSE>",
    "<Fault/>",
    "<statut>4</statut>",
    "\0",
]
BEGINNINGS = [
    "<REPONSE>",
    '<?xml version="1.0" encoding="UTF-8"?>\n<REPONSE>',
    '\n<?xml version="1.0" encoding="ISO-8859-1"?><REPONSE>',
    '<?xml version="1.0" encoding="UTF-16"?><REPONSE>',
    '<?xml version="1.0" encoding="windows-1252"?><REPONSE>',
    '<?xml version="1.0" encoding="nonsense"?><REPONSE>',
    "\ufeff<REPONSE>",
    '<REPONSE xmlns="urn:x" xmlns:p="urn:y">',
    "<!DOCTYPE REPONSE><REPONSE>",
    f"<!--{' ' * 1000}--><!DOCTYPE REPONSE [<!ENTITY eacute '&#233;'>]><REPONSE>",
    '<e:Envelope xmlns:e="e" xmlns="u" xmlns:p="u"><e:Body><R>',
    '<e:Envelope xmlns:e="e" xmlns="u" xmlns:p="u"><e:Body>',
    "<html>",
    "",
]
ENDINGS = ["</REPONSE>", "</R></e:Body></e:Envelope>", "</e:Body></e:Envelope>", "</html>", "</REPONSE><br/>", ""]
LIKELY = st.sampled_from(["<statut>1</statut>"] * 3 + BESIDE)


def outcome(read, body: bytes):
    """What is told of a body, a refusal included."""
    try:
        return read(body)
    except BadReply as refused:
        return refused.reason, refused.partial


def by_the_tree(body: bytes):
    return xml._answer(xml_tree.parse_reply(body))


def assert_same(body: bytes) -> None:
    assert outcome(xml.read_answer, body) == outcome(by_the_tree, body)


def reply(beginning: str, before: str, rows: str, after: str, ending: str) -> str:
    return f"{beginning}{before}<messages>{rows}</messages>{after}{ending}"


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_read_as_in_a_tree_wherever_it_stands(row):
    for rows in (row, row + GOOD_ROW, GOOD_ROW + row, SPACED_ROW + row, row + SPACED_ROW + row):
        assert_same(reply("<REPONSE>", "<statut>1</statut>", rows, "", "</REPONSE>").encode())


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_whatever_stands_around_the_rows_is_read_as_in_a_tree(beginning):
    ending = ENDINGS[1] if beginning.endswith("<R>") else ENDINGS[2] if "Envelope" in beginning else ENDINGS[0]
    for before, after in product(BESIDE, BESIDE):
        assert_same(reply(beginning, f"<statut>1</statut>{before}", GOOD_ROW, after, ending).encode())


@pytest.mark.parametrize(
    "quoted",
    [
        pytest.param("&lt;REPONSE>&lt;statut>7&lt;/statut>&lt;m&#101;ssages/>&lt;/REPONSE>", id="by a reference"),
        pytest.param("<![CDATA[<REPONSE><statut>7</statut><mess]]><![CDATA[ages/></REPONSE>]]>", id="in pieces"),
    ],
)
def test_rows_in_an_envelopes_head_are_not_those_of_a_reply_that_is_quoted_in_it(quoted):
    after = f"</e:Header><e:Body><R><return>{quoted}</return>"
    body = reply('<e:Envelope xmlns:e="e"><e:Header>', "", GOOD_ROW, after, ENDINGS[1]).encode()
    assert (xml.read_answer(body).status, xml.read_answer(body).smsfids) == (7, [])


@given(
    beginning=st.sampled_from(BEGINNINGS),
    before=st.lists(LIKELY, max_size=3).map("".join),
    rows=st.lists(st.sampled_from([GOOD_ROW] * 10 + ROWS), max_size=4).map("".join),
    after=st.lists(LIKELY, max_size=3).map("".join),
    ending=st.sampled_from(ENDINGS),
    encoding=st.sampled_from(["utf-8", "latin-1"]),
)
def test_a_reply_in_pieces_is_read_as_its_tree_is(beginning, before, rows, after, ending, encoding):
    assert_same(reply(beginning, before, rows, after, ending).encode(encoding, "replace"))


WHOLE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<REPONSE><msgfid>m-1</msgfid><statut>3</statut><texte>Envoyé</texte>'
    "<destinataires>3</destinataires><sms>3</sms><credits>3</credits><solde>90</solde>"
    f"<messages>{''.join(ROW.format(f's{i}', f'225{i}', '1') for i in range(3))}</messages></REPONSE>"
).encode()
ENVELOPED = WHOLE.replace(b"<REPONSE>", b'<e:Envelope xmlns:e="e"><e:Body><R xmlns="u">').replace(
    b"</REPONSE>", b"</R></e:Body></e:Envelope>"
)
INDENTED = WHOLE.replace(b"><", b">\n  <")
SCRAPS = [b"", b"<", b">", b"/", b"&", b"=", b'"', b" ", b"\n", b"\r", b"\0", b"\1", b"\2", b"\3", b"\xe9", b"&#49;"]
SCRAPS += [b"]]>", b"<!--", b"-->", b"<![CDATA[", b"<?", b"?>", b"<sms>", b"</sms>", b"<messages/>"]


@given(
    whole=st.sampled_from([WHOLE, INDENTED, ENVELOPED]),
    cuts=st.lists(
        st.tuples(st.integers(0, 700), st.integers(0, 40), st.one_of(st.sampled_from(SCRAPS), st.binary(max_size=2))),
        max_size=3,
    ),
)
def test_a_damaged_reply_is_read_as_its_tree_is(whole, cuts):
    for at, length, scrap in cuts:
        whole = whole[:at] + scrap + whole[at + length :]
    assert_same(whole)


@pytest.mark.parametrize("whole", [WHOLE, INDENTED, ENVELOPED], ids=["compact", "indented", "enveloped"])
@pytest.mark.parametrize("scrap", [b"", b"<", b">", b"&", b"=", b" ", b"\1", b"\x0b", b"\xe9", b"a"])
def test_a_reply_with_a_character_lost_or_put_in_anywhere_is_read_as_its_tree_is(whole, scrap):
    for at in range(len(whole)):
        assert_same(whole[:at] + scrap + whole[at + (not scrap) :])


@pytest.mark.parametrize("whole", [WHOLE, INDENTED], ids=["compact", "indented"])
def test_a_reply_cut_anywhere_is_no_reply(whole):
    for at in range(len(whole)):
        assert isinstance(outcome(xml.read_answer, whole[:at]), tuple), f"cut at {at}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(WHOLE, id="compact"),
        pytest.param(INDENTED, id="indented"),
        pytest.param(ENVELOPED, id="enveloped"),
        pytest.param(INDENTED.replace(b"\n", b"\r\n\t"), id="indented by tabs"),
        pytest.param(WHOLE.replace("é".encode(), b"\xe9"), id="an accent in latin-1"),
        pytest.param(WHOLE.replace("é".encode(), b"&#xE9;"), id="an accent as a reference"),
        pytest.param(WHOLE.replace(b">s1<", b"><"), id="no id"),
    ],
)
def test_rows_as_the_vendor_spells_them_never_become_a_tree(body):
    assert without_rows(body) is not None
    assert_same(body)


@pytest.mark.parametrize("name", ["xml/send_reply.xml", "soap/send_reply.xml"])
def test_nor_do_those_of_the_vendors_own_document(transcript, name):
    assert without_rows(transcript(name)) is not None
    assert_same(transcript(name))


@pytest.mark.parametrize("value", ["s=1", "s&#49;", "s>1", "s 1", "s\x7f1"])
def test_rows_with_what_counts_as_a_mark_or_has_to_be_read_by_a_parser_are_left_to_it(value):
    assert without_rows(WHOLE.replace(b"s1", value.encode())) is None
    assert without_rows(INDENTED.replace(b"s1", value.encode())) is None


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_limits_are_those_of_the_whole(monkeypatch, more):
    size, nodes = len(WHOLE), xml_tree.marks(WHOLE)
    for limit, value in (("MOST_BYTES", size + more), ("MOST_NODES", nodes + more)):
        with monkeypatch.context() as patched:
            patched.setattr(f"worker.smseco.xml_tree.{limit}", value)
            patched.setattr(f"worker.smseco.xml_rows.{limit}", value)
            assert_same(WHOLE)
            assert (without_rows(WHOLE) is None) == (more < 0)


def test_the_longest_value_that_a_reply_may_have_is_read():
    value = "9" * (xml_tree.MOST_BYTES - 200)
    assert_same(f"<REPONSE><statut>1</statut><messages>{ROW.format(value, '225', '1')}</messages></REPONSE>".encode())
