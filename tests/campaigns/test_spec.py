"""What a producer may ask for: everything that is wrong is named at once, in words that say what to do."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.spec import Lookup, Spec, SpecError, check

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LEAST: dict[str, Any] = {"name": "Rappel", "template": "Bonjour {{ nom }}"}


def faults(**fields: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        check({**LEAST, **fields}, now=NOW)
    return caught.value.faults


def test_a_name_and_a_text_are_enough() -> None:
    spec = check(LEAST, now=NOW)
    assert (spec.account, spec.sender, spec.batch_size, spec.lookup, spec.rate) == ("default", None, 500, None, None)
    assert (spec.flash, spec.transliterate, spec.on_insufficient_credits) == (False, False, "wait")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": ""}, "name: "),
        ({"name": "  "}, "name: "),
        ({"name": "x" * 201}, "name: "),
        ({"name": "a\0b"}, "name: holds a control character"),
        ({"name": "\ud800"}, "name: "),
        ({"name": None}, "name: "),
        ({"key": ""}, "key: "),
        ({"key": "a\nb"}, "key: holds a control character"),
        ({"key": "x" * 201}, "key: "),
        ({"account": "\x1b[2J"}, "account: holds a control character"),
        ({"template": ""}, "template: "),
        ({"template": "{{ nom "}, "template: "),
        ({"template": "{{ nom.upper() }}"}, "template: "),
        ({"template": "x" * 1_531}, "template: the text is 1531 characters long"),
        ({"template": "x" * 2_000}, "template: the text is 2000 characters long"),
        ({"template": "x" * 20_001}, "template: "),
        ({"sender": "x" * 12}, "sender: a sender has at most 11 characters"),
        ({"sender": "x" * 20}, "sender: a sender has at most 11 characters"),
        ({"sender": ""}, "sender: "),
        ({"sender": "Clinique É"}, "sender: a sender is made of plain letters"),
        ({"sender": "12"}, "sender: a numeric sender has 3 to 15 digits"),
        ({"sender": "1" * 16}, "sender: a numeric sender has 3 to 15 digits"),
        ({"window": "weekdays", "window_zone": "UTC"}, "window: 'weekdays' is no day of the week"),
        ({"window": "mon-fri 08:00-20:00"}, "window_zone: say whose clocks the window goes by"),
        ({"window_zone": "Africa/Abidjan"}, "window_zone: it is for a window, and there is none"),
        ({"window": "8-20", "window_zone": "Abidjan"}, "window_zone: no time zone is named 'Abidjan'"),
        ({"rate": 0}, "rate: "),
        ({"rate": -5}, "rate: "),
        ({"rate": float("nan")}, "rate: "),
        ({"rate": float("inf")}, "rate: "),
        ({"rate": "fast"}, "rate: "),
        ({"batch_size": 0}, "batch_size: "),
        ({"batch_size": 5_001}, "batch_size: "),
        ({"batch_size": 1.5}, "batch_size: "),
        ({"scheduled_at": NOW - timedelta(seconds=1)}, "scheduled_at: 2026-06-01T11:59:59+00:00 is past"),
        ({"scheduled_at": datetime(2026, 12, 24)}, "scheduled_at: say in which time zone"),  # noqa: DTZ001
        ({"scheduled_at": "2026-12-24T18:00"}, "scheduled_at: say in which time zone"),
        ({"scheduled_at": "tomorrow"}, "scheduled_at: "),
        ({"lookup": "yes"}, "lookup: "),
        ({"lookup": {"unknown": "maybe"}}, "lookup.unknown: "),
        ({"lookup": {"unkown": "send"}}, "lookup.unkown: no such option"),
        ({"on_insufficient_credits": "panic"}, "on_insufficient_credits: "),
        ({"flash": "perhaps"}, "flash: "),
        ({"number_column": ""}, "number_column: "),
        ({"columns": {"nom": " "}}, "columns.nom: "),
        ({"columns": ["nom"]}, "columns: "),
        ({"senders": "X"}, "senders: no such option; there are name, template, sender"),
        ({1: "X"}, "1"),
    ],
    ids=lambda value: ascii(value)[:40] if isinstance(value, dict) else "",
)
def test_a_fault_is_named(fields: dict[Any, Any], fault: str) -> None:
    with pytest.raises(SpecError) as caught:
        check({**LEAST, **fields}, now=NOW)
    assert caught.value.faults[0].startswith(fault)


def test_every_fault_is_named_at_once() -> None:
    named = faults(
        name="",
        template="{{",
        sender="é",
        rate=-1,
        batch_size=0,
        scheduled_at=NOW - timedelta(1),
        lookup=3,
        colour="red",
    )
    assert [fault.partition(":")[0] for fault in named] == [
        *("name", "template", "sender", "scheduled_at", "lookup", "rate", "batch_size", "colour"),
    ]


def test_what_lacks_is_named() -> None:
    with pytest.raises(SpecError) as caught:
        check({}, now=NOW)
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["name", "template"]


@pytest.mark.parametrize(
    ("asked", "lookup"),
    [
        (True, Lookup(unknown="send")),
        (False, None),
        (None, None),
        ({}, Lookup(unknown="send")),
        ({"unknown": "exclude"}, Lookup(unknown="exclude")),
    ],
    ids=str,
)
def test_a_lookup_is_asked_for_in_short_or_in_full(asked: object, lookup: Lookup | None) -> None:
    assert check({**LEAST, "lookup": asked}, now=NOW).lookup == lookup


@pytest.mark.parametrize(
    ("rate", "size", "messages"),
    [(None, 500, 500), (100, 500, 20), (100, 10, 10), (5, 500, 1), (0.1, 500, 1), (9.9, 500, 1), (10_000, 500, 500)],
)
def test_a_rated_batch_holds_a_fifth_of_a_second_at_most(rate: float | None, size: int, messages: int) -> None:
    assert check({**LEAST, "rate": rate, "batch_size": size}, now=NOW).messages_a_batch == messages


def test_a_schedule_in_another_zone_is_the_same_instant() -> None:
    spec = check({**LEAST, "scheduled_at": "2026-12-24T20:00:00+02:00"}, now=NOW)
    assert spec.scheduled_at == datetime(2026, 12, 24, 18, tzinfo=UTC)


def test_a_spec_that_is_checked_already_is_checked_for_its_time_again() -> None:
    spec = Spec(**LEAST, scheduled_at=NOW)
    assert check(spec, now=NOW) == spec
    with pytest.raises(SpecError, match="is past"):
        check(spec, now=NOW + timedelta(seconds=1))
    assert check(spec, now=None) == spec


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"key": "a"}, {"key": "b"}, True),
        ({}, {"flash": False, "account": "default"}, True),
        ({"scheduled_at": "2026-12-24T20:00:00+02:00"}, {"scheduled_at": "2026-12-24T20:00:00+02:00"}, True),
        ({"columns": {"a": "x", "b": "y"}}, {"columns": {"b": "y", "a": "x"}}, True),
        ({"columns": {"a": "x"}}, {"columns": {"a": "y"}}, False),
        ({}, {"flash": True}, False),
        ({}, {"lookup": True}, False),
        ({"lookup": True}, {"lookup": {"unknown": "exclude"}}, False),
        ({}, {"name": "Autre"}, False),
    ],
    ids=["keys", "defaults", "time", "order of columns", "columns", "flash", "lookup", "how to look up", "name"],
)
def test_content_is_all_but_the_key(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    contents = [check({**LEAST, **fields}, now=NOW).content() for fields in (one, other)]
    assert (contents[0] == contents[1]) is same


def test_content_says_nothing_of_options_left_alone_so_that_a_new_one_changes_none() -> None:
    assert check(LEAST, now=NOW).content() == '{"name":"Rappel","template":"Bonjour {{ nom }}"}'


@given(
    st.dictionaries(st.sampled_from([*Spec.model_fields, "other"]), st.none() | st.text() | st.integers() | st.floats())
)
def test_whatever_is_asked_is_a_spec_or_a_refusal(fields: dict[str, Any]) -> None:
    with suppress(SpecError):
        assert isinstance(check(fields, now=NOW), Spec)
