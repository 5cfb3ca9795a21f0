from __future__ import annotations

from typing import Any

import pytest

from allegro_queue.backoff import LONGEST_PAUSE, MOST_PAUSES, Backoff, backoff_from, exponential


@pytest.mark.parametrize(
    ("given", "pauses"),
    [(5, (5.0,)), (0, ()), (0.5, (0.5,)), ([1, 5, 30], (1.0, 5.0, 30.0)), ((0, 10), (0.0, 10.0)), ([], ())],
)
def test_seconds_and_lists_of_seconds_are_understood(given: Any, pauses: tuple[float, ...]):
    assert backoff_from(given) == Backoff(pauses)


def test_exponential_pauses_grow_to_the_cap_and_stay_there():
    assert exponential(1, cap=10, factor=3, jitter=0.5) == Backoff((1.0, 3.0, 9.0, 10.0), 0.5)


def test_slow_growth_is_cut_to_the_number_that_is_kept():
    assert len(exponential(1, cap=LONGEST_PAUSE, factor=1.01).pauses) == MOST_PAUSES


@pytest.mark.parametrize("given", [-1, True, "5", None, float("nan"), float("inf"), [1, "2"], LONGEST_PAUSE + 1, {}])
def test_what_is_no_pause_is_refused_with_what_would_be_right(given: Any):
    with pytest.raises(ValueError, match="it must be seconds, a list of seconds"):
        backoff_from(given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": 0}, "first = 0"),
        ({"first": 10, "cap": 5}, "cap = 5; it must be seconds from first = 10"),
        ({"first": 1, "factor": 1}, "factor = 1; it must be a number above 1"),
        ({"first": 1, "jitter": 2}, "jitter = 2; it must be a share from 0 to 1"),
    ],
)
def test_a_number_of_exponential_out_of_bounds_is_named(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        exponential(**options)
