from __future__ import annotations

import json

import pytest

from allegro_queue.history.calls import Call, closed, preview, read_call

WHOLE = json.dumps([[1, "two, [three", {"a": [4]}], {"member_id": 5, "password": 'x "y', "deep": {"token": "z"}}])


def test_a_call_is_read_in_both_of_its_forms() -> None:
    assert read_call("[[1], {}]") == Call([1], {})
    assert read_call('["shop.pay", null, [1], {"b": 2}]') == Call([1], {"b": 2})
    assert read_call('{"b": 2}') == Call([], {"b": 2})


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_call_cut_short_anywhere_gives_its_whole_values_and_no_secret(length: int) -> None:
    call = read_call(WHOLE[:length])

    assert call.arguments[:2] == [1, "two, [three"][: len(call.arguments)]
    assert set(call.keywords) <= {"member_id", "password", "deep"}
    shown = preview(call)
    assert 'x "y' not in shown
    assert '"z"' not in shown


@pytest.mark.parametrize("text", ["", "nonsense", "42", '"text"', "[", "]", "}{", "[" * 100_000, "null", "\x00"])
def test_what_is_no_call_gives_nothing(text: str) -> None:
    assert preview(read_call(text)) == ""


def test_a_preview_is_bounded_whatever_the_call() -> None:
    big = read_call(json.dumps([["x" * 900] * 900, {str(number): [["y"]] for number in range(900)}]))

    assert len(preview(big)) <= 500
    assert closed('{"a": 1, "b": [2, "c') == '{"a": 1, "b": [2]}'
