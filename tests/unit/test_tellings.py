"""What one process says and another tells later, in a language of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import translation

from allegro_queue.alerts.spans import span
from allegro_queue.tellings import Telling, read_telling, telling, telling_of, verbatim

WAITS = telling_of("no worker lives; {n} job waits", "no worker lives; {n} jobs wait", 1200)
LATE = telling("{entries} should have been queued {time} ago", entries="tick", time=span(90))


def test_it_is_told_in_english_whatever_the_language_of_the_reader() -> None:
    with translation.override("he"):
        assert (WAITS.english, LATE.english) == (
            "no worker lives; 1,200 jobs wait",
            "tick should have been queued 90 s ago",
        )


def test_it_is_told_in_the_reader_s_language_with_all_that_goes_in() -> None:
    with translation.override("he"):
        assert "עבודות" in WAITS.words
        assert "שנ׳" in LATE.words
    with translation.override("en"):
        assert (WAITS.words, LATE.words) == (WAITS.english, LATE.english)


def test_one_and_several_are_told_apart() -> None:
    one = telling_of("no worker lives; {n} job waits", "no worker lives; {n} jobs wait", 1)

    assert one.english == "no worker lives; 1 job waits"


@pytest.mark.parametrize("each", [WAITS, LATE, verbatim("as {it} is")], ids=["counted", "nested", "verbatim"])
def test_it_comes_back_from_json_as_it_was(each: Telling) -> None:
    assert read_telling(json.loads(json.dumps(each.as_data())), "something else") == each


@pytest.mark.parametrize(
    "given",
    [
        None,
        "text",
        {},
        {**LATE.as_data(), "places": {}},
        {**LATE.as_data(), "places": None},
        {**LATE.as_data(), "one": "{entries.__class__}"},
        {**LATE.as_data(), "one": "{entries!r:>900000000}"},
        {**LATE.as_data(), "one": "{"},
        {**LATE.as_data(), "number": float("inf")},
    ],
)
def test_what_cannot_be_told_is_as_it_was_said_in_english(given: Any) -> None:
    assert read_telling(given, "tick {is} late").words == "tick {is} late"


@pytest.mark.parametrize(
    ("words", "kept"), [("it fits", "it fits"), ("it is cut here", "it is cut "), ("a\x00b", "ab"), ("a\ud800", "a?")]
)
def test_both_columns_of_a_table_say_the_same_and_any_database_takes_them(words: str, kept: str) -> None:
    english, data = telling("{words}", words=words).as_columns(10)

    assert english == kept
    assert (data is not None) == (words == kept)


def test_one_that_holds_itself_without_end_is_not_read() -> None:
    endless = telling("{it}", it="end").as_data()
    for _ in range(100):
        endless = {"one": "{it}", "many": "", "number": 1, "places": {"it": endless}}

    assert read_telling(endless, "late").words == "late"
