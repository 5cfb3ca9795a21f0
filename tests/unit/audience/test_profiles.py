from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from allegro.audience.http_source import moment
from allegro.audience.profiles import checked
from allegro.audience.providers import Fetched, ProviderFailed


def nested(depth: int) -> dict[str, Any]:
    return {"in": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "a\u0000b"},
        {"a\u0000b": 1},
        {"text": "\ud800"},
        {"number": float("nan")},
        {"number": float("inf")},
        {"when": datetime(2026, 1, 1, tzinfo=UTC)},
        {"set": {1}},
        {"long": "ä" * 40_000},
        "text",
        None,
    ],
)
def test_what_no_database_could_keep_is_refused_before_it_is_stored(payload: Any):
    with pytest.raises(ProviderFailed):
        checked(Fetched(payload=payload))


@pytest.mark.parametrize(
    "payload", [{}, {"text": 'ä€𝄞 \\ " \n', "list": [1, 2.5, None, True, {"deep": []}]}, nested(50)]
)
def test_plain_json_is_kept_as_it_is(payload: dict[str, Any]):
    assert checked(Fetched(payload=payload)).payload == payload


def test_times_at_the_ends_of_the_calendar_are_no_times():
    assert moment("0001-01-01T00:00:00+14:00") is None
    assert moment("9999-12-31T23:59:59-12:00") is None
