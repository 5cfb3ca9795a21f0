from __future__ import annotations

import pytest

from allegro_queue.stores.run_record import decimal
from allegro_queue.stores.steps import MILLION, seconds_text

MOMENTS = [
    1_764_000_000_000_000,
    1_764_000_000_000_001,
    1_764_000_000_100_000,
    1_764_000_000_123_450,
    1_764_000_059_999_999,
    1_999_999_999_999_999,
    1_000_000,
    250_000,
]


@pytest.mark.parametrize("microseconds", MOMENTS)
def test_a_time_is_written_as_python_shows_it_in_seconds(microseconds: int):
    assert seconds_text(microseconds) == repr(microseconds / MILLION)


@pytest.mark.parametrize("microseconds", [0, *MOMENTS])
def test_a_run_records_time_has_six_decimals(microseconds: int):
    assert decimal(microseconds / MILLION) == f"{microseconds / MILLION:.6f}"
