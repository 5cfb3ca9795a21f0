from __future__ import annotations

from datetime import UTC, datetime, timedelta

from allegro.audience.profiles import is_stale

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_profile_is_stale_once_it_is_older_than_its_provider_allows():
    assert not is_stale(NOW - HOUR, HOUR, NOW)
    assert is_stale(NOW - HOUR - timedelta(seconds=1), HOUR, NOW)


def test_a_profile_that_was_never_fetched_is_stale():
    assert is_stale(None, HOUR, NOW)


def test_a_provider_without_an_age_is_never_asked_at_sign_in():
    assert not is_stale(None, None, NOW)
    assert not is_stale(NOW - 1000 * HOUR, None, NOW)
