from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from allegro_queue.errors import InvalidJob
from allegro_queue.later import due_time

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delay", "seconds"), [(90, 90), (0.5, 0.5), (timedelta(minutes=2), 120), (timedelta(days=3660), 3660 * 86_400)]
)
def test_a_delay_counts_from_now(delay: Any, seconds: float):
    assert due_time(None, delay, NOW) == NOW + timedelta(seconds=seconds)


def test_a_time_of_any_zone_is_meant_as_it_is():
    at = datetime(2026, 11, 24, 15, tzinfo=timezone(timedelta(hours=2)))

    due = due_time(at, None, NOW)

    assert due == NOW + timedelta(hours=1)
    assert due is not None
    assert due.tzinfo is UTC


@pytest.mark.parametrize(("at", "delay"), [(None, None), (None, 0), (NOW, None), (NOW - timedelta(days=1), None)])
def test_no_time_and_a_time_that_has_passed_mean_now(at: Any, delay: Any):
    assert due_time(at, delay, NOW) is None


@pytest.mark.parametrize(
    ("at", "delay", "message"),
    [
        (NOW, 5, "both 'at' and 'delay'"),
        (datetime(2027, 1, 1), None, "names no time zone.*Pass an aware datetime"),
        (date(2027, 1, 1), None, "must be a datetime with a time zone"),
        (1_800_000_000, None, "must be a datetime with a time zone"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), None, "more than ten years away"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-5))), None, "more than ten years away"),
        (None, -1, "is negative"),
        (None, timedelta(seconds=-1), "is negative"),
        (None, timedelta.max, "more than ten years away"),
        (None, 1e300, "more than ten years away"),
        (None, float("nan"), "must be seconds or a timedelta"),
        (None, float("inf"), "must be seconds or a timedelta"),
        (None, True, "must be seconds or a timedelta"),
        (None, "5m", "must be seconds or a timedelta"),
    ],
)
def test_what_is_no_time_is_refused_with_what_was_found(at: Any, delay: Any, message: str):
    with pytest.raises(InvalidJob, match=message):
        due_time(at, delay, NOW)
