"""All of RQ's keys as plain values, with what differs from run to run (times, random ids) replaced by its kind."""

from __future__ import annotations

import base64
import re
import time
import zlib
from typing import Any

from redis import Redis

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
RANDOM = re.compile(r"[0-9a-f]{32}")
TIMES = {"created_at", "execution_started_at", "execution_ended_at", "last_heartbeat", "total_working_time"}

GRAIN = 20
"""Lives and scores are compared in steps of so many seconds; scenarios use multiples of it."""


def keyspace(redis: Redis) -> dict[str, tuple[str, Any, int | None]]:
    """Type, value and life in seconds of every key of RQ's."""
    found = {}
    for key in sorted(redis.keys("rq:*")):
        kind = redis.type(key).decode()
        found[plain(key)] = (kind, READERS[kind](redis, key), life(redis.ttl(key)))
    return found


def life(seconds: float) -> int | None:
    """Seconds to live, in steps; ``None``: for ever."""
    return None if seconds < 0 else round(seconds / GRAIN) * GRAIN


def score(value: float) -> str:
    """A score: a time from now, in steps, or what it is."""
    if abs(value) == float("inf"):
        return str(value)
    return f"in {round((value - time.time()) / GRAIN) * GRAIN} s"


def plain(raw: bytes) -> str:
    try:
        text = zlib.decompress(raw).decode()
    except zlib.error:
        text = raw.decode(errors="backslashreplace")
    return RANDOM.sub("<random>", MOMENT.sub("<time>", text))


def field(name: str, raw: bytes) -> str:
    """A field of a hash or of a result."""
    if name in TIMES:
        return "<time>" if raw else ""
    if name == "exc_string":
        # Frames of the worker's own code are no part of the comparison.
        return zlib.decompress(base64.b64decode(raw)).decode().strip().splitlines()[-1]
    if name == "return_value":
        return plain(base64.b64decode(raw))
    return plain(raw)


def fields(pairs: dict[bytes, bytes]) -> dict[str, str]:
    return {plain(name): field(plain(name), value) for name, value in sorted(pairs.items())}


READERS: dict[str, Any] = {
    "string": lambda redis, key: plain(redis.get(key)),
    "list": lambda redis, key: [plain(each) for each in redis.lrange(key, 0, -1)],
    "set": lambda redis, key: sorted(plain(each) for each in redis.smembers(key)),
    "zset": lambda redis, key: sorted(
        (plain(each), score(at)) for each, at in redis.zrange(key, 0, -1, withscores=True)
    ),
    "hash": lambda redis, key: fields(redis.hgetall(key)),
    "stream": lambda redis, key: [fields(entry) for _, entry in redis.xrange(key)],
}
