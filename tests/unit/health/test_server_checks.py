from __future__ import annotations

from dataclasses import replace

import pytest

from allegro_queue.health.check import Check, Result, worst
from allegro_queue.health.server_checks import check_server
from allegro_queue.stores.server import ServerState

NOW = 1_764_000_000.0
GOOD = ServerState(
    product="Valkey 9.1.0",
    version=(7, 2, 4),
    answer_seconds=0.001,
    clock_offset=0.002,
    memory_bytes=400_000_000,
    memory_limit=2_000_000_000,
    eviction_policy="noeviction",
    evicted_keys=0,
    writes_every_change=True,
    snapshot_at=NOW - 60,
    last_write_failed=False,
    role="master",
    runs_in_stream=14,
    runs_bytes=4_000,
)


def found(server: ServerState, name: str) -> Check:
    return next(each for each in check_server(server, "redis-1:6379", NOW) if each.name == name)


def test_a_good_server_is_well():
    assert worst(tuple(check_server(GOOD, "redis-1:6379", NOW))) is Result.WELL


@pytest.mark.parametrize(
    ("name", "given", "result", "words"),
    [
        ("Reachable", {"answer_seconds": 0.4}, Result.LOOK, "400.0 ms"),
        ("Version", {"version": (6, 0, 16), "product": "Redis 6.0.16"}, Result.RISK, "older than 6.2"),
        ("Role", {"role": "slave"}, Result.RISK, "takes no writes"),
        ("Memory", {"memory_bytes": 1_700_000_000}, Result.LOOK, "85%"),
        ("Memory", {"memory_bytes": 1_950_000_000}, Result.RISK, "98%"),
        ("Eviction policy", {"eviction_policy": "allkeys-lru"}, Result.RISK, "deletes jobs without a word"),
        ("Eviction policy", {"eviction_policy": "volatile-lru", "evicted_keys": 7}, Result.RISK, "thrown away 7 keys"),
        ("Eviction policy", {"eviction_policy": ""}, Result.LOOK, "does not say"),
        ("Persistence", {"writes_every_change": False}, Result.LOOK, "1 min old"),
        ("Persistence", {"last_write_failed": True}, Result.RISK, "last write to disk failed"),
        ("Clock", {"clock_offset": -1.8}, Result.LOOK, "1.8 s behind Redis"),
    ],
)
def test_what_is_wrong_with_the_server_is_said(name: str, given: dict[str, object], result: Result, words: str):
    check = found(replace(GOOD, **given), name)  # type: ignore[arg-type]

    assert check.result is result
    assert words in check.found
    assert check.mend or not check.command


def test_a_server_without_a_memory_limit_is_well():
    assert found(replace(GOOD, memory_limit=0), "Memory").result is Result.WELL
