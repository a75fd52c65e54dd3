"""Every error code of the vendor's document, and the request that is answered with it, operation by operation."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from lxml import etree

from worker.sandbox.codes import ERRORS

LOGIN, PASSWORD = "<login>toto@toto.fr</login>", "<password>123456</password>"
COMPTE = f"<compte>{LOGIN}{PASSWORD}</compte>"
MESSAGE = "<message><msgid>15</msgid><expediteur>TOTO</expediteur><msg>Juste un test</msg></message>"
NUMBER = "<destinataires><numero>05442710</numero></destinataires>"
WHOLE = COMPTE + MESSAGE + NUMBER
COMMANDS = ("sendsms", "sendhrl", "getdlrs", "getbalance", "getsenders")
CHARGED = ("sendsms", "sendhrl")


class Provoked(NamedTuple):
    """What stands in `XML=<SMS>…</SMS>`, the commands that are answered so, and what was set before."""

    document: str
    commands: tuple[str, ...] = COMMANDS
    settings: Mapping[str, Any] = MappingProxyType({})


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new)


PROVOKED = {
    -1: Provoked("<compte>"),
    -2: Provoked(changed(LOGIN, "")),
    -3: Provoked(changed(PASSWORD, "<password></password>")),
    -4: Provoked(changed("123456", "654321")),
    -5: Provoked(changed("<msg>Juste un test</msg>", ""), ("sendsms",)),
    -6: Provoked(WHOLE, CHARGED, {"price": 1_000_001, "lookup_price": 1_000_001}),
    -7: Provoked(changed(NUMBER, "<destinataires></destinataires>"), CHARGED),
    -8: Provoked(changed("TOTO", "TITI"), ("sendsms",)),
    -9: Provoked(changed("05442710", "12"), CHARGED),
    -10: Provoked(changed(">15<", f">{'x' * 31}<"), CHARGED),
    -11: Provoked(WHOLE, CHARGED, {"may_send": False, "enterprise": False}),
    -12: Provoked(WHOLE, CHARGED, {"active": False}),
    -13: Provoked(changed("</msg>", "</msg><datesend>demain</datesend>"), ("sendsms",)),
    -14: Provoked(WHOLE, ("sendfax",)),
    -15: Provoked(WHOLE, ("getdlrs",)),
}
CASES = [(code, command) for code, provoked in PROVOKED.items() for command in provoked.commands]


def test_no_code_of_the_document_is_missing():
    assert list(PROVOKED) == list(ERRORS) == list(range(-1, -16, -1))


@pytest.mark.parametrize(("code", "command"), CASES)
def test_every_error_code_has_a_request_that_is_answered_with_it(served, code, command):
    document, _, settings = PROVOKED[code]
    served.sandbox.settings(**settings)
    reply = served.post(f"/api/xml/{command}/", f"XML=<SMS>{document}</SMS>")
    root = etree.fromstring(reply.text.encode())
    assert root.findtext("statut") == str(code)
    assert ERRORS[code] in [child.text for child in root]
    summary = served.sandbox.summary()
    assert (summary["acceptances"], summary["credits"]) == (0, 0)
