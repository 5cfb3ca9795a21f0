"""What metrics keep in Redis: how many jobs waited by the minute, and when the last snapshot was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redis import Redis

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text

MINUTE_LIFE = 2 * 60 * 60
TAKING_LIFE = 30


class MetricsStore:
    """Samples by the minute; one snapshot at a time."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def sample_waiting(self, lengths: Mapping[str, int], now: float) -> None:
        """Note how many jobs wait in each queue, for the chart of the last hour."""
        minute = self._keys.minute(int(now // 60))
        with self._client.pipeline() as pipeline:
            pipeline.hset(minute, mapping={str(queue): length for queue, length in lengths.items()})
            pipeline.expire(minute, MINUTE_LIFE)
            pipeline.execute()

    def waiting(self, numbers: Sequence[int]) -> list[dict[str, int]]:
        """What waited by queue in each of these minutes (Unix time // 60), in one round trip; empty: nobody looked."""
        with self._client.pipeline(transaction=False) as pipeline:
            for number in numbers:
                pipeline.hgetall(self._keys.minute(number))
            rows = pipeline.execute()
        return [{text(queue): int(length) for queue, length in row.items()} for row in rows]

    def begin_snapshot(self) -> bool:
        """Whether this process may take a snapshot now; another one in the same few seconds may not."""
        return bool(self._client.set(self._keys.taking_snapshot, "1", nx=True, ex=TAKING_LIFE))

    def finish_snapshot(self, now: float) -> None:
        """Note the time of a snapshot that is written."""
        with self._client.pipeline() as pipeline:
            pipeline.set(self._keys.last_snapshot, repr(now))
            pipeline.delete(self._keys.taking_snapshot)
            pipeline.execute()
