"""How much work each queue has, now: what scaling is decided by. One round trip, whatever the backlog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis
from rq.registry import StartedJobRegistry
from rq.suspension import WORKERS_SUSPENDED

from allegro_queue.stores.jobs import queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.pauses import ALL_QUEUES, read_pause


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """The work of one queue, now."""

    waiting: int
    """Jobs that a worker could take: none while the queue is paused, however many stand in it."""
    running: int
    """Jobs that some worker runs."""
    runtime_ms: float | None = None
    """Mean over the runs of the last hours, as the collector last counted them; ``None`` when there were none."""


class WorkloadStore:
    """Reads the workload."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def read(self, queues: Sequence[str], now: float) -> dict[str, Workload]:
        """The workload of these queues."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hvals(self._keys.paused)
            pipeline.exists(WORKERS_SUSPENDED)
            for queue in queues:
                pipeline.llen(queue_key(queue))
                pipeline.zcard(StartedJobRegistry.key_template.format(queue))
                pipeline.hget(self._keys.runtimes, queue)
            pauses, suspended, *replies = pipeline.execute()
        held = (read_pause(each) for each in pauses)
        paused = {each.queue for each in held if each.until is None or each.until > now}
        stands_still = suspended or ALL_QUEUES in paused
        return {
            queue: Workload(
                waiting=0 if stands_still or queue in paused else waiting,
                running=running,
                runtime_ms=float(runtime) if runtime else None,
            )
            for queue, waiting, running, runtime in zip(
                queues, replies[0::3], replies[1::3], replies[2::3], strict=True
            )
        }
