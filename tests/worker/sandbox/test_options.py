import pytest

from worker.sandbox.options import SandboxOptions


def test_the_defaults_are_sound():
    assert SandboxOptions().credits == 1_000_000


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"accounts": {}}, "account"),
        ({"accounts": {"toto": ""}}, "password"),
        ({"credits": -1}, "credits"),
        ({"country": "CI"}, "country"),
        ({"mix": {"lost": 1}}, "mix"),
        ({"mix": {"delivered": 0}}, "mix"),
        ({"mix": {"delivered": 2, "silent": -1}}, "mix"),
        ({"delays": (2, 1)}, "delays"),
        ({"delays": (-1, 1)}, "delays"),
        ({"lookup_dead": 0.7, "lookup_silent": 0.7}, "lookup"),
        ({"price": -1}, "price"),
        ({"reports_per_reply": 0}, "reply"),
        ({"empty_statut": -1}, "getdlrs"),
        ({"latency": -1}, "latency"),
        ({"latency": float("nan")}, "latency is a number"),
        ({"latency": float("inf")}, "latency is a number"),
        ({"lookup_dead": "0.1"}, "lookup_dead is a number"),
        ({"steps": "no"}, "steps is true or false"),
        ({"price": 1.5}, "price is a whole number"),
        ({"price": True}, "price is a whole number"),
        ({"price": 10_000_000_000}, "a price lies between 0 and 1000000000"),
        ({"lookup_price": 10_000_000_000}, "a price lies between 0 and 1000000000"),
        ({"delays": (1,)}, "delays are two numbers"),
        ({"delays": 5}, "delays are two numbers"),
        ({"delays": (0, float("inf"))}, "delays are two numbers"),
        ({"delays": (0, 1e9)}, "8640000 at most"),
        ({"mix": ["delivered"]}, "mix is a weight"),
        ({"mix": {"delivered": float("nan")}}, "mix is a weight"),
        ({"senders": "TOTO"}, "senders"),
        ({"senders": ("",)}, "senders"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name(options, named):
    with pytest.raises(ValueError, match=named):
        SandboxOptions(**options)


def test_all_faults_are_named_at_once():
    with pytest.raises(ValueError, match=r"credits.*price"):
        SandboxOptions(credits=-1, price=-1)


def test_passwords_are_not_shown():
    assert "geheim" not in repr(SandboxOptions(accounts={"toto": "geheim"}))
