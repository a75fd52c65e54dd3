import pytest

from worker.sandbox.calls import LookupCall, SendCall
from worker.sandbox.control import Control
from worker.sandbox.faults import Fault, Faults
from worker.sandbox.page import SENDINGS, SMS_OF_EACH, SMS_OF_ONE, page

HOSTILE = "</textarea></script><script>alert(1)</script>&amp;<img src=x onerror=alert(1)>\"'"
ESCAPED = (
    "&lt;/textarea&gt;&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;"
    "&lt;img src=x onerror=alert(1)&gt;&#34;&#39;"
)


@pytest.fixture
def gateway(open_gateway):
    return open_gateway(credits=10_000)


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def show(gateway, faults):
    """The page as text, as often as it is asked for."""
    control = Control(gateway, faults)
    return lambda **query: page(control, query).decode()


def test_the_account_shows_its_credits_and_what_it_may_do(show, gateway, toto, a_send):
    gateway.answer(toto, a_send("0709999962", "05442710"))
    text = show()
    assert "<dt>Credits left</dt><dd>9,999</dd>" in text
    assert "<dt>Consumed</dt><dd>1</dd>" in text
    assert "<dt>Refunded</dt><dd>1</dd>" in text
    assert "<li>active</li>" in text
    assert "Sender: TOTO" in text
    assert "123456" not in text
    gateway.change("toto@toto.fr", active=False)
    assert '<li class="bad">not active (-12)</li>' in show()


def test_the_same_text_to_the_same_number_again_is_cried_out_and_another_text_is_not(show, gateway, toto, a_send):
    gateway.answer(toto, a_send("05442710"))
    gateway.answer(toto, a_send("05442710", text="Un autre"))
    assert "alarm" not in show()
    assert "<div><dt>To a number again</dt><dd>1</dd></div>" in show()
    assert "<div><dt>Same text again</dt><dd>0</dd></div>" in show()
    gateway.answer(toto, a_send("05442710"))
    assert '<p class="alarm" role="alert"><strong>1 SMS repeated</strong>' in show()
    assert '<div class="bad"><dt>Same text again</dt><dd>1</dd></div>' in show()


@pytest.mark.parametrize(
    ("delay", "number", "shown"),
    [
        (0, "05442710", '<span class="status good"><b>56</b> <span lang="fr">Accusé de Réception</span></span>'),
        (0, "0709999959", '<span class="status bad"><b>59</b>'),
        (0, "0709999900", '<span class="status none">no status yet</span>'),
        (9, "05442710", '<span class="status none">no status yet</span>'),
    ],
)
def test_an_sms_shows_its_status_now(show, gateway, toto, a_send, delay, number, shown):
    gateway.change(delays=(delay, delay))
    gateway.answer(toto, a_send(number))
    assert shown in show()


def test_a_step_on_the_way_is_neither_good_nor_bad(show, gateway, toto, a_send):
    gateway.change(delays=(9, 9), steps=True)
    gateway.answer(toto, a_send("05442710"))
    assert '<span class="status way"><b>50</b>' in show()


def test_a_strangers_text_id_and_question_show_as_text(show, gateway, toto, a_send):
    gateway.answer(toto, a_send("05442710", text=HOSTILE, unicode=True, msgid="<b>x</b>"))
    text = show(id=f'"{HOSTILE}')
    assert f'value="&#34;{ESCAPED}"' in text
    text = show()
    assert f'<td class="text">{ESCAPED}</td>' in text
    assert "<bdi>&lt;b&gt;x&lt;/b&gt;</bdi>" in text
    assert "<script>" not in text


def test_a_text_that_no_utf8_can_hold_spoils_only_its_own_character(show, gateway, toto, a_send):
    gateway.answer(toto, a_send("05442710", text="a\ud800b", unicode=True))
    assert '<td class="text">a&#55296;b</td>' in show()


def test_the_last_sendings_come_first_and_the_older_ones_on_a_page_of_their_own(show, gateway, toto, a_send):
    for number in range(SENDINGS + 1):
        gateway.answer(toto, a_send("05442710", msgid=f"number-{number}"))
    text = show()
    assert text.index("number-50") < text.index("number-49")
    assert "number-0<" not in text
    assert '<a href="?before=2">Older sendings</a>' in text
    older = show(before="2")
    assert "number-0<" in older
    assert "number-1<" not in older
    assert "Older sendings</a>" not in older


