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
