"""Marks that anything has been done which a page may show, for a round trip that is made anyway.

Nobody counts for them: what is done moves one of them by itself, whoever does it, RQ's own code too. Workers that only say
that they are alive move none. What moves none either, such as a time limit that passes, is for the reader to look at again
after a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from redis.client import Pipeline
from rq.registry import CanceledJobRegistry, DeferredJobRegistry, FinishedJobRegistry, ScheduledJobRegistry

from allegro_queue.stores.collecting import read_record
from allegro_queue.stores.jobs import queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.schedule import SCHEDULED

REGISTRIES = tuple(
    registry.key_template
    for registry in (FinishedJobRegistry, DeferredJobRegistry, ScheduledJobRegistry, CanceledJobRegistry)
)

BEAT_LIFE = 15
"""Seconds past the last beat at which a process may be gone: once is a supervised one's life, twice is any other's."""


def ask_for_marks(pipeline: Pipeline, keys: Keys, queues: Iterable[str]) -> None:
    """Ask for the marks that a pulse has no use for itself."""
    pipeline.get(keys.collector)
    pipeline.xrevrange(keys.runs, count=1)
    pipeline.hlen(keys.reserved)
    pipeline.zrange(keys.noted, -1, -1, withscores=True)
    pipeline.zrange(keys.batches, -1, -1, withscores=True)
    pipeline.zcard(keys.batches)
    pipeline.scard(keys.open_batches)
    # An entry that was due has another time from then on.
    pipeline.zrange(SCHEDULED, 0, 0, withscores=True)
    pipeline.zcard(SCHEDULED)
    pipeline.hlen(keys.paused_entries)
    pipeline.hlen(keys.paused_supervisors)
    for queue in queues:
        pipeline.lindex(queue_key(queue), -1)
        for template in REGISTRIES:
            pipeline.zcard(template.format(queue))


def in_one(marks: Sequence[Any], others: Iterable[Any]) -> str:
    """All marks in a short one.

    Args:
        marks: the answers to ``ask_for_marks``.
        others: what the pulse has asked for itself.
    """
    collector, *rest = marks
    # History comes into the database after its run has come into the stream.
    collected = read_record(collector).collected if collector else ""
    return blake2b(repr((collected, rest, *others)).encode(), digest_size=12).hexdigest()


def living(beats: Iterable[tuple[Any, float]], now: float) -> list[tuple[Any, int]]:
    """Who beats, however lately; who has not for a while is told from them."""
    return sorted((name, min(max(int((now - beat) // BEAT_LIFE), 0), 2)) for name, beat in beats)