def test_a_sending_shows_its_first_sms_and_all_of_them_when_it_is_asked_for(show, gateway, toto, a_send):
    count = SMS_OF_ONE + 1
    reply = gateway.answer(toto, a_send(*[f"0709{number:06d}" for number in range(count)]))
    msgfid = reply.sending.msgfid
    text = show()
    assert text.count('<th scope="row">225') == SMS_OF_EACH
    assert f"SMS 1 to 5 of {count}" in text
    assert f'<a href="?id={msgfid}">All SMS of it</a>' in text
    alone = show(id=msgfid)
    assert alone.count('<th scope="row">225') == SMS_OF_ONE
    assert f'<a href="?id={msgfid}&amp;skip={SMS_OF_ONE}">The next SMS of it</a>' in alone
    rest = show(id=msgfid, skip=str(SMS_OF_ONE))
    assert f"SMS {count} to {count} of {count}" in rest
    assert "2250709000200" in rest
    assert "SMS of it</a>" not in rest


def test_an_smsfid_finds_its_sending_from_that_sms_on(show, gateway, toto, a_send):
    gateway.answer(toto, a_send("05442710"))
    sending = gateway.answer(toto, a_send("05442711", "05442712", "05442713")).sending
    text = show(id=f" {sending.smsfid(1)} ")
    assert "SMS 2 to 3 of 3" in text
    assert "From the SMS on that was asked for" in text
    assert '<th scope="row">22505442712</th>' in text
    assert "22505442711" not in text
    assert "There is no sending with this id." in show(id=sending.smsfid(3))


def test_a_msgid_finds_every_sending_that_has_it(show, gateway, toto, a_send):
    for number in ("05442710", "05442711"):
        others = [f"0709{other:06d}" for other in range(SMS_OF_EACH)]
        gateway.answer(toto, a_send(number, *others, msgid="un"))
    gateway.answer(toto, a_send("05442712", msgid="deux"))
    text = show(id="un")
    assert text.index("22505442711") < text.index("22505442710")
    assert "22505442712" not in text
    assert text.count('<th scope="row">225') == 2 * SMS_OF_EACH
    assert "<details open>" not in text
    assert "<details open>" in show(id="deux")


def test_no_more_of_a_msgid_is_shown_than_of_anything(show, gateway, toto, a_send):
    for number in range(SENDINGS + 1):
        gateway.answer(toto, a_send(f"054427{number:02d}", msgid="un"))
    text = show(id="un")
    assert text.count('<tbody id="sending-') == SENDINGS
    assert "22505442700" not in text
    assert "Older sendings</a>" not in text


@pytest.mark.parametrize(
    ("call", "badge"),
    [
        (SendCall("15", "TOTO", "Bonjour", False, "", [("05442710", [])]), "send"),
        (SendCall("15", "TOTO", "Bonjour {nom}", False, "", [("05442710", [("nom", "Awa")])]), "merge"),
        (LookupCall("15", ["05442710"]), "lookup"),
    ],
)
def test_what_a_request_was_is_shown(show, gateway, toto, call, badge):
    gateway.answer(toto, call)
    assert f'<span class="kind {badge}">{badge}</span>' in show()


def test_what_was_refused_is_told_by_code_with_the_vendors_words(gateway, faults):
    control = Control(gateway, faults)
    control.requests["send"] += 3
    control.refusals["-8"] += 1
    control.refusals["-1"] += 2
    text = page(control, {}).decode()
    assert '<tr><td>send</td><td class="number">3</td></tr>' in text
    assert text.index("XML invalide") < text.index("Expéditeur non enregistré")


def test_what_is_armed_and_what_has_struck_is_shown(show, faults):
    assert "<caption>Faults" not in show()
    faults.arm(Fault("drop_reply", count=2))
    faults.arm(Fault("http_500", operation="*", share=0.25))
    faults.strike("drop_reply", "send")
    text = show()
    assert "<td>drop_reply</td><td>send</td><td>the next 1</td>" in text
    assert "<td>http_500</td><td>*</td><td>25% of all</td>" in text
    assert "struck so far: drop_reply 1" in text


def test_a_page_with_nothing_on_it_says_so(show):
    assert "Nothing was accepted yet." in show()
    assert "There is no sending with this id." in show(id="x")


@pytest.mark.parametrize("query", [{"before": "x"}, {"before": "-1"}, {"id": "x", "skip": "-1"}])
def test_a_question_that_cannot_be_is_refused(show, query):
    with pytest.raises(ValueError):
        show(**query)
