from __future__ import annotations

import pytest
from django.utils import translation

from allegro_queue.dashboard.filters.state_words import counted_units, units
from allegro_queue.dashboard.page.formats import ago, count, duration, in_words
from allegro_queue.dashboard.page.names import bdi
from allegro_queue.wording import END, ISOLATE, apart, worded


def test_a_sentence_is_filled_in_by_name() -> None:
    assert worded("{queue} has {n}.", n=3, queue="high") == "high has 3."


def test_braces_in_a_name_stay_as_they_are() -> None:
    assert worded("{name} ran.", name="{n}") == "{n} ran."


@pytest.mark.parametrize("name", ["high", "déjà", "高", "3 min"])
def test_a_name_that_runs_with_the_page_is_left_alone(name: str) -> None:
    assert apart(name) == name
    assert bdi(name) == name


@pytest.mark.parametrize("name", ["תור", "طابور", "high תור"])
def test_a_name_that_may_turn_what_stands_beside_it_is_kept_apart(name: str) -> None:
    assert apart(name) == f"{ISOLATE}{name}{END}"
    assert bdi(name) == f"<bdi>{name}</bdi>"


def test_on_a_page_from_right_to_left_every_name_is_kept_apart() -> None:
    with translation.override("he"):
        assert apart("high") == f"{ISOLATE}high{END}"
        assert bdi("<b>") == "<bdi>&lt;b&gt;</bdi>"
        assert apart("") == ""


def test_figures_and_times_are_written_as_the_language_does() -> None:
    with translation.override("de"):
        assert count(12_431) == "12.431"
    with translation.override("he"):
        assert duration(288.0) == "4 דק׳ 48 שנ׳"
        assert ago(0.0, 300.0) == "לפני 5 דק׳"
        assert in_words(["a", "b", "c"]) == "a, b וגם c"


@pytest.mark.parametrize(
    ("state", "unit", "number", "words"),
    [
        ("all", "job", 1, "1 job"),
        ("all", "run", 2, "2 runs"),
        ("failed", "job", 1, "1 failed job"),
        ("failed", "job", 12_431, "12,431 failed jobs"),
        ("failed,lost", "run", 3, "3 failed or lost runs"),
    ],
)
def test_jobs_are_named_with_their_state_and_number(state: str, unit: str, number: int, words: str) -> None:
    assert counted_units(state, unit, number) == words


def test_jobs_are_named_with_their_state_alone() -> None:
    assert units("waiting", "job", 2) == "waiting jobs"
    assert units("failed,retried,lost", "run", 1) == "failed, retried or lost run"
