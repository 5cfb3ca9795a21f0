"""Everything that Redis holds, in one value, to tell whether anything has changed."""

from __future__ import annotations

from redis import Redis


def digest(redis: Redis) -> dict[bytes, bytes | None]:
    """Each key with its value as the server would write it to disk."""
    return {key: redis.dump(key) for key in redis.scan_iter(count=1000)}
