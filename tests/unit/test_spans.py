"""Lengths of time, to be told."""

from __future__ import annotations

import pytest

from allegro_queue.spans import lasting


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (-5, "0 s"), (59, "59 s"), (60, "1 min"), (288, "4 min 48 s"), (3_600, "1 h"), (7_380, "2 h 3 min"),
        (86_400, "1 d"), (176_400, "2 d 1 h"), (86_400 * 40 + 59, "40 d"),
    ],
)  # fmt: skip
def test_a_length_of_time_has_two_units_at_most(seconds: float, words: str) -> None:
    assert lasting(seconds).english == words
