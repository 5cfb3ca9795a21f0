from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from allegro.audience.http_source import fault_of, moment, rest_seconds, retry_after
from allegro.audience.json_profiles import next_address
from allegro.audience.providers import ProviderFailed, SourceBusy

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()


def answer(status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, request=httpx.Request("GET", "https://crm.example/people?page=1"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": "Sun, 01 Mar 2026 12:00:30 GMT"}, 30),
        ({"Retry_After": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0),
        ({"Retry_After": "soon"}, None),
        ({"RateLimit_Reset": "7"}, 7),
        ({"X_RateLimit_Reset": str(int(NOW) + 9)}, 9),
        ({"X_RateLimit_Reset": "-5"}, None),
        ({}, None),
    ],
)
def test_how_long_a_source_wants_to_be_left_alone_is_read_from_its_headers(
    headers: dict[str, str], seconds: float | None
):
    assert retry_after(answer(429, **headers), NOW) == seconds


def test_a_source_that_is_too_busy_is_told_from_one_that_fails():
    assert isinstance(fault_of(answer(429), NOW), SourceBusy)
    assert isinstance(fault_of(answer(503, Retry_After="5"), NOW), SourceBusy)
    assert not isinstance(fault_of(answer(503), NOW), SourceBusy)
    assert "does not accept the credential" in str(fault_of(answer(401), NOW))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "12"}, 12),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "3"}, 3),
        ({"X_RateLimit_Remaining": "1", "X_RateLimit_Reset": "12"}, 0),
        ({"X_RateLimit_Remaining": "0"}, 0),
        ({}, 0),
    ],
)
def test_an_answer_that_uses_up_the_limit_asks_for_rest(headers: dict[str, str], seconds: float):
    assert rest_seconds(answer(**headers), NOW) == seconds


def test_a_time_counts_only_with_its_zone():
    assert moment("2026-03-01T12:00:00+01:00") == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert moment("2026-03-01T12:00:00Z") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment("2026-03-01T12:00:00") is None
    assert moment("yesterday") is None
    assert moment(1_800_000_000) is None


def test_a_list_goes_on_where_its_link_or_its_body_says():
    assert next_address(answer(Link='</people?page=2>; rel="next"'), []) == "https://crm.example/people?page=2"
    assert next_address(answer(), {"next": "?page=2"}) == "https://crm.example/people?page=2"
    assert next_address(answer(), {"next": None}) == ""
    assert next_address(answer(), []) == ""


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ("https://evil.example/people?page=2", "another host, evil.example"),
        ("http://crm.example/people?page=2", "another host"),
        ("https://crm.example:444/people?page=2", "another host"),
        ("https://crm.example/people?page=1", "the page that was just read"),
    ],
)
def test_a_list_is_not_followed_to_where_the_credential_must_not_go(there: str, reason: str):
    with pytest.raises(ProviderFailed, match=reason):
        next_address(answer(), {"next": there})
