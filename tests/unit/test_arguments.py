from __future__ import annotations

import zlib
from datetime import date
from typing import Any

import pytest
from rq.serializers import JSONSerializer

from allegro_queue.arguments import arguments_as_json, check_arguments, payload
from allegro_queue.errors import InvalidJob


def test_what_json_holds_unchanged_is_let_through():
    check_arguments("shop.pay", (1, "x", None, True, 1.5, [1, {"a": []}]), {"b": {"c": "d"}}, largest=1000)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((1, 2), "argument 1 is a tuple, which JSON cannot hold unchanged. Pass a list."),
        (date(2026, 1, 1), "argument 1 is a date, which JSON cannot hold unchanged. Pass value.isoformat()."),
        (b"x", "argument 1 is a bytes"),
        (object(), "argument 1 is a object"),
        (float("nan"), "argument 1 is nan, which JSON does not have."),
        ({1: "a"}, "argument 1 has the key 1; JSON keys must be text."),
        ({"a": [set()]}, "argument 1['a'][0] is a set"),
    ],
)
def test_what_json_would_change_is_refused_with_its_place(value: Any, message: str):
    with pytest.raises(InvalidJob) as raised:
        check_arguments("shop.pay", (value,), {}, largest=1000)

    assert message in str(raised.value)


def test_a_model_is_refused_with_the_advice_to_pass_its_key():
    class Model:
        pk = 7

    with pytest.raises(InvalidJob, match="Pass its primary key and load it in the job"):
        check_arguments("shop.pay", (), {"member": Model()}, largest=1000)


def test_arguments_that_are_too_large_are_refused_with_both_sizes():
    with pytest.raises(InvalidJob, match=r"take 1,011 bytes as JSON; at most 1,000"):
        check_arguments("shop.pay", ("x" * 1001,), {}, largest=1000)


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth - 1):
        found = [found]
    return found


def test_lists_more_than_a_hundred_deep_are_refused_and_a_circle_too():
    circle: list[Any] = []
    circle.append(circle)

    check_arguments("shop.pay", (nested(100),), {}, largest=1000)
    for value in (nested(101), nested(10_000), circle):
        with pytest.raises(InvalidJob, match=r"more than 100 deep") as raised:
            check_arguments("shop.pay", (value,), {}, largest=100_000)
        assert len(str(raised.value)) < 300


def test_a_number_that_python_itself_would_not_read_is_refused():
    check_arguments("shop.pay", (2**9_999,), {}, largest=10_000)
    with pytest.raises(InvalidJob, match="argument 1 is a whole number of 10,001 bits"):
        check_arguments("shop.pay", (2**10_000,), {}, largest=100_000)


@pytest.mark.parametrize("text", ["grüße", "\x00", "\ud800", "\u202e", "x" * 100_000, ""])
def test_a_payload_is_what_rqs_serializer_makes_of_it(text: str):
    arguments = arguments_as_json("shop.pay", (text, [1]), {"a": {text: None}}, largest=1_000_000)

    written = zlib.decompress(payload("shop.pay", arguments))

    assert written == JSONSerializer.dumps(("shop.pay", None, (text, [1]), {"a": {text: None}}))
