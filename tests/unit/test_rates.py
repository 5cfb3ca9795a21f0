from __future__ import annotations

from typing import Any

import pytest

from allegro_queue.rates import Rate, rate_from


@pytest.mark.parametrize(
    ("given", "rate"),
    [
        ("30/m", Rate(30, 60)),
        ("1/s", Rate(1, 1)),
        ("100/h", Rate(100, 3600)),
        ("5/10s", Rate(5, 10)),
        ("2/d", Rate(2, 86_400)),
        (Rate(3, 7, key="mail"), Rate(3, 7, key="mail")),
    ],
)
def test_a_rate_is_understood_as_text_and_as_a_value(given: Any, rate: Rate):
    assert rate_from(given) == rate


@pytest.mark.parametrize("given", ["", "30", "m/30", "30/w", "-1/m", 30, None, ("30", 60)])
def test_what_is_no_rate_is_refused_with_what_would_be_right(given: Any):
    with pytest.raises(ValueError, match=r'it must be like "30/m"'):
        rate_from(given)


@pytest.mark.parametrize(("runs", "seconds", "field"), [(0, 60, "runs"), (1, 0, "seconds"), (True, 1, "runs")])
def test_a_number_out_of_bounds_is_named(runs: int, seconds: int, field: str):
    with pytest.raises(ValueError, match=f"Rate has {field}"):
        Rate(runs, seconds)
