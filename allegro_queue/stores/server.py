"""What the Redis server says of itself: whether jobs are safe with it, and how fast it answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from allegro_queue.stores.keys import Keys


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerState:
    """One server, at one moment."""

    product: str
    """``Redis`` or ``Valkey``, with its version."""
    version: tuple[int, ...]
    """The version of Redis that it equals, for comparing."""
    answer_seconds: float
    """From question to answer, the way included."""
    clock_offset: float
    """Seconds by which this process's clock is ahead of the server's."""
    memory_bytes: int
    memory_limit: int
    """Bytes; 0 when there is no limit."""
    eviction_policy: str
    """What it does when the memory is full; empty when it does not say."""
    evicted_keys: int
    """Keys that it has thrown away to make room since it started."""
    writes_every_change: bool
    """Whether an append-only file is kept."""
    snapshot_at: float
    """Unix time of the last snapshot on disk; the server's start when none was made."""
    last_write_failed: bool
    """Whether its last write to disk failed."""
    role: str
    """``master`` or ``slave``."""
    runs_in_stream: int
    """Run records that the stream holds."""
    runs_bytes: int
    """Bytes that they take."""


class ServerStore:
    """Reads the server's own account of itself."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def read(self) -> ServerState:
        """The state, in one round trip."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.time()
            pipeline.info("everything")
            pipeline.xlen(self._keys.runs)
            pipeline.memory_usage(self._keys.runs)
            asked = time.time()
            (seconds, microseconds), info, runs, runs_bytes = pipeline.execute()
            answered = time.time()
        return ServerState(
            product=product_of(info),
            version=version_of(info),
            answer_seconds=max(answered - asked, 0.0),
            clock_offset=(asked + answered) / 2 - (seconds + microseconds / 1e6),
            memory_bytes=int(info.get("used_memory", 0)),
            memory_limit=int(info.get("maxmemory", 0)),
            eviction_policy=str(info.get("maxmemory_policy", "")),
            evicted_keys=int(info.get("evicted_keys", 0)),
            writes_every_change=bool(info.get("aof_enabled", 0)),
            snapshot_at=float(info.get("rdb_last_save_time", 0)),
            last_write_failed="err"
            in (str(info.get("rdb_last_bgsave_status", "ok")), str(info.get("aof_last_write_status", "ok"))),
            role=str(info.get("role", "")),
            runs_in_stream=int(runs),
            runs_bytes=int(runs_bytes or 0),
        )


def product_of(info: Mapping[str, Any]) -> str:
    """Its name and version, as people know it."""
    if info.get("server_name") == "valkey" or "valkey_version" in info:
        return f"Valkey {info.get('valkey_version', '')}".strip()
    return f"Redis {info.get('redis_version', '')}".strip()


def version_of(info: Mapping[str, Any]) -> tuple[int, ...]:
    """``(7, 2, 4)``; empty when it is not said."""
    numbers = str(info.get("redis_version", "")).split(".")
    return tuple(int(each) for each in numbers if each.isdigit())
