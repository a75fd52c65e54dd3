"""What every form of XML is guarded against alike; the corpus of what is no document stands in test_xml.py."""

import pytest

from worker.sandbox.codes import Refused
from worker.sandbox.documents import root_of


@pytest.mark.parametrize(
    ("encoding", "document"),
    [
        pytest.param("UTF-7", "+ADw-SMS+AD4-+ADw-/SMS+AD4-", id="UTF-7"),
        pytest.param("java", r"\u003cSMS\u003e\u003c/SMS\u003e", id="escapes of Java"),
    ],
)
@pytest.mark.parametrize("before", ["", " \n", "\ufeff"], ids=["at once", "after blanks", "after a byte order mark"])
def test_an_encoding_that_hides_marks_from_being_counted_is_refused(encoding, document, before):
    with pytest.raises(Refused) as refused:
        root_of(f'{before}<?xml version="1.0" encoding="{encoding}"?>{document}'.encode())
    assert refused.value.code == -1


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        (None, "utf-8"),
        ("UTF-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        (None, "utf-16"),
        ("UTF-16", "utf-16"),
        ("ISO-8859-1", "latin-1"),
        ("iso-8859-15", "iso-8859-15"),
        ("windows-1252", "cp1252"),
    ],
)
def test_the_encodings_that_programs_use_are_read(declared, encoding):
    declaration = f"<?xml version='1.0' encoding='{declared}'?>\n" if declared else ""
    assert root_of(f"{declaration}<msg>été</msg>".encode(encoding)).text == "été"


def test_comments_and_processing_instructions_are_gone_and_cdata_is_text():
    assert root_of(b"<msg>a<!-- b -->c<?d e?><![CDATA[<f>]]></msg>").text == "ac<f>"
