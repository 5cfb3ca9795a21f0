from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from allegro.breaker import rest
from allegro.webhooks.retrying import next_try, wished_rest

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", None),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("99999999999999999999", 3600),
        ("²", None),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", None),
        ("Sun, 01 Mar 2099 11:00:00 GMT", 3600),
    ],
)
def test_a_wish_for_rest_is_understood_in_both_forms_and_capped(header: str, seconds: int | None):
    assert wished_rest(header, NOW) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_pause_is_the_longer_of_the_schedules_and_the_endpoints_own():
    assert next_try(1, [60, 300], None, NOW) == NOW + timedelta(seconds=60)
    assert next_try(2, [60, 300], timedelta(seconds=20), NOW) == NOW + timedelta(seconds=300)
    assert next_try(1, [60, 300], timedelta(seconds=90), NOW) == NOW + timedelta(seconds=90)
    assert next_try(3, [60, 300], timedelta(seconds=90), NOW) is None
    assert next_try(1, [], None, NOW) is None


def test_a_silent_host_is_left_alone_ever_longer_up_to_half_an_hour():
    assert [rest(each).total_seconds() / 60 for each in (3, 4, 5, 7, 8, 1000)] == [1, 2, 4, 16, 30, 30]
