"""Everything that Redis holds, in one value, to tell whether anything has changed."""

from __future__ import annotations

from redis import Redis


def digest(redis: Redis) -> dict[bytes, bytes | None]:
    """Each key with its value as the server would write it to disk.

    What lives for seconds lives on: on a slow machine it would end meanwhile, which nobody did.
    """
    keys = list(redis.scan_iter(count=1000))
    with redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.persist(key)
        for key in keys:
            pipeline.dump(key)
        replies = pipeline.execute()
    return dict(zip(keys, replies[len(keys) :], strict=True))
