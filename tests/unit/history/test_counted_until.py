from __future__ import annotations

from allegro_queue.history.measured import counted_until
from allegro_queue.stores.collecting import START, Stream

STREAM = Stream(length=2, added=9, first="1764072000000-0", last="1764072060000-0")


def test_all_is_counted_up_to_the_place_that_the_collector_has_read_to() -> None:
    assert counted_until("1764072030500-0", STREAM) == 1_764_072_030.5


def test_before_anything_is_counted_a_new_system_is_behind_since_its_first_run_and_not_since_1970() -> None:
    assert counted_until(START, STREAM) == 1_764_072_000
