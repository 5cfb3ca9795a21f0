from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from allegro.webhooks.events import timestamp
from allegro.webhooks.models import Endpoint, problem_in_events, problem_in_url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://example.com/hook", ""),
        ("https://example.com:8443/hook?key=1", ""),
        ("http://example.com/hook", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("https://user:pass@example.com/", "user name or password"),
        ("https://example.com/#part", "fragment"),
        ("https://exa mple.com/", "spaces"),
        ("https://example.com/\r\nHost: x", "control characters"),
        ("", "must begin with https://"),
    ],
)
def test_an_endpoints_url_is_checked(url: str, problem: str):
    found = problem_in_url(url, allow_http=False)

    assert problem in found
    assert bool(found) == bool(problem)


def test_plain_http_is_allowed_where_the_environment_is_local():
    assert problem_in_url("http://127.0.0.1:8000/demo/receiver/", allow_http=True) == ""


def test_an_unknown_kind_of_event_is_named_with_the_nearest_known_one():
    assert "did you mean 'audience_member.created'" in problem_in_events(["audience_member.create"])
    assert "Choose at least one" in problem_in_events([])


def test_an_endpoint_hears_of_what_it_chose_and_of_nothing_when_switched_off():
    chosen = Endpoint(all_events=False, events=["audience_member.created"])

    assert chosen.wants("audience_member.created")
    assert not chosen.wants("something.else")
    assert Endpoint(all_events=True).wants("something.else")
    assert not Endpoint(all_events=True, active=False).wants("audience_member.created")


def test_a_time_is_given_in_utc_with_z_and_without_fractions():
    east = timezone(timedelta(hours=2))

    assert timestamp(datetime(2026, 3, 1, 14, 5, 6, 789, tzinfo=east)) == "2026-03-01T12:05:06Z"
    assert timestamp(datetime(2026, 3, 1, 12, 5, 6, tzinfo=UTC)) == "2026-03-01T12:05:06Z"
